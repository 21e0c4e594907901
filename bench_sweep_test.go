//go:build bench

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/ngworks/nglive/tasks"
)

const sweptFiles = 100_000

// measureSweep gives a real `nglive up` a folder of 100,000 recordings that are older than it. It takes the time until all of them
// are listed, and then what one look at a folder whose every file is known costs: the processor time of `up` over some looks, less
// what it takes for the same time with an empty folder.
func measureSweep(t *testing.T, b *bench) {
	t.Helper()
	const interval, looks = 5 * time.Second, 8
	recordings := t.TempDir()
	up := b.open(t, "up", "NGLIVE_RECORDINGS_DIR="+recordings, "NGLIVE_SWEEP_INTERVAL="+interval.String(), "NGLIVE_SWEEP_SETTLE=1s")
	up.awaitWorker()
	at, ok := recallRedisAddress(filepath.Join(up.data, "redis"))
	if !ok {
		t.Fatal("up's own Redis is nowhere")
	}
	rdb := redis.NewClient(at.options())
	defer func() { _ = rdb.Close() }()

	spent := func() float64 {
		<-time.After(2 * interval) // what came before is over
		before := ticksOf(t, []int{up.pid})
		<-time.After(looks * interval)
		return float64(ticksOf(t, []int{up.pid})-before) / 100 / looks
	}
	memory := func() float64 { return procKB(t, up.pid, "status", "RssAnon:") / 1000 }
	idle, bare := spent(), memory()

	fillWithOld(t, recordings)
	began := time.Now()
	until(t, 30*time.Minute, "all old files are listed", func() bool {
		n, err := rdb.ZCard(t.Context(), "nglive:s:"+string(tasks.Found)).Result()
		return err == nil && n >= sweptFiles
	})
	b.report.note("100,000 files older than the installation: until all are listed", "s", single(time.Since(began).Seconds()))
	b.report.note("one look at 100,000 known files: CPU", "s", single(spent()-idle))
	b.report.note("… memory that `up` holds more than with none", "MB", single(memory()-bare))
}

// fillWithOld writes recordings that were closed a year ago.
func fillWithOld(t *testing.T, dir string) {
	t.Helper()
	const folders = 500
	year := time.Now().AddDate(-1, 0, 0)
	for i := range sweptFiles {
		room := 10_000 + i%folders
		folder := filepath.Join(dir, fmt.Sprintf("%d-room", room))
		if i < folders {
			if err := os.Mkdir(folder, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		file := filepath.Join(folder, fmt.Sprintf("录制-%d-20251120-%06d-123-title.flv", room, i))
		if err := os.WriteFile(file, fmt.Appendf(nil, "FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00%d", i), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, year, year); err != nil {
			t.Fatal(err)
		}
	}
}
