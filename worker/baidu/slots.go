package baidu

import (
	"context"
	"sync"
)

// How many connections an account may have: Baidu answers more with empty 500s, and hours of too many with a crawl.
const (
	SlotsMin     = 1
	SlotsDefault = 4
	SlotsMax     = 8
)

// Slots are an account's connections, shared by all uploads of all processes. The engine asks for one a slice.
type Slots interface {
	// Take waits for a free connection. give returns it; it is called once.
	Take(ctx context.Context) (give func(), err error)
	// Widen allows one connection more, up to SlotsMax.
	Widen(ctx context.Context)
	// Halve allows half as many, down to SlotsMin. Those that are taken are not taken away.
	Halve(ctx context.Context)
}

// localSlots are the slots of one process.
type localSlots struct {
	mu          sync.Mutex
	limit, most int
	taken       int
	waiting     []chan struct{}
}

// NewSlots are the slots of one process: SlotsDefault, between SlotsMin and SlotsMax.
func NewSlots() Slots { return &localSlots{limit: SlotsDefault, most: SlotsMax} }

// NewFixedSlots never change: for measurements.
func NewFixedSlots(n int) Slots { return &localSlots{limit: n, most: -1} }

func (s *localSlots) Take(ctx context.Context) (give func(), err error) {
	s.mu.Lock()
	if s.taken < s.limit && len(s.waiting) == 0 {
		s.taken++
		s.mu.Unlock()
		return sync.OnceFunc(s.give), nil
	}
	turn := make(chan struct{})
	s.waiting = append(s.waiting, turn)
	s.mu.Unlock()
	select {
	case <-turn:
		return sync.OnceFunc(s.give), nil
	case <-ctx.Done():
		s.forgo(turn)
		return nil, context.Cause(ctx)
	}
}

// forgo gives up waiting; a turn that came at the same moment goes to the next.
func (s *localSlots) forgo(turn chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, w := range s.waiting {
		if w == turn {
			s.waiting = append(s.waiting[:i], s.waiting[i+1:]...)
			return
		}
	}
	s.taken--
	s.serve()
}

func (s *localSlots) give() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken--
	s.serve()
}

func (s *localSlots) serve() {
	for s.taken < s.limit && len(s.waiting) > 0 {
		close(s.waiting[0])
		s.waiting = s.waiting[1:]
		s.taken++
	}
}

func (s *localSlots) Widen(context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.most > 0 {
		s.limit = min(s.limit+1, s.most)
		s.serve()
	}
}

func (s *localSlots) Halve(context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.most > 0 {
		s.limit = max(s.limit/2, SlotsMin)
	}
}
