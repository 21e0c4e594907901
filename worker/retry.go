package worker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/hibiken/asynq"

	"github.com/ngworks/nglive/tasks"
)

// class is what an error means for the next attempt.
type class string

const (
	again class = "again" // the world may be better later: back-off
	never class = "never" // it cannot succeed: a dead letter at once
	tell  class = "tell"  // a person must act first: a dead letter at once
	space class = "space" // no room: held until there is
)

// classed is what an adapter's errors may answer; adapters classify, this file decides.
type classed interface {
	Class() string
	UserMessage() string
}

// problem is an error of the worker itself, in words for people.
type problem struct {
	class class
	words string
	cause error
}

func (p *problem) Error() string {
	if p.cause == nil {
		return p.words
	}
	return p.words + ": " + p.cause.Error()
}
func (p *problem) Unwrap() error       { return p.cause }
func (p *problem) Class() string       { return string(p.class) }
func (p *problem) UserMessage() string { return p.words }

func problemf(c class, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &problem{class: c, words: err.Error()}
}

// held says that a step waits for something; it costs no attempt and no slot, and looks again within a minute.
type held struct {
	reason string
	target string // of an upload: the target that all its uploads wait for, told by itself
}

func (h *held) Error() string { return "held: " + h.reason }

// passed says that a step's `when` does not hold.
type passed struct {
	reason string
	seen   tasks.Sighting // what was learned about the file meanwhile
}

func (p *passed) Error() string { return "skipped: " + p.reason }

// reroute says that a step must be done in another mode, in another queue.
type reroute struct{ mode, warning string }

func (r *reroute) Error() string { return "to be done as " + r.mode + ": " + r.warning }

// gone says that the recording's file is not there any more.
type gone struct{ words string }

func (g *gone) Error() string       { return g.words }
func (g *gone) Class() string       { return string(never) }
func (g *gone) UserMessage() string { return g.words }

// lookAgain is when a held step looks again: within a minute, and not all at once.
func lookAgain() time.Duration { return tasks.Hasten(15*time.Second + rand.N(30*time.Second)) }

// delays between attempts; the last one repeats.
func delays() []time.Duration {
	return []time.Duration{
		10 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour,
	}
}

// maxAttempts is how often a step of a type is tried before it becomes a dead letter: an upload for about two days, since
// networks come back; work on local files less often, since it tends to fail the same way.
func maxAttempts(taskType string) int {
	switch taskType {
	case tasks.TypeUpload, tasks.TypeNotify, tasks.TypeDelete: // a delete asks the targets first
		return 14
	}
	return 5
}

// maxCrashes is how often an attempt may end with the worker itself before it counts as the cause.
const maxCrashes = 10

// backoff is the time to the attempt after the n-th, with up to a fifth of jitter so that many do not come at once.
func backoff(n int) time.Duration {
	d := delays()
	at := d[min(max(n, 1), len(d))-1]
	return tasks.Hasten(at + rand.N(at/5+1))
}

// classOf reads an error's class; what nobody classed is tried again.
func classOf(err error) class {
	var c classed
	if !errors.As(err, &c) {
		return again
	}
	switch k := class(c.Class()); k {
	case never, tell, space:
		return k
	case again:
	}
	return again
}

// words are what a person reads of an error: the adapter's own sentence where there is one.
func words(err error) string {
	var c classed
	if errors.As(err, &c) {
		return clip(c.UserMessage())
	}
	return clip(err.Error())
}

// clip keeps an error to a length that fits a page and a Redis document.
func clip(s string) string {
	const most = 600
	if s = strings.ToValidUTF8(s, "?"); len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// verdict is what a delivery tells Asynq: come again after the delay (not a failure of the task in Asynq's eyes, since the
// journal counts the attempts).
type verdict struct {
	after time.Duration
	cause error
}

func (v *verdict) Error() string { return v.cause.Error() }
func (v *verdict) Unwrap() error { return v.cause }

// deadLetter makes Asynq archive the task.
func deadLetter(why string) error { return fmt.Errorf("%s: %w", why, asynq.SkipRetry) }

// retryDelay is Asynq's RetryDelayFunc.
func retryDelay(_ int, err error, _ *asynq.Task) time.Duration {
	if v, ok := errors.AsType[*verdict](err); ok {
		return v.after
	}
	if errors.Is(err, asynq.ErrLeaseExpired) || errors.Is(err, context.Canceled) {
		return 0 // the next delivery joins the running job
	}
	return tasks.Hasten(30 * time.Second) // our own journal could not be written, or nobody classed it: no hot loop
}

// isFailure is Asynq's IsFailure: what the journal does not count, Asynq shall not count either.
func isFailure(err error) bool {
	if errors.Is(err, asynq.ErrLeaseExpired) || errors.Is(err, context.Canceled) {
		return false
	}
	var h *held
	return !errors.As(err, &h)
}

// isAway: the disk that a target lies on is not connected. That is waited for, as long as it takes.
func isAway(err error) bool {
	var target interface{ Away() bool }
	return errors.As(err, &target) && target.Away()
}
