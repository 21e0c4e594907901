package archive_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ngworks/nglive/worker/archive"
)

func sourceOf(t *testing.T, data []byte) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "source.mp4")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	src, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = src.Close() }) // only read
	return src
}

// put brings data under name and returns the error's class, or "".
func put(t *testing.T, folder *archive.Folder, data []byte, name string, replace bool) string {
	t.Helper()
	_, _, err := folder.Put(t.Context(), sourceOf(t, data), name, replace, func(int64) {})
	return classOf(t, err)
}

func classOf(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	classed, ok := errors.AsType[*archive.Error](err)
	if !ok {
		t.Fatalf("%v is no *archive.Error", err)
	}
	if strings.ContainsAny(classed.UserMessage(), "{}") || classed.UserMessage() == "" {
		t.Errorf("nobody understands %q", classed.UserMessage())
	}
	return classed.Class()
}

func mustBe(t *testing.T, path string, data []byte) {
	t.Helper()
	if got := mustRead(t, path); !bytes.Equal(got, data) {
		t.Errorf("%s holds %.40q, want %.40q", path, got, data)
	}
}

func TestNew_makesTheFolderButNoneAbove(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	if class := put(t, archive.New(filepath.Join(parent, "archive")), []byte("x"), "x.mp4", false); class != "" {
		t.Errorf("a missing folder answered %q, want it made", class)
	}
	if class := put(t, archive.New(filepath.Join(parent, "mount", "archive")), []byte("x"), "x.mp4", false); class != "tell" {
		t.Errorf("a missing parent answered %q, want class tell", class)
	}
	if _, err := os.Lstat(filepath.Join(parent, "mount")); err == nil {
		t.Error("the folder above the archive was made")
	}
	if class := put(t, archive.New(sourceOf(t, nil).Name()), []byte("x"), "x.mp4", false); class != "tell" {
		t.Errorf("an archive that is a file answered %q, want class tell", class)
	}
}

func TestFolder_doesNotMakeAgainWhatVanished(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "archive")
	folder := archive.New(dir)
	if class := put(t, folder, []byte("x"), "x.mp4", false); class != "" {
		t.Fatal(class)
	}
	if err := os.Rename(dir, dir+"-unmounted"); err != nil {
		t.Fatal(err)
	}
	if class := put(t, folder, []byte("y"), "y.mp4", false); class != "again" {
		t.Errorf("a vanished folder answered %q, want class again", class)
	}
	if class := classOf(t, folder.Check(t.Context(), "x.mp4", 1, "")); class != "again" {
		t.Errorf("a check in a vanished folder answered %q, want class again", class)
	}
	if _, err := os.Lstat(dir); err == nil {
		t.Error("the folder was made on the disk below the mount")
	}
	if err := os.Rename(dir+"-unmounted", dir); err != nil {
		t.Fatal(err)
	}
	if class := put(t, folder, []byte("y"), "y.mp4", false); class != "" {
		t.Errorf("the folder came back, and the put answered %q", class)
	}
}

func TestPut_keepsTheTimeAndSaysWhere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	src := sourceOf(t, []byte("video"))
	recorded := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	if err := os.Chtimes(src.Name(), recorded, recorded); err != nil {
		t.Fatal(err)
	}
	location, _, err := archive.New(dir).Put(t.Context(), src, "room/video.mp4", false, func(int64) {})
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(dir, "room", "video.mp4"); location != want {
		t.Errorf("it is said to be at %s, want %s", location, want)
	}
	info, err := os.Stat(location)
	if err != nil || !info.ModTime().Equal(recorded) {
		t.Errorf("its time is %v (%v), want %v", info.ModTime(), err, recorded)
	}
}

func TestPut_stopsAtTheBlockWhereItIsCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	after := 0
	src := sourceOf(t, make([]byte, 8<<20))
	_, _, err := archive.New(t.TempDir()).Put(ctx, src, "video.mp4", false, func(done int64) {
		if ctx.Err() != nil {
			after++
		}
		if done >= 4<<20 {
			cancel()
		}
	})
	if class := classOf(t, err); class != "again" || !errors.Is(err, context.Canceled) || after > 0 {
		t.Errorf("cancelled, it went on for %d blocks and answered %q: %v", after, class, err)
	}
}

func TestPut_bringsOverASourceThatIsDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	dir, data := t.TempDir(), bytes.Repeat([]byte("video"), 1<<20)
	src := sourceOf(t, data)
	_, _, err := archive.New(dir).Put(t.Context(), src, "video.mp4", false, func(int64) { _ = os.Remove(src.Name()) })
	if err != nil {
		t.Fatal(err)
	}
	mustBe(t, filepath.Join(dir, "video.mp4"), data)
}

func TestPut_refusesASourceThatIsAFolder(t *testing.T) {
	t.Parallel()
	src, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = src.Close() }() // only read
	_, _, err = archive.New(t.TempDir()).Put(t.Context(), src, "video.mp4", false, func(int64) {})
	if class := classOf(t, err); class != "never" {
		t.Errorf("a folder as source answered %q, want class never", class)
	}
}

func TestPut_refusesATakenNameBeforeItCopies(t *testing.T) {
	t.Parallel()
	dir, data := t.TempDir(), bytes.Repeat([]byte("video"), 1<<20)
	if class := put(t, archive.New(dir), []byte("theirs"), "video.mp4", false); class != "" {
		t.Fatal(class)
	}
	_, _, err := archive.New(dir).Put(t.Context(), sourceOf(t, data), "video.mp4", false, func(done int64) {
		t.Errorf("it copied up to %d", done)
	})
	if class := classOf(t, err); class != "exists" {
		t.Errorf("it answered %q, want class exists", class)
	}
}

func TestPut_whenSomebodyTakesTheNameMeanwhile(t *testing.T) {
	t.Parallel()
	data := bytes.Repeat([]byte("video"), 1<<20)
	for what, c := range map[string]struct {
		theirs []byte
		class  string
	}{"with the same": {data, ""}, "with other content": {[]byte("theirs"), "exists"}} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			final := filepath.Join(dir, "video.mp4")
			_, _, err := archive.New(dir).Put(t.Context(), sourceOf(t, data), "video.mp4", false, func(done int64) {
				if done == int64(len(data)) {
					if err := os.WriteFile(final, c.theirs, 0o600); err != nil {
						t.Error(err)
					}
				}
			})
			if class := classOf(t, err); class != c.class {
				t.Errorf("it answered %q, want %q", class, c.class)
			}
			mustBe(t, final, c.theirs)
			if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
				t.Errorf("beside it there is %v (%v)", left, err)
			}
		})
	}
}
