package archive_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ngworks/nglive/worker/archive"
)

func child(what string, args []string) error {
	switch what {
	case "child-put":
		return putInStep(args[0], args[1], args[2])
	case "child-limit":
		return putWithLimit(args[0], args[1])
	case "child-disk":
		return putOnSmallDisk(args[0], args[1])
	}
	return fmt.Errorf("no child is called %s", what)
}

// outcome puts source once and says how it went: the first progress, then the class of the error or "ok".
func outcome(dir, source string) string {
	src, err := os.Open(source)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = src.Close() }() // only read
	first := int64(-1)
	_, _, err = archive.New(dir).Put(context.Background(), src, "video.mp4", false, func(done int64) {
		if first < 0 {
			first = done
		}
	})
	if err == nil {
		return fmt.Sprint(first, " ok")
	}
	classed, ok := errors.AsType[*archive.Error](err)
	if !ok {
		return err.Error()
	}
	return fmt.Sprint(first, " ", classed.Class())
}

// putWithLimit has the kernel refuse every byte after 5.5 MiB, as a FAT32 disk does after 4 GiB.
func putWithLimit(dir, source string) error {
	signal.Ignore(syscall.SIGXFSZ)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	limit.Cur = 11 << 19
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	fmt.Println(outcome(dir, source))
	return nil
}

// putOnSmallDisk mounts a disk of its own that is first too small, then read-only, then large enough.
func putOnSmallDisk(dir, source string) error {
	for _, disk := range []struct {
		flags uintptr
		size  string
	}{{0, "size=8m"}, {unix.MS_REMOUNT | unix.MS_RDONLY, "size=8m"}, {unix.MS_REMOUNT, "size=64m"}} {
		if err := unix.Mount("tmpfs", dir, "tmpfs", disk.flags, disk.size); err != nil {
			return err
		}
		fmt.Println(outcome(dir, source))
		left, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		fmt.Println(len(left), "left,")
	}
	return nil
}

func run(t *testing.T, attr *syscall.SysProcAttr, args ...string) (string, error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0], args...)
	command.SysProcAttr = attr
	command.Stderr = os.Stderr
	out, err := command.Output()
	return strings.Join(strings.Fields(string(out)), " "), err
}

func TestPut_keepsWhatADiskTookBeforeItRefused(t *testing.T) {
	t.Parallel()
	const size = 12 << 20
	dir := t.TempDir()
	src := makeFile(t, filepath.Join(t.TempDir(), "source.mp4"), size)
	got, err := run(t, nil, "child-limit", dir, src.Name())
	if err != nil || got != "0 tell" {
		t.Fatalf("a file too large for the disk answered %q (%v), want class tell", got, err)
	}
	part, err := os.Stat(filepath.Join(dir, ".video.mp4.nglive-part"))
	if err != nil {
		t.Fatal(err)
	}
	used := part.Sys().(*syscall.Stat_t).Blocks * 512
	if part.Size() < 5<<20 || used > part.Size()+1<<20 {
		t.Errorf("the part has %d bytes and takes the room of %d, of %d", part.Size(), used, size)
	}
	if got := outcome(dir, src.Name()); got != "5767168 ok" {
		t.Errorf("the next put went %q, want it to go on at 5767168", got)
	}
	if got, want := hashOf(t, filepath.Join(dir, "video.mp4")), hashOf(t, src.Name()); got != want {
		t.Errorf("the file has checksum %s, want %s", got, want)
	}
}

func TestPut_saysThatADiskIsFullOrReadOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	src := makeFile(t, filepath.Join(t.TempDir(), "source.mp4"), 12<<20)
	mounting := &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	got, err := run(t, mounting, "child-disk", dir, src.Name())
	if errors.Is(err, syscall.EPERM) {
		t.Skip("this system lets nobody mount a small disk to fill:", err)
	}
	if want := "-1 space 0 left, -1 tell 0 left, 0 ok 1 left,"; err != nil || got != want {
		t.Errorf("too small, read-only, large enough answered %q (%v), want %q", got, err, want)
	}
}
