//go:build bench

package worker

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkSweep_knownFiles is one look at 100,000 known files: processor time, and the memory that knowing them takes.
// go test -tags bench -run '^$' -bench Sweep -benchtime 5x ./worker
func BenchmarkSweep_knownFiles(b *testing.B) {
	dir := b.TempDir()
	w := &Worker{cfg: Config{RecordingsDir: dir, SweepSettle: time.Hour}, marks: &marks{of: map[mark][8]byte{}}}
	const files, folders = 100_000, 500
	for i := range files {
		folder := filepath.Join(dir, fmt.Sprintf("%d-room", 10_000+i%folders))
		if i < folders {
			require.NoError(b, os.Mkdir(folder, 0o755))
		}
		require.NoError(b, os.WriteFile(filepath.Join(folder, fmt.Sprintf("录制-%06d-title.flv", i)), fmt.Appendf(nil, "FLV %d", i), 0o600))
	}
	root, err := os.OpenRoot(dir)
	require.NoError(b, err)
	defer func() { _ = root.Close() }()
	look := func() {
		before := w.search.pending
		w.search.pending, w.search.seen = map[string]lookedAt{}, 0
		k := walk{see: func(rel string, info os.FileInfo) {
			w.search.seen++
			w.search.note(w.marks, rel, info, before)
		}, trouble: func(string, error) { b.Fail() }}
		require.NoError(b, k.folder(b.Context(), root, "", 0))
	}
	look()
	require.Equal(b, files, w.search.seen)
	for _, f := range w.search.pending {
		w.marks.of[f.mark] = [8]byte{1}
	}
	w.search.pending = nil
	cpu, n := cpuTime(), 0
	for b.Loop() {
		look()
		n++
	}
	require.Empty(b, w.search.pending)
	b.ReportMetric((cpuTime()-cpu).Seconds()/float64(n), "cpu-s/look")
	with := liveHeap()
	w.marks.of = nil
	b.ReportMetric(float64(with-liveHeap())/1e6, "MB-of-marks")
	runtime.KeepAlive(w)
}

func liveHeap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // small
}

func cpuTime() time.Duration {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
