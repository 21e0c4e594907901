package archive_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ngworks/nglive/worker/archive"
)

// BenchmarkPut copies 1 GiB on one disk, proven and synced; compare with cp, sync and sha256sum of the same size.
func BenchmarkPut(b *testing.B) {
	const size = 1 << 30
	src := makeFile(b, filepath.Join(b.TempDir(), "source.mp4"), size)
	b.SetBytes(size)
	for b.Loop() {
		dir := filepath.Join(b.TempDir(), "archive")
		if _, _, err := archive.New(dir).Put(b.Context(), src, "room/video.mp4", false, func(int64) {}); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := os.RemoveAll(dir); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
