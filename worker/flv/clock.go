package flv

import "time"

const (
	// jumpSize is what a step in the timestamps must exceed to be reported.
	jumpSize = 1000
	// gapLimit is the longest pause that is believed. A recorder hangs up
	// after 10 s without data, so a longer step forward is a broken clock.
	gapLimit = 10_000
	// backLimit lets the small disorder of live streams pass.
	backLimit = 100
	// near is how close two streams' timestamps are when they share a clock.
	near = 1000
)

// Jump is a place where the timestamps do not go on as the frames do.
type Jump struct {
	At time.Duration // on the mended timeline
	By time.Duration // negative: back in time
}

// Broken says whether the step cannot be a pause of the broadcast.
func (j Jump) Broken() bool {
	return j.By < -backLimit*time.Millisecond || j.By > gapLimit*time.Millisecond
}

// track is one stream's place on the clock. Times are milliseconds.
type track struct {
	begun     bool
	raw, out  int64 // the last frame's, as written and as mended
	offset    int64 // out - raw
	first     int64 // the first frame's raw
	maxRaw    int64
	intervals int64 // how many plausible intervals make up span
	span      int64
}

// interval is the usual time between two frames.
func (t *track) interval() int64 {
	if t.intervals == 0 {
		return 0
	}
	return t.span / t.intervals
}

// clock follows the timestamps of both streams and straightens what is broken:
// it is the one place that decides what a file's duration is.
type clock struct {
	audio, video track
	jumps        []Jump
	jumpCount    int
}

// maxJumps bounds the list; jumpCount goes on counting.
const maxJumps = 1000

// next takes the timestamp of a frame and returns its place on the mended
// timeline, which begins at 0 and only goes forward.
func (c *clock) next(kind byte, ts int64) int64 {
	own, other := &c.video, &c.audio
	if kind == tagAudio {
		own, other = other, own
	}
	if !own.begun {
		c.begin(own, other, ts)
		return own.out
	}
	step := ts - own.raw
	if broken := step < -backLimit || step > gapLimit; broken {
		c.rejoin(own, other, ts)
	} else {
		if step > jumpSize && !sharesClock(other, ts) {
			c.note(own.out, step)
		}
		if step >= 0 && step <= jumpSize {
			own.span += step
			own.intervals++
		}
	}
	own.raw = ts
	own.maxRaw = max(own.maxRaw, ts)
	own.out = max(ts+own.offset, own.out)
	return own.out
}

// begin places a stream's first frame.
func (c *clock) begin(own, other *track, ts int64) {
	own.begun = true
	own.raw, own.first, own.maxRaw = ts, ts, ts
	switch {
	case !other.begun:
		own.offset = -ts
	case ts-other.raw >= -near && ts-other.raw <= gapLimit:
		own.offset = other.offset
	default:
		c.note(other.out, ts-other.raw)
		own.offset = other.out - ts
	}
	own.out = max(ts+own.offset, 0)
}

// rejoin finds the stream's new offset after a broken step. When the other
// stream already is where this one jumped to, both share one offset, so that
// sound and picture stay together.
func (c *clock) rejoin(own, other *track, ts int64) {
	back := ts < own.raw
	if sharesClock(other, ts) && (!back || own.offset != other.offset) {
		own.offset = other.offset
		return
	}
	c.note(own.out, ts-own.raw)
	to := own.out + own.interval()
	if other.begun {
		to = max(to, other.out)
	}
	own.offset = to - ts
}

func sharesClock(other *track, ts int64) bool {
	return other.begun && abs(ts-other.raw) <= near
}

func (c *clock) note(at, by int64) {
	c.jumpCount++
	if len(c.jumps) < maxJumps {
		c.jumps = append(c.jumps, Jump{At: millis(at), By: millis(by)})
	}
}

// media is the length of the mended timeline.
func (c *clock) media() time.Duration {
	var end int64
	for _, t := range []*track{&c.audio, &c.video} {
		if t.begun {
			end = max(end, t.out+t.interval())
		}
	}
	return millis(end)
}

// span is the reach of the timestamps as they are written.
func (c *clock) span() time.Duration {
	var first, last int64
	found := false
	for _, t := range []*track{&c.audio, &c.video} {
		if !t.begun {
			continue
		}
		if !found || t.first < first {
			first = t.first
		}
		last = max(last, t.maxRaw+t.interval())
		found = true
	}
	return millis(last - first)
}

func millis(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

func abs(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}
