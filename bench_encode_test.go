//go:build bench

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker/ffmpeg"
)

// measureEncode encodes 60 s of 720p with libx264 (veryfast, CRF 24): in turn
// by hand, with the very arguments that the worker gives ffmpeg, and by a real
// `nglive up`, from the moment its worker takes the step up (so the queue's
// polling is left out) to the moment its output is checked, synced and named.
// By hand nothing is checked or synced. The source lies in the page cache, and
// the next round begins when the flow of the last is over.
func measureEncode(t *testing.T, b *bench) {
	t.Helper()
	up := b.open(t, "up", "NGLIVE_TRANSCODE_MODE=CRF", "NGLIVE_TRANSCODE_CRF=24", "NGLIVE_TRANSCODE_PRESET=veryfast")
	up.awaitWorker()
	source := makeSource(t, filepath.Join(up.dir, "source.flv"), slices.Concat(noisyPicture("1280x720", 6),
		[]string{"-t", "60", "-c:v", "libx264", "-preset", "ultrafast", "-g", "60", "-b:v", "4M", "-pix_fmt", "yuv420p", "-c:a", "aac", "-f", "flv"})...)
	output := filepath.Join(up.dir, "by-hand.mp4")
	hand := append([]string{"ffmpeg"}, ffmpeg.Args(ffmpeg.Job{
		Settings: ffmpeg.Settings{Mode: "CRF", Encoder: "libx264", CRF: 24, Preset: "veryfast"}, In: source, Out: output,
	})...)
	var ours, theirs []float64
	for i := range rounds {
		warm(t, source)
		theirs = append(theirs, byHand(t, hand).Seconds())
		if err := os.Remove(output); err != nil {
			t.Fatal(err)
		}
		rel := up.record(source, fmt.Sprintf("encode-%d.flv", i))
		up.closed(rel)
		ours = append(ours, spent(up.finished(rel, 5*ready), tasks.StepTranscode).Seconds())
	}
	b.report.add("encode_beyond", "encode of 60 s of 720p, beyond 1.02 × by hand", "s", atMost(0.3),
		compared(ours, theirs, func(ours, theirs float64) float64 { return ours - 1.02*theirs }))
	b.report.note("ours", "s", middle(ours))
	b.report.note("by hand", "s", middle(theirs))
}
