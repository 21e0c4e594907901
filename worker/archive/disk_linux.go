package archive

import (
	"errors"
	"os"
	"path"
	"syscall"

	"golang.org/x/sys/unix"
)

// dropCache makes the next read come from the disk. Only synced pages can go; whether they went is the kernel's choice.
func dropCache(file *os.File) {
	_ = unix.Fadvise(int(file.Fd()), 0, 0, unix.FADV_DONTNEED)
}

// writeBack starts writing the window at offset and waits for the one before the last, so that the disk works while the
// next blocks are read, and never has more than three windows waiting.
func writeBack(file *os.File, offset, size int64) error {
	fd := int(file.Fd())
	err := unix.SyncFileRange(fd, offset, size, unix.SYNC_FILE_RANGE_WRITE)
	if behind := offset - 2*size; err == nil && behind >= 0 {
		err = unix.SyncFileRange(fd, behind, size, unix.SYNC_FILE_RANGE_WAIT_BEFORE)
	}
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.EINTR) {
		return nil // only a help; the sync at the end is what counts
	}
	return os.NewSyscallError("sync_file_range", err)
}

// reserve takes the room on the disk, so that a full one says so at once and not after an hour.
func reserve(file *os.File, size int64) error {
	if size == 0 {
		return nil
	}
	err := unix.Fallocate(int(file.Fd()), unix.FALLOC_FL_KEEP_SIZE, 0, size)
	if isFull(err) || errors.Is(err, syscall.EFBIG) {
		return os.NewSyscallError("fallocate", err)
	}
	return nil // many file systems cannot; then the disk tells while it is written
}

// renameToNew renames within one folder and fails if the new name is taken.
func renameToNew(root *os.Root, from, to string) error {
	dir, err := root.Open(path.Dir(to))
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }() // only a handle
	err = unix.Renameat2(int(dir.Fd()), path.Base(from), int(dir.Fd()), path.Base(to), unix.RENAME_NOREPLACE)
	if errors.Is(err, syscall.EINVAL) { // what NFS, exFAT and old FUSE say to the flag
		err = errors.Join(errors.ErrUnsupported, err)
	}
	return os.NewSyscallError("renameat2", err)
}
