package flv_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/iotest"
	"time"

	"github.com/ngworks/nglive/worker/flv"
	"github.com/ngworks/nglive/worker/flv/flvtest"
)

func scan(t *testing.T, file []byte) flv.Scan {
	t.Helper()
	s, err := flv.ReadScan(t.Context(), bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// within says whether a duration is what it should be, give or take 100 ms.
func within(t *testing.T, what string, got, want time.Duration) {
	t.Helper()
	if (got - want).Abs() > 100*time.Millisecond {
		t.Errorf("%s is %v, want about %v", what, got, want)
	}
}

func clip(t *testing.T, seconds int) []byte {
	t.Helper()
	return flvtest.Read(t, flvtest.Clip(t, t.TempDir(), seconds))
}

func TestScan_countsACleanFile(t *testing.T) {
	file := clip(t, 4)
	s := scan(t, file)
	if s.VideoFrames != 120 || s.AudioFrames != 174 {
		t.Errorf("%d pictures and %d sounds, want 120 and 174 as ffprobe counts", s.VideoFrames, s.AudioFrames)
	}
	if s.VideoHeaders != 1 || s.AudioHeaders != 1 || !s.CopiesVideo() {
		t.Errorf("headers %d, %d, copies %v; want one of each", s.VideoHeaders, s.AudioHeaders, s.CopiesVideo())
	}
	if s.Truncated || s.Garbage != 0 || s.JumpCount != 0 || s.NeedsMending() {
		t.Errorf("a clean file has faults: %+v", s)
	}
	if s.Bytes != int64(len(file)) {
		t.Errorf("read %d of %d bytes", s.Bytes, len(file))
	}
	if s.VideoCodec != flv.AVC || s.AudioCodec != flv.AAC {
		t.Errorf("codecs %q %q", s.VideoCodec, s.AudioCodec)
	}
	within(t, "Media", s.Media, 4*time.Second)
	within(t, "Span", s.Span, 4*time.Second)
}

func TestScan_measuresFaults(t *testing.T) {
	file := clip(t, 4)
	second := time.Second
	tests := []struct {
		name        string
		file        []byte
		media, span time.Duration
		jumps       int
		mend        bool
	}{
		{"an hour forward", flvtest.Jump(file, 2*second, time.Hour), 4 * second, time.Hour + 4*second, 1, true},
		{"two seconds back", flvtest.Jump(file, 2*second, -2*second), 4 * second, 2 * second, 1, true},
		{"half a second back", flvtest.Jump(file, 2*second, -500*time.Millisecond), 4 * second, 3500 * time.Millisecond, 1, true},
		{"a pause of five seconds", flvtest.Jump(file, 2*second, 5*second), 9 * second, 9 * second, 1, false},
		{"begun hours ago", flvtest.Jump(file, 0, 3*time.Hour), 4 * second, 4 * second, 0, false},
		{"no sound", flvtest.Jump(flvtest.NoAudio(file), 2*second, -2*second), 4 * second, 2 * second, 1, true},
		{"no picture", flvtest.Jump(flvtest.NoVideo(file), 2*second, time.Hour), 4 * second, time.Hour + 4*second, 1, true},
		{"header only", flvtest.HeaderOnly(), 0, 0, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := scan(t, tt.file)
			within(t, "Media", s.Media, tt.media)
			within(t, "Span", s.Span, tt.span)
			if s.JumpCount != tt.jumps || len(s.Jumps) != tt.jumps {
				t.Errorf("%d jumps %v, want %d", s.JumpCount, s.Jumps, tt.jumps)
			}
			if s.NeedsMending() != tt.mend {
				t.Errorf("NeedsMending is %v", s.NeedsMending())
			}
		})
	}
}

func TestScan_believesThatPicturesStallWhileSoundGoesOn(t *testing.T) {
	var kept []flvtest.Tag
	for _, tag := range flvtest.Tags(clip(t, 20)) {
		if tag.Kind == flvtest.Video && tag.Frame() && tag.TS > 3000 && tag.TS < 17000 {
			continue
		}
		kept = append(kept, tag)
	}
	s := scan(t, flvtest.Join(kept))
	within(t, "Media", s.Media, 20*time.Second)
	if s.JumpCount != 0 {
		t.Errorf("a stall of one stream counts as a jump: %v", s.Jumps)
	}
}

func TestScan_noticesASecondDecoderConfiguration(t *testing.T) {
	dir := t.TempDir()
	small := flvtest.Read(t, flvtest.Clip(t, dir, 2))
	large := flvtest.Read(t, flvtest.ClipOfSize(t, dir, 2, "640x360"))
	if s := scan(t, flvtest.SecondVideoHeader(small, small)); s.VideoHeaders != 2 || !s.CopiesVideo() {
		t.Errorf("a repeated header: %d headers, copies %v; want 2, true", s.VideoHeaders, s.CopiesVideo())
	}
	if s := scan(t, flvtest.SecondVideoHeader(small, large)); s.VideoHeaders != 2 || s.CopiesVideo() {
		t.Errorf("a changed header: %d headers, copies %v; want 2, false", s.VideoHeaders, s.CopiesVideo())
	}
}

func TestScan_saysTruncatedAtEveryCutInsideATag(t *testing.T) {
	file := flvtest.NoVideo(clip(t, 1)) // so that the last tag is a frame
	whole := scan(t, file)
	end := len(file)
	for _, cut := range []int{5, 9, 100} { // inside the last body; 4 ends exactly behind it
		s := scan(t, file[:end-cut])
		if !s.Truncated {
			t.Errorf("cut by %d bytes: not seen", cut)
		}
		if s.VideoFrames+s.AudioFrames >= whole.VideoFrames+whole.AudioFrames {
			t.Errorf("cut by %d bytes: the half frame is counted", cut)
		}
	}
	if scan(t, file[:end-4]).Truncated {
		t.Error("only the last PreviousTagSize is missing, which loses nothing")
	}
}

func TestScan_findsTheNextTagAfterGarbage(t *testing.T) {
	tags := flvtest.Tags(clip(t, 2))
	half := len(tags) / 2
	front := flvtest.Join(tags[:half])
	// It looks like the beginnings of tags, none of which ends as a tag does.
	junk := bytes.Repeat([]byte{0xAA, flvtest.Video, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0x17, 1}, 40_000)
	file := append(append(front, junk...), flvtest.Join(tags[half:])[13:]...)
	s := scan(t, file)
	if s.Garbage != int64(len(junk)) {
		t.Errorf("%d bytes of garbage, want %d", s.Garbage, len(junk))
	}
	if s.VideoTags+s.AudioTags+1 != len(tags) {
		t.Errorf("%d tags, want %d", s.VideoTags+s.AudioTags+1, len(tags))
	}
}

func TestScan_countsNoPictureBeforeTheFirstKeyFrame(t *testing.T) {
	tags := flvtest.Tags(clip(t, 2))
	var headless []flvtest.Tag
	dropped := false
	for _, tag := range tags {
		if tag.Kind == flvtest.Video && tag.Frame() && !dropped {
			dropped = true
			continue
		}
		headless = append(headless, tag)
	}
	if got := scan(t, flvtest.Join(headless)).VideoFrames; got != 30 {
		t.Errorf("%d pictures, want the 30 from the second key frame on", got)
	}
}

func TestScan_saysHowFarTheLastStreamBegins(t *testing.T) {
	var late []flvtest.Tag
	for _, tag := range flvtest.Tags(clip(t, 4)) {
		if tag.Kind != flvtest.Audio || tag.TS >= 3000 {
			late = append(late, tag)
		}
	}
	file := flvtest.Join(late)
	s := scan(t, file)
	within(t, "ProbeTime", s.ProbeTime, 3*time.Second)
	if s.ProbeBytes < int64(len(file)/2) {
		t.Errorf("ProbeBytes is %d of %d", s.ProbeBytes, len(file))
	}
}

func TestScan_errors(t *testing.T) {
	if _, err := flv.ReadScan(t.Context(), bytes.NewReader(flvtest.ThreeBytes())); !errors.Is(err, flv.ErrNotFLV) {
		t.Errorf("three bytes: %v", err)
	}
	if _, err := flv.ReadScan(t.Context(), bytes.NewReader([]byte("this is a text file"))); !errors.Is(err, flv.ErrNotFLV) {
		t.Errorf("text: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := flv.ReadScan(ctx, bytes.NewReader(clip(t, 1))); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	diskFault := errors.New("input/output error")
	broken := io.MultiReader(bytes.NewReader(clip(t, 1)[:1000]), iotest.ErrReader(diskFault))
	if _, err := flv.ReadScan(t.Context(), broken); !errors.Is(err, diskFault) {
		t.Errorf("a disk fault: %v", err)
	}
}

func TestScan_saysWhichSoundMP4CannotHold(t *testing.T) {
	patch := func(first byte) []byte {
		tags := flvtest.Tags(clip(t, 1))
		for i, tag := range tags {
			if tag.Kind == flvtest.Audio {
				tags[i].Body = append([]byte{first}, tag.Body[1:]...)
			}
		}
		return flvtest.Join(tags)
	}
	const aac, mp3, speex = 0xaf, 0x2f, 0xb2
	for first, copies := range map[byte]bool{aac: true, mp3: true, speex: false} {
		if got := scan(t, patch(first)).CopiesAudio(); got != copies {
			t.Errorf("%#x: %v", first, got)
		}
	}
	if !scan(t, flvtest.NoAudio(clip(t, 1))).CopiesAudio() {
		t.Error("no sound needs no encoder")
	}
	tags := flvtest.Tags(clip(t, 1))
	tags = append(tags, flvtest.Tag{Kind: flvtest.Audio, TS: 1000, Body: []byte{aac, 0, 0x11, 0x90}},
		flvtest.Tag{Kind: flvtest.Audio, TS: 1010, Body: []byte{aac, 1, 0x21}})
	if scan(t, flvtest.Join(tags)).CopiesAudio() {
		t.Error("a changed configuration was not seen")
	}
}
