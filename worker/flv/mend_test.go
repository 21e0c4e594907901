package flv_test

import (
	"bytes"
	"io"
	"testing"
	"testing/iotest"
	"time"

	"github.com/ngworks/nglive/worker/flv"
	"github.com/ngworks/nglive/worker/flv/flvtest"
)

func mend(t *testing.T, file []byte) []byte {
	t.Helper()
	mended, err := io.ReadAll(iotest.OneByteReader(flv.Mend(bytes.NewReader(file))))
	if err != nil {
		t.Fatal(err)
	}
	return mended
}

func TestMend_leavesACleanFileAsItIs(t *testing.T) {
	file := clip(t, 2)
	if !bytes.Equal(mend(t, file), file) {
		t.Error("a clean file came out changed")
	}
	cut := flvtest.Truncate(file, 0.7)
	if got := mend(t, cut); len(got) < len(cut)-11 || !bytes.Equal(got, cut[:len(got)]) {
		t.Errorf("a cut file came out changed: %d of %d bytes", len(got), len(cut))
	}
}

func TestMend_straightensJumpsAndKeepsEverything(t *testing.T) {
	file := clip(t, 4)
	want := flvtest.Tags(file)
	for _, by := range []time.Duration{time.Hour, 40 * time.Hour, -2 * time.Second, -500 * time.Millisecond} {
		t.Run(by.String(), func(t *testing.T) {
			got := flvtest.Tags(mend(t, flvtest.Jump(file, 2*time.Second, by)))
			if len(got) != len(want) {
				t.Fatalf("%d tags, want %d", len(got), len(want))
			}
			for i, tag := range got {
				if !bytes.Equal(tag.Body, want[i].Body) {
					t.Fatalf("tag %d has another body", i)
				}
				if diff := int64(tag.TS) - int64(want[i].TS); tag.Frame() && (diff < -60 || diff > 60) {
					t.Fatalf("tag %d is at %d ms, want about %d", i, tag.TS, want[i].TS)
				}
			}
		})
	}
}

func TestMend_keepsSoundAndPictureTogether(t *testing.T) {
	file := clip(t, 4)
	got := flvtest.Tags(mend(t, flvtest.Jump(file, 2*time.Second, -2*time.Second)))
	shift := map[byte]int64{}
	for i, tag := range flvtest.Tags(file) {
		if tag.Frame() && tag.TS > 2100 {
			shift[tag.Kind] = int64(got[i].TS) - int64(tag.TS)
		}
	}
	if d := shift[flvtest.Audio] - shift[flvtest.Video]; d < -2 || d > 2 {
		t.Errorf("sound moved by %d ms, picture by %d ms", shift[flvtest.Audio], shift[flvtest.Video])
	}
}

func TestMend_agreesWithTheScan(t *testing.T) {
	file := flvtest.Jump(flvtest.Jump(clip(t, 4), time.Second, time.Hour), 3*time.Second, -7*time.Second)
	before, after := scan(t, file), scan(t, mend(t, file))
	if after.NeedsMending() {
		t.Errorf("still broken: %v", after.Jumps)
	}
	within(t, "the mended span", after.Span, before.Media)
	within(t, "Media", before.Media, 4*time.Second)
}

func TestExpect_acceptsWhatHoldsAllAndRefusesLoss(t *testing.T) {
	file := clip(t, 20)
	second := time.Second
	tests := []struct {
		name    string
		file    []byte
		mended  bool
		good    time.Duration
		refused []time.Duration
	}{
		{"clean", file, false, 20 * second, []time.Duration{17 * second, 23 * second, 0}},
		{"an hour forward, copied", flvtest.Jump(file, 10*second, time.Hour), false, 3620 * second, []time.Duration{20 * second, 3610 * second}},
		{"an hour forward, mended", flvtest.Jump(file, 10*second, time.Hour), true, 20 * second, []time.Duration{3620 * second, 10 * second}},
		{"back, copied", flvtest.Jump(file, 10*second, -5*second), false, 20 * second, []time.Duration{15 * second}},
		{"back, mended", flvtest.Jump(file, 10*second, -5*second), true, 20 * second, []time.Duration{15 * second}},
		{"cut", flvtest.Truncate(file, 0.5), false, 10 * second, []time.Duration{20 * second, 5 * second}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := scan(t, tt.file).Expect(tt.mended)
			if tt.good < e.Min || tt.good > e.Max {
				t.Errorf("%v is refused: %v to %v", tt.good, e.Min, e.Max)
			}
			for _, bad := range tt.refused {
				if bad >= e.Min && bad <= e.Max {
					t.Errorf("%v is accepted: %v to %v", bad, e.Min, e.Max)
				}
			}
		})
	}
}

func TestExpect_neverAcceptsNothing(t *testing.T) {
	e := scan(t, clip(t, 1)).Expect(false)
	if e.Min <= 0 || !e.HasVideo || !e.HasAudio || e.VideoFrames < 20 {
		t.Errorf("a second of recording may become nothing: %+v", e)
	}
}
