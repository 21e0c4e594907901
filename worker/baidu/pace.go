package baidu

import (
	"slices"
	"time"
)

// paceWindow is how long throughput is watched before one more connection is allowed.
const paceWindow = 1500 * time.Millisecond

// pace watches how fast slices go.
type pace struct {
	since  time.Time
	bytes  int64
	count  int
	best   float64 // bytes a second of the best window
	halved time.Time
	took   []time.Duration // by the last slices
}

const (
	paceSlices = 6  // a window holds at least so many
	tookMost   = 16 // and the median is of so many
	paceRest   = 10 // so many windows after a loss it does not widen
)

func (p *pace) reset(now time.Time) { p.since, p.bytes, p.count = now, 0, 0 }

// won counts a slice; true: throughput grew, one more connection may help.
func (p *pace) won(now time.Time, size int64, took, window time.Duration) bool {
	p.took = append(p.took, took)
	if len(p.took) > tookMost {
		p.took = p.took[1:]
	}
	p.bytes += size
	p.count++
	since := now.Sub(p.since)
	if since < window || p.count < paceSlices {
		return false
	}
	speed := float64(p.bytes) / since.Seconds()
	p.reset(now)
	if now.Sub(p.halved) < paceRest*window {
		return false
	}
	grew := speed > p.best*1.05
	if grew {
		p.best = speed
	}
	return grew
}

// lost counts a failure that fewer connections may have spared; true: halve, but once for a burst.
func (p *pace) lost(now time.Time, window time.Duration) bool {
	if now.Sub(p.halved) < window {
		return false
	}
	p.halved, p.best = now, 0
	p.reset(now)
	return true
}

// median is how long a slice takes; false: too few are done to say.
func (p *pace) median() (time.Duration, bool) {
	if len(p.took) < 3 {
		return 0, false
	}
	sorted := slices.Sorted(slices.Values(p.took))
	return sorted[len(sorted)/2], true
}
