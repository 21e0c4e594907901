package worker

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"
)

// recordingEnds are the names the sweep takes for recordings. Every recorder we know writes FLV; an MP4 beside it is what
// somebody made of one.
const recordingEnds = ".flv"

// deepest is how far below the folder the sweep looks.
const deepest = 32

// lookedAt is a file as one look saw it.
type lookedAt struct {
	rel   string // with slashes
	mark  mark
	mtime time.Time
	since time.Time // since when it looks like this, by our own clock
}

// still reports whether the file is the same, with the same size and time, as when it was looked at before.
func (f lookedAt) still(before lookedAt) bool {
	return f.mark == before.mark && f.mtime.Equal(before.mtime)
}

// walk looks at every recording below root once: one reading of each folder and one look at each file. It follows no link, opens
// no file and passes over what is not for it; a folder that cannot be read is told to trouble and passed over.
type walk struct {
	see     func(rel string, info fs.FileInfo)
	trouble func(rel string, err error)
}

// folder looks at one folder; rel is its path with a slash at its end, "" for the first.
func (k walk) folder(ctx context.Context, root *os.Root, rel string, depth int) error {
	dir, err := root.Open(".")
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	const batch = 1024
	for ctx.Err() == nil {
		entries, err := dir.ReadDir(batch)
		for _, e := range entries {
			k.entry(ctx, root, rel, e, depth)
		}
		if errors.Is(err, io.EOF) || (err == nil && len(entries) == 0) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (k walk) entry(ctx context.Context, root *os.Root, rel string, e fs.DirEntry, depth int) {
	name := e.Name()
	switch {
	case e.IsDir():
		if !passedOver(name) && depth < deepest {
			k.below(ctx, root, rel, name, depth)
		}
	case e.Type().IsRegular() && isRecording(name):
		info, err := root.Lstat(name)
		if err == nil && info.Mode().IsRegular() {
			k.see(rel+name, info)
		}
	}
}

func (k walk) below(ctx context.Context, root *os.Root, rel, name string, depth int) {
	sub, err := root.OpenRoot(name)
	if err == nil {
		err = k.folder(ctx, sub, rel+name+"/", depth+1)
		_ = sub.Close()
	}
	if err != nil && ctx.Err() == nil && !errors.Is(err, fs.ErrNotExist) {
		k.trouble(rel+name, err)
	}
}

// isRecording looks at the name alone. A name with a dot before it is a program's draft, or a note of macOS.
func isRecording(name string) bool {
	return len(name) > len(recordingEnds) && name[0] != '.' && strings.EqualFold(path.Ext(name), recordingEnds)
}

// passedOver are folders of what somebody threw away, and of other programs.
func passedOver(name string) bool {
	switch name {
	case trashDir, "lost+found", "#recycle", "@Recycle", "@eaDir", "@Recently-Snapshot", "#snapshot", "$RECYCLE.BIN",
		"System Volume Information", ".stversions", ".snapshot", ".snapshots", ".zfs", ".recycle":
		return true
	}
	return strings.HasPrefix(name, ".Trash")
}
