// Package ffmpeg runs ffmpeg and ffprobe, checks what they made, and gives a
// checked file its final name. It never uses a shell, never decides whether to
// try again, and never picks a file name.
package ffmpeg

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Tools names the two programs, as paths or as names to be found in PATH.
type Tools struct {
	FFmpeg  string
	FFprobe string
}

const (
	// askTimeout bounds the short questions: versions, lists, probes.
	askTimeout = 60 * time.Second
	// askLimit bounds what is kept of their answers.
	askLimit = 4 << 20
)

// Version is the first line's version, such as "5.1.9-0+deb12u1".
func (t Tools) Version(ctx context.Context) (string, error) {
	out, err := ask(ctx, question{program: t.FFmpeg, args: []string{"-hide_banner", "-version"}})
	if err != nil {
		return "", err
	}
	words := strings.Fields(string(out))
	const where = 2 // "ffmpeg version 5.1.9 Copyright …"
	if len(words) <= where {
		return "unknown", nil
	}
	return words[where], nil
}

// fileURL makes a path an argument that ffmpeg takes as nothing but a file:
// dashes, colons and the names of protocols lose their meaning.
func fileURL(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil { // only when the working directory is gone
		abs = path
	}
	return "file:" + abs
}

// question is a short run whose whole answer is wanted.
type question struct {
	program string
	args    []string
	stdin   []byte
	file    string // for the error
}

// ask runs a short command and returns its stdout.
func ask(ctx context.Context, q question) ([]byte, error) {
	asked, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	out := &limited{left: askLimit}
	tail := newTail()
	cmd := command(asked, q.program, q.args, time.Second)
	cmd.Stdout, cmd.Stderr = out, tail
	if q.stdin != nil {
		cmd.Stdin = strings.NewReader(string(q.stdin))
	}
	err := run(cmd, nil)
	if err == nil && asked.Err() == nil {
		return out.kept, nil
	}
	f := failure{program: q.program, file: q.file, lines: tail.list(), err: err}
	if ctx.Err() == nil && asked.Err() != nil {
		f.cause = errStalled
	}
	return nil, f.explain(ctx)
}

// limited keeps the first bytes and takes all, so that no pipe fills up.
type limited struct {
	kept []byte
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.kept = append(l.kept, p[:n]...)
	l.left -= n
	return len(p), nil
}

// command prepares a program in a process group of its own. When the context
// ends the group is interrupted, and killed after the grace.
func command(ctx context.Context, program string, args []string, grace time.Duration) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.WaitDelay = grace
	ownGroup(cmd)
	return cmd
}
