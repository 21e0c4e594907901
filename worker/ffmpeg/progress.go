package ffmpeg

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// Progress is one report of a running ffmpeg. What it does not know yet is 0.
type Progress struct {
	OutTime    time.Duration // how much of the output is made
	TotalBytes int64
	Frame      int64
	Speed      float64 // 2 = twice as fast as the recording plays
	BPS        float64 // bits a second of the output
}

// reports reads the key=value blocks of -progress and hands out the newest
// report; one that nobody took is replaced, so that ffmpeg never waits.
type reports struct {
	newest  chan Progress
	current Progress
	partial []byte
}

func newReports() *reports { return &reports{newest: make(chan Progress, 1)} }

func (r *reports) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		r.partial = append(r.partial, line[:min(len(line), lineLimit-len(r.partial))]...)
		if whole {
			r.line(string(r.partial))
			r.partial = r.partial[:0]
		}
		rest = after
	}
	return len(p), nil
}

func (r *reports) line(line string) {
	key, value, _ := strings.Cut(line, "=")
	value = strings.TrimSpace(value)
	switch key {
	case "frame":
		r.current.Frame = max(int64(number(value)), 0)
	case "out_time_us": // out_time_ms holds microseconds too
		r.current.OutTime = time.Duration(max(number(value), 0)) * time.Microsecond
	case "total_size":
		r.current.TotalBytes = max(int64(number(value)), 0)
	case "speed":
		r.current.Speed = number(strings.TrimSuffix(value, "x"))
	case "bitrate":
		r.current.BPS = number(strings.TrimSuffix(value, "kbits/s")) * 1000
	case "progress": // ends a block
		r.publish()
	}
}

func (r *reports) publish() {
	select {
	case <-r.newest:
	default:
	}
	r.newest <- r.current
}

// number reads a value that is "N/A" until ffmpeg knows it.
func number(s string) float64 {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || n != n || n > 1e15 || n < -1e15 {
		return 0
	}
	return n
}
