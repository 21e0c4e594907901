package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// submittedDir is where files from outside go, inside RECORDINGS_DIR.
const submittedDir = "submitted"

// place makes sure that a file lies in RECORDINGS_DIR and gives its path there.
// One from outside is copied; its owner keeps the original.
func (s *submission) place(ctx context.Context, file string) (string, error) {
	path, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", errors.New("is no file / 不是文件")
	}
	root, real := realPath(s.cfg.RecordingsDir), realPath(path)
	if inside(real, root) {
		return filepath.Rel(root, real)
	}
	dir := filepath.Join(s.cfg.RecordingsDir, submittedDir)
	if _, found := earlierCopy(path, dir); !found {
		s.complain("%s: copying %s into %s / 正在复制\n", filepath.Base(path), bytesText(uint64(info.Size())), dir)
	}
	name, err := copyIn(ctx, path, dir)
	if err != nil {
		return "", fmt.Errorf("copy it into NGLIVE_RECORDINGS_DIR: %w", err)
	}
	return filepath.Join(submittedDir, name), nil
}

// copyIn copies a video and what travels with it into dir, under a name that is
// free there. What was copied before is found again and not copied twice.
func copyIn(ctx context.Context, path, dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil { //nolint:gosec // the user's umask decides
		return "", err
	}
	copied, err := copyVideo(ctx, path, dir)
	if err != nil {
		return "", err
	}
	companions, err := companionsOf(path)
	if err != nil {
		return "", err
	}
	for suffix, companion := range companions {
		err := copyTo(ctx, companion, filepath.Join(dir, copied+suffix))
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return "", err
		}
	}
	return copied + filepath.Ext(path), nil
}

// copyVideo gives the stem under which the copy stands: stem, stem-2, stem-3, …
func copyVideo(ctx context.Context, path, dir string) (string, error) {
	for {
		stem, found := earlierCopy(path, dir)
		if found {
			return stem, nil
		}
		err := copyTo(ctx, path, filepath.Join(dir, stem+filepath.Ext(path)))
		if errors.Is(err, fs.ErrExist) {
			continue // somebody was faster
		}
		return stem, err
	}
}

// earlierCopy gives the stem of the copy that stands in dir, else the first stem
// that is free there.
func earlierCopy(path, dir string) (stem string, found bool) {
	ext := filepath.Ext(path)
	stem = strings.TrimSuffix(filepath.Base(path), ext)
	for n, name := 2, stem; ; n++ {
		target := filepath.Join(dir, name+ext)
		if sameFile(path, target) {
			return name, true
		}
		if _, err := os.Lstat(target); err != nil {
			return name, false
		}
		name = stem + "-" + strconv.Itoa(n)
	}
}

// sameFile holds for an earlier copy: same size, same time, and the same bytes. Another file taken for the same would be
// reported as archived without ever having been handed in.
func sameFile(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Lstat(b)
	return err == nil && other.Mode().IsRegular() && one.Size() == other.Size() && one.ModTime().Equal(other.ModTime()) && sameBytes(a, b)
}

func sameBytes(a, b string) bool {
	one, err := os.Open(a)
	if err != nil {
		return false
	}
	defer func() { _ = one.Close() }()
	other, err := os.Open(b)
	if err != nil {
		return false
	}
	defer func() { _ = other.Close() }()
	const block = 1 << 20
	left, right := make([]byte, block), make([]byte, block)
	for {
		n, errA := io.ReadFull(one, left)
		m, errB := io.ReadFull(other, right)
		if n != m || !bytes.Equal(left[:n], right[:m]) {
			return false
		}
		if errA != nil || errB != nil {
			return ended(errA) && ended(errB)
		}
	}
}

func ended(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

// companionsOf finds the comments, the cover and the notes beside a video, by
// what follows the stem in their names.
func companionsOf(path string) (map[string]string, error) {
	dir := filepath.Dir(path)
	stem := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, e := range entries {
		suffix, ok := strings.CutPrefix(e.Name(), stem)
		if ok && e.Type().IsRegular() && (suffix == ".xml" || suffix == ".txt" || strings.HasPrefix(suffix, ".cover.")) {
			found[suffix] = filepath.Join(dir, e.Name())
		}
	}
	return found, nil
}

// copyTo copies a file under a name that none may have yet: fs.ErrExist
// otherwise. The name appears when the copy is whole and on the disk.
func copyTo(ctx context.Context, from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()
	info, err := source.Stat()
	if err != nil {
		return err
	}
	// A name of its own: a long one plus an ending may be too long.
	draft, err := os.CreateTemp(filepath.Dir(to), ".copy-*.part")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(draft.Name()) }()
	_, err = io.Copy(draft, &untilDone{ctx, source})
	err = errors.Join(err, draft.Chmod(info.Mode().Perm()), draft.Sync(), draft.Close())
	if err != nil {
		return err
	}
	if err := os.Chtimes(draft.Name(), info.ModTime(), info.ModTime()); err != nil {
		return err
	}
	return publish(draft.Name(), to)
}

// publish gives a whole file its name without taking another's.
func publish(draft, to string) error {
	err := os.Link(draft, to)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	// No hard links on this disk: between look and rename nobody else is expected.
	if _, err := os.Lstat(to); err == nil {
		return fs.ErrExist
	}
	return os.Rename(draft, to)
}

// untilDone is a reader that ends with its context.
type untilDone struct {
	ctx context.Context //nolint:containedctx // io.Reader has no other way
	r   io.Reader
}

// Read gives the next piece, or the context's error.
func (u *untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}
