package ffmpeg_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ngworks/nglive/worker/ffmpeg"
	"github.com/ngworks/nglive/worker/flv/flvtest"
)

// decode returns what ffmpeg says while it decodes a whole file.
func decode(t *testing.T, path string) []string {
	t.Helper()
	said, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-nostdin", "-i", "file:"+path, "-f", "null", "-").CombinedOutput()
	lines := strings.Split(strings.TrimSpace(string(said)), "\n")
	if err != nil {
		t.Fatalf("decode %s: %v\n%s", path, err, said)
	}
	if lines[0] == "" {
		return nil
	}
	return lines
}

func TestProbe_readsWhatFfprobeSays(t *testing.T) {
	m, err := tools().Probe(t.Context(), flvtest.Clip(t, t.TempDir(), 2))
	if err != nil {
		t.Fatal(err)
	}
	video, _ := m.First("video")
	audio, _ := m.First("audio")
	if m.Duration < 2*time.Second || m.Duration > 2100*time.Millisecond || m.Bytes == 0 || m.Format != "flv" {
		t.Errorf("got %+v", m)
	}
	if video.Codec != "h264" || video.Width != 320 || video.Height != 180 || audio.Codec != "aac" {
		t.Errorf("got %+v", m.Streams)
	}
}

func TestProbe_readsTheTagsOfEachContainer(t *testing.T) {
	dir := t.TempDir()
	clip := flvtest.Clip(t, dir, 2)
	for _, name := range []string{"a.mp4", "a.mkv", "a.flv"} {
		tagged := filepath.Join(dir, "tagged-"+name)
		out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-nostdin", "-i", clip, "-c", "copy",
			"-metadata", "title= 标题 \"1\" ", "-metadata", "artist=主播", tagged).CombinedOutput()
		if err != nil {
			t.Fatalf("make %s: %v\n%s", name, err, out)
		}
		m, err := tools().Probe(t.Context(), tagged)
		if err != nil || m.Title != `标题 "1"` || m.Artist != "主播" {
			t.Errorf("%s: got %q, %q, %v", name, m.Title, m.Artist, err)
		}
	}
	if m, err := tools().Probe(t.Context(), clip); err != nil || m.Title != "" || m.Artist != "" {
		t.Errorf("without tags: got %+v, %v", m, err)
	}
}

func TestProbe_saysWhatItCannotRead(t *testing.T) {
	text := flvtest.Write(t, t.TempDir(), "a.mp4", []byte("no video at all"))
	_, err := tools().Probe(t.Context(), text)
	wantError(t, err, ffmpeg.Exited, ffmpeg.Never)
	_, err = ffmpeg.Tools{FFprobe: "no-such-ffprobe"}.Probe(t.Context(), text)
	wantError(t, err, ffmpeg.NotInstalled, ffmpeg.Never)
	if says := asError(t, err).UserMessage(); !strings.Contains(says, "no-such-ffprobe") {
		t.Errorf("says %q", says)
	}
	_, err = ffmpeg.Tools{FFprobe: "echo"}.Probe(t.Context(), text)
	wantError(t, err, ffmpeg.BadOutput, ffmpeg.Never)
}

func TestVerify_refusesACutOutputAndALostTrack(t *testing.T) {
	j, want := plan(t, flvtest.Clip(t, t.TempDir(), 2), copying(), false)
	if _, err := tools().Run(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	whole := flvtest.Read(t, j.Out)
	for name, file := range map[string][]byte{
		"cut": whole[:len(whole)/2], "cut by a byte": whole[:len(whole)-1], "empty": nil, "no index": whole[len(whole)/2:],
	} {
		bad := flvtest.Write(t, t.TempDir(), "bad.mp4", file)
		if _, err := tools().Verify(t.Context(), bad, want); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	silent, _ := plan(t, flvtest.Write(t, t.TempDir(), "a.flv", flvtest.NoAudio(flvtest.Read(t, j.In))), copying(), false)
	if _, err := tools().Run(t.Context(), silent); err != nil {
		t.Fatal(err)
	}
	if _, err := tools().Verify(t.Context(), silent.Out, want); err == nil || !strings.Contains(err.Error(), "no audio track") {
		t.Errorf("a lost track: %v", err)
	}
}

func TestSeal_neverReplacesUnlessTold(t *testing.T) {
	dir := t.TempDir()
	part, final := flvtest.Write(t, dir, "a.part.mp4", []byte("new")), filepath.Join(dir, "a.mp4")
	if err := ffmpeg.Seal(part, final, false); err != nil {
		t.Fatal(err)
	}
	wantGone(t, part)
	part = flvtest.Write(t, dir, "a.part.mp4", []byte("newer"))
	if err := ffmpeg.Seal(part, final, false); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v", err)
	}
	if got := string(flvtest.Read(t, final)); got != "new" {
		t.Errorf("the final file holds %q", got)
	}
	if err := ffmpeg.Seal(part, final, true); err != nil {
		t.Fatal(err)
	}
	if got := string(flvtest.Read(t, final)); got != "newer" {
		t.Errorf("the final file holds %q", got)
	}
	if err := ffmpeg.Seal(part, final, true); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no part file: %v", err)
	}
}
