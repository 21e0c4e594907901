package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"
)

// systemd is the service manager's ear: it learns when we are ready, what we
// are at and that we are alive. Where nobody listens everything does nothing.
type systemd struct {
	send     func(state string) error
	watchdog time.Duration // how long we may be silent; 0 = for ever
}

func newSystemd(environ []string) *systemd {
	env := environMap(environ)
	s := &systemd{send: func(string) error { return nil }}
	if path := env["NOTIFY_SOCKET"]; path != "" {
		s.send = func(state string) error { return notifySocket(path, state) }
	}
	pid := env["WATCHDOG_PID"]
	if usec, err := strconv.ParseInt(env["WATCHDOG_USEC"], 10, 64); err == nil && usec > 0 && (pid == "" || pid == strconv.Itoa(os.Getpid())) {
		s.watchdog = time.Duration(usec) * time.Microsecond
	}
	return s
}

// tell ignores a failure: without its ping the manager acts by itself.
func (s *systemd) tell(state string) { _ = s.send(state) }

func (s *systemd) ready(status string) { s.tell("READY=1\nSTATUS=" + status) }

func (s *systemd) stopping() { s.tell("STOPPING=1\nSTATUS=giving work back") }

// waiting says why the start takes long, and asks for that much more time.
func (s *systemd) waiting(status string, more time.Duration) {
	s.tell(fmt.Sprintf("STATUS=%s\nEXTEND_TIMEOUT_USEC=%d", status, more.Microseconds()))
}

// watch pings twice in every period for as long as alive holds.
func (s *systemd) watch(ctx context.Context, alive func() bool) {
	if s.watchdog == 0 {
		return
	}
	for {
		if alive() {
			s.tell("WATCHDOG=1")
		}
		if !pause(ctx, s.watchdog/2) {
			return
		}
	}
}
