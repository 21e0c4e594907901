package worker

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ngworks/nglive/tasks"
)

// source is a recording's file, opened inside its folder: nothing a webhook says leads out of it.
type source struct {
	file *os.File
	info fs.FileInfo
	path string // absolute
	rel  string // relative to its folder, in the spelling that exists
}

func (s *source) close() { _ = s.file.Close() }

// changed reports whether the file is another one, or another size, than when it was opened.
func (s *source) changed() bool {
	now, err := os.Stat(s.path)
	return err != nil || now.Size() != s.info.Size() || !now.ModTime().Equal(s.info.ModTime())
}

func (w *Worker) folder(root string) string {
	if root == tasks.RootOutput {
		return w.cfg.OutputDir
	}
	return w.cfg.RecordingsDir
}

// openSource finds the recording's file: joined to its folder as the recorder spelled it, and where that does not exist with
// `\` read as `/`.
func (w *Worker) openSource(r *tasks.Recording) (*source, error) {
	dir := w.folder(r.Root)
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, &held{reason: fmt.Sprintf("the folder %s cannot be opened; is its disk connected? (%v)", dir, cause(err))}
	}
	defer func() { _ = root.Close() }()
	for _, rel := range spellings(r.Path) {
		// Looked at before it is opened: to open a pipe is to wait for somebody who writes into it.
		info, err := root.Stat(rel)
		if err == nil && !info.Mode().IsRegular() {
			return nil, problemf(never, "%s is not a file", rel)
		}
		var f *os.File
		if err == nil {
			f, err = root.OpenFile(rel, os.O_RDONLY|nonBlocking, 0)
		}
		if err == nil {
			src, err := asSource(f, dir, rel)
			w.noteSource(r, src)
			return src, err
		}
		if strings.Contains(err.Error(), "escapes from parent") {
			return nil, problemf(never, "%s is a link that leads out of its folder, and is not followed", rel)
		}
		if !missing(err) {
			return nil, problemf(tell, "%s cannot be opened: %v; give this user the right to read it, then retry", rel, cause(err))
		}
	}
	return nil, &gone{fmt.Sprintf("the file %s is not in %s any more; if it was moved, move it back and retry", r.Path, dir)}
}

// noteSource remembers whose file this is, so that the sweep knows it under another name too.
func (w *Worker) noteSource(r *tasks.Recording, src *source) {
	if src == nil || r.Root != tasks.RootRecordings || r.State == tasks.Opening {
		return // one whose end nobody told is the sweep's to find
	}
	id, err := hex.DecodeString(r.ID)
	m := markOf(src.info, src.rel)
	if err != nil || len(id) != 8 || w.marks.known(m) || (r.SizeBytes != 0 && r.SizeBytes != m.size) {
		return
	}
	more := map[mark][8]byte{m: [8]byte(id)}
	if err := w.journal.remember(more); err != nil {
		w.log.Debug("the journal does not take a file's mark", "recording", r.ID, "error", err)
		return
	}
	w.marks.add(more)
}

// missing reports whether a name is simply not there; a name that is too long or leads through a file is not there either.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), "name too long") || strings.Contains(err.Error(), "not a directory")
}

func asSource(f *os.File, dir, rel string) (*source, error) {
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = problemf(never, "%s is not a file", rel)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &source{file: f, info: info, path: filepath.Join(dir, filepath.FromSlash(rel)), rel: rel}, nil
}

// spellings are the readings of a recorder's path, most literal first.
func spellings(p string) []string {
	literal := filepath.Clean(p)
	if slashed := tasks.Slashed(p); slashed != literal {
		return []string{literal, slashed}
	}
	return []string{literal}
}

// cause is the system's own word, without the path that the sentence has already.
func cause(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}
