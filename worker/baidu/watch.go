package baidu

import (
	"context"
	"time"
)

// What a connection has to do at least.
const (
	watchTick  = 200 * time.Millisecond
	stallAfter = 15 * time.Second       // without a byte
	lastAfter  = 3 * time.Minute        // without an answer, when the last bytes are on their way and may never leave
	crawlOver  = 10 * time.Second       // below crawlRate for so long
	crawlRate  = 32 << 10               // bytes a second; Baidu's gateway cuts 4 MiB below 140 KB/s anyway
	hedgeFrom  = 200 * time.Millisecond // no slice is called slow earlier
	slowBy     = 3                      // times the median
	extraShare = 25                     // of the file, 1 in so many bytes may be sent twice for speed
	givenMost  = 3                      // times that a part is taken from a slow connection
)

// watch looks at the connections at work until ctx ends, and tells progress.
func (s *sender) watch(ctx context.Context) {
	tick := time.NewTicker(max(s.u.c.patient(watchTick), 2*time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.u.meter.at(s.look(time.Now()), false)
		}
	}
}

// look judges every attempt once, and returns the bytes that are there or on their way.
func (s *sender) look(now time.Time) (done int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	done = s.u.src.size
	for part := range s.parts {
		if !s.u.s.done(part) {
			done -= s.u.src.lengthOf(part, s.u.s.Slice)
		}
	}
	for _, attempts := range s.running {
		most := int64(0)
		for _, a := range attempts {
			most = max(most, s.judge(a, now))
		}
		done += most
	}
	return done
}

// judge ends an attempt that stands still or crawls, and overtakes one that is much slower than the others.
func (s *sender) judge(a *attempt, now time.Time) (sent int64) {
	sent = a.sent.Load()
	if sent != a.before {
		a.before, a.moved = sent, now
	}
	c := s.u.c
	limited := c.cfg.RateLimit > 0 // then slowness is our own will
	switch {
	case sent >= a.length && now.Sub(a.moved) > c.deadline(lastAfter):
		a.cancel(errStalled) // the transport's own limit begins only when the last byte has left
		return sent
	case sent < a.length && !limited && now.Sub(a.moved) > c.deadline(stallAfter):
		a.cancel(errStalled)
		return sent
	case sent < a.length && !limited && now.Sub(a.mark.at) > c.deadline(crawlOver):
		floor := float64(crawlRate) * now.Sub(a.mark.at).Seconds()
		if float64(sent-a.mark.done) < floor && s.parts[a.part].tries < 2 { // a link that is this slow altogether shall go on
			a.cancel(errCrawls)
			return sent
		}
		a.mark = sample{now, sent}
	}
	s.overtake(a, now, sent)
	return sent
}

// overtake sends a slice anew that takes far longer than others do: in place of the slow attempt while there is other work, beside
// it at the end, and never more than a twenty-fifth of the file, so that with what is on its way it stays below a twentieth.
func (s *sender) overtake(a *attempt, now time.Time, sent int64) {
	usual, ok := s.pace.median()
	took := now.Sub(a.began)
	t := s.parts[a.part]
	if !ok || took < slowBy*usual || took < hedgeFrom || len(s.running[a.part]) != 1 || t.given >= givenMost {
		return
	}
	if sent < a.length && sent > 0 && time.Duration(float64(took)*float64(a.length-sent)/float64(sent)) < usual {
		return // it is nearly there
	}
	budget := s.u.src.size/extraShare - s.extra - s.pending()
	switch {
	case len(s.waiting) == 0 && a.length <= budget:
		t.given++
		s.hedges = append(s.hedges, a.part)
		s.wake()
	case sent <= budget && sent < a.length:
		t.given++
		a.cancel(errAbandoned)
	}
}

// pending is what the pairs of attempts under way may yet cost.
func (s *sender) pending() (cost int64) {
	for _, attempts := range s.running {
		if len(attempts) > 1 {
			cost += attempts[0].length
		}
	}
	return cost + int64(len(s.hedges))*s.u.s.Slice
}
