package baidu

import (
	"testing"
	"time"
)

// slowSender is a sender of a file of so many slices, of which the first ten crawl while slices usually take a second.
func slowSender(t *testing.T, slices int64) (s *sender, crawling []*attempt, now time.Time) {
	t.Helper()
	src := &source{size: slices * 4 * mib}
	u := &upload{c: New(Config{Account: "a"}), src: src, s: newSession(src, "/a", 4*mib)}
	s = u.newSender(u.s.unconfirmed())
	s.waiting, now = nil, time.Now()
	for range 5 {
		s.pace.won(now, 4*mib, time.Second, time.Hour)
	}
	for i := range 10 {
		a := &attempt{part: i, length: 4 * mib, began: now.Add(-20 * time.Second), moved: now, mark: sample{at: now}, cancel: func(error) {}}
		s.running[i] = []*attempt{a}
		crawling = append(crawling, a)
	}
	return s, crawling, now
}

// TestHedges_costATwentyFifthOfTheFileAtMost: slices that crawl at the end get second attempts while the budget lasts.
func TestHedges_costATwentyFifthOfTheFileAtMost(t *testing.T) {
	t.Parallel()
	s, crawling, now := slowSender(t, 100)
	for range 3 { // however often it looks
		for _, a := range crawling {
			s.overtake(a, now, 0)
		}
	}
	if len(s.hedges) != 4 {
		t.Errorf("%d second attempts for 100 slices, want 4", len(s.hedges))
	}
	s, crawling, now = slowSender(t, 100)
	s.extra = 3 * 4 * mib // was spent before
	for _, a := range crawling {
		s.overtake(a, now, 0)
	}
	if len(s.hedges) != 1 {
		t.Errorf("%d second attempts where one slice's bytes are left, want 1", len(s.hedges))
	}
}

// TestHedges_abandonWithinTheSameBudget: while other slices wait, a crawling one is given up and sent anew; the bytes that are lost with
// it count.
func TestHedges_abandonWithinTheSameBudget(t *testing.T) {
	t.Parallel()
	s, crawling, now := slowSender(t, 100)
	s.waiting = []int{50, 51}
	abandoned := 0
	for _, a := range crawling {
		a.cancel = func(error) { abandoned++ }
	}
	s.overtake(crawling[0], now, mib)
	s.extra = 4*4*mib - mib/2
	s.overtake(crawling[1], now, mib)
	if abandoned != 1 || len(s.hedges) != 0 {
		t.Errorf("%d were abandoned, want the one whose loss the budget bears; %d second attempts, want none", abandoned, len(s.hedges))
	}
}

// TestUpload_asksBaiduWhatItHas: what the journal did not hear before a death Baidu knows, and it is not sent again.
func TestUpload_asksBaiduWhatItHas(t *testing.T) {
	t.Parallel()
	src := &source{size: 20 * mib}
	c := New(Config{Account: "a"})
	u := &upload{c: c, src: src, s: newSession(src, "/a", 4*mib), k: c.newKeeper("a")}
	u.k.start(u.s)
	u.s.confirm(0)
	parts := u.both(u.s.unconfirmed(), u.listed(opened{Lacking: []number{0, 3, 4}}))
	if len(parts) != 2 || parts[0] != 3 || parts[1] != 4 {
		t.Errorf("%v are sent, want those that neither Baidu nor we have marked", parts)
	}
	if u.s.done(3) || !u.s.done(1) || !u.s.done(0) {
		t.Error("the marks differ from what is there")
	}
}
