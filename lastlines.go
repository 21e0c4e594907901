package main

import (
	"bufio"
	"slices"
	"strings"
	"sync"
)

// lastLines keeps the end of a program's output for the error that may follow.
type lastLines struct {
	mu    sync.Mutex
	lines []string
	most  int
	rest  string
}

func newLastLines(most int) *lastLines { return &lastLines{most: most} }

// Write takes output as it comes, in pieces.
func (l *lastLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	scanner := bufio.NewScanner(strings.NewReader(l.rest + string(p)))
	complete := strings.HasSuffix(string(p), "\n")
	l.rest = ""
	for scanner.Scan() {
		l.lines = append(l.lines, scanner.Text())
	}
	if !complete && len(l.lines) > 0 {
		l.rest = l.lines[len(l.lines)-1]
		l.lines = l.lines[:len(l.lines)-1]
	}
	l.lines = l.lines[max(0, len(l.lines)-l.most):]
	return len(p), nil
}

// String is the kept lines in one.
func (l *lastLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.lines
	if l.rest != "" {
		all = append(slices.Clip(all), l.rest)
	}
	return strings.Join(all, " | ")
}
