//go:build !linux

package taskstest

import (
	"errors"
	"os"
	"syscall"
)

func dieWithParent() *syscall.SysProcAttr { return nil }

func suspend(*os.Process, bool) error { return errors.New("pausing redis-server is for Linux only") }
