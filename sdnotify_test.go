//go:build linux

package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

// managerSocket is systemd's end of the notification socket.
func managerSocket(t *testing.T, name string) (heard func() string) {
	t.Helper()
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return func() string {
		_ = l.SetReadDeadline(time.Now().Add(10 * time.Second))
		buf := make([]byte, 4096)
		n, err := l.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		return string(buf[:n])
	}
}

func TestSystemd_hearsTheStates(t *testing.T) {
	for _, name := range []string{filepath.Join(t.TempDir(), "notify"), "@nglive-test-" + strconv.Itoa(os.Getpid())} {
		heard := managerSocket(t, name)
		s := newSystemd([]string{"NOTIFY_SOCKET=" + name})
		s.ready("web at http://127.0.0.1:1")
		s.waiting("waiting for Redis", 30*time.Second)
		s.stopping()
		for _, want := range []string{
			"READY=1\nSTATUS=web at http://127.0.0.1:1",
			"STATUS=waiting for Redis\nEXTEND_TIMEOUT_USEC=30000000",
			"STOPPING=1\nSTATUS=giving work back",
		} {
			if got := heard(); got != want {
				t.Errorf("heard %q, want %q", got, want)
			}
		}
	}
}

func TestSystemd_isPingedOnlyWhileAlive(t *testing.T) {
	var alive atomic.Bool
	alive.Store(true)
	asked, pings := make(chan struct{}), make(chan string, 100)
	s := newSystemd([]string{"WATCHDOG_USEC=20000", "WATCHDOG_PID=" + strconv.Itoa(os.Getpid())})
	s.send = func(state string) error { pings <- state; return nil }
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.watch(ctx, func() bool { asked <- struct{}{}; return alive.Load() })
	}()
	<-asked
	if got := <-pings; got != "WATCHDOG=1" {
		t.Errorf("pinged %q", got)
	}
	alive.Store(false)
	<-asked // this one may have been under way
	for len(pings) > 0 {
		<-pings
	}
	<-asked
	<-asked
	if len(pings) > 0 {
		t.Error("pinged though dead")
	}
	go func() {
		for range asked {
		}
	}()
	stop()
	<-ended
}

func TestSystemd_staysSilentWhereNobodyListens(t *testing.T) {
	s := newSystemd([]string{"WATCHDOG_USEC=1000000", "WATCHDOG_PID=1"})
	if s.watchdog != 0 {
		t.Error("the watchdog of another process was taken for ours")
	}
	s.ready("x")
	s.watch(t.Context(), func() bool { t.Error("asked"); return true })
}
