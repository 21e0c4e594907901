package archive

import (
	"context"
	"errors"
	"io/fs"
	"os"
)

// Discard removes what an earlier Put of name left half-copied, unless somebody copies it right now. The finished file of that name
// is not touched.
func (f *Folder) Discard(ctx context.Context, name string) error {
	if err := f.discard(ctx, name); err != nil {
		return f.explain("clearing away what is left of", name, err)
	}
	return nil
}

func (f *Folder) discard(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	release, err := f.claim(ctx, name)
	if err != nil {
		return err
	}
	defer release()
	root, err := f.open()
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }() // holds nothing written
	info, err := root.Lstat(partName(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	part, err := root.OpenFile(partName(name), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { _ = part.Close() }() // nothing is written
	if err := lockPart(part); err != nil {
		return err
	}
	return root.Remove(partName(name))
}
