//go:build linux

package main

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestNGlive_takesAnMP4OfAnotherRecorder: a recorder in a container names its folder otherwise, and hands over an MP4.
func TestNGlive_takesAnMP4OfAnotherRecorder(t *testing.T) {
	dir, environ := home(t)
	folder := filepath.Join(dir, "recordings", "blrec")
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // as a recorder makes it
		t.Fatal(err)
	}
	film := filepath.Join(folder, "a b.mp4")
	make := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=d=2:s=160x90", "-f", "lavfi", "-i", "sine=d=2",
		"-shortest", "-pix_fmt", "yuv420p", film)
	if out, err := make.CombinedOutput(); err != nil {
		t.Fatalf("make an MP4: %s, %v", out, err)
	}
	startUp(t, append(environ, "NGLIVE_PATH_MAPS=/rec=>"+folder))
	base := strings.TrimSpace(string(must(os.ReadFile(filepath.Join(dir, "data", webAddressFile)))))
	body := `{"type":"VideoPostprocessingCompletedEvent","id":"6f3c1a9c-c7a0-11f0-8de9-0242ac120002","date":"2026-11-22 16:00:00+08:00","data":{"room_id":23058,"path":"/rec/a b.mp4"}}`
	req := must(http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/webhook/blrec", strings.NewReader(body)))
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("the webhook was answered with %v, %v", res, err)
	}
	_ = res.Body.Close()
	until(t, 2*time.Minute, "it is in the archive", func() bool {
		_, err := os.Stat(filepath.Join(dir, "archive", "23058"))
		return err == nil && len(archived(t, dir)) == 1
	})
	if _, err := os.Stat(film); err != nil {
		t.Errorf("the recorder's file: %v", err)
	}
}
