package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Expectation is what the scan of the source says of a good output.
type Expectation struct {
	Min, Max           time.Duration
	HasVideo, HasAudio bool
	// The least a copy may hold, 0 = not asked: an encoder may leave out
	// pictures that repeat each other.
	VideoFrames, AudioFrames int
	Findings                 []Finding // of the run that made the output
}

// Report is what is to be said of an accepted output.
type Report struct {
	Media    Media
	Warnings []string // in plain words
}

// Verify accepts an output or says why not, as *Error of kind BadOutput (or
// whatever ffprobe met). A source that ends early gives a warning: the output
// holds all there is.
func (t Tools) Verify(ctx context.Context, part string, want Expectation) (Report, error) {
	m, err := t.Probe(ctx, part)
	if err != nil {
		return Report{}, fmt.Errorf("check the output: %w", err)
	}
	report := Report{Media: m}
	errs := []error{
		checkWhole(part),
		checkLength(m, want),
		checkTrack(m, "video", want.HasVideo, want.VideoFrames),
		checkTrack(m, "audio", want.HasAudio, want.AudioFrames),
	}
	kind := BadOutput
	for _, f := range want.Findings {
		if !f.Fatal {
			report.Warnings = append(report.Warnings, f.Message)
			continue
		}
		errs = append(errs, fmt.Errorf("ffmpeg said: %s", f.Line))
		switch f.Message {
		case saidNoSpace:
			kind = NoSpace
		case saidReadFault:
			kind = SourceFailed
		}
	}
	if err := errors.Join(errs...); err != nil {
		return report, &Error{Kind: kind, Program: t.FFmpeg, File: part, Err: fmt.Errorf(
			"the output does not hold what the recording holds, so the recording stays as it is: %w", err)}
	}
	return report, nil
}

func checkLength(m Media, want Expectation) error {
	const step = 10 * time.Millisecond
	if m.Duration < want.Min || m.Duration > want.Max {
		return fmt.Errorf("it lasts %v, expected %v to %v", m.Duration.Round(step), want.Min.Round(step), want.Max.Round(step))
	}
	return nil
}

func checkTrack(m Media, kind string, wanted bool, frames int) error {
	if !wanted {
		return nil
	}
	s, ok := m.First(kind)
	if !ok {
		return fmt.Errorf("it has no %s track", kind)
	}
	if s.Frames < frames {
		return fmt.Errorf("its %s track holds %d frames of at least %d", kind, s.Frames, frames)
	}
	return nil
}
