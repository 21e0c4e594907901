//go:build chaos && linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// fullDisk can take the room away from OUTPUT_DIR and give it back.
type fullDisk interface {
	fill(leave int64) error
	free()
	settings() []string
	String() string
}

// diskSize holds all outputs of a full run, and little more.
const diskSize = 96 << 20

// newFullDisk mounts a small tmpfs on the folder where that is allowed, and otherwise limits how large ffmpeg's files may get.
func newFullDisk(t *testing.T, dir string) fullDisk {
	t.Helper()
	out := filepath.Join(dir, "out")
	if err := os.MkdirAll(out, 0o755); err != nil {
		t.Fatal(err)
	}
	err := errors.New("CHAOS_DISK=limit was asked for")
	if os.Getenv("CHAOS_DISK") != "limit" {
		err = unix.Mount("tmpfs", out, "tmpfs", 0, fmt.Sprintf("size=%d", diskSize))
	}
	if err == nil {
		t.Cleanup(unmounting(out))
		return &smallDisk{out}
	}
	l := &sizeLimit{wrapper: filepath.Join(dir, "ffmpeg"), mark: filepath.Join(dir, "disk-is-full"), why: err}
	script := fmt.Sprintf("#!/bin/sh\nif [ -e '%s' ]; then trap '' XFSZ; ulimit -f 60; fi\nexec ffmpeg \"$@\"\n", l.mark)
	if err := os.WriteFile(l.wrapper, []byte(script), 0o755); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	return l
}

// unmounting is done at the end, and when somebody presses Ctrl-C before.
func unmounting(dir string) func() {
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt, syscall.SIGTERM)
	go func() {
		if _, interrupted := <-interrupts; interrupted {
			_ = unix.Unmount(dir, unix.MNT_DETACH)
			os.Exit(exitStopped)
		}
	}()
	return func() {
		_ = unix.Unmount(dir, unix.MNT_DETACH)
		signal.Stop(interrupts)
		close(interrupts)
	}
}

// smallDisk is a tmpfs; a ballast file fills it.
type smallDisk struct{ dir string }

func (d *smallDisk) ballast() string { return filepath.Join(d.dir, "ballast") }

func (d *smallDisk) fill(leave int64) error {
	var st syscall.Statfs_t
	if err := syscall.Statfs(d.dir, &st); err != nil {
		return err
	}
	size := int64(st.Bavail)*st.Bsize - leave //nolint:gosec // some megabytes
	if size <= 0 {
		return nil
	}
	f, err := os.Create(d.ballast())
	if err != nil {
		if errors.Is(err, syscall.ENOSPC) {
			return nil // full already
		}
		return err
	}
	defer func() { _ = f.Close() }()
	for size > 0 { // the worker may take some of it meanwhile
		if err := unix.Fallocate(int(f.Fd()), 0, 0, size); !errors.Is(err, syscall.ENOSPC) {
			return err
		}
		size -= 64 << 10
	}
	return nil
}

func (d *smallDisk) free() { _ = os.Remove(d.ballast()) }

func (d *smallDisk) settings() []string {
	return []string{"NGLIVE_DISK_WARN=1MiB", "NGLIVE_DISK_HOLD=64KiB"}
}

func (d *smallDisk) String() string {
	return fmt.Sprintf("a tmpfs of %d MiB that is filled", diskSize>>20)
}

// sizeLimit makes ffmpeg's writes fail beyond some kilobytes (RLIMIT_FSIZE).
type sizeLimit struct {
	wrapper, mark string
	why           error
}

func (l *sizeLimit) fill(int64) error { return os.WriteFile(l.mark, nil, 0o600) }

func (l *sizeLimit) free() { _ = os.Remove(l.mark) }

func (l *sizeLimit) settings() []string {
	return []string{"NGLIVE_DISK_WARN=0", "NGLIVE_DISK_HOLD=0", "NGLIVE_FFMPEG=" + l.wrapper}
}

func (l *sizeLimit) String() string {
	return fmt.Sprintf("RLIMIT_FSIZE on ffmpeg (no tmpfs may be mounted: %v)", l.why)
}
