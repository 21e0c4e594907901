package flvtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Clip writes a clean FLV of the given length into the folder, 320x180 at 30
// frames a second with sound, and returns its path. ffmpeg makes each length
// once a machine; later calls copy.
func Clip(tb testing.TB, dir string, seconds int) string {
	tb.Helper()
	return ClipOfSize(tb, dir, seconds, "320x180")
}

// ClipOfSize is Clip with pictures of another size, such as "640x360".
func ClipOfSize(tb testing.TB, dir string, seconds int, size string) string {
	tb.Helper()
	name := fmt.Sprintf("clip-%ds-%s.flv", seconds, size)
	return Write(tb, dir, name, Read(tb, cached(tb, name, seconds, size)))
}

// cached makes the clip under a name of its own and renames it, so that test
// processes that run at the same time do not meet a half-written one.
func cached(tb testing.TB, name string, seconds int, size string) string {
	tb.Helper()
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("nglive-flvtest-%d", os.Getuid()))
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		tb.Fatal(err)
	}
	made := filepath.Join(tb.TempDir(), name)
	cmd := exec.CommandContext(tb.Context(), "ffmpeg", "-v", "error", "-nostdin",
		"-f", "lavfi", "-i", "testsrc2=r=30:s="+size,
		"-f", "lavfi", "-i", "sine=f=440:r=44100",
		"-t", fmt.Sprint(seconds), "-c:v", "libx264", "-preset", "veryfast", "-g", "30",
		"-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "96k", "-f", "flv", made)
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("make a clip with ffmpeg (is it installed?): %v\n%s", err, out)
	}
	return publish(tb, made, path)
}

func publish(tb testing.TB, made, path string) string {
	tb.Helper()
	beside, err := os.CreateTemp(filepath.Dir(path), "making-*")
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := beside.Write(Read(tb, made)); err != nil {
		tb.Fatal(err)
	}
	if err := beside.Close(); err != nil {
		tb.Fatal(err)
	}
	if err := os.Rename(beside.Name(), path); err != nil {
		tb.Fatal(err)
	}
	return path
}
