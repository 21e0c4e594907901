package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// SplitJob is a video that is to be cut into parts.
type SplitJob struct {
	In    string
	Dir   string // gets the parts, p01.mp4 and so on; what has such a name is replaced
	Limit int64  // no part has more bytes

	StallTimeout time.Duration  // 0: 2 minutes
	Grace        time.Duration  // between SIGINT and SIGKILL; 0: 10 seconds
	Progress     func(Progress) // may be nil
}

// Part is one part, checked.
type Part struct {
	Path     string        `json:"path"`
	Bytes    int64         `json:"bytes"`
	Duration time.Duration `json:"duration"`
}

const (
	// splitFill is how full a part is planned, since cuts wait for keyframes and the picture is not equally busy everywhere.
	splitFill  = 0.9
	splitTries = 5
	mostParts  = 99
)

// Split cuts a video at keyframes into MP4s that each play, without encoding, each within the limit, together with all that the
// video holds. ffmpeg cuts by time, so a plan that leaves a part too large is made anew with more of them. What is not an MP4 is
// refused: its frames cannot be counted without reading it whole.
func (t Tools) Split(ctx context.Context, j SplitJob) ([]Part, error) {
	m, err := t.Probe(ctx, j.In)
	if err != nil {
		return nil, fmt.Errorf("look at what is to be split: %w", err)
	}
	if !strings.Contains(m.Format, "mp4") || m.Duration <= 0 {
		return nil, &Error{Kind: BadSettings, Program: t.FFmpeg, File: j.In, Err: fmt.Errorf(
			"%s is no MP4 and cannot be split: put a transcode step before the upload", filepath.Base(j.In))}
	}
	n := int(math.Ceil(float64(m.Bytes) / (float64(j.Limit) * splitFill)))
	for range splitTries {
		if n = max(n, 2); n > mostParts {
			break
		}
		parts, err := t.splitInto(ctx, j, m, n)
		if err != nil {
			return nil, err
		}
		largest := largestOf(parts)
		if largest <= j.Limit {
			return parts, t.checkSplit(ctx, j, m, parts)
		}
		n = max(n+1, int(math.Ceil(float64(n)*float64(largest)/float64(j.Limit)*1.05)))
	}
	return nil, &Error{Kind: BadOutput, Program: t.FFmpeg, File: j.In, Err: fmt.Errorf(
		"%s cannot be cut into parts of %d bytes: its keyframes are too far apart; encode it (mode CRF) before the upload", filepath.Base(j.In), j.Limit)}
}

func largestOf(parts []Part) int64 {
	largest := int64(0)
	for _, p := range parts {
		largest = max(largest, p.Bytes)
	}
	return largest
}

// splitInto runs ffmpeg once, for about n parts.
func (t Tools) splitInto(ctx context.Context, j SplitJob, m Media, n int) ([]Part, error) {
	if err := clearParts(j.Dir); err != nil {
		return nil, err
	}
	owned, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	said, reports := newTail(), newReports()
	cmd := command(owned, t.FFmpeg, splitArgs(j, m, n), orDefault(j.Grace, defaultGrace))
	cmd.Stdout, cmd.Stderr = reports, said
	watch := newStallWatch(j.Dir, orDefault(j.StallTimeout, defaultStallTimeout))
	ended := make(chan error, 1)
	go func() { ended <- run(cmd, watch.follow) }()
	_, err := Job{Progress: j.Progress}.await(ended, reports, watch, cancel)
	f := failure{program: t.FFmpeg, file: j.In, lines: said.list(), err: err, cause: context.Cause(owned)}
	if err := f.explain(ctx); err != nil {
		return nil, errors.Join(err, clearParts(j.Dir))
	}
	return listParts(j.Dir)
}

func splitArgs(j SplitJob, m Media, n int) []string {
	args := []string{
		"-hide_banner", "-nostdin", "-loglevel", "level+warning", "-nostats",
		"-progress", "pipe:1", "-stats_period", "0.5", "-y",
		"-i", fileURL(j.In), "-map", "0:v:0?", "-map", "0:a?", "-c", "copy",
	}
	if v, ok := m.First("video"); ok && v.Codec == "hevc" {
		args = append(args, "-tag:v", "hvc1")
	}
	each := strconv.FormatFloat(m.Duration.Seconds()/float64(n), 'f', 3, 64)
	pattern := strings.ReplaceAll(filepath.Join(j.Dir, "p"), "%", "%%") + "%02d.mp4"
	return append(args, "-f", "segment", "-segment_time", each, "-segment_format", "mp4", "-segment_format_options", "movflags=+faststart",
		"-segment_start_number", "1", "-reset_timestamps", "1", fileURL(pattern))
}

func clearParts(dir string) error {
	found, err := filepath.Glob(partsPattern(dir))
	for _, path := range found {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}

// partsPattern takes the folder's name literally.
func partsPattern(dir string) string {
	return filepath.Join(strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir), "p[0-9][0-9]*.mp4")
}

func listParts(dir string) ([]Part, error) {
	found, err := filepath.Glob(partsPattern(dir)) // in order
	if err != nil {
		return nil, err
	}
	parts := make([]Part, 0, len(found))
	for _, path := range found {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		parts = append(parts, Part{Path: path, Bytes: info.Size()})
	}
	return parts, nil
}

// checkSplit wants that each part is whole and that together they last as long and hold as many frames as the video.
func (t Tools) checkSplit(ctx context.Context, j SplitJob, whole Media, parts []Part) error {
	var total time.Duration
	frames := map[string]int{}
	for i := range parts {
		m, err := t.Probe(ctx, parts[i].Path)
		if err != nil {
			return fmt.Errorf("check a part: %w", err)
		}
		if err := errors.Join(checkWhole(parts[i].Path), syncFile(parts[i].Path)); err != nil {
			return t.badSplit(j, err)
		}
		parts[i].Duration = m.Duration
		total += m.Duration
		for _, kind := range []string{"video", "audio"} {
			if s, ok := m.First(kind); ok {
				frames[kind] += s.Frames
			}
		}
	}
	slack := max(2*time.Second, whole.Duration/100)
	if total < whole.Duration-slack || total > whole.Duration+slack {
		return t.badSplit(j, fmt.Errorf("the parts last %v, the video %v", total, whole.Duration))
	}
	for _, kind := range []string{"video", "audio"} {
		if s, ok := whole.First(kind); ok && frames[kind] < s.Frames {
			return t.badSplit(j, fmt.Errorf("the parts hold %d frames of %s, the whole has %d", frames[kind], kind, s.Frames))
		}
	}
	return nil
}

func (t Tools) badSplit(j SplitJob, err error) error {
	return &Error{Kind: BadOutput, Program: t.FFmpeg, File: j.In, Err: fmt.Errorf("the parts do not hold what the video holds: %w", err)}
}
