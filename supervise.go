package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/thejerf/suture/v4"

	"github.com/ngworks/nglive/tasks"
)

// part is something that runs until it is told to stop; when it ends before, it
// is started again, unless only a person can help: then final ends all of `up`.
type part struct {
	name  string
	run   func(ctx context.Context) error
	final func(err error)
}

// Serve is one life of the part.
func (p part) Serve(ctx context.Context) error {
	err := p.run(ctx)
	if ctx.Err() == nil && needsPerson(err) {
		p.final(err)
		return suture.ErrDoNotRestart
	}
	return err
}

// String is the part's name in the log.
func (p part) String() string { return p.name }

// settingError is a mistake that another start would only repeat.
type settingError struct{ error }

// Unwrap gives the mistake itself.
func (e settingError) Unwrap() error { return e.error }

// needsPerson says that to start again is useless or wrong.
func needsPerson(err error) bool {
	var taken *tasks.TakenError
	var setting settingError
	return errors.As(err, &taken) || errors.As(err, &setting) || errors.Is(err, tasks.ErrNodeLost) || errors.Is(err, tasks.ErrOtherKey)
}

// supervised is a part under its own supervisor, so that the parts can be
// stopped one after another.
type supervised struct {
	name   string
	log    *slog.Logger
	cancel context.CancelFunc
	done   <-chan error
}

// How a part that keeps dying is started again: the first time at once, from
// then on after a break, until it has lived long enough for its record to fade.
const (
	restartsAtOnce = 1.5
	recordFades    = 30 // seconds until half of it is forgotten
	restartBreak   = 3 * time.Second
)

func supervise(ctx context.Context, p part, between time.Duration, log *slog.Logger) *supervised {
	s := &supervised{name: p.name, log: log}
	supervisor := suture.New(p.name, suture.Spec{
		EventHook:        s.report,
		FailureThreshold: restartsAtOnce,
		FailureDecay:     recordFades,
		FailureBackoff:   between,
		Timeout:          recorderStop + allStop, // stop has its own, shorter ones
	})
	supervisor.Add(p)
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // stop alone ends it
	s.cancel, s.done = cancel, supervisor.ServeBackground(ctx)
	return s
}

// report puts what the supervisor saw into the log.
func (s *supervised) report(e suture.Event) {
	switch e := e.(type) {
	case suture.EventServicePanic:
		s.log.Error("a part panicked and starts again", "part", s.name, "panic", e.PanicMsg, "stack", e.Stacktrace)
	case suture.EventServiceTerminate:
		s.log.Error("a part ended by itself and starts again", "part", s.name, "error", fmt.Sprint(e.Err))
	case suture.EventBackoff:
		s.log.Warn("a part keeps ending; it gets a break before it starts again", "part", s.name)
	}
}

// stop ends the part and waits, but no longer than within; true when it ended.
func (s *supervised) stop(within time.Duration) bool {
	if s == nil {
		return true
	}
	s.cancel()
	select {
	case err := <-s.done:
		s.log.Debug("a part stopped", "part", s.name, "error", err)
		return true
	case <-time.After(within):
		s.log.Error("a part did not stop in time and is left behind", "part", s.name, "after", within)
		return false
	}
}
