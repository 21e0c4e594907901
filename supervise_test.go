package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ngworks/nglive/tasks"
)

func TestSupervise_startsAgainWhatDiesOrPanics(t *testing.T) {
	var said screen
	var lives atomic.Int32
	alive := make(chan struct{})
	s := supervise(t.Context(), part{name: "web", run: func(ctx context.Context) error {
		switch lives.Add(1) {
		case 1:
			return errors.New("lost my way")
		case 2:
			panic("dropped everything")
		}
		close(alive)
		<-ctx.Done()
		return ctx.Err()
	}}, time.Millisecond, newLog(&said, Config{}))
	select {
	case <-alive:
	case <-time.After(10 * time.Second):
		t.Fatalf("no third life; the log: %s", &said)
	}
	if !s.stop(10 * time.Second) {
		t.Error("it did not stop")
	}
	for _, want := range []string{"lost my way", "dropped everything", "starts again", "break"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("%q is not in the log: %s", want, &said)
		}
	}
}

func TestSupervise_leavesToAPersonWhatOnlyAPersonMends(t *testing.T) {
	for _, err := range []error{
		&tasks.TakenError{Node: "nas"}, tasks.ErrNodeLost, tasks.ErrOtherKey, settingError{errors.New("a bad address")},
	} {
		var lives atomic.Int32
		final := make(chan error, 1)
		s := supervise(t.Context(), part{
			name:  "worker",
			run:   func(context.Context) error { lives.Add(1); return fmt.Errorf("claim: %w", err) },
			final: func(err error) { final <- err },
		}, time.Millisecond, newLog(&screen{}, Config{}))
		select {
		case got := <-final:
			if !errors.Is(got, err) {
				t.Errorf("told %v, want %v", got, err)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("%v was not told", err)
		}
		s.stop(10 * time.Second)
		if n := lives.Load(); n != 1 {
			t.Errorf("%v: %d lives", err, n)
		}
	}
}

func TestSupervised_stopDoesNotWaitForEver(t *testing.T) {
	hang, started := make(chan struct{}), make(chan struct{})
	defer close(hang)
	var said screen
	s := supervise(t.Context(), part{name: "worker", run: func(context.Context) error {
		close(started)
		<-hang
		return nil
	}}, time.Millisecond, newLog(&said, Config{}))
	<-started
	if s.stop(20 * time.Millisecond) {
		t.Error("it says that it stopped")
	}
	if !strings.Contains(said.String(), "left behind") {
		t.Errorf("nothing in the log: %s", &said)
	}
}
