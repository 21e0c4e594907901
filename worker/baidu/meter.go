package baidu

import (
	"sync"
	"time"
)

// meter turns slices under way into progress that never goes back.
type meter struct {
	report func(Progress)
	total  int64
	now    func() time.Time
	every  time.Duration

	mu      sync.Mutex
	told    time.Time
	best    int64
	samples []sample // of the last seconds
}

type sample struct {
	at   time.Time
	done int64
}

const (
	tellEvery = 500 * time.Millisecond
	speedOver = 8 * time.Second
)

func (c *Client) newMeter(total int64, report func(Progress)) *meter {
	return &meter{report: report, total: total, now: time.Now, every: c.patient(tellEvery)}
}

// at hears how much is there or under way; final tells at once.
func (m *meter) at(done int64, final bool) {
	if m.report == nil {
		return
	}
	m.mu.Lock()
	now := m.now()
	m.best = max(m.best, min(done, m.total))
	if !final && now.Sub(m.told) < m.every {
		m.mu.Unlock()
		return
	}
	m.told = now
	m.samples = append(m.samples, sample{now, m.best})
	for len(m.samples) > 2 && now.Sub(m.samples[1].at) >= speedOver {
		m.samples = m.samples[1:]
	}
	p := Progress{Done: m.best, Total: m.total}
	if first := m.samples[0]; now.After(first.at) {
		p.BPS = int64(float64(m.best-first.done) / now.Sub(first.at).Seconds())
	}
	if p.BPS > 0 {
		p.ETA = time.Duration(float64(m.total-m.best) / float64(p.BPS) * float64(time.Second))
	}
	m.mu.Unlock()
	m.report(p)
}
