package baidu

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// suffer reacts to a failed attempt as the table says; s.mu is held.
func (s *sender) suffer(ctx context.Context, a *attempt, used string, err error) {
	f := failureOf(err)
	if f == nil || ctx.Err() != nil {
		s.failLocked(err)
		return
	}
	if errors.Is(a.why(), errAbandoned) {
		s.extra += a.sent.Load()
		s.again(a.part, 0, true)
		return
	}
	t := s.parts[a.part]
	t.tries++
	s.failures++
	if f.heavy || errors.Is(a.why(), errCrawls) {
		s.shrink(ctx)
	}
	s.u.c.cfg.Log.Debug("slice failed", "account", s.u.c.cfg.Account, "slice", a.part, "try", t.tries, "error", f.err)
	if t.tries >= triesMost || s.failures >= failuresMost {
		s.failLocked(f)
		return
	}
	if f.do == smaller && f.reason == ReasonServer && s.u.s.Slice == sliceLeast { // no smaller ones exist
		f.do = repeat
	}
	switch f.do {
	case repeat, repeatOnce, risk, settle:
		s.suffered(ctx, a, f)
	case slow:
		s.hush(ctx, a, f)
	case renew:
		s.renew(ctx, a, used, f)
	case fresh:
		s.refresh(a, f)
	default: // stop, reopen, relocate, smaller …: the session's matter
		s.failLocked(f)
	}
}

// again puts a part back.
func (s *sender) again(part int, after time.Duration, front bool) {
	s.after[part] = time.Now().Add(after)
	if front {
		s.waiting = append([]int{part}, s.waiting...)
	} else {
		s.waiting = append(s.waiting, part)
	}
	s.wake()
}

// suffered repeats a slice after a pause; a host on which a part failed three times while no other succeeded is left.
func (s *sender) suffered(ctx context.Context, a *attempt, f *failure) {
	t := s.parts[a.part]
	if t.hostTries == 0 || t.wins != s.wins {
		t.hostTries, t.wins = 0, s.wins
	}
	t.hostTries++
	wait, known := patienceOf(f.do, t.tries)
	if f.do == repeat || !known {
		wait = min(time.Second<<(t.tries-1), time.Minute) / 2
	}
	s.again(a.part, jitter(s.u.c.patient(wait)), false)
	if t.hostTries >= hostTries && a.host == s.host && !s.moving {
		s.move(ctx, f)
	}
}

// move leaves the host. s.mu is given up while Baidu is asked for another.
func (s *sender) move(ctx context.Context, f *failure) {
	if len(s.tried) >= hostsMost {
		s.failLocked(f)
		return
	}
	s.moving = true
	s.mu.Unlock()
	err := s.u.changeHost(ctx, s.tried)
	s.mu.Lock()
	s.moving = false
	if err != nil {
		s.failLocked(err)
		return
	}
	s.host = s.u.s.Host
	s.tried[s.host] = true
	s.failures = 0
	for _, t := range s.parts {
		t.hostTries = 0
	}
	s.wake()
}

// hush: Baidu asks everybody to be slower.
func (s *sender) hush(ctx context.Context, a *attempt, f *failure) {
	s.slowness++
	s.parts[a.part].tries--
	s.shrink(ctx)
	wait, again := patienceOf(slow, s.slowness)
	if now := time.Now(); now.Before(s.quiet) { // several heard it at once
		s.slowness--
		wait, again = s.quiet.Sub(now), true
	} else {
		wait = jitter(s.u.c.patient(wait))
		s.quiet = now.Add(wait)
	}
	if !again {
		s.failLocked(f)
		return
	}
	s.again(a.part, wait, true)
}

// renew gets another credential, once for all slices that heard the old one was over.
func (s *sender) renew(ctx context.Context, a *attempt, used string, f *failure) {
	t := s.parts[a.part]
	t.renewals++
	t.tries--
	// One that used an old pair and then met the end of the next one is no sign of a dead login; that is what the renewal itself says.
	const renewalsMost = 3
	nobodys := f.err.code == 0 && (f.err.status == http.StatusForbidden || f.err.status == http.StatusUnauthorized)
	if t.renewals > renewalsMost || t.renewals > 1 && nobodys {
		if nobodys {
			f.do = reopen
		}
		s.failLocked(f)
		return
	}
	s.mu.Unlock()
	err := s.u.c.auth.renew(ctx, used)
	s.mu.Lock()
	if err != nil {
		s.failLocked(err)
		return
	}
	s.again(a.part, 0, true)
}

// refresh tries on a connection that was not used before; if that does not help either, the session is the cause.
func (s *sender) refresh(a *attempt, f *failure) {
	t := s.parts[a.part]
	t.fresh++
	if t.fresh > 2 {
		f.do = reopen
		s.failLocked(f)
		return
	}
	s.u.c.http.CloseIdleConnections()
	s.again(a.part, jitter(s.u.c.patient(time.Duration(t.fresh)*time.Second)), true)
}

// shrink asks for fewer connections, once for a burst of failures.
func (s *sender) shrink(ctx context.Context) {
	if s.pace.lost(time.Now(), s.u.c.patient(paceWindow)) {
		s.u.c.cfg.Slots.Halve(ctx)
	}
}
