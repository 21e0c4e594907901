package worker

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
)

// Why a job's context ended.
var (
	errStopped    = errors.New("stopped by a person through the queue")
	errSuperseded = errors.New("its recording was cancelled or runs anew")
	errShutdown   = errors.New("the worker is stopping")
)

// job is work under way. It has its own context: a delivery that Asynq takes away (lost lease, Redis away, paused machine) does
// not end it, and the next delivery of the same task joins it.
type job struct {
	id        string
	recording string
	run       int
	step      string
	cancel    context.CancelCauseFunc
	done      chan struct{}
	err       error // the verdict for Asynq; read after done
}

// jobs knows all work under way on this node.
type jobs struct {
	mu     sync.Mutex
	byID   map[string]*job
	closed bool
	wg     sync.WaitGroup
}

func newJobs() *jobs { return &jobs{byID: map[string]*job{}} }

// startOrJoin returns the running job of that id, or starts one. It returns nil when the worker is stopping.
func (js *jobs) startOrJoin(j *job, work func(ctx context.Context) error) *job {
	js.mu.Lock()
	defer js.mu.Unlock()
	if running, ok := js.byID[j.id]; ok {
		return running
	}
	if js.closed {
		return nil
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	j.cancel, j.done = cancel, make(chan struct{})
	js.byID[j.id] = j
	js.wg.Go(func() {
		defer cancel(nil)
		j.err = careful(ctx, work)
		js.mu.Lock()
		delete(js.byID, j.id)
		js.mu.Unlock()
		close(j.done)
	})
	return j
}

// careful turns a panic into an error: one file that breaks a parser must not take the whole process down.
func careful(ctx context.Context, work func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return work(ctx)
}

// stop ends the job of that id and says why; it reports whether there was one.
func (js *jobs) stop(id string, why error) bool {
	js.mu.Lock()
	defer js.mu.Unlock()
	j, ok := js.byID[id]
	if ok {
		j.cancel(why)
	}
	return ok
}

// list returns the jobs under way.
func (js *jobs) list() []*job {
	js.mu.Lock()
	defer js.mu.Unlock()
	out := make([]*job, 0, len(js.byID))
	for _, j := range js.byID {
		out = append(out, j)
	}
	return out
}

// has reports whether a task has a job.
func (js *jobs) has(id string) bool {
	js.mu.Lock()
	defer js.mu.Unlock()
	_, ok := js.byID[id]
	return ok
}

// close ends all jobs because the worker stops, and waits for them.
func (js *jobs) close() {
	js.mu.Lock()
	js.closed = true
	for _, j := range js.byID {
		j.cancel(errShutdown)
	}
	js.mu.Unlock()
	js.wg.Wait()
}

// slots limits how much of one kind happens at once, whatever Asynq believes.
type slots chan struct{}

func (s slots) take(ctx context.Context) error {
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s slots) free() { <-s }

// locks lets only one job at a time touch a recording's files.
type locks struct {
	mu sync.Mutex
	by map[string]chan struct{}
}

func newLocks() *locks { return &locks{by: map[string]chan struct{}{}} }

// try takes the lock of a recording if nobody has it.
func (l *locks) try(recording string) (unlock func(), ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, taken := l.by[recording]; taken {
		return nil, false
	}
	return l.hold(recording), true
}

// hold makes the lock; l.mu is held.
func (l *locks) hold(recording string) (unlock func()) {
	mine := make(chan struct{})
	l.by[recording] = mine
	return func() {
		l.mu.Lock()
		delete(l.by, recording)
		l.mu.Unlock()
		close(mine)
	}
}

// take waits for the lock of a recording and returns how to let go.
func (l *locks) take(ctx context.Context, recording string) (func(), error) {
	for {
		l.mu.Lock()
		held, ok := l.by[recording]
		if !ok {
			unlock := l.hold(recording)
			l.mu.Unlock()
			return unlock, nil
		}
		l.mu.Unlock()
		select {
		case <-held:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
