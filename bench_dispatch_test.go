//go:build bench

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ngworks/nglive/worker/flv/flvtest"
)

// measureDispatch tells FileClosed of small recordings to a real `nglive up`
// with its default flow (a copy), one at a time at odd moments, and measures
// from the answer to the start of the ffmpeg that works on that recording. A
// script in ffmpeg's place notes the time and becomes ffmpeg; what the shell
// and `date` need for that counts against us. Nothing else is left out: the
// queue's polling is in it.
func measureDispatch(t *testing.T, b *bench) {
	t.Helper()
	const files, spacing = 110, 600 * time.Millisecond
	starts := filepath.Join(t.TempDir(), "starts")
	up := b.open(t, "up", "NGLIVE_FFMPEG="+timedFFmpeg(t, starts))
	up.awaitWorker()
	clip := flvtest.Clip(t, up.dir, 2)
	first := up.record(clip, "first.flv")
	up.closed(first) // the programs are tried, the caches are filled
	up.finished(first, ready)

	answered := map[string]time.Time{}
	for i := range files {
		name := fmt.Sprintf("dispatch-%d-", i)
		answered[name] = up.closed(up.record(clip, name+".flv"))
		<-time.After(spacing/2 + rand.N(spacing))
	}
	var waits []float64
	until(t, ready, "every recording has its ffmpeg", func() bool {
		waits = waitsIn(t, starts, answered)
		return len(waits) == files
	})
	b.report.add("dispatch_p50", "FileClosed answered → ffmpeg started, p50", "ms", atMost(300), single(quantile(waits, 0.5)))
	b.report.add("dispatch_p99", "… p99", "ms", atMost(600), single(quantile(waits, 0.99)))
	b.report.note("the quickest and the slowest of them", "ms", middle(waits))
}

// timedFFmpeg is a script that writes when it was started and with what, and
// then becomes ffmpeg.
func timedFFmpeg(t *testing.T, starts string) string {
	t.Helper()
	program, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(t.TempDir(), "ffmpeg")
	text := fmt.Sprintf("#!/bin/sh\necho \"$(date +%%s%%N) $*\" >>'%s'\nexec '%s' \"$@\"\n", starts, program)
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	return script
}

// waitsIn finds each recording's first start, in milliseconds after its answer.
func waitsIn(t *testing.T, starts string, answered map[string]time.Time) []float64 {
	t.Helper()
	text, err := os.ReadFile(starts)
	if err != nil {
		t.Fatal(err)
	}
	begun := map[string]float64{}
	for line := range strings.Lines(string(text)) {
		stamp, args, _ := strings.Cut(line, " ")
		nanos, err := strconv.ParseInt(stamp, 10, 64)
		if err != nil {
			continue // being written
		}
		for name, at := range answered {
			if _, known := begun[name]; !known && strings.Contains(args, name) {
				begun[name] = millis(time.Unix(0, nanos).Sub(at))
			}
		}
	}
	waits := make([]float64, 0, len(begun))
	for _, w := range begun {
		waits = append(waits, w)
	}
	return waits
}
