package ffmpeg

import (
	"context"
	"errors"
	"io"
	"os"
	"time"
)

// Job is one run of ffmpeg.
type Job struct {
	Settings Settings
	In       string // the source; with Input set, only for messages
	Out      string // the part file; what stands there is replaced

	// Input, when set, is an FLV stream that ffmpeg reads in place of In: the
	// source with its timestamps mended.
	Input io.Reader

	HEVC        bool // the source's pictures are HEVC, which a copy must mark
	EncodeAudio bool // the sound cannot be copied: it changes its form midway, or MP4 cannot hold it

	// ProbeBytes and ProbeTime say where the source's last stream begins. A
	// stream beyond what ffmpeg probes at the start is left out of the output.
	ProbeBytes int64
	ProbeTime  time.Duration

	StallTimeout time.Duration  // 0: 2 minutes
	Grace        time.Duration  // between SIGINT and SIGKILL; 0: 10 seconds
	Progress     func(Progress) // may be nil; a slow one delays only itself
}

const (
	defaultStallTimeout = 2 * time.Minute
	defaultGrace        = 10 * time.Second
)

// Result is what a run that ended with exit code 0 said. It proves nothing:
// see Verify.
type Result struct {
	Last     Progress
	Findings []Finding
	Lines    []string // the last lines on stderr
}

// Run runs ffmpeg to its end. When it fails, or the context ends, the part
// file is removed and no process is left. Errors are *Error, and the context's
// own when it ended.
func (t Tools) Run(ctx context.Context, j Job) (Result, error) {
	if err := j.Settings.Validate(); err != nil {
		return Result{}, &Error{Kind: BadSettings, Program: t.FFmpeg, Err: err}
	}
	result, err := t.run(ctx, j)
	if err != nil {
		removeErr := os.Remove(j.Out)
		if removeErr != nil && !errors.Is(removeErr, os.ErrNotExist) {
			err = errors.Join(err, removeErr)
		}
	}
	return result, err
}

func (t Tools) run(ctx context.Context, j Job) (Result, error) {
	owned, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	said, reports := newTail(), newReports()
	cmd := command(owned, t.FFmpeg, Args(j), orDefault(j.Grace, defaultGrace))
	cmd.Stdout, cmd.Stderr, cmd.Stdin = reports, said, j.Input

	watch := newStallWatch(j.Out, orDefault(j.StallTimeout, defaultStallTimeout))
	ended := make(chan error, 1)
	go func() { ended <- run(cmd, watch.follow) }()

	last, err := j.await(ended, reports, watch, cancel)
	result := Result{Last: last, Findings: said.found(), Lines: said.list()}
	f := failure{program: t.FFmpeg, file: j.In, lines: result.Lines, err: err, cause: context.Cause(owned)}
	return result, f.explain(ctx)
}

// await passes reports on until ffmpeg has ended.
func (j Job) await(ended <-chan error, r *reports, w *stallWatch, stop context.CancelCauseFunc) (Progress, error) {
	var last Progress
	take := func(p Progress) {
		last = p
		if j.Progress != nil {
			j.Progress(p)
		}
	}
	tick := time.NewTicker(w.interval())
	defer tick.Stop()
	for {
		select {
		case p := <-r.newest:
			take(p)
		case <-tick.C:
			if w.stalled(last) {
				stop(errStalled)
			}
		case err := <-ended:
			select {
			case p := <-r.newest:
				take(p)
			default:
			}
			return last, err
		}
	}
}

func orDefault(d, standard time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return standard
}
