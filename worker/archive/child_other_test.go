//go:build !linux

package archive_test

import "fmt"

func child(what string, args []string) error {
	if what == "child-put" {
		return putInStep(args[0], args[1], args[2])
	}
	return fmt.Errorf("no child is called %s", what)
}
