package ffmpeg

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Seal gives a checked part file its final name: what it holds reaches the
// disk first, the name after. A file that has the name already is only
// replaced when told so; otherwise the error wraps fs.ErrExist.
func Seal(part, final string, replace bool) error {
	if err := syncFile(part); err != nil {
		return fmt.Errorf("write %s to the disk: %w", part, err)
	}
	rename := renameNew
	if replace {
		rename = os.Rename
	}
	if err := rename(part, final); err != nil {
		return fmt.Errorf("give the output its name %s: %w", final, err)
	}
	if err := syncFolder(filepath.Dir(final)); err != nil {
		return fmt.Errorf("write the name %s to the disk: %w", final, err)
	}
	return nil
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// syncFolder is not possible on Windows, whose file system does it by itself.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// renameChecked looks before it renames; between the two another program could
// take the name.
func renameChecked(from, to string) error {
	if _, err := os.Lstat(to); err == nil {
		return &fs.PathError{Op: "rename", Path: to, Err: fs.ErrExist}
	}
	return os.Rename(from, to)
}
