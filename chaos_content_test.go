//go:build chaos

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/ngworks/nglive/worker/flv/flvtest"
)

// bases is how many different films the recordings are cut from. No two recordings end at the same frame of the same film, so a file
// under another's name has the wrong checksum.
const (
	bases   = 8
	firstMS = 800
	stepMS  = 40
)

// films makes recordings' content.
type films struct{ tags [][]flvtest.Tag }

func newFilms(t *testing.T, dir string) *films {
	t.Helper()
	f := &films{}
	for i := range bases {
		path := filepath.Join(dir, fmt.Sprintf("film-%d.flv", i))
		cmd := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-nostdin", "-y",
			"-f", "lavfi", "-i", fmt.Sprintf("testsrc2=r=30:s=%dx144,hue=h=%d", 192+16*(i%4), 40*i),
			"-f", "lavfi", "-i", fmt.Sprintf("sine=f=%d:r=44100", 300+50*i),
			"-t", "3", "-c:v", "libx264", "-preset", "ultrafast", "-g", "15", "-pix_fmt", "yuv420p", "-b:v", "200k",
			"-c:a", "aac", "-b:a", "64k", "-f", "flv", path)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("make a film: %v\n%s", err, out)
		}
		f.tags = append(f.tags, flvtest.Tags(flvtest.Read(t, path)))
	}
	return f
}

// content is what the recorder writes for a take that it opened at that time.
func (f *films) content(k *take, opened time.Time) []byte {
	switch k.flaw {
	case threeBytes:
		return flvtest.ThreeBytes()
	case headerOnly:
		return flvtest.HeaderOnly()
	case sound:
	}
	limit := uint32(firstMS + stepMS*(k.n/bases)) //nolint:gosec // some thousands
	var tags []flvtest.Tag
	for _, t := range f.tags[k.n%bases] {
		if t.TS <= limit {
			tags = append(tags, t)
		}
	}
	return flvtest.WithMetadata(flvtest.Join(tags), k.metadata(opened))
}

// metadata is onMetaData as the recorder writes it.
func (k *take) metadata(opened time.Time) []flvtest.Pair {
	room := fmt.Sprint(k.room)
	return []flvtest.Pair{
		{Key: "duration", Value: 0.0},
		{Key: "Title", Value: k.title()},
		{Key: "Artist", Value: k.streamer()},
		{Key: "Comment", Value: "BililiveRecorder " + room},
		{Key: "BililiveRecorder", Value: []flvtest.Pair{
			{Key: "RecordedBy", Value: "chaos"},
			{Key: "RoomId", Value: room},
			{Key: "ShortId", Value: "0"},
			{Key: "Name", Value: k.streamer()},
			{Key: "StreamTitle", Value: k.title()},
			{Key: "StartTime", Value: recorderTime(opened)},
			{Key: "AreaNameParent", Value: "生活"},
			{Key: "AreaNameChild", Value: "影音馆"},
		}},
	}
}

func (k *take) title() string    { return fmt.Sprintf("take %d", k.n) }
func (k *take) streamer() string { return fmt.Sprintf("%d号直播间", k.room) }

// fingerprint is a file's size and checksum.
type fingerprint struct {
	size int64
	sum  string
}

func fingerprintOf(path string) (fingerprint, error) {
	f, err := os.Open(path)
	if err != nil {
		return fingerprint{}, err
	}
	h := sha256.New()
	n, err := io.Copy(h, f)
	return fingerprint{n, hex.EncodeToString(h.Sum(nil))}, errors.Join(err, f.Close())
}

func fingerprintOfBytes(b []byte) fingerprint {
	sum := sha256.Sum256(b)
	return fingerprint{int64(len(b)), hex.EncodeToString(sum[:])}
}

// filesBelow lists the regular files below a folder, relative to it.
func filesBelow(dir string) ([]string, error) {
	var list []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			rel, relErr := filepath.Rel(dir, path)
			list = append(list, rel)
			err = relErr
		}
		return err
	})
	return list, err
}
