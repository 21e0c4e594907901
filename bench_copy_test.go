//go:build bench

package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker/flv/flvtest"
)

// measureCopy brings a recording of 1 GiB into the archive without encoding: in
// turn by hand (ffmpeg -c copy -movflags +faststart, ffprobe, cp, sync of both
// files, sha256sum of the copy) and by a real `nglive up`, as the sum of its two
// steps' own times, so that the queue's polling is left out. Both work on the
// same disk and end synced; ours also reads the copy back from the disk. The
// source lies in the page cache, and what a round left is gone before the next
// begins.
func measureCopy(t *testing.T, b *bench) {
	t.Helper()
	up := b.open(t, "up", "NGLIVE_TRANSCODE_MODE=COPY")
	up.awaitWorker()
	source := bigFLV(t, up.dir, 1<<30)
	output, archived := filepath.Join(up.dir, "by-hand.mp4"), filepath.Join(up.dir, "by-hand-archived.mp4")
	var ours, theirs, transcodes, uploads []float64
	for i := range rounds {
		warm(t, source)
		theirs = append(theirs, byHand(t,
			[]string{"ffmpeg", "-v", "error", "-nostdin", "-y", "-i", source, "-c", "copy", "-movflags", "+faststart", output},
			[]string{"ffprobe", "-v", "error", "-show_format", "-show_streams", output},
			[]string{"cp", output, archived}, []string{"sync", output, archived}, []string{"sha256sum", archived},
		).Seconds())
		comeToRest(t, output, archived)
		warm(t, source)
		rel := up.record(source, fmt.Sprintf("copy-%d.flv", i))
		up.closed(rel)
		rec := up.finished(rel, 5*ready)
		ours = append(ours, spent(rec, tasks.StepTranscode, tasks.StepUpload).Seconds())
		transcodes = append(transcodes, spent(rec, tasks.StepTranscode).Seconds())
		uploads = append(uploads, spent(rec, tasks.StepUpload).Seconds())
		comeToRest(t, within(t, filepath.Join(up.dir, "out")), within(t, filepath.Join(up.dir, "archive")))
	}
	b.report.add("copy_ratio", "COPY of 1 GiB, closed → archived and verified, against by hand", "×", atMost(1.1), compared(ours, theirs, ratio))
	b.report.note("ours", "s", middle(ours))
	b.report.note("… its transcode step", "s", middle(transcodes))
	b.report.note("… its upload step", "s", middle(uploads))
	b.report.note("by hand", "s", middle(theirs))
}

// comeToRest removes what a round made and lets the disk come to rest.
func comeToRest(t *testing.T, paths ...string) {
	t.Helper()
	for _, p := range paths {
		if err := os.RemoveAll(p); err != nil {
			t.Fatal(err)
		}
	}
	byHand(t, []string{"sync"})
}

// within is the one folder of results in a folder; it begins with a date or a
// room. The folder around it stays: an archive that has vanished is a disk that
// is not there.
func within(t *testing.T, dir string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "[0-9]*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s holds %v, %v", dir, found, err)
	}
	return found[0]
}

// bigFLV repeats the tags of a clip of 8 Mbit/s, each time later, up to a size.
func bigFLV(t *testing.T, dir string, size int64) string {
	t.Helper()
	clip := makeSource(t, filepath.Join(dir, "clip.flv"), slices.Concat(noisyPicture("1280x720", 20),
		[]string{
			"-t", "20", "-c:v", "libx264", "-preset", "ultrafast", "-g", "60", "-b:v", "8M", "-maxrate", "8M", "-bufsize", "8M",
			"-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "128k", "-f", "flv",
		})...)
	tags := flvtest.Tags(flvtest.Read(t, clip))
	var frames []flvtest.Tag
	for _, tag := range tags {
		if tag.Frame() {
			frames = append(frames, tag)
		}
	}
	path := filepath.Join(dir, "source.flv")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	out := bufio.NewWriterSize(file, 1<<20)
	header := flvtest.Join(slices.DeleteFunc(tags, flvtest.Tag.Frame))
	written, err := out.Write(header)
	const period = 20_033 // the clip's length and one picture, in milliseconds
	for n := int64(written); err == nil && n < size; n += int64(written) {
		written, err = out.Write(flvtest.Join(frames)[13:]) // without the file's header
		for i := range frames {
			frames[i].TS += period
		}
	}
	if err = errors.Join(err, out.Flush(), file.Sync(), file.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}
