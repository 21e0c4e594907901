package worker

import (
	"syscall"
	"testing"
)

// mountSmall puts a disk of that size over a folder, where this user may.
func mountSmall(t *testing.T, dir, size string) bool {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		return false
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return true
}

// growSmall gives such a disk room.
func growSmall(dir string) error {
	err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=64m")
	if err == syscall.EPERM || err == syscall.EINVAL {
		return nil // it never was a small one
	}
	return err
}
