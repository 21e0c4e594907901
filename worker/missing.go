package worker

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/google/uuid"

	"github.com/ngworks/nglive/tasks"
)

// goneAfter is how long a recorder may take from announcing a file to making it: longer than any, and longer than a disk is away
// by accident.
const goneAfter = time.Hour

// endVanished ends recordings that were announced and whose file is not there. An empty folder says nothing: its disk may not be
// mounted.
func (w *Worker) endVanished(ctx context.Context) error {
	if w.search.seen == 0 {
		return nil
	}
	ids, err := w.store.InState(ctx, tasks.Opening)
	if err != nil {
		return err
	}
	recs, err := w.store.Recordings(ctx, ids)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(w.cfg.RecordingsDir)
	if err != nil {
		return fmt.Errorf("look for announced recordings: %w", err)
	}
	defer func() { _ = root.Close() }()
	for i := range recs {
		r := &recs[i]
		if r.Node != w.cfg.Node || r.State != tasks.Opening || time.Since(r.UpdatedAt).Abs() < goneAfter || w.isThere(root, r) {
			continue
		}
		w.swept.vanished.Add(1)
		err := w.journal.post(letter{Fact: &tasks.Fact{
			ID: "sweep-" + uuid.NewString(), Kind: tasks.FileVanished, At: time.Now(), Recording: r.ID,
			Error: fmt.Sprintf("the recorder announced %s, and there is no such file in %s", r.Path, w.cfg.RecordingsDir),
		}})
		if err != nil {
			return err
		}
	}
	return nil
}

// isThere is true for everything but a plain "no such file".
func (w *Worker) isThere(root *os.Root, r *tasks.Recording) bool {
	for _, rel := range spellings(r.Path) {
		if _, err := root.Lstat(rel); err == nil || !missing(err) {
			return true
		}
	}
	return false
}
