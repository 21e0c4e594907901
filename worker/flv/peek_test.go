package flv_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/ngworks/nglive/worker/flv"
	"github.com/ngworks/nglive/worker/flv/flvtest"
)

func peek(t *testing.T, file []byte) flv.Head {
	t.Helper()
	h, err := flv.Peek(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestPeek_tellsTheStreams(t *testing.T) {
	file := clip(t, 2)
	tests := []struct {
		name         string
		file         []byte
		video, audio flv.Codec
	}{
		{"clean", file, flv.AVC, flv.AAC},
		{"HEVC by codec id 12", flvtest.HEVC12(file), flv.HEVC12, flv.AAC},
		{"HEVC by fourcc", flvtest.Enhanced(file, "hvc1"), flv.HEVCEnhanced, flv.AAC},
		{"AV1 by fourcc", flvtest.Enhanced(file, "av01"), flv.AV1Enhanced, flv.AAC},
		{"VP9 by fourcc", flvtest.Enhanced(file, "vp09"), flv.VP9Enhanced, flv.AAC},
		{"unknown fourcc", flvtest.Enhanced(file, "\x00zz\""), `fourcc-"\x00zz\""`, flv.AAC},
		{"no sound", flvtest.NoAudio(file), flv.AVC, flv.None},
		{"no picture", flvtest.NoVideo(file), flv.None, flv.AAC},
		{"header only", flvtest.HeaderOnly(), flv.None, flv.None},
		{"cut", flvtest.Truncate(file, 0.1), flv.AVC, flv.AAC},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := peek(t, tt.file)
			if h.VideoCodec != tt.video || h.AudioCodec != tt.audio {
				t.Errorf("codecs %q and %q, want %q and %q", h.VideoCodec, h.AudioCodec, tt.video, tt.audio)
			}
			if h.HasVideo != (tt.video != flv.None) || h.HasAudio != (tt.audio != flv.None) {
				t.Errorf("HasVideo %v, HasAudio %v", h.HasVideo, h.HasAudio)
			}
			if h.Empty() != (tt.video == flv.None && tt.audio == flv.None) {
				t.Errorf("Empty is %v", h.Empty())
			}
		})
	}
}

func TestPeek_readsTheRecordersMetadata(t *testing.T) {
	file := flvtest.WithMetadata(clip(t, 1), flvtest.RecorderNote("23058", "3号直播间", `a "title" 🎵`))
	m := peek(t, file).Metadata
	start := time.Date(2021, 5, 14, 9, 52, 44, 496089900, time.UTC)
	if !m.Recorder.StartTime.Equal(start) {
		t.Errorf("StartTime is %v", m.Recorder.StartTime)
	}
	m.Recorder.StartTime = time.Time{}
	want := flv.Metadata{
		Duration: 4 * time.Second, Width: 320, Height: 180,
		Title: `a "title" 🎵`, Artist: "3号直播间", Comment: "a recording of room 23058",
		Recorder: flv.RecorderNote{
			RoomID: 23058, ShortID: 3, Name: "3号直播间", StreamTitle: `a "title" 🎵`,
			AreaNameParent: "生活", AreaNameChild: "影音馆",
		},
	}
	if m != want {
		t.Errorf("got %+v\nwant %+v", m, want)
	}
}

func TestPeek_readsWhatAFileHoldsThatEndsInItsMetadata(t *testing.T) {
	file := flvtest.WithMetadata(flvtest.HeaderOnly(), flvtest.RecorderNote("23058", "name", "title"))
	h := peek(t, file[:200])
	if h.Metadata.Title != "title" || h.Metadata.Recorder.RoomID != 23058 {
		t.Errorf("got %+v", h.Metadata)
	}
}

func TestPeek_refusesWhatIsNotFLV(t *testing.T) {
	for name, file := range map[string][]byte{
		"nothing": nil, "three bytes": flvtest.ThreeBytes(), "text": []byte("GIF89a, not a video"),
		"a header that claims 4 GB": {'F', 'L', 'V', 1, 5, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0},
	} {
		if _, err := flv.Peek(bytes.NewReader(file), int64(len(file))); !errors.Is(err, flv.ErrNotFLV) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPeek_readsAtMostFourMebibytes(t *testing.T) {
	tags := []flvtest.Tag{{Kind: flvtest.Script, Body: bytes.Repeat([]byte{0}, 5<<20)}}
	file := flvtest.Join(append(tags, flvtest.Tags(clip(t, 1))...))
	if h := peek(t, file); h.HasVideo {
		t.Error("read beyond its limit")
	}
}

func TestPeek_stopsAtAnAbsurdDepth(t *testing.T) {
	deep := []flvtest.Pair{{Key: "innermost", Value: 1.0}}
	for range 20 {
		deep = []flvtest.Pair{{Key: "next", Value: deep}}
	}
	entries := []flvtest.Pair{
		{Key: "Title", Value: "before"}, {Key: "deep", Value: deep}, {Key: "Comment", Value: "behind"},
	}
	m := peek(t, flvtest.WithMetadata(flvtest.HeaderOnly(), entries)).Metadata
	if m.Title != "before" || m.Comment != "" {
		t.Errorf("got %+v", m)
	}
}
