package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker/ffmpeg"
)

// splitDir stands in OUTPUT_DIR and holds the parts of files that are larger than their target takes, until all are uploaded.
const splitDir = ".nglive-split"

// splitPart begins the key of such a folder in the journal's parts.
const splitPart = "split"

// manifest says what a finished split holds. It is written last.
type manifest struct {
	Size    int64         `json:"size"`
	ModTime time.Time     `json:"mod_time"`
	Limit   int64         `json:"limit"`
	Parts   []ffmpeg.Part `json:"parts"`
}

const manifestFile = "parts.json"

// inParts splits the video at keyframes into parts that each play, and uploads and proves each.
func (u *sending) inParts(ctx context.Context, limit int64) (*tasks.Output, error) {
	dir := filepath.Join(u.w.cfg.OutputDir, splitDir, u.a.rec.ID+"."+u.a.step.ID)
	if err := u.w.journal.partBegins(splitPart, filepath.Base(dir), u.a.rec.ID); err != nil {
		return nil, err
	}
	u.parts = dir
	parts, err := u.split(ctx, dir, limit)
	if err != nil {
		return nil, err
	}
	out := &tasks.Output{Location: fmt.Sprintf("%d parts", len(parts))}
	total := int64(0)
	for _, p := range parts {
		total += p.Bytes
	}
	u.meter.total = float64(total)
	for i, p := range parts {
		sent, err := u.part(ctx, p, i+1, out.SizeBytes)
		if err != nil {
			return nil, err
		}
		out.Parts = append(out.Parts, sent)
		out.SizeBytes += sent.SizeBytes
	}
	out.Path, out.Location = out.Parts[0].Path, fmt.Sprintf("%s and %d more parts", out.Parts[0].Location, len(parts)-1)
	return out, nil
}

// dropParts lets go of the local parts, once all that belongs to the recording is at the target.
func (u *sending) dropParts() error {
	if u.parts == "" {
		return nil
	}
	if err := os.RemoveAll(u.parts); err != nil {
		return fmt.Errorf("remove the parts in %s: %w", u.parts, err)
	}
	return u.w.journal.partEnds(splitPart, filepath.Base(u.parts))
}

func (u *sending) part(ctx context.Context, p ffmpeg.Part, n int, before int64) (tasks.Part, error) {
	f, err := os.Open(p.Path)
	if err != nil {
		return tasks.Part{}, problemf(again, "a part of %s is gone (%v); it is split anew", u.src.rel, cause(err))
	}
	defer func() { _ = f.Close() }()
	file := stemOf(filepath.Base(u.src.path)) + ".mp4"
	return u.send(ctx, f, file, fmt.Sprintf(".p%02d", n), u.report(ctx, before))
}

// split returns the parts an earlier attempt made, if they are of this file, or makes them.
func (u *sending) split(ctx context.Context, dir string, limit int64) ([]ffmpeg.Part, error) {
	if m, ok := readManifest(dir); ok && m.Limit <= limit && m.Size == u.src.info.Size() && m.ModTime.Equal(u.src.info.ModTime()) {
		return m.Parts, nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return nil, fmt.Errorf("clear %s: %w", dir, err)
	}
	if free, above := u.w.roomOn(u.w.cfg.OutputDir, u.w.cfg.DiskHold); above < u.src.info.Size() {
		return nil, &held{reason: fmt.Sprintf("%s is larger than %s takes and must be split, and the disk of %s has only %s left; free some space, then this goes on by itself",
			u.src.rel, u.with.Target, u.w.cfg.OutputDir, size(free))}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // as readable as the videos beside it
		return nil, fmt.Errorf("make the folder for the parts: %w", err)
	}
	u.w.log.Info("splitting began", "recording", u.a.rec.ID, "file", u.src.rel, "limit", limit)
	parts, err := u.w.tools.Split(ctx, ffmpeg.SplitJob{In: u.src.path, Dir: dir, Limit: limit, StallTimeout: u.w.cfg.StallTimeout, Grace: ffmpegGrace})
	if err != nil {
		return nil, err
	}
	return parts, writeManifest(dir, manifest{Size: u.src.info.Size(), ModTime: u.src.info.ModTime(), Limit: limit, Parts: parts})
}

func readManifest(dir string) (manifest, bool) {
	var m manifest
	b, err := os.ReadFile(filepath.Join(dir, manifestFile))
	if err != nil || json.Unmarshal(b, &m) != nil || len(m.Parts) == 0 {
		return m, false
	}
	for _, p := range m.Parts {
		if info, err := os.Stat(p.Path); err != nil || info.Size() != p.Bytes {
			return m, false
		}
	}
	return m, true
}

func writeManifest(dir string, m manifest) error {
	b, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("manifest of %s: %w", dir, err)
	}
	return writeSecret(filepath.Join(dir, manifestFile), string(b)) // not secret, but whole and synced
}
