//nolint:thelper // each function here is a test, not a helper
package targettest

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func putsAFile(t *testing.T, open Open) {
	target, inspect := open(t)
	data := content(3<<20+7, 1)
	src := midway(t, source(t, data), 1<<20)
	_, sum, err := target.Put(t.Context(), src, "23058/20261122/video.mp4", false, func(int64) {})
	if err != nil {
		t.Fatal(err)
	}
	if sum != inspect.Sum(data) {
		t.Errorf("sum is %s, want %s", sum, inspect.Sum(data))
	}
	mustHold(t, inspect, "23058/20261122/video.mp4", data)
	if names := inspect.Names(); !slices.Equal(names, []string{"23058/20261122/video.mp4"}) {
		t.Errorf("the target holds %q", names)
	}
	if parts := inspect.Parts(); parts != 0 {
		t.Errorf("%d parts were left behind", parts)
	}
}

func putsAnEmptyFile(t *testing.T, open Open) {
	target, inspect := open(t)
	if !inspect.TakesEmpty() {
		_, _, err := target.Put(t.Context(), source(t, nil), "empty.mp4", false, func(int64) {})
		if class := classOf(err); class != "never" {
			t.Errorf("an empty file answered %q, want class never", class)
		}
		mustBeEmpty(t, inspect)
		return
	}
	mustPut(t, target, inspect, "empty.mp4", nil, false)
	mustPut(t, target, inspect, "empty.mp4", nil, false)
	if err := target.Check(t.Context(), "empty.mp4", 0, inspect.Sum(nil)); err != nil {
		t.Errorf("check of the empty file: %v", err)
	}
}

func keepsDifficultNames(t *testing.T, open Open) {
	names := map[string]string{
		"spaces":           "a room/ two  spaces .mp4",
		"quotes":           `it's "quoted" ` + "`here`.mp4",
		"shell":            "$(reboot); rm -rf & | > %s %00 .mp4",
		"emoji":            "直播间/🎮👨‍👩‍👧 深夜🔞.mp4",
		"dash":             "-rf/--delete.mp4",
		"dots":             "..room/...mp4",
		"hidden":           ".hidden.mp4",
		"250 bytes":        strings.Repeat("录", 82) + ".mp4",
		"long folders":     strings.Repeat("录", 80) + "/" + strings.Repeat("像", 83) + ".mp4",
		"same long start":  strings.Repeat("录", 80) + "/" + strings.Repeat("像", 83) + ".flv",
		"backslash":        `room\20261122\video.mp4`,
		"backslash leaves": `..\..\video.mp4`,
	}
	for what, name := range names {
		t.Run(what, func(t *testing.T) {
			target, inspect := open(t)
			data := []byte(what)
			mustPut(t, target, inspect, name, data, false)
			if got := len(inspect.Names()); got != 1 {
				t.Errorf("%d files are there, want one: %q", got, inspect.Names())
			}
			if err := target.Check(t.Context(), name, int64(len(data)), inspect.Sum(data)); err != nil {
				t.Errorf("check: %v", err)
			}
		})
	}
}

func refusesNamesThatLeave(t *testing.T, open Open) {
	for _, name := range []string{
		"", ".", "..", "/", "../x.mp4", "room/../../x.mp4", "room/..", "/etc/x.mp4", "room//x.mp4", "room/./x.mp4", "room/", "a\x00b.mp4",
	} {
		target, inspect := open(t)
		_, _, err := target.Put(t.Context(), source(t, []byte("x")), name, true, func(int64) {})
		if class := classOf(err); class != "never" {
			t.Errorf("put of %q answered %q, want class never", name, class)
		}
		if class := classOf(target.Check(t.Context(), name, 1, inspect.Sum([]byte("x")))); class != "never" {
			t.Errorf("check of %q answered %q, want class never", name, class)
		}
		mustBeEmpty(t, inspect)
	}
}

func secondPutChangesNothing(t *testing.T, open Open) {
	target, inspect := open(t)
	data := content(big, 2)
	mustPut(t, target, inspect, "video.mp4", data, false)
	mustPut(t, target, inspect, "video.mp4", data, false)
	mustPut(t, target, inspect, "video.mp4", data, true)
	if names := inspect.Names(); len(names) != 1 || inspect.Parts() != 0 {
		t.Errorf("three puts of the same left %q and %d parts", names, inspect.Parts())
	}
}

func refusesOtherContent(t *testing.T, open Open) {
	data := content(2<<20, 3)
	flipped := bytes.Clone(data)
	flipped[len(flipped)-1] ^= 1
	for what, other := range map[string][]byte{
		"shorter": data[:len(data)-1], "longer": append(bytes.Clone(data), 0), "empty": {}, "last byte differs": flipped,
	} {
		t.Run(what, func(t *testing.T) {
			target, inspect := open(t)
			if len(other) == 0 && !inspect.TakesEmpty() {
				return
			}
			inspect.Plant("room/video.mp4", other)
			_, _, err := target.Put(t.Context(), source(t, data), "room/video.mp4", false, func(int64) {})
			if class := classOf(err); class != "exists" {
				t.Errorf("put over other content answered %q, want class exists", class)
			}
			mustHold(t, inspect, "room/video.mp4", other)
		})
	}
}

func replacesWhenTold(t *testing.T, open Open) {
	target, inspect := open(t)
	data := content(2<<20, 4)
	inspect.Plant("room/video.mp4", []byte("somebody else's"))
	mustPut(t, target, inspect, "room/video.mp4", data, true)
	if names := inspect.Names(); len(names) != 1 || inspect.Parts() != 0 {
		t.Errorf("replacing left %q and %d parts", names, inspect.Parts())
	}
}

func checkTellsTrueFromFalse(t *testing.T, open Open) {
	target, inspect := open(t)
	data := content(2<<20+1, 5)
	mustPut(t, target, inspect, "room/video.mp4", data, false)
	size, sum := int64(len(data)), inspect.Sum(data)
	if err := target.Check(t.Context(), "room/video.mp4", size, sum); err != nil {
		t.Fatalf("check of what was just put: %v", err)
	}

	mustFail := func(what string, err error) {
		t.Helper()
		class := classOf(err)
		if !slices.Contains([]string{"again", "never", "space", "exists", "tell"}, class) {
			t.Errorf("check with %s answered %q, want a classed error", what, class)
		}
	}
	mustFail("another size", target.Check(t.Context(), "room/video.mp4", size-1, sum))
	mustFail("another checksum", target.Check(t.Context(), "room/video.mp4", size, inspect.Sum([]byte("other"))))
	mustFail("no checksum", target.Check(t.Context(), "room/video.mp4", size, ""))
	mustFail("another name", target.Check(t.Context(), "room/other.mp4", size, sum))
	mustFail("a folder's name", target.Check(t.Context(), "room", size, sum))

	flipped := bytes.Clone(data)
	flipped[1<<20] ^= 0x10
	inspect.Plant("room/video.mp4", flipped)
	mustFail("one bit flipped", target.Check(t.Context(), "room/video.mp4", size, sum))
	inspect.Plant("room/video.mp4", data[:len(data)-1])
	mustFail("the last byte missing", target.Check(t.Context(), "room/video.mp4", size, sum))
}
