package flv_test

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/ngworks/nglive/worker/flv"
	"github.com/ngworks/nglive/worker/flv/flvtest"
)

// seeds are short files without ffmpeg's help, so that fuzzing needs none.
func seeds() [][]byte {
	frames := []flvtest.Tag{
		{Kind: flvtest.Video, Body: []byte{0x17, 0, 0, 0, 0, 1, 2, 3}},
		{Kind: flvtest.Audio, Body: []byte{0xaf, 0, 0x12, 0x08}},
		{Kind: flvtest.Video, TS: 0, Body: []byte{0x17, 1, 0, 0, 0, 9}},
		{Kind: flvtest.Audio, TS: 3, Body: []byte{0xaf, 1, 7}},
		{Kind: flvtest.Video, TS: 7200_000, Body: []byte{0x27, 1, 0, 0, 0, 9}},
		{Kind: flvtest.Video, TS: 10, Body: []byte{0x90, 'h', 'v', 'c', '1', 9}},
		{Kind: flvtest.Video, TS: 1<<32 - 1, Body: []byte{0x1c, 1, 0, 0, 0, 9}},
	}
	file := flvtest.WithMetadata(flvtest.Join(frames), flvtest.RecorderNote("23058", "n", "t"))
	huge := append(flvtest.HeaderOnly(), 18, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 2, 0, 10)
	huge = append(huge, "onMetaData\x0a\xff\xff\xff\xff\x0c\xff\xff\xff\xff"...)
	deep := append(flvtest.HeaderOnly(), 18, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 10)
	deep = append(deep, "onMetaData"+strings.Repeat("\x03\x00\x01a", 200)...)
	return [][]byte{file, file[:60], huge, deep, flvtest.ThreeBytes(), flvtest.HeaderOnly()}
}

func FuzzPeek(f *testing.F) {
	for _, s := range seeds() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		h, err := flv.Peek(bytes.NewReader(file), int64(len(file)))
		if err == nil && h.Empty() != (h.VideoCodec == flv.None && h.AudioCodec == flv.None) {
			t.Errorf("the codecs and the streams disagree: %+v", h)
		}
		if h.Metadata.Duration < 0 || h.Metadata.Width < 0 || h.Metadata.Recorder.RoomID < 0 {
			t.Errorf("negative: %+v", h.Metadata)
		}
	})
}

// FuzzScan also holds that the mended stream agrees with the scan of it.
func FuzzScan(f *testing.F) {
	for _, s := range seeds() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		s, err := flv.ReadScan(t.Context(), bytes.NewReader(file))
		if s.Bytes > int64(len(file)) || s.Garbage > s.Bytes || s.Media < 0 || s.Span < 0 {
			t.Fatalf("impossible: %+v", s)
		}
		mended, mendErr := io.ReadAll(flv.Mend(bytes.NewReader(file)))
		if (err == nil) != (mendErr == nil) {
			t.Fatalf("scan says %v, mend says %v", err, mendErr)
		}
		if err != nil {
			return
		}
		again, err := flv.ReadScan(t.Context(), bytes.NewReader(mended))
		if err != nil {
			t.Fatal(err)
		}
		if again.VideoTags != s.VideoTags || again.AudioTags != s.AudioTags {
			t.Fatalf("mending lost tags: %+v\n%+v", s, again)
		}
		for _, j := range again.Jumps {
			if j.By < 0 {
				t.Fatalf("the mended stream goes back: %+v", j)
			}
		}
	})
}

func FuzzDanmaku(f *testing.F) {
	f.Add(danmaku)
	f.Add(danmaku[:150])
	f.Fuzz(func(t *testing.T, file string) {
		note, err := flv.ReadDanmaku(strings.NewReader(file))
		if err != nil && note != (flv.RecorderNote{}) {
			t.Errorf("a note beside an error: %+v", note)
		}
	})
}

// BenchmarkScan reads tags of 5 kB, as a 4 Mbit/s broadcast has.
func BenchmarkScan(b *testing.B) {
	var tags []flvtest.Tag
	for i := range uint32(20_000) {
		body := make([]byte, 5000)
		body[0], body[1] = 0x17, 1
		tags = append(tags, flvtest.Tag{Kind: flvtest.Video, TS: i * 33, Body: body})
	}
	path := flvtest.Write(b, b.TempDir(), "bench.flv", flvtest.Join(tags))
	b.SetBytes(int64(len(flvtest.Read(b, path))))
	for b.Loop() {
		file := open(b, path)
		if _, err := flv.ReadScan(b.Context(), file); err != nil {
			b.Fatal(err)
		}
		if err := file.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func open(b *testing.B, path string) *os.File {
	b.Helper()
	file, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	return file
}
