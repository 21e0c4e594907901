package worker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"go.etcd.io/bbolt"

	"github.com/ngworks/nglive/tasks"
)

// What is half-made stands in the journal's bucket "parts" before it is begun: the place as its key, the recording as its value. Only
// what stands there can be a leftover of ours.

// outputPart begins the key of a part below OUTPUT_DIR; a target's is the target's name.
const outputPart = "output"

func (j *journal) partBegins(where, name, recording string) error {
	tasks.Failpoint("journal.part.before")
	defer tasks.Failpoint("journal.part.after")
	err := j.update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("parts")).Put([]byte(where+"|"+name), []byte(recording))
	})
	if err != nil {
		return fmt.Errorf("journal: note the part %s: %w", name, err)
	}
	return nil
}

func (j *journal) partEnds(where, name string) error {
	tasks.Failpoint("journal.unpart.before")
	defer tasks.Failpoint("journal.unpart.after")
	err := j.update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte("parts")).Delete([]byte(where + "|" + name)) })
	if err != nil {
		return fmt.Errorf("journal: forget the part %s: %w", name, err)
	}
	return nil
}

// part is something half-made.
type part struct{ where, name, recording string }

func (j *journal) parts() ([]part, error) {
	var all []part
	err := j.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("parts")).ForEach(func(k, v []byte) error {
			where, name, _ := strings.Cut(string(k), "|")
			all = append(all, part{where, name, string(v)})
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("journal: read parts: %w", err)
	}
	return all, nil
}

// discarder is a target that can clear away what an upload of a name left half-made.
type discarder interface {
	Discard(ctx context.Context, name string) error
}

// clearLeftovers removes what a step left half-made that nobody goes on with: the worker died in the middle, and the recording
// went another way since.
func (w *Worker) clearLeftovers(ctx context.Context) error {
	all, err := w.journal.parts()
	if err != nil {
		return err
	}
	for _, p := range all {
		if err := w.clearLeftover(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

func (w *Worker) clearLeftover(ctx context.Context, p part) error {
	unlock, ok := w.locks.try(p.recording)
	if !ok {
		return nil // it is being worked on
	}
	defer unlock()
	r, err := w.store.Recording(ctx, p.recording)
	switch {
	case errors.Is(err, tasks.ErrNoRecording):
	case err != nil:
		return err
	case !r.State.Over():
		return nil
	case r.State == tasks.Failed && p.where != outputPart:
		return nil // a retry goes on from there
	}
	removed, err := w.discard(ctx, p)
	if err != nil {
		w.log.Warn("a leftover stays", "where", p.where, "name", p.name, "error", err)
		return nil
	}
	if err := w.journal.partEnds(p.where, p.name); err != nil || !removed {
		return err
	}
	w.swept.leftovers.Add(1)
	w.log.Info("leftover removed", "where", p.where, "name", p.name, "recording", p.recording)
	return w.repaired(&r, "", "something half-made was cleared away: "+p.name)
}

func (w *Worker) discard(ctx context.Context, p part) (removed bool, err error) {
	if p.where == splitPart {
		dir := filepath.Join(w.cfg.OutputDir, splitDir, filepath.Base(p.name))
		_, err := os.Lstat(dir)
		return err == nil, os.RemoveAll(dir)
	}
	if p.where != outputPart {
		target, ok := w.targets[p.where].(discarder)
		if !ok {
			return false, nil
		}
		return true, target.Discard(ctx, p.name)
	}
	root, err := os.OpenRoot(w.cfg.OutputDir)
	if err != nil {
		return false, err
	}
	defer func() { _ = root.Close() }()
	return removeOutputPart(root, filepath.FromSlash(p.name))
}

// removeOutputPart removes a half-made video and half-copied companions beside it.
func removeOutputPart(root *os.Root, rel string) (removed bool, err error) {
	stem := strings.TrimSuffix(filepath.Base(rel), ".part.mp4")
	entries, err := fs.ReadDir(root.FS(), filepath.ToSlash(filepath.Dir(rel)))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		tail, ours := strings.CutPrefix(e.Name(), stem)
		half, isPart := strings.CutSuffix(tail, ".part")
		if !ours || (tail != ".part.mp4" && (!isPart || !travels(half))) || !e.Type().IsRegular() {
			continue
		}
		if err := root.Remove(filepath.Join(filepath.Dir(rel), e.Name())); err != nil {
			return removed, err
		}
		removed = true
	}
	return removed, nil
}
