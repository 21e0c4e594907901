package ffmpeg_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/ngworks/nglive/worker/ffmpeg"
)

// film makes a video of so many seconds with a keyframe each second.
func film(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25", "-f", "lavfi", "-i", "sine",
		"-t", "12", "-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-c:a", "aac", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

func TestSplit_partsPlayAndHoldEverything(t *testing.T) {
	t.Parallel()
	tools := ffmpeg.Tools{FFmpeg: "ffmpeg", FFprobe: "ffprobe"}
	in, dir := film(t, "100% done.mp4"), filepath.Join(t.TempDir(), "50%d [x]")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	whole, err := tools.Probe(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	limit := whole.Bytes/3 + 1
	parts, err := tools.Split(t.Context(), ffmpeg.SplitJob{In: in, Dir: dir, Limit: limit})
	if err != nil || len(parts) < 3 {
		t.Fatalf("%d parts, %v", len(parts), err)
	}
	var total time.Duration
	frames := 0
	for _, p := range parts {
		m, err := tools.Probe(t.Context(), p.Path)
		if err != nil || p.Bytes > limit {
			t.Errorf("%s has %d of %d bytes: %v", p.Path, p.Bytes, limit, err)
		}
		v, _ := m.First("video")
		frames += v.Frames
		total += p.Duration
	}
	if v, _ := whole.First("video"); frames != v.Frames {
		t.Errorf("the parts hold %d frames of %d", frames, v.Frames)
	}
	if off := (total - whole.Duration).Abs(); off > 200*time.Millisecond {
		t.Errorf("the parts last %v, the whole %v", total, whole.Duration)
	}
}

func TestSplit_refusesWhatCannotBeDone(t *testing.T) {
	t.Parallel()
	tools := ffmpeg.Tools{FFmpeg: "ffmpeg", FFprobe: "ffprobe"}
	for name, limit := range map[string]int64{"a.flv": 100_000, "a.mp4": 8_000} {
		dir := t.TempDir()
		_, err := tools.Split(t.Context(), ffmpeg.SplitJob{In: film(t, name), Dir: dir, Limit: limit})
		if refused, ok := errors.AsType[*ffmpeg.Error](err); !ok || refused.Class() != ffmpeg.Never {
			t.Errorf("%s within %d bytes: %v", name, limit, err)
		}
	}
}
