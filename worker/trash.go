package worker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"

	"github.com/ngworks/nglive/tasks"
)

// trash moves a file below one of our folders into that folder's trash, under the recording's id. The journal knows of it first:
// the trash's lifetime counts from then, whatever the disk's clock says.
func (w *Worker) trash(root, rel, recording string) error {
	dir := w.folder(root)
	r, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("open %s: %w", dir, err)
	}
	defer func() { _ = r.Close() }()
	to := filepath.Join(trashDir, recording, filepath.Base(rel))
	if err := w.journal.trashed(root, recording, time.Now()); err != nil {
		return err
	}
	if err := r.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return problemf(tell, "the trash folder %s in %s cannot be made: %v", trashDir, dir, cause(err))
	}
	tasks.Failpoint("trash.rename.before")
	err = r.Rename(rel, to)
	tasks.Failpoint("trash.rename.after")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return problemf(tell, "%s cannot be moved to the trash: %v", rel, cause(err))
	}
	return nil
}

func trashKey(root, recording string) []byte { return []byte(root + "|" + recording) }

// trashed notes when a recording's files went to a folder's trash.
func (j *journal) trashed(root, recording string, at time.Time) error {
	tasks.Failpoint("journal.trash.before")
	defer tasks.Failpoint("journal.trash.after")
	err := j.update(func(tx *bbolt.Tx) error {
		b, err := at.UTC().MarshalText()
		if err != nil {
			return err
		}
		return tx.Bucket([]byte("trash")).Put(trashKey(root, recording), b)
	})
	if err != nil {
		return fmt.Errorf("journal: note the trash of %s: %w", recording, err)
	}
	return nil
}

// trashedAt returns when that was, and the zero time when the journal does not know.
func (j *journal) trashedAt(root, recording string) (time.Time, error) {
	var at time.Time
	err := j.db.View(func(tx *bbolt.Tx) error {
		if b := tx.Bucket([]byte("trash")).Get(trashKey(root, recording)); b != nil {
			return at.UnmarshalText(b)
		}
		return nil
	})
	if err != nil {
		return at, fmt.Errorf("journal: read the trash of %s: %w", recording, err)
	}
	return at, nil
}

func (j *journal) untrashed(root, recording string) error {
	tasks.Failpoint("journal.untrash.before")
	defer tasks.Failpoint("journal.untrash.after")
	err := j.update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte("trash")).Delete(trashKey(root, recording)) })
	if err != nil {
		return fmt.Errorf("journal: forget the trash of %s: %w", recording, err)
	}
	return nil
}

// thrown is what lies in a folder's trash of one recording.
type thrown struct {
	root, recording string
	at              time.Time
}

// inTrash lists what is ours in a folder's trash. What the journal does not know (it is new, or was lost) counts from now.
func (w *Worker) inTrash(root string) ([]thrown, error) {
	r, err := os.OpenRoot(w.folder(root))
	if err != nil {
		return nil, fmt.Errorf("look into the trash: %w", err)
	}
	defer func() { _ = r.Close() }()
	entries, err := fs.ReadDir(r.FS(), trashDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("look into the trash of %s: %w", w.folder(root), err)
	}
	var all []thrown
	for _, e := range entries {
		if !e.IsDir() || !isID(e.Name()) {
			continue
		}
		at, err := w.journal.trashedAt(root, e.Name())
		if err != nil {
			return nil, err
		}
		if at.IsZero() {
			at = time.Now()
			if err := w.journal.trashed(root, e.Name(), at); err != nil {
				return nil, err
			}
		}
		all = append(all, thrown{root: root, recording: e.Name(), at: at})
	}
	return all, nil
}

func isID(name string) bool {
	_, _, _, ok := tasks.CutTaskID(name + ".1.x")
	return ok
}

// sizeOf is how much removing it would free.
func (w *Worker) sizeOf(t thrown) int64 {
	entries, err := os.ReadDir(filepath.Join(w.folder(t.root), trashDir, t.recording))
	if err != nil {
		return 0
	}
	var sum int64
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			sum += info.Size()
		}
	}
	return sum
}

// emptyTrash removes what has been in the trash for its lifetime.
func (w *Worker) emptyTrash(ctx context.Context) error {
	for _, root := range []string{tasks.RootRecordings, tasks.RootOutput} {
		all, err := w.inTrash(root)
		if err != nil {
			return err
		}
		for _, t := range all {
			if ctx.Err() != nil || time.Since(t.at) < w.cfg.TrashLifetime || w.cfg.TrashLifetime <= 0 {
				continue
			}
			if err := w.throwOut(t, fmt.Sprintf("removed from the trash after %s", w.cfg.TrashLifetime)); err != nil {
				return err
			}
		}
	}
	return nil
}

// throwOut removes one recording's files from the trash for good.
func (w *Worker) throwOut(t thrown, why string) error {
	unlock, ok := w.locks.try(t.recording)
	if !ok {
		return nil
	}
	defer unlock()
	r, err := os.OpenRoot(w.folder(t.root))
	if err != nil {
		return fmt.Errorf("empty the trash: %w", err)
	}
	defer func() { _ = r.Close() }()
	if err := r.RemoveAll(filepath.Join(trashDir, t.recording)); err != nil {
		return fmt.Errorf("empty the trash of %s: %w", w.folder(t.root), err)
	}
	w.swept.emptied.Add(1)
	w.log.Info("trash emptied", "recording", t.recording, "folder", w.folder(t.root), "why", why)
	err = w.journal.post(letter{Fact: &tasks.Fact{
		ID: "sweep-" + uuid.NewString(), Kind: tasks.TrashWasEmptied, At: time.Now(), Recording: t.recording, Reason: why,
	}})
	return errors.Join(err, w.journal.untrashed(t.root, t.recording))
}
