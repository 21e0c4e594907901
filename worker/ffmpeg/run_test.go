package ffmpeg_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ngworks/nglive/worker/ffmpeg"
	"github.com/ngworks/nglive/worker/flv"
	"github.com/ngworks/nglive/worker/flv/flvtest"
)

func tools() ffmpeg.Tools { return ffmpeg.Tools{FFmpeg: "ffmpeg", FFprobe: "ffprobe"} }

// plan scans a source and prepares the job and the expectation, as the worker
// does. mend says whether broken timestamps are mended.
func plan(t *testing.T, in string, s ffmpeg.Settings, mend bool) (ffmpeg.Job, ffmpeg.Expectation) {
	t.Helper()
	file := flvtest.Read(t, in)
	scan, err := flv.ReadScan(t.Context(), bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	j := ffmpeg.Job{
		Settings: s, In: in, Out: filepath.Join(t.TempDir(), "out.part.mp4"),
		ProbeBytes: scan.ProbeBytes, ProbeTime: scan.ProbeTime,
	}
	if mend {
		j.Input = flv.Mend(bytes.NewReader(file))
	}
	e := scan.Expect(mend)
	want := ffmpeg.Expectation{Min: e.Min, Max: e.Max, HasVideo: e.HasVideo, HasAudio: e.HasAudio}
	if s.Mode == ffmpeg.Copy {
		want.VideoFrames, want.AudioFrames = e.VideoFrames, e.AudioFrames
	}
	return j, want
}

func copying() ffmpeg.Settings { return ffmpeg.Settings{Mode: ffmpeg.Copy} }

func encoding() ffmpeg.Settings {
	return ffmpeg.Settings{Mode: ffmpeg.CRF, CRF: 30, Preset: "ultrafast"}
}

func TestRun_eachModeIsWhatItSays(t *testing.T) {
	in := flvtest.Clip(t, t.TempDir(), 2)
	tests := []struct {
		settings ffmpeg.Settings
		says     []string // in x264's own note within the output
	}{
		{ffmpeg.Settings{Mode: ffmpeg.CRF, CRF: 24}, []string{"rc=crf", "crf=24.0"}},
		{ffmpeg.Settings{Mode: ffmpeg.CRF, CRF: 24, Maxrate: "900k"}, []string{"rc=crf", "vbv_maxrate=900", "vbv_bufsize=1800"}},
		{ffmpeg.Settings{Mode: ffmpeg.CQ, CQ: 24}, []string{"rc=cqp", "qp=24"}},
		{ffmpeg.Settings{Mode: ffmpeg.B, Bitrate: "700k"}, []string{"rc=cbr", "bitrate=700", "vbv_maxrate=700", "vbv_bufsize=700"}},
		{ffmpeg.Settings{Mode: ffmpeg.ABR, Bitrate: "700k"}, []string{"rc=abr", "bitrate=700"}},
		{ffmpeg.Settings{Mode: ffmpeg.VBR, Bitrate: "700k"}, []string{"rc=abr", "bitrate=700", "vbv_maxrate=1050", "vbv_bufsize=2100"}},
	}
	for _, tt := range tests {
		t.Run(string(tt.settings.Mode), func(t *testing.T) {
			tt.settings.Preset = "superfast"
			j, want := plan(t, in, tt.settings, false)
			if _, err := tools().Run(t.Context(), j); err != nil {
				t.Fatal(err)
			}
			if _, err := tools().Verify(t.Context(), j.Out, want); err != nil {
				t.Error(err)
			}
			out := flvtest.Read(t, j.Out)
			for _, part := range tt.says {
				if !bytes.Contains(out, []byte(part)) {
					t.Errorf("x264's note lacks %s", part)
				}
			}
			if tt.settings.Mode == ffmpeg.ABR && bytes.Contains(out, []byte("vbv_maxrate")) {
				t.Error("an average bitrate was capped")
			}
		})
	}
}

func TestRun_copyKeepsThePicturesByteForByteAndReportsProgress(t *testing.T) {
	in := flvtest.Clip(t, t.TempDir(), 4)
	j, want := plan(t, in, copying(), false)
	var reports []ffmpeg.Progress
	j.Progress = func(p ffmpeg.Progress) { reports = append(reports, p) }
	result, err := tools().Run(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	report, err := tools().Verify(t.Context(), j.Out, want)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Warnings) != 0 || len(result.Findings) != 0 {
		t.Errorf("a clean file gives warnings: %v %v", report.Warnings, result.Findings)
	}
	out := flvtest.Read(t, j.Out)
	for _, tag := range flvtest.Tags(flvtest.Read(t, in)) {
		if tag.Frame() && tag.Kind == flvtest.Video && !bytes.Contains(out, tag.Body[5:]) {
			t.Fatalf("the picture at %d ms is another", tag.TS)
		}
	}
	if moov, mdat := bytes.Index(out, []byte("moov")), bytes.Index(out, []byte("mdat")); moov > mdat {
		t.Error("the index is not at the front")
	}
	if len(reports) == 0 || result.Last.OutTime < 3*time.Second || result.Last.TotalBytes == 0 || result.Last.Frame != 120 {
		t.Errorf("%d reports, the last %+v", len(reports), result.Last)
	}
}

func TestRun_faultySourcesGiveAWholeOutput(t *testing.T) {
	dir := t.TempDir()
	clean := flvtest.Read(t, flvtest.Clip(t, dir, 4))
	large := flvtest.Read(t, flvtest.ClipOfSize(t, dir, 4, "640x360"))
	tests := []struct {
		name       string
		file       []byte
		mend       bool
		video      int // pictures in a copy
		warns      bool
		encodeOnly bool
	}{
		{"truncated", flvtest.Truncate(clean, 0.7), false, 85, true, false},
		{"an hour forward", flvtest.Jump(clean, 2*time.Second, time.Hour), true, 120, false, false},
		{"forty hours forward", flvtest.Jump(clean, 2*time.Second, 40*time.Hour), true, 120, false, false},
		{"two seconds back", flvtest.Jump(clean, 2*time.Second, -2*time.Second), true, 120, false, false},
		{"five seconds pause", flvtest.Jump(clean, 2*time.Second, 5*time.Second), false, 120, false, false},
		{"no sound", flvtest.NoAudio(clean), false, 120, false, false},
		{"no picture", flvtest.NoVideo(clean), false, 0, false, false},
		{"another size midway", flvtest.SecondVideoHeader(clean, large), false, 240, false, true},
		{"a smaller size midway", flvtest.SecondVideoHeader(large, clean), false, 240, false, true},
	}
	for _, tt := range tests {
		for _, s := range []ffmpeg.Settings{copying(), encoding()} {
			if tt.encodeOnly && s.Mode == ffmpeg.Copy {
				continue
			}
			t.Run(tt.name+" "+string(s.Mode), func(t *testing.T) {
				in := flvtest.Write(t, t.TempDir(), "a.flv", tt.file)
				j, want := plan(t, in, s, tt.mend)
				result, err := tools().Run(t.Context(), j)
				if err != nil {
					t.Fatal(err)
				}
				want.Findings = result.Findings
				report, err := tools().Verify(t.Context(), j.Out, want)
				if err != nil {
					t.Fatal(err)
				}
				if tt.warns && !slices.ContainsFunc(report.Warnings, func(w string) bool { return strings.Contains(w, "ends early") }) {
					t.Errorf("warnings %q", report.Warnings)
				}
				if video, _ := report.Media.First("video"); video.Frames < tt.video-2 {
					t.Errorf("%d pictures, want about %d", video.Frames, tt.video)
				}
				if said := decode(t, j.Out); len(said) > 0 && !tt.warns { // the copy ends in half a picture
					t.Errorf("the output cannot be decoded: %d lines, %s", len(said), said[0])
				}
			})
		}
	}
}

func TestVerify_refusesWhatABrokenClockDoesToACopy(t *testing.T) {
	clean := flvtest.Read(t, flvtest.Clip(t, t.TempDir(), 8))
	in := flvtest.Write(t, t.TempDir(), "a.flv", flvtest.Jump(clean, 4*time.Second, -4*time.Second))
	for _, s := range []ffmpeg.Settings{copying(), encoding()} {
		j, want := plan(t, in, s, false)
		if _, err := tools().Run(t.Context(), j); err != nil {
			t.Fatal(err)
		}
		_, err := tools().Verify(t.Context(), j.Out, want)
		var e *ffmpeg.Error
		if !errors.As(err, &e) || e.Kind != ffmpeg.BadOutput || !strings.Contains(err.Error(), "it lasts 4") {
			t.Errorf("%s: got %v", s.Mode, err)
		}
	}
}

func TestScan_foretellsACopyThatCannotBeDecoded(t *testing.T) {
	dir := t.TempDir()
	small := flvtest.Read(t, flvtest.Clip(t, dir, 2))
	large := flvtest.Read(t, flvtest.ClipOfSize(t, dir, 2, "640x360"))
	for name, second := range map[string][]byte{"same": small, "other": large} {
		file := flvtest.SecondVideoHeader(small, second)
		scan, err := flv.ReadScan(t.Context(), bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		j, _ := plan(t, flvtest.Write(t, dir, name+".flv", file), copying(), false)
		if _, err := tools().Run(t.Context(), j); err != nil {
			t.Fatal(err)
		}
		if lines := decode(t, j.Out); scan.CopiesVideo() != (len(lines) == 0) {
			t.Errorf("%s size midway: CopiesVideo is %v, and decoding the copy gives %d lines of errors", name, scan.CopiesVideo(), len(lines))
		}
	}
}

func TestVerify_saysWhoseFaultAnIncompleteOutputIs(t *testing.T) {
	j, want := plan(t, flvtest.Clip(t, t.TempDir(), 1), copying(), false)
	if _, err := tools().Run(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	for message, kind := range map[string]ffmpeg.Kind{
		"The disk is full.": ffmpeg.NoSpace, "The disk could not read part of the recording.": ffmpeg.SourceFailed, "other": ffmpeg.BadOutput,
	} {
		want.Findings = []ffmpeg.Finding{{Fatal: true, Message: message, Line: "[error] x"}}
		_, err := tools().Verify(t.Context(), j.Out, want)
		var e *ffmpeg.Error
		if !errors.As(err, &e) || e.Kind != kind || e.UserMessage() == "" {
			t.Errorf("%s: got %v", message, err)
		}
	}
}

func TestVerify_refusesALossThatTheDurationHides(t *testing.T) {
	clean := flvtest.Read(t, flvtest.Clip(t, t.TempDir(), 4))
	var thin []flvtest.Tag
	for i, tag := range flvtest.Tags(clean) {
		if tag.Kind != flvtest.Video || !tag.Frame() || i%3 != 0 || tag.TS < 100 {
			thin = append(thin, tag)
		}
	}
	dir := t.TempDir()
	lossy, _ := plan(t, flvtest.Write(t, dir, "thin.flv", flvtest.Join(thin)), copying(), false)
	_, want := plan(t, flvtest.Write(t, dir, "whole.flv", clean), copying(), false)
	if _, err := tools().Run(t.Context(), lossy); err != nil {
		t.Fatal(err)
	}
	if _, err := tools().Verify(t.Context(), lossy.Out, want); err == nil || !strings.Contains(err.Error(), "video track holds") {
		t.Errorf("got %v", err)
	}
}

func TestRun_keepsASoundTrackThatBeginsLate(t *testing.T) {
	var late []flvtest.Tag
	for _, tag := range flvtest.Tags(flvtest.Read(t, flvtest.ClipOfSize(t, t.TempDir(), 20, "640x360"))) {
		if tag.Kind == flvtest.Audio && tag.TS < 15_000 {
			continue
		}
		if tag.Kind == flvtest.Video && tag.Frame() { // filler, to pass ffmpeg's probe size
			const filler = 12
			pad := append([]byte{0, 0, 80, 0, filler, 0xff}, bytes.Repeat([]byte{0xff}, 80<<8-3)...)
			tag.Body = append(slices.Clone(tag.Body), append(pad, 0x80)...)
		}
		late = append(late, tag)
	}
	in := flvtest.Write(t, t.TempDir(), "late.flv", flvtest.Join(late))
	j, want := plan(t, in, copying(), false)
	forgetful := j
	forgetful.ProbeBytes, forgetful.ProbeTime = 0, 0
	result, err := tools().Run(t.Context(), forgetful)
	if err != nil {
		t.Fatal(err)
	}
	bad := want
	bad.Findings = result.Findings
	if _, err := tools().Verify(t.Context(), j.Out, bad); err == nil || !strings.Contains(err.Error(), "New audio stream") {
		t.Errorf("a lost track is accepted: %v", err)
	}
	if _, err = tools().Run(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	if _, err := tools().Verify(t.Context(), j.Out, want); err != nil {
		t.Error(err)
	}
}

func TestRun_hopelessSourcesSaySoAndLeaveNothing(t *testing.T) {
	clean := flvtest.Read(t, flvtest.Clip(t, t.TempDir(), 2))
	for name, file := range map[string][]byte{
		"three bytes": flvtest.ThreeBytes(),
		"header only": flvtest.HeaderOnly(),
		"hevc 12":     flvtest.HEVC12(clean), // its pictures are no HEVC, for any ffmpeg
		"hvc1":        flvtest.Enhanced(clean, "hvc1"),
	} {
		for _, s := range []ffmpeg.Settings{copying(), encoding()} {
			t.Run(name+" "+string(s.Mode), func(t *testing.T) {
				dir := t.TempDir()
				j := ffmpeg.Job{Settings: s, In: flvtest.Write(t, dir, "a.flv", file), Out: filepath.Join(dir, "a.part.mp4")}
				_, err := tools().Run(t.Context(), j)
				wantError(t, err, ffmpeg.Exited, ffmpeg.Never)
				wantGone(t, j.Out)
			})
		}
	}
}

func TestRun_takesAnyFileName(t *testing.T) {
	clip := flvtest.Read(t, flvtest.Clip(t, t.TempDir(), 1))
	for _, name := range []string{
		"with spaces", `quotes " ' and $HOME`, "emoji 🎵直播", "-y", "back\\slash", "50%d %03d", "a:b", "pipe:1", "http:__x?y=z&u", "[id=1]|tee",
		strings.Repeat("直", 80) + "abcdef", "new\nline", "concat|", "bad\xffutf8",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			in := flvtest.Write(t, dir, name+".flv", clip)
			j, want := plan(t, in, copying(), false)
			j.Out = filepath.Join(dir, name+".mp4")
			if _, err := tools().Run(t.Context(), j); err != nil {
				t.Fatal(err)
			}
			if _, err := tools().Verify(t.Context(), j.Out, want); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRun_saysThatTheDiskIsFull(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("this system has no /dev/full")
	}
	out := filepath.Join(t.TempDir(), "a.part.mp4")
	if err := os.Symlink("/dev/full", out); err != nil {
		t.Fatal(err)
	}
	_, err := tools().Run(t.Context(), ffmpeg.Job{Settings: copying(), In: flvtest.Clip(t, t.TempDir(), 2), Out: out})
	wantError(t, err, ffmpeg.NoSpace, ffmpeg.Space)
	wantGone(t, out)
}

func TestRun_aSourceThatFailsMidwayIsNoFinishedOutput(t *testing.T) {
	file := flvtest.Read(t, flvtest.Clip(t, t.TempDir(), 4))
	fault := errors.New("input/output error")
	j := ffmpeg.Job{Settings: copying(), In: "a.flv", Out: filepath.Join(t.TempDir(), "a.part.mp4")}
	j.Input = &faultyReader{good: bytes.NewReader(file[:len(file)/2]), fault: fault}
	_, err := tools().Run(t.Context(), j)
	wantError(t, err, ffmpeg.SourceFailed, ffmpeg.Again)
	if !errors.Is(err, fault) {
		t.Errorf("got %v", err)
	}
	wantGone(t, j.Out)
}

type faultyReader struct {
	good  *bytes.Reader
	fault error
}

func (r *faultyReader) Read(p []byte) (int, error) {
	if r.good.Len() == 0 {
		return 0, r.fault
	}
	return r.good.Read(p)
}

func TestRun_saysWhatIsMissing(t *testing.T) {
	j := ffmpeg.Job{Settings: copying(), In: "a.flv", Out: filepath.Join(t.TempDir(), "a.part.mp4")}
	for _, name := range []string{"no-such-ffmpeg", "/no/such/ffmpeg"} {
		_, err := ffmpeg.Tools{FFmpeg: name}.Run(t.Context(), j)
		wantError(t, err, ffmpeg.NotInstalled, ffmpeg.Never)
		if says := asError(t, err).UserMessage(); !strings.Contains(says, "apt-get install ffmpeg") {
			t.Errorf("says %q", says)
		}
	}
	_, err := ffmpeg.Tools{FFmpeg: t.TempDir()}.Run(t.Context(), j)
	wantError(t, err, ffmpeg.StartFailed, ffmpeg.Never)
	j.Settings.CRF = 20
	_, err = tools().Run(t.Context(), j)
	wantError(t, err, ffmpeg.BadSettings, ffmpeg.Never)
}

func TestRun_aCancelledContextComesFirst(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	j := ffmpeg.Job{Settings: encoding(), In: flvtest.ClipOfSize(t, t.TempDir(), 20, "640x360"), Out: filepath.Join(t.TempDir(), "a.part.mp4")}
	j.Settings.Preset = "placebo"
	j.Progress = func(ffmpeg.Progress) { cancel() }
	_, err := tools().Run(ctx, j)
	var e *ffmpeg.Error
	if !errors.Is(err, context.Canceled) || errors.As(err, &e) {
		t.Errorf("got %v", err)
	}
	wantGone(t, j.Out)
}

func wantError(t *testing.T, err error, kind ffmpeg.Kind, class string) {
	t.Helper()
	e := asError(t, err)
	if e.Kind != kind || e.Class() != class {
		t.Errorf("kind %q, class %q; want %q, %q: %v", e.Kind, e.Class(), kind, class, err)
	}
	if len(e.UserMessage()) < 20 {
		t.Errorf("says no more than %q", e.UserMessage())
	}
}

func asError(t *testing.T, err error) *ffmpeg.Error {
	t.Helper()
	var e *ffmpeg.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an *Error", err)
	}
	return e
}

func wantGone(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s was left: %v", path, err)
	}
}
