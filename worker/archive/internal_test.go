package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"
)

func TestPartName_staysShortHiddenAndItsOwn(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, name := range []string{
		"video.mp4", "room/video.mp4", ".video.mp4", "-rf", strings.Repeat("录", 82) + ".mp4", strings.Repeat("录", 82) + ".flv",
		"a" + strings.Repeat("录", 80) + ".mp4", "ab" + strings.Repeat("录", 80), strings.Repeat("x", 255), strings.Repeat("x", 254),
		strings.Repeat("y", 127), strings.Repeat("y", 128), "room/" + strings.Repeat("🎮", 63),
	} {
		part := partName(name)
		base := path.Base(part)
		if path.Dir(part) != path.Dir(name) || !isPart(base) || len(base) > maxPartName || !utf8.ValidString(part) {
			t.Errorf("%q grows as %q", name, part)
		}
		if other, taken := seen[part]; taken {
			t.Errorf("%q and %q both grow as %q", name, other, part)
		}
		seen[part] = name
		if again := partName(name); again != part {
			t.Errorf("%q grows as %q, then as %q", name, part, again)
		}
	}
}

func TestCheckName_keepsPartsToOurselves(t *testing.T) {
	t.Parallel()
	if err := checkName("room/" + path.Base(partName("video.mp4"))); !errors.Is(err, errName) {
		t.Errorf("the name of a part answered %v", err)
	}
	if err := checkName("old \xb5\xda name.flv"); err != nil {
		t.Errorf("a name that is not UTF-8 answered %v", err)
	}
}

func TestError_hasTheClassAndTheWordsForEachTrouble(t *testing.T) {
	t.Parallel()
	system := func(err error) error { return &fs.PathError{Op: "write", Path: "x", Err: err} }
	for _, c := range []struct {
		err   error
		class string
		words string
	}{
		{system(syscall.ENOSPC), "space", "no room"},
		{system(syscall.EDQUOT), "space", "no room"},
		{os.NewSyscallError("fallocate", syscall.ENOSPC), "space", "no room"},
		{system(syscall.EFBIG), "tell", "FAT32"},
		{system(syscall.EROFS), "tell", "read-only"},
		{system(syscall.EACCES), "tell", "may not write"},
		{system(syscall.EPERM), "tell", "may not write"},
		{system(syscall.ENOTDIR), "tell", "a file stands where a folder should be"},
		{system(syscall.ELOOP), "tell", "link"},
		{system(syscall.ENAMETOOLONG), "never", "too long"},
		{system(syscall.EINVAL), "never", "does not accept this name"},
		{system(syscall.EIO), "again", "connected"},
		{system(syscall.ESTALE), "again", "connected"},
		{system(syscall.ENOENT), "again", "connected"},
		{fmt.Errorf("%w: %w", errSource, syscall.EIO), "again", "original could not be read"},
		{errors.Join(context.Canceled, system(syscall.ENOSPC)), "again", "stopped"},
		{context.DeadlineExceeded, "again", "longer than allowed"},
		{errMisread, "again", "cable"},
	} {
		err := New("/mnt/nas").explain("archiving", "room/video.mp4", c.err)
		if err.Class() != c.class || !strings.Contains(err.UserMessage(), c.words) {
			t.Errorf("%v became %q: %s", c.err, err.Class(), err.UserMessage())
		}
		if !errors.Is(err, c.err) || !strings.Contains(err.Error(), "room/video.mp4") {
			t.Errorf("%v lost its cause or its file: %v", c.err, err)
		}
		if strings.Contains(err.UserMessage(), "{") {
			t.Errorf("a gap is left in %q", err.UserMessage())
		}
	}
}

func TestMoves_neverReplace(t *testing.T) {
	t.Parallel()
	for what, move := range map[string]func(root *os.Root, from, to string) error{
		"best": moveToNew, "link": linkThenRemove, "look": lookThenRename,
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			root, err := os.OpenRoot(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = root.Close() }() // holds nothing written
			holds := func(name, want string) {
				t.Helper()
				if got, err := root.ReadFile(name); string(got) != want || (err == nil) != (want != "") {
					t.Errorf("%s holds %q (%v), want %q", name, got, err, want)
				}
			}
			for name, data := range map[string]string{"room/part": "mine", "room/taken": "theirs"} {
				if err := errors.Join(root.MkdirAll("room", 0o755), root.WriteFile(name, []byte(data), 0o600)); err != nil {
					t.Fatal(err)
				}
			}
			if err := move(root, "room/part", "room/taken"); !errors.Is(err, fs.ErrExist) {
				t.Errorf("a taken name answered %v", err)
			}
			holds("room/part", "mine")
			holds("room/taken", "theirs")
			if err := move(root, "room/part", "room/new"); err != nil {
				t.Error(err)
			}
			holds("room/part", "")
			holds("room/new", "mine")
			if err := move(root, "room/part", "room/newer"); !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("a part that is gone answered %v", err)
			}
		})
	}
}

func TestClaim_letsPutsOfOneNameTakeTurns(t *testing.T) {
	t.Parallel()
	folder := New(t.TempDir())
	release, err := folder.claim(t.Context(), "video.mp4")
	if err != nil {
		t.Fatal(err)
	}
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := folder.claim(impatient, "video.mp4"); !errors.Is(err, context.Canceled) {
		t.Errorf("the second of one name answered %v instead of waiting", err)
	}
	if releaseOther, err := folder.claim(impatient, "other.mp4"); err != nil {
		t.Errorf("another name had to wait: %v", err)
	} else {
		releaseOther()
	}
	turn := make(chan error)
	go func() {
		next, err := folder.claim(t.Context(), "video.mp4")
		if err == nil {
			next()
		}
		turn <- err
	}()
	release()
	if err := <-turn; err != nil {
		t.Errorf("when its turn came it answered %v", err)
	}
}

// begin opens an upload of data as video.mp4, up to the open part.
func begin(t *testing.T, data string) *upload {
	t.Helper()
	path := filepath.Join(t.TempDir(), "source.mp4")
	if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	src, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	up, err := newUpload(root, src, "video.mp4", func(int64) {})
	if err != nil {
		t.Fatal(err)
	}
	if err := up.openPart(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = errors.Join(up.part.Close(), root.Close(), src.Close()) }) // a test's own files
	return up
}

func TestProvePart_removesWhatTheDiskSpoiled(t *testing.T) {
	t.Parallel()
	for what, spoil := range map[string]func(part *os.File) error{
		"a flipped byte": func(part *os.File) error { _, err := part.WriteAt([]byte("V"), 0); return err },
		"a byte more":    func(part *os.File) error { _, err := part.WriteAt([]byte("!"), 5); return err },
		"a byte less":    func(part *os.File) error { return part.Truncate(4) },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			up := begin(t, "video")
			if err := errors.Join(up.fill(t.Context()), up.provePart(t.Context()), spoil(up.part)); err != nil {
				t.Fatal(err)
			}
			if err := up.provePart(t.Context()); !errors.Is(err, errMisread) || errors.Is(err, errDiffers) {
				t.Errorf("it answered %v, want %v", err, errMisread)
			}
			if _, err := up.root.Lstat(partName("video.mp4")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the part is still there: %v", err)
			}
		})
	}
}

func TestPublish_leavesAPartThatIsNoLongerOurs(t *testing.T) {
	t.Parallel()
	up := begin(t, "video")
	if err := errors.Join(up.fill(t.Context()), up.removePart(), up.root.WriteFile(partName("video.mp4"), []byte("half"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := up.publish(t.Context(), true); !errors.Is(err, errBusy) {
		t.Errorf("it answered %v, want %v", err, errBusy)
	}
	if _, err := up.root.Lstat("video.mp4"); err == nil {
		t.Error("another process's half was given the final name")
	}
}

func TestEveryPhase_endsWithItsContext(t *testing.T) {
	t.Parallel()
	up := begin(t, "video")
	if err := up.fill(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, resuming := up.resume(ctx)
	for what, err := range map[string]error{"resuming": resuming, "copying": up.copyFrom(ctx, 0), "proving": up.provePart(ctx)} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s went on and answered %v", what, err)
		}
	}
	if _, err := up.root.Lstat(partName("video.mp4")); err != nil {
		t.Errorf("the part was not kept: %v", err)
	}
}

// TestCheck_readsAgainWhatWasTouched: the Check after a Put relies on what the Put read back, once, and only for a file that nobody
// touched since, whatever its times say.
func TestCheck_readsAgainWhatWasTouched(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := New(dir)
	final := filepath.Join(dir, "a.mp4")
	put := func() (sum string) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "source.mp4")
		if err := os.WriteFile(path, []byte("what was recorded"), 0o600); err != nil {
			t.Fatal(err)
		}
		src, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = src.Close() }()
		if _, sum, err = f.Put(t.Context(), src, "a.mp4", true, func(int64) {}); err != nil {
			t.Fatal(err)
		}
		return sum
	}
	spoil := func() {
		t.Helper()
		before, err := os.Stat(final)
		for tick := true; tick && err == nil; { // the clock of the file system may stand still for some milliseconds
			err = errors.Join(os.WriteFile(final, []byte("what was REcorded"), 0o600), os.Chtimes(final, time.Time{}, before.ModTime()))
			if now, statErr := os.Stat(final); statErr == nil {
				changed, known := changedAt(before)
				changedNow, _ := changedAt(now)
				tick = known && changed.Equal(changedNow)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	check := func(sum string) error { return f.Check(t.Context(), "a.mp4", 17, sum) }

	sum := put()
	if _, kept := f.proved["a.mp4"]; !kept {
		t.Fatal("the Put kept no proof")
	}
	if err := check(strings.Repeat("0", len(sum))); err == nil {
		t.Error("another sum was accepted")
	}
	put()
	if err := check(sum); err != nil {
		t.Error(err)
	}
	if len(f.proved) > 0 {
		t.Error("a proof outlived its Check")
	}
	put()
	spoil()
	if err := check(sum); err == nil {
		t.Error("a file that was spoiled after its Put was accepted")
	}
	put()
	if err := check(sum); err != nil {
		t.Error(err)
	}
	spoil()
	if err := check(sum); err == nil {
		t.Error("a file that was spoiled after its first Check was accepted")
	}
}

// TestCheck_doesNotRelyOnAFileThatChangedWhileItWasRead: what stood there was right when it was read, and is not any more.
func TestCheck_doesNotRelyOnAFileThatChangedWhileItWasRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := New(dir)
	path := filepath.Join(t.TempDir(), "source.mp4")
	if err := os.WriteFile(path, []byte("what was recorded"), 0o600); err != nil {
		t.Fatal(err)
	}
	sum := ""
	for _, meanwhile := range []string{"", "what was REcorded"} {
		src, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		_, sum, err = f.Put(t.Context(), src, "a.mp4", false, func(done int64) {
			if done == 17 && meanwhile != "" { // the last it says, when it has read what stands there
				if err := os.WriteFile(filepath.Join(dir, "a.mp4"), []byte(meanwhile), 0o600); err != nil {
					t.Error(err)
				}
			}
		})
		if err = errors.Join(err, src.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Check(t.Context(), "a.mp4", 17, sum); err == nil {
		t.Error("a file that was spoiled before its Put ended was accepted")
	}
}
