package archive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path"
)

// upload is one Put on its way.
type upload struct {
	root   *os.Root
	name   string
	report func(done int64)

	src    *os.File
	before fs.FileInfo // the source as it was at the start
	hash   hash.Hash   // of the source's bytes up to where we are
	part   *os.File
	proved fs.FileInfo // the very file that was read back
	block  []byte
}

func newUpload(root *os.Root, src *os.File, name string, report func(done int64)) (*upload, error) {
	before, err := src.Stat()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSource, err)
	}
	if !before.Mode().IsRegular() {
		return nil, errNoFile
	}
	return &upload{root: root, name: name, report: report, src: src, before: before, hash: sha256.New(), block: make([]byte, blockSize)}, nil
}

func (u *upload) run(ctx context.Context, replace bool) (sum string, err error) {
	switch standing, err := u.compareFinal(ctx); {
	case err != nil:
		return "", err
	case standing == same:
		return u.sum(), u.finishStanding()
	case standing == other && !replace:
		return "", errors.Join(errExists, u.removePart())
	}
	if err := u.openPart(); err != nil {
		return "", err
	}
	defer func() { _ = u.part.Close() }() // synced before it counts; also gives up the lock
	if err := u.fill(ctx); err != nil {
		return "", errors.Join(err, u.trim())
	}
	if err := u.provePart(ctx); err != nil {
		return "", err
	}
	return u.sum(), u.publish(ctx, replace)
}

func (u *upload) sum() string { return hex.EncodeToString(u.hash.Sum(nil)) }

func (u *upload) size() int64 { return u.before.Size() }

type standing int

const (
	absent standing = iota
	same
	other
)

// compareFinal tells what has the final name, by its bytes on the disk.
func (u *upload) compareFinal(ctx context.Context) (standing, error) {
	file, err := openFinal(u.root, u.name)
	switch {
	case errors.Is(err, errMissing):
		return absent, nil
	case err != nil:
		return absent, err
	}
	defer func() { _ = file.Close() }() // only read
	info, err := file.Stat()
	if err != nil {
		return absent, err
	}
	if info.Size() != u.size() {
		return other, nil
	}
	_ = file.Sync() // ours was synced; of a stranger's file the comparison below reads what the disk really has
	dropCache(file)
	equal, err := u.equalBytes(ctx, file, info.Size())
	if err != nil || equal < u.size() {
		return other, err
	}
	u.proved = info
	return same, u.sourceUnchanged()
}

// openFinal opens what has the final name, if it is an ordinary file. It looks before it opens: opening a pipe would wait
// for ever.
func openFinal(root *os.Root, name string) (*os.File, error) {
	info, err := root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: %w", errMissing, err)
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errInTheWay
	}
	return root.Open(name)
}

// finishStanding ends a Put that found its content in place: an earlier one may have been killed between giving the name
// and making it last.
func (u *upload) finishStanding() error {
	if err := u.removePart(); err != nil {
		return err
	}
	if err := u.syncFolders(); err != nil {
		return err
	}
	u.report(u.size())
	return nil
}

// openPart opens and locks the part, an earlier one if there is one.
func (u *upload) openPart() error {
	if err := u.root.MkdirAll(path.Dir(u.name), 0o755); err != nil {
		return err
	}
	for range 3 { // another process may finish its own upload, and with it the part, between our steps
		if err := u.removeStrangePart(); err != nil {
			return err
		}
		part, err := u.root.OpenFile(partName(u.name), os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil {
			return err
		}
		if err := lockPart(part); err != nil {
			return errors.Join(err, part.Close())
		}
		if u.isPart(part) {
			u.part = part
			return nil
		}
		if err := part.Close(); err != nil {
			return err
		}
	}
	return errBusy
}

// removeStrangePart removes a part into which we must not write: a link, or a file that has a second name (a Put was killed
// in linkThenRemove), because then the bytes under that other name would change.
func (u *upload) removeStrangePart() error {
	info, err := u.root.Lstat(partName(u.name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().IsRegular() && !hasOtherNames(info):
		return nil
	}
	return u.removePart()
}

// isPart tells whether the opened file still has the part's name.
func (u *upload) isPart(part *os.File) bool {
	opened, err := part.Stat()
	if err != nil {
		return false
	}
	named, err := u.root.Lstat(partName(u.name))
	return err == nil && os.SameFile(opened, named)
}

func (u *upload) removePart() error {
	if err := u.root.Remove(partName(u.name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// trim gives back the room that was reserved and not used; what was copied stays for the next try.
func (u *upload) trim() error {
	info, err := u.part.Stat()
	if err != nil {
		return err
	}
	if info.Size() == 0 {
		return u.removePart()
	}
	return u.part.Truncate(info.Size())
}
