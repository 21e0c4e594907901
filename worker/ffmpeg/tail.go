package ffmpeg

import (
	"bytes"
	"strings"
	"sync"
)

const (
	tailLines = 200
	lineLimit = 1000
)

// tail keeps the last lines of what a program says on stderr, and counts the
// lines that tell of loss or damage, also those that have scrolled away.
type tail struct {
	mu       sync.Mutex
	lines    []string
	partial  []byte
	findings map[string]Finding
}

func newTail() *tail { return &tail{findings: make(map[string]Finding)} }

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for rest := p; len(rest) > 0; {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		t.partial = append(t.partial, line[:min(len(line), lineLimit-len(t.partial))]...)
		if whole {
			t.endLine()
		}
		rest = after
	}
	return len(p), nil
}

func (t *tail) endLine() {
	line := strings.ToValidUTF8(strings.TrimSpace(string(t.partial)), "\uFFFD")
	t.partial = t.partial[:0]
	if line == "" {
		return
	}
	if len(t.lines) == tailLines {
		t.lines = append(t.lines[:0], t.lines[1:]...)
	}
	t.lines = append(t.lines, line)
	if f, ok := diagnose(line); ok {
		f.Count = t.findings[f.Message].Count + 1
		t.findings[f.Message] = f
	}
}

// list returns the last lines, oldest first, with what has no end yet.
func (t *tail) list() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.partial) > 0 {
		t.endLine()
	}
	return append([]string(nil), t.lines...)
}

// found returns the findings, the fatal ones first.
func (t *tail) found() []Finding {
	t.mu.Lock()
	defer t.mu.Unlock()
	var fatal, others []Finding
	for _, f := range t.findings {
		if f.Fatal {
			fatal = append(fatal, f)
		} else {
			others = append(others, f)
		}
	}
	return append(fatal, others...)
}
