package tasks

import (
	"os"
	"regexp"
	"slices"
	"testing"
)

// TestNotifiable_namesEveryEventThatCanBeTold: a setting with a name that is not among them is refused.
func TestNotifiable_namesEveryEventThatCanBeTold(t *testing.T) {
	source, err := os.ReadFile("event.go")
	if err != nil {
		t.Fatal(err)
	}
	never := []string{IsTranscode, IsUp, Heartbeat, NotifyEnded, NotifyError, TestMessage, Gap}
	all := regexp.MustCompile(`(?m)^\t[A-Z]\w+ += "(\w+)"$`).FindAllStringSubmatch(string(source), -1)
	if len(all) < 35 {
		t.Fatalf("only %d events were found in the source", len(all))
	}
	for _, m := range all {
		if slices.Contains(Notifiable(), m[1]) == slices.Contains(never, m[1]) {
			t.Errorf("%s is to be among them, or among what is never told, and not both", m[1])
		}
	}
}
