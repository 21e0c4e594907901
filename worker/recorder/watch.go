package recorder

import (
	"context"
	"sync"
	"time"
)

// Watch looks after a recorder that runs, ours or not: whether it answers, and whether it posts its events to us.
type Watch struct {
	client  *Client
	webhook string // ours; empty: leave the recorder's list alone
	times   Times
	changed func(State)
	ring    chan struct{}

	mu       sync.Mutex
	state    State
	answered time.Time // last sign of life
	misses   time.Time // since when there is none; zero while there is
	checked  time.Time // when its list was last seen to be right
}

// NewWatch prepares a watch; changed is told of each change of the state, one at a time.
func NewWatch(c *Client, webhook string, times Times, changed func(State)) *Watch {
	return &Watch{client: c, webhook: webhook, times: times.settled(), changed: changed, ring: make(chan struct{}, 1), state: State{Since: time.Now()}}
}

// State is how it stands now.
func (w *Watch) State() State {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state
}

// Look asks for a look at once: after a command, or when the recorder was just started.
func (w *Watch) Look() {
	select {
	case w.ring <- struct{}{}:
	default:
	}
}

// Run watches until ctx ends.
func (w *Watch) Run(ctx context.Context) {
	tick := time.NewTicker(w.times.Look)
	defer tick.Stop()
	for {
		w.look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-w.ring:
		}
	}
}

func (w *Watch) look(ctx context.Context) {
	v, err := w.client.Version(ctx)
	if ctx.Err() != nil {
		return
	}
	hookErr := error(nil)
	if err == nil && w.due() {
		_, hookErr = w.client.EnsureWebhook(ctx, w.webhook)
		if ctx.Err() != nil {
			return
		}
	}
	w.note(v, err, hookErr)
}

// due reports whether the recorder's list must be looked at: it is back, a look went wrong, or time has passed.
func (w *Watch) due() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.webhook != "" && (!w.state.Up || !w.state.Hooked || time.Since(w.checked) >= w.times.Hooks)
}

func (w *Watch) note(v Version, err, hookErr error) {
	now := time.Now()
	w.change(func(s *State) {
		switch {
		case err != nil:
			if w.misses.IsZero() {
				w.misses = now
			}
			s.Up, s.Trouble = false, err.Error()
			if !passing(err) { // it is there and will not let us in: waiting helps nobody
				s.Alarm = true
			}
			s.Alarm = s.Alarm || now.Sub(w.misses) >= w.times.Alarm
		default:
			w.answered, w.misses = now, time.Time{}
			s.Up, s.Version, s.Alarm, s.Trouble = true, v.String(), false, ""
			if w.webhook == "" {
				return
			}
			switch {
			case hookErr != nil:
				s.Hooked, s.Trouble = false, hookErr.Error()
			case !s.Hooked || now.Sub(w.checked) >= w.times.Hooks:
				s.Hooked, w.checked = true, now
			}
		}
	})
}

// began tells the watch that a recorder of ours was started: what is known of the one before is void.
func (w *Watch) began(pid int) {
	w.change(func(s *State) {
		w.answered, w.misses, w.checked = time.Time{}, time.Now(), time.Time{}
		s.Up, s.Hooked, s.Life, s.PID = false, false, s.Life+1, pid
	})
	w.Look()
}

// ended tells the watch that it is not running, why, and whether a person should know.
func (w *Watch) ended(why string, alarm bool) {
	w.change(func(s *State) {
		s.Up, s.Hooked, s.Trouble, s.Alarm = false, false, why, s.Alarm || alarm
	})
}

// gone is ended for a process that is not there any more.
func (w *Watch) gone(why string, alarm bool) {
	w.change(func(s *State) { s.PID = 0 })
	w.ended(why, alarm)
}

// silentFor is how long a recorder that began at the given time has not answered.
func (w *Watch) silentFor(began time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.answered.After(began) {
		return time.Since(w.answered)
	}
	return time.Since(began)
}

func (w *Watch) change(change func(*State)) {
	w.mu.Lock()
	before := w.state
	change(&w.state)
	if before.Up != w.state.Up {
		w.state.Since = time.Now()
	}
	after := w.state
	w.mu.Unlock()
	if before != after && w.changed != nil {
		w.changed(after)
	}
}
