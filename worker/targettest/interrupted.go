//nolint:thelper // each function here is a test, not a helper
package targettest

import (
	"bytes"
	"os"
	"sync"
	"testing"
	"time"
)

func resumesAfterCancel(t *testing.T, open Open) {
	target, inspect := open(t)
	data := content(big, 6)
	src := leaveHalf(t, target, inspect, "room/video.mp4", data)
	seen := mustPutFile(t, target, inspect, "room/video.mp4", src, data, false)
	if seen.first < big/4 {
		t.Errorf("after half was there, the next put began at %d of %d", seen.first, big)
	}
	if parts := inspect.Parts(); parts != 0 {
		t.Errorf("%d parts were left behind", parts)
	}
}

func survivesSpoiledPart(t *testing.T, open Open) {
	target, inspect := open(t)
	data := content(big, 7)
	src := leaveHalf(t, target, inspect, "video.mp4", data)
	if !inspect.SpoilPart("video.mp4", []byte("garbage, as after a power cut")) {
		t.Fatal("a cancelled put left nothing to resume")
	}
	mustPutFile(t, target, inspect, "video.mp4", src, data, false)
}

func resumesWithChangedSource(t *testing.T, open Open) {
	data := content(big, 8)
	late := bytes.Clone(data)
	late[big/3] ^= 1
	for what, other := range map[string][]byte{"shorter": data[:big/4], "another": content(big, 9), "one byte differs": late, "empty": {}} {
		t.Run(what, func(t *testing.T) {
			target, inspect := open(t)
			if len(other) == 0 && !inspect.TakesEmpty() {
				return
			}
			leaveHalf(t, target, inspect, "video.mp4", data)
			mustPut(t, target, inspect, "video.mp4", other, false)
		})
	}
}

func refusesShrinkingSource(t *testing.T, open Open) {
	refusesChange(t, open, func(file *os.File) error { return file.Truncate(big / 2) })
}

func refusesGrowingSource(t *testing.T, open Open) {
	refusesChange(t, open, func(file *os.File) error {
		_, err := file.WriteAt([]byte("one more tag"), big)
		return err
	})
}

func refusesRewrittenSource(t *testing.T, open Open) {
	refusesChange(t, open, func(file *os.File) error {
		if _, err := file.WriteAt([]byte("a header that learned its duration"), 0); err != nil {
			return err
		}
		// The clock of a file system may be too coarse to show a change this soon.
		later := time.Now().Add(time.Minute)
		return os.Chtimes(file.Name(), later, later)
	})
}

// refusesChange changes the source at the first sign of progress and wants to be told to come again later.
func refusesChange(t *testing.T, open Open, change func(*os.File) error) {
	t.Helper()
	target, inspect := open(t)
	src := source(t, content(big, 10))
	writable, err := os.OpenFile(src.Name(), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = writable.Close() }() // what matters was written to the page cache already
	var once sync.Once
	_, _, err = target.Put(t.Context(), src, "video.mp4", false, func(int64) {
		once.Do(func() {
			if err := change(writable); err != nil {
				t.Error(err)
			}
		})
	})
	if class := classOf(err); class != "again" {
		t.Errorf("a source that changes answered %q, want class again", class)
	}
	mustBeEmpty(t, inspect)
}

func takesConcurrentPuts(t *testing.T, open Open) {
	target, inspect := open(t)
	data := content(big, 11)
	const puts = 4
	failed := make(chan error, puts)
	for range puts {
		src := source(t, data)
		go func() {
			_, _, err := target.Put(t.Context(), src, "room/video.mp4", false, func(int64) {})
			failed <- err
		}()
	}
	won := 0
	for range puts {
		if err := <-failed; err == nil {
			won++
		} else if class := classOf(err); class != "again" {
			t.Errorf("one of several puts of the same answered %q, want success or class again", class)
		}
	}
	if won == 0 {
		t.Error("of several puts of the same name none succeeded")
	}
	mustHold(t, inspect, "room/video.mp4", data)
	if names := inspect.Names(); len(names) != 1 || inspect.Parts() != 0 {
		t.Errorf("they left %q and %d parts", names, inspect.Parts())
	}
}

func neverShowsPartial(t *testing.T, open Open) {
	for what, before := range map[string][]byte{"new": nil, "replacing": content(5<<20, 12)} {
		t.Run(what, func(t *testing.T) {
			target, inspect := open(t)
			if before != nil {
				inspect.Plant(watched, before)
			}
			data := content(big, 13)
			look := func() { mustShowAllOrBefore(t, inspect, before, data) }
			stop := watch(look)
			_, _, err := target.Put(t.Context(), source(t, data), watched, before != nil, func(int64) { look() })
			stop()
			if err != nil {
				t.Fatal(err)
			}
			mustHold(t, inspect, watched, data)
		})
	}
}

const watched = "room/video.mp4"

// mustShowAllOrBefore looks as any other program would: no strange name, and never less than a whole file.
func mustShowAllOrBefore(t *testing.T, inspect Inspect, before, after []byte) {
	t.Helper()
	for _, name := range inspect.Names() {
		if name != watched {
			t.Errorf("in the middle of a put the name %q is visible", name)
		}
	}
	got := inspect.Content(watched)
	asBefore := (got == nil) == (before == nil) && bytes.Equal(got, before)
	if !asBefore && !bytes.Equal(got, after) {
		t.Errorf("somebody saw %d bytes, neither what was there before (%d) nor all (%d)", len(got), len(before), len(after))
	}
}

// watch looks over and over until stopped, and at least once.
func watch(look func()) (stop func()) {
	stopping, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			look()
			select {
			case <-stopping:
				return
			default:
			}
		}
	}()
	return func() { close(stopping); <-stopped }
}
