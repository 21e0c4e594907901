//go:build unix

package archive_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ngworks/nglive/worker/archive"
)

// leaveHalf has a Put of name stop half-way, and returns the part that it left.
func leaveHalf(t *testing.T, folder *archive.Folder, dir, name string, replace bool) string {
	t.Helper()
	const size = 4 << 20
	src := makeFile(t, filepath.Join(t.TempDir(), "source.mp4"), size)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	_, _, err := folder.Put(ctx, src, name, replace, func(done int64) {
		if done >= size/2 {
			stop()
		}
	})
	if class := classOf(t, err); class != "again" {
		t.Fatalf("a put that was stopped answered %q", class)
	}
	part := filepath.Join(dir, filepath.Dir(name), "."+filepath.Base(name)+".nglive-part")
	if info, err := os.Stat(part); err != nil || info.Size() < size/2 {
		t.Fatalf("it left no half behind: %v (%v)", info, err)
	}
	return part
}

func TestDiscard_removesAHalfCopyAndNothingElse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	folder := archive.New(dir)
	kept := map[string]string{
		"room/a.mp4": "an earlier one under the final name", "room/a.xml": "<i></i>", "room/a.part.mp4": "a person's", "room/.a.mp4.nglive-part-2": "a person's",
		"room/.a.mp4.part": "another program's", "other/.a.mp4.nglive-part": "another name's", ".a.mp4.nglive-part": "another name's",
	}
	for name, content := range kept {
		mustDo(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		mustDo(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	part, other := leaveHalf(t, folder, dir, "room/a.mp4", true), leaveHalf(t, folder, dir, "room/b.mp4", false)
	for range 2 { // the second time there is nothing to remove
		mustDo(t, folder.Discard(t.Context(), "room/a.mp4"))
	}
	if _, err := os.Lstat(part); err == nil {
		t.Error("the half copy is still there")
	}
	if _, err := os.Lstat(other); err != nil {
		t.Errorf("the half copy of another name is gone: %v", err)
	}
	for name, content := range kept {
		mustBe(t, filepath.Join(dir, name), []byte(content))
	}
	mustDo(t, folder.Discard(t.Context(), "never/heard/of.mp4"))
	if _, err := os.Lstat(filepath.Join(dir, "never")); err == nil {
		t.Error("a folder was made to look into")
	}
}

func TestDiscard_leavesAHalfThatSomebodyCopiesRightNow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	folder := archive.New(dir)
	part := leaveHalf(t, folder, dir, "video.mp4", false)
	held, err := os.Open(part)
	mustDo(t, err)
	mustDo(t, syscall.Flock(int(held.Fd()), syscall.LOCK_EX)) // another process
	if class := classOf(t, folder.Discard(t.Context(), "video.mp4")); class != "again" {
		t.Errorf("a half that another process copies answered %q, want class again", class)
	}
	if _, err := os.Lstat(part); err != nil {
		t.Errorf("it was removed: %v", err)
	}
	mustDo(t, held.Close())

	src := makeFile(t, filepath.Join(t.TempDir(), "source.mp4"), 4<<20) // the same content: it goes on
	within, stop := context.WithCancel(t.Context())
	asked := false
	_, _, err = folder.Put(t.Context(), src, "video.mp4", false, func(int64) {
		if asked {
			return
		}
		asked = true
		stop()
		if err := folder.Discard(within, "video.mp4"); !errors.Is(err, context.Canceled) {
			t.Errorf("a half that this process copies answered %v, want it to wait its turn", err)
		}
	})
	mustDo(t, err)
	mustDo(t, folder.Discard(t.Context(), "video.mp4"))
	if got, want := hashOf(t, filepath.Join(dir, "video.mp4")), hashOf(t, src.Name()); got != want {
		t.Errorf("the finished file has checksum %s, want %s", got, want)
	}
}

func TestDiscard_removesNothingThatIsNoCopyOfOurs(t *testing.T) {
	t.Parallel()
	for what, plant := range map[string]func(dir, part string) error{
		"a folder": func(_, part string) error { return os.MkdirAll(filepath.Join(part, "below"), 0o755) },
		"a link":   func(_, part string) error { return os.Symlink("other.mp4", part) },
		"a pipe":   func(_, part string) error { return syscall.Mkfifo(part, 0o600) },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			part := filepath.Join(dir, ".video.mp4.nglive-part")
			mustDo(t, os.WriteFile(filepath.Join(dir, "other.mp4"), []byte("other"), 0o600))
			mustDo(t, plant(dir, part))
			mustDo(t, archive.New(dir).Discard(t.Context(), "video.mp4"))
			if _, err := os.Lstat(part); err != nil {
				t.Errorf("it is gone: %v", err)
			}
			mustBe(t, filepath.Join(dir, "other.mp4"), []byte("other"))
		})
	}
}

// A process killed inside linkThenRemove leaves the finished file with a second name: that name goes, the file stays.
func TestDiscard_keepsAFinishedFileThatHasThePartsNameToo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	final, part := filepath.Join(dir, "video.mp4"), filepath.Join(dir, ".video.mp4.nglive-part")
	mustDo(t, os.WriteFile(final, []byte("video"), 0o600))
	mustDo(t, os.Link(final, part))
	mustDo(t, archive.New(dir).Discard(t.Context(), "video.mp4"))
	mustBe(t, final, []byte("video"))
	if _, err := os.Lstat(part); err == nil {
		t.Error("the part's name is still there")
	}
}

func TestDiscard_neverLeavesTheFolder(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	dir := filepath.Join(outside, "archive")
	mustDo(t, os.Mkdir(dir, 0o755))
	theirs := filepath.Join(outside, ".video.mp4.nglive-part")
	mustDo(t, os.WriteFile(theirs, []byte("theirs"), 0o600))
	mustDo(t, os.Symlink(outside, filepath.Join(dir, "room")))
	folder := archive.New(dir)
	for name, want := range map[string]string{
		"../video.mp4": "never", "room/../../video.mp4": "never", strings.TrimSuffix(outside, "/") + "/video.mp4": "never", "": "never", ".": "never",
		".video.mp4.nglive-part": "never", "room/video.mp4": "tell",
	} {
		if class := classOf(t, folder.Discard(t.Context(), name)); class != want {
			t.Errorf("%q answered %q, want %q", name, class, want)
		}
	}
	mustBe(t, theirs, []byte("theirs"))
}

func TestDiscard_makesNoFolderThatVanished(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "archive")
	folder := archive.New(dir)
	if class := put(t, folder, []byte("x"), "x.mp4", false); class != "" {
		t.Fatal(class)
	}
	mustDo(t, os.Rename(dir, dir+"-unmounted"))
	if class := classOf(t, folder.Discard(t.Context(), "x.mp4")); class != "again" {
		t.Errorf("a vanished folder answered %q, want class again", class)
	}
	if _, err := os.Lstat(dir); err == nil {
		t.Error("the folder was made on the disk below the mount")
	}
}
