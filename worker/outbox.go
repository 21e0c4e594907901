package worker

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/ngworks/nglive/tasks"
)

// outbox sends what the journal holds unsent, in order. Redis may be away for as long as it likes: nothing is lost, nothing
// overtakes, and a letter that arrives twice counts once.
type outbox struct {
	journal  *journal
	store    *tasks.Store
	queue    *tasks.Queue
	defaults tasks.Defaults // this node's, for the flows of what the sweep finds
	log      *slog.Logger
}

// batch is how many letters are sent before the journal forgets them together.
const batch = 64

func (o *outbox) run(ctx context.Context) error {
	for {
		n, err := o.send(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			o.log.Warn("outbox waits for Redis", "error", err)
			pause(ctx, time.Second)
		case n == 0:
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-o.journal.posted:
			}
		}
	}
}

// send sends one batch and returns how many letters it was.
func (o *outbox) send(ctx context.Context) (int, error) {
	keys, letters, err := o.journal.unsent(batch)
	if err != nil {
		return 0, err
	}
	for i := 0; i < len(letters); {
		n := max(1, oldFiles(letters[i:]))
		if err := o.deliverSome(ctx, letters[i:i+n]); err != nil {
			return i, errors.Join(err, o.journal.sent(keys[:i]))
		}
		i += n
	}
	if len(keys) == 0 {
		return 0, nil
	}
	return len(keys), o.journal.sent(keys)
}

// oldFiles is how many letters tell of old files before one that does not. Each is of a file of its own, and nothing follows from it:
// they need no order, and a folder may hold 100,000 of them.
func oldFiles(letters []letter) int {
	n := 0
	for n < len(letters) && letters[n].Fact != nil && letters[n].Fact.Kind == tasks.FileWasFound {
		n++
	}
	return n
}

// deliverSome delivers letters side by side. After an error all of them are delivered again, which counts once.
func (o *outbox) deliverSome(ctx context.Context, letters []letter) error {
	if len(letters) == 1 {
		return o.deliver(ctx, letters[0])
	}
	errs := make([]error, len(letters))
	var all sync.WaitGroup
	for i, l := range letters {
		all.Go(func() { errs[i] = o.deliver(ctx, l) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func (o *outbox) deliver(ctx context.Context, l letter) error {
	if l.Event != nil {
		return o.store.Publish(ctx, *l.Event)
	}
	r, err := o.tell(ctx, *l.Fact)
	if errors.Is(err, tasks.ErrNoRecording) {
		o.log.Warn("fact about an unknown recording dropped", "recording", l.Fact.Recording, "kind", string(l.Fact.Kind))
		return nil
	}
	if err != nil {
		return err
	}
	return o.queue.Follow(ctx, r)
}

// tell brings a fact about a recording, or one about a file that the sweep saw.
func (o *outbox) tell(ctx context.Context, f tasks.Fact) (tasks.Recording, error) {
	if f.Kind != tasks.FileWasClosed && f.Kind != tasks.FileWasFound {
		return o.store.Apply(ctx, f)
	}
	return o.store.Ingest(ctx, f, func(r tasks.Recording) (tasks.Flow, error) {
		flows, err := o.store.Flows(ctx)
		return flows.Choose(r).Resolve(o.defaults), err
	})
}

// empty reports whether everything was sent.
func (o *outbox) empty() bool {
	keys, _, err := o.journal.unsent(1)
	return err == nil && len(keys) == 0
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
