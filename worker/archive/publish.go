package archive

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
)

// publish gives the proven part its final name. The part stays open and locked meanwhile, so that no other process can
// write into what has become the final file.
func (u *upload) publish(ctx context.Context, replace bool) error {
	if !u.isPart(u.part) { // without locks another process may have finished, and begun a part of its own
		return errBusy
	}
	if replace {
		if err := u.root.Rename(partName(u.name), u.name); err != nil {
			return err
		}
		return u.published()
	}
	err := moveToNew(u.root, partName(u.name), u.name)
	if errors.Is(err, fs.ErrExist) {
		return u.settle(ctx)
	}
	if err != nil {
		return err
	}
	return u.published()
}

// published makes the name last. What the open part is now, is what was read back.
func (u *upload) published() error {
	u.proved, _ = u.part.Stat()
	return u.syncFolders()
}

// settle ends a Put whose name somebody took while it was copying: fine if it is the same content.
func (u *upload) settle(ctx context.Context) error {
	standing, err := u.compareFinal(ctx)
	switch {
	case err != nil:
		return err
	case standing == same:
		return u.finishStanding()
	}
	return errors.Join(errExists, u.removePart())
}

// moveToNew renames without ever replacing, in the best way the file system knows.
func moveToNew(root *os.Root, from, to string) error {
	for _, move := range []func(root *os.Root, from, to string) error{renameToNew, linkThenRemove} {
		if err := move(root, from, to); !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
	}
	return lookThenRename(root, from, to)
}

// linkThenRemove is for file systems with hard links and without an exclusive rename, such as NFS. Killed between its two
// steps it leaves a second name, which the next Put removes.
func linkThenRemove(root *os.Root, from, to string) error {
	switch err := root.Link(from, to); {
	case errors.Is(err, fs.ErrExist):
		return err
	case err != nil: // each file system without hard links has its own error for that
		return errors.Join(errors.ErrUnsupported, err)
	}
	return root.Remove(from)
}

// lookThenRename is for the rest, such as exFAT. Between look and rename somebody else might take the name; that is one
// moment against a program that does not lock the part, and the only way there is.
func lookThenRename(root *os.Root, from, to string) error {
	switch _, err := root.Lstat(to); {
	case err == nil:
		return &fs.PathError{Op: "rename", Path: to, Err: fs.ErrExist}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return root.Rename(from, to)
}

// syncFolders makes the name last: its folder, and those above it, which may be as new.
func (u *upload) syncFolders() error {
	for dir := path.Dir(u.name); ; dir = path.Dir(dir) {
		if err := syncFolder(u.root, dir); err != nil {
			return err
		}
		if dir == "." {
			return nil
		}
	}
}
