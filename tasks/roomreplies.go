package tasks

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// lookAgainAfter is how often a command is looked at while nothing is heard: a message is lost when the line breaks.
const lookAgainAfter = 250 * time.Millisecond

// replies hears for all who wait that commands are over, over one line that is open only while somebody waits. A blocking
// read for each of them would hold that many of Redis's few connections.
type replies struct {
	rdb redis.UniversalClient

	mu      sync.Mutex
	waiting map[string][]chan struct{}
	hang    func() // closes the line; nil = none is open
}

// wait registers for one command. heard is closed when it is over; leave must be called.
func (l *replies) wait(id string) (heard <-chan struct{}, leave func()) {
	c := make(chan struct{})
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting == nil {
		l.waiting = map[string][]chan struct{}{}
	}
	l.waiting[id] = append(l.waiting[id], c)
	if l.hang == nil {
		l.listen()
	}
	return c, func() { l.leave(id, c) }
}

// listen opens the line; the lock is held.
func (l *replies) listen() {
	line := l.rdb.Subscribe(context.Background(), commandChannel)
	l.hang = func() { _ = line.Close() }
	go func() {
		for m := range line.Channel() {
			l.over(m.Payload)
		}
	}()
}

func (l *replies) over(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.waiting[id] {
		close(c)
	}
	l.waiting[id] = nil
}

func (l *replies) leave(id string, c chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := l.waiting[id][:0:0]
	for _, x := range l.waiting[id] {
		if x != c {
			kept = append(kept, x)
		}
	}
	if l.waiting[id] = kept; len(kept) == 0 {
		delete(l.waiting, id)
	}
	if len(l.waiting) == 0 && l.hang != nil {
		l.hang()
		l.hang = nil
	}
}

// AwaitCommand waits until a command is over, but not longer than within.
func (s *Store) AwaitCommand(ctx context.Context, id string, within time.Duration) (RoomReply, error) {
	heard, leave := s.replies.wait(id) //nolint:contextcheck // the line is everybody's
	defer leave()
	return s.await(ctx, id, heard, within)
}

func (s *Store) await(ctx context.Context, id string, heard <-chan struct{}, within time.Duration) (RoomReply, error) {
	end := time.NewTimer(within)
	defer end.Stop()
	look := time.NewTicker(lookAgainAfter)
	defer look.Stop()
	for {
		late := false
		select {
		case <-ctx.Done():
			return RoomReply{}, ctx.Err()
		case <-heard:
			heard = nil
		case <-look.C:
		case <-end.C:
			late = true
		}
		r, err := s.Command(ctx, id)
		if err != nil || r.Over() || late {
			return r, err
		}
	}
}
