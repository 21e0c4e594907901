package baidu

import (
	"context"
	"errors"
	"sync"
	"time"
)

// sender brings the slices of one session to Baidu, several at a time, in any order.
type sender struct {
	u *upload

	mu      sync.Mutex
	changed chan struct{} // closed and replaced whenever waiters should look again
	waiting []int         // parts nobody works on, the next one first
	hedges  []int         // parts that shall have a second attempt
	after   map[int]time.Time
	running map[int][]*attempt
	parts   map[int]*trouble
	left    int // parts Baidu does not have
	sent    int64
	err     error
	cancel  context.CancelFunc

	host   string
	tried  map[string]bool
	moving bool
	wins   int // slices that this host took

	quiet    time.Time // until then nobody sends
	slowness int       // answers in a row that asked for it
	failures int       // in a row, of all parts
	extra    int64     // bytes sent twice for speed alone
	pace     pace
}

// trouble is what one part went through.
type trouble struct {
	tries, hostTries, fresh, renewals, given int
	wins                                     int // the host's when the first of hostTries failed
}

// Limits of patience with one session; then the worker tries again later, from the same session.
const (
	triesMost    = 8
	failuresMost = 24
	hostTries    = 3
	hostsMost    = 6
)

func (u *upload) newSender(parts []int) *sender {
	s := &sender{
		u: u, changed: make(chan struct{}), waiting: parts, after: map[int]time.Time{}, running: map[int][]*attempt{},
		parts: map[int]*trouble{}, left: len(parts), host: u.s.Host, tried: map[string]bool{u.s.Host: true},
	}
	for _, i := range parts {
		s.parts[i] = &trouble{}
	}
	return s
}

// send sends parts and returns when Baidu confirmed all of them, or why not.
func (u *upload) send(ctx context.Context, parts []int) error {
	if len(parts) == 0 {
		return nil
	}
	s := u.newSender(parts)
	ctx, s.cancel = context.WithCancel(ctx)
	defer s.cancel()
	s.pace.reset(time.Now())
	var work sync.WaitGroup
	for range min(SlotsMax, len(parts)+1) {
		work.Go(func() { s.work(ctx) })
	}
	watching := make(chan struct{})
	go func() { defer close(watching); s.watch(ctx) }()
	work.Wait()
	s.cancel()
	<-watching
	s.mu.Lock()
	defer s.mu.Unlock()
	u.sent += s.sent
	switch {
	case s.err != nil:
		return s.err
	case s.left > 0:
		return context.Cause(ctx)
	}
	s.u.meter.at(u.src.size, false)
	return nil
}

// work sends one part after the other.
func (s *sender) work(ctx context.Context) {
	for {
		j, ok := s.next(ctx)
		if !ok {
			return
		}
		give, err := s.u.c.cfg.Slots.Take(ctx)
		if err != nil {
			s.fail(err)
			return
		}
		s.try(ctx, j)
		give()
	}
}

// job is a part to send; a hedge is the second attempt at a part that another connection is slow with.
type job struct {
	part  int
	hedge bool
}

// next waits for a part to send; false: all are there, or it is over.
func (s *sender) next(ctx context.Context) (job, bool) {
	for {
		s.mu.Lock()
		changed := s.changed
		if s.left == 0 || s.err != nil {
			s.mu.Unlock()
			return job{}, false
		}
		j, wait, ok := s.pick(time.Now())
		s.mu.Unlock()
		if ok {
			return j, true
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return job{}, false
		case <-changed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// pick takes the first waiting part that may be sent now, else says when to look again.
func (s *sender) pick(now time.Time) (j job, wait time.Duration, ok bool) {
	wait = time.Minute
	if s.moving {
		return j, wait, false
	}
	if now.Before(s.quiet) {
		return j, s.quiet.Sub(now), false
	}
	for i, p := range s.waiting {
		if at := s.after[p]; now.Before(at) {
			wait = min(wait, at.Sub(now))
			continue
		}
		s.waiting = append(s.waiting[:i:i], s.waiting[i+1:]...)
		return job{part: p}, 0, true
	}
	if len(s.waiting) == 0 && len(s.hedges) > 0 {
		j = job{part: s.hedges[0], hedge: true}
		s.hedges = s.hedges[1:]
		return j, 0, true
	}
	return j, wait, false
}

// wake lets waiters look again; s.mu is held.
func (s *sender) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// fail ends the sending; the first reason counts.
func (s *sender) fail(err error) {
	s.mu.Lock()
	s.failLocked(err)
	s.mu.Unlock()
}

func (s *sender) failLocked(err error) {
	if s.left == 0 {
		return
	}
	if s.err == nil {
		s.err = err
	}
	s.cancel()
	s.wake()
}

// try sends a part once.
func (s *sender) try(ctx context.Context, j job) {
	one, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	a := s.begin(j, func() error { return context.Cause(one) }, cancel)
	if a == nil {
		return
	}
	got, used, err := s.u.post(one, a)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(ctx, a, got, used, err)
}

// begin makes an attempt, unless things changed while we waited for a connection.
func (s *sender) begin(j job, why func() error, cancel context.CancelCauseFunc) *attempt {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.u.s.done(j.part) || j.hedge != (len(s.running[j.part]) == 1) {
		return nil
	}
	if s.moving || now.Before(s.quiet) {
		if !j.hedge {
			s.again(j.part, 0, true)
		}
		return nil
	}
	a := &attempt{
		part: j.part, offset: int64(j.part) * s.u.s.Slice, length: s.u.src.lengthOf(j.part, s.u.s.Slice), want: s.u.s.sum(j.part), host: s.host,
		began: now, moved: now, mark: sample{at: now}, cancel: cancel, why: why,
	}
	s.running[j.part] = append(s.running[j.part], a)
	return a
}

// settle does what an attempt's end asks for; s.mu is held.
func (s *sender) settle(ctx context.Context, a *attempt, got sum, used string, err error) {
	s.sent += a.sent.Load()
	s.remove(a)
	if s.u.s.done(a.part) { // the other attempt was faster
		s.extra += a.sent.Load()
		return
	}
	if err == nil {
		s.succeed(ctx, a, got)
		return
	}
	if len(s.running[a.part]) > 0 && failureOf(err) != nil { // the other attempt may yet succeed
		s.extra += a.sent.Load()
		return
	}
	s.suffer(ctx, a, used, err)
}

func (s *sender) remove(a *attempt) {
	var rest []*attempt
	for _, other := range s.running[a.part] {
		if other != a {
			rest = append(rest, other)
		}
	}
	s.running[a.part] = rest
	if len(rest) == 0 {
		delete(s.running, a.part)
	}
}

func (s *sender) succeed(ctx context.Context, a *attempt, got sum) {
	s.left--
	s.wins++
	s.failures, s.slowness = 0, 0
	for _, other := range s.running[a.part] {
		other.cancel(errOvertaken)
	}
	s.u.k.confirm(a.part, got)
	now := time.Now()
	if s.pace.won(now, a.length, now.Sub(a.began), s.u.c.patient(paceWindow)) {
		s.u.c.cfg.Slots.Widen(ctx)
	}
	if s.left == 0 {
		s.cancel() // whoever still waits for a connection need not
		s.wake()
	}
}

var (
	errOvertaken = errors.New("the same slice arrived on another connection")
	errAbandoned = errors.New("this connection is much slower than others")
	errStalled   = errors.New("nothing moves on this connection")
	errCrawls    = errors.New("this connection is too slow to finish")
)
