//go:build bench

package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

const (
	sweptFiles   = 100_000
	sweptFolders = 500
)

// measureSweep gives a real `nglive up` a folder with 100,000 recordings, waits until it knows every one, and starts it again: once
// so that it hardly ever looks, and once so that it looks every five seconds. What the second uses more of the processor, `up` and its
// redis-server together, is the price of its looks.
func measureSweep(t *testing.T, b *bench) {
	t.Helper()
	dir := t.TempDir()
	began := time.Now()
	for i := range sweptFiles {
		folder := filepath.Join(dir, fmt.Sprintf("%d-room", 10_000+i%sweptFolders))
		if i < sweptFolders {
			if err := os.Mkdir(folder, 0o755); err != nil { //nolint:gosec // like a recorder's
				t.Fatal(err)
			}
		}
		name := fmt.Sprintf("录制-%d-20240101-%06d-%03d-title.flv", 10_000+i%sweptFolders, i/1000, i%1000)
		if err := os.WriteFile(filepath.Join(folder, name), fmt.Appendf(nil, "FLV %d", i), 0o644); err != nil { //nolint:gosec // like a recorder's
			t.Fatal(err)
		}
	}
	t.Logf("%d files made in %s", sweptFiles, time.Since(began).Round(time.Second))
	const every, watched = 5 * time.Second, 60 * time.Second
	var used [2]float64
	data := t.TempDir()
	var memory [2]float64
	for i, interval := range []time.Duration{time.Hour, every} {
		t.Run(interval.String(), func(t *testing.T) {
			settings := []string{"NGLIVE_RECORDINGS_DIR=" + dir, "NGLIVE_DATA_DIR=" + data, "NGLIVE_SWEEP_SETTLE=1s"}
			if i == 0 {
				learnAll(t, b, settings)
			}
			up := b.openIn(t, data, "up", append(settings, "NGLIVE_SWEEP_INTERVAL="+interval.String())...)
			up.awaitWorker()
			<-time.After(20 * time.Second)
			family := append(childrenOf(t, up.pid), up.pid)
			before := ticksOf(t, family)
			<-time.After(watched)
			used[i] = float64(ticksOf(t, family)-before) / 100 // USER_HZ is 100 on Linux
			memory[i] = procKB(t, up.pid, "status", "RssAnon:") / 1000
		})
	}
	looks := watched.Seconds() / every.Seconds()
	b.report.add("sweep_cpu", "a look at 100,000 known recordings: CPU", "s", atMost(1), single((used[1]-used[0])/looks))
	b.report.add("sweep_memory", "… memory of `up` (its own) that looks every 5 s", "MB", atMost(120), single(memory[1]))
	b.report.note("… and that hardly looks", "MB", single(memory[0]))
}

// learnAll lets the sweep take in every file.
func learnAll(t *testing.T, b *bench, settings []string) {
	t.Helper()
	t.Run("learn", func(t *testing.T) {
		up := b.openIn(t, settings[1][len("NGLIVE_DATA_DIR="):], "up", append(settings, "NGLIVE_SWEEP_INTERVAL=1s")...)
		up.awaitWorker()
		began := time.Now()
		until(t, 15*time.Minute, "every file known", func() bool {
			var answer struct{ Counts map[string]int }
			err := up.client.call(t.Context(), http.MethodGet, "/api/recordings?limit=1", nil, &answer)
			return err == nil && answer.Counts["found"] == sweptFiles
		})
		took := time.Since(began)
		b.report.note("100,000 older files listed", "files/s", single(sweptFiles/took.Seconds()))
	})
}
