//go:build unix

package archive_test

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/ngworks/nglive/worker/archive"
)

func mustDo(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestPut_neverFollowsALinkOut(t *testing.T) {
	t.Parallel()
	outside, dir := t.TempDir(), t.TempDir()
	mustDo(t, os.Symlink(outside, filepath.Join(dir, "room")))
	if class := put(t, archive.New(dir), []byte("x"), "room/video.mp4", true); class != "tell" {
		t.Errorf("a folder that is a link out answered %q, want class tell", class)
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) != 0 {
		t.Errorf("outside there is now %v (%v)", left, err)
	}
}

func TestPut_leavesWhatIsNoFileAlone(t *testing.T) {
	t.Parallel()
	for what, plant := range map[string]func(path string) error{
		"a folder":       func(path string) error { return os.Mkdir(path, 0o755) },
		"a link":         func(path string) error { return os.Symlink("other.mp4", path) },
		"a dead link":    func(path string) error { return os.Symlink("nowhere.mp4", path) },
		"a pipe":         func(path string) error { return syscall.Mkfifo(path, 0o644) },
		"a link to self": func(path string) error { return os.Symlink("video.mp4", path) },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			mustDo(t, os.WriteFile(filepath.Join(dir, "other.mp4"), []byte("other"), 0o600))
			mustDo(t, plant(filepath.Join(dir, "video.mp4")))
			before, err := os.Lstat(filepath.Join(dir, "video.mp4"))
			mustDo(t, err)
			for _, replace := range []bool{false, true} {
				if class := put(t, archive.New(dir), []byte("x"), "video.mp4", replace); class != "tell" {
					t.Errorf("it answered %q, want class tell", class)
				}
			}
			if after, err := os.Lstat(filepath.Join(dir, "video.mp4")); err != nil || !os.SameFile(before, after) {
				t.Errorf("it is gone: %v", err)
			}
			mustBe(t, filepath.Join(dir, "other.mp4"), []byte("other"))
		})
	}
}

func TestPut_neverWritesThroughAPartThatIsAnotherFile(t *testing.T) {
	t.Parallel()
	data := bytes.Repeat([]byte("video"), 1<<20)
	for what, link := range map[string]func(from, to string) error{
		"symbolic link": os.Symlink,
		"hard link":     os.Link,
		"a pipe":        func(_, to string) error { return syscall.Mkfifo(to, 0o644) },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			archived := filepath.Join(dir, "earlier.mp4")
			mustDo(t, os.WriteFile(archived, []byte("earlier"), 0o600))
			mustDo(t, link(archived, filepath.Join(dir, ".video.mp4.nglive-part")))
			if class := put(t, archive.New(dir), data, "video.mp4", false); class != "" {
				t.Errorf("it answered %q", class)
			}
			mustBe(t, archived, []byte("earlier"))
			mustBe(t, filepath.Join(dir, "video.mp4"), data)
			if left, err := os.ReadDir(dir); err != nil || len(left) != 2 {
				t.Errorf("in the folder there is %v (%v)", left, err)
			}
		})
	}
}

// A process killed inside linkThenRemove leaves the finished file with a second name, that of the part.
func TestPut_cleansUpTheSecondNameOfAFinishedFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	final, part := filepath.Join(dir, "video.mp4"), filepath.Join(dir, ".video.mp4.nglive-part")
	mustDo(t, os.WriteFile(final, []byte("video"), 0o600))
	mustDo(t, os.Link(final, part))
	if class := put(t, archive.New(dir), []byte("video"), "video.mp4", false); class != "" {
		t.Errorf("it answered %q", class)
	}
	mustBe(t, final, []byte("video"))
	if _, err := os.Lstat(part); err == nil {
		t.Error("the part's name is still there")
	}
}

func TestPut_leavesAPartToTheProcessThatHoldsIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	part, err := os.Create(filepath.Join(dir, ".video.mp4.nglive-part"))
	mustDo(t, err)
	mustDo(t, syscall.Flock(int(part.Fd()), syscall.LOCK_EX))
	folder := archive.New(dir)
	if class := put(t, folder, []byte("video"), "video.mp4", false); class != "again" {
		t.Errorf("a part that another process holds answered %q, want class again", class)
	}
	if info, err := part.Stat(); err != nil || info.Size() != 0 {
		t.Errorf("it was written to all the same: %v (%v)", info, err)
	}
	mustDo(t, part.Close())
	if class := put(t, folder, []byte("video"), "video.mp4", false); class != "" {
		t.Errorf("the process is gone, and the put answered %q", class)
	}
}
