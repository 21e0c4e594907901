package ffmpeg

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

var errStalled = errors.New("no progress")

// stallWatch sees whether a run still gets anywhere: in the time it has
// encoded, in the output file, or in what it reads. The last two matter while
// +faststart moves the whole file at the end and nothing is reported.
type stallWatch struct {
	out     string
	timeout time.Duration
	pid     atomic.Int64
	last    signs
	since   time.Time
}

// signs are what changes while ffmpeg works.
type signs struct {
	outTime  time.Duration
	size     int64
	modified time.Time
	read     string
}

func newStallWatch(out string, timeout time.Duration) *stallWatch {
	return &stallWatch{out: out, timeout: timeout, since: time.Now()}
}

func (w *stallWatch) follow(pid int) { w.pid.Store(int64(pid)) }

// interval is how often to look.
func (w *stallWatch) interval() time.Duration {
	return max(min(w.timeout/10, 5*time.Second), 10*time.Millisecond)
}

func (w *stallWatch) stalled(p Progress) bool {
	now := signs{outTime: p.OutTime, read: bytesRead(w.pid.Load())}
	if info, err := os.Stat(w.out); err == nil {
		now.size, now.modified = info.Size(), info.ModTime()
	}
	if now != w.last {
		w.last, w.since = now, time.Now()
		return false
	}
	return time.Since(w.since) >= w.timeout
}

// bytesRead is the count of bytes a process has read, as Linux tells it, or
// empty elsewhere. What it writes does not count: a stuck ffmpeg may go on
// writing reports.
func bytesRead(pid int64) string {
	if pid == 0 {
		return ""
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", pid))
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(text), "\n") // rchar: 12345
	return line
}
