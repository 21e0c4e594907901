package worker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/ngworks/nglive/tasks"
)

// cleaning is the disk guard's memory; only the guard uses it.
type cleaning struct {
	from     int64                // finished recordings before this one have nothing left to take
	fromAt   time.Time            // since when that holds
	unproved map[string]time.Time // recordings whose uploads could not be proved, and when
}

const (
	cleanPage    = 200
	lookAnewTime = time.Hour // what could not be taken may be by then
)

// makeRoom empties the oldest trash while the disk is below its second mark, then takes what was uploaded and verified to the
// trash, the oldest first, until trash and free space together are above the first.
func (w *Worker) makeRoom(ctx context.Context, d *watched, m watermarks) error {
	inTrash, err := w.emptyEarly(ctx, d, m)
	if err != nil {
		return err
	}
	if err := w.fillTrash(ctx, d, m, inTrash); err != nil {
		return err
	}
	_, err = w.emptyEarly(ctx, d, m)
	return err
}

// emptyEarly returns what is left in the trash, in bytes.
func (w *Worker) emptyEarly(ctx context.Context, d *watched, m watermarks) (left int64, err error) {
	var all []thrown
	for _, root := range d.roots {
		some, err := w.inTrash(root)
		if err != nil {
			return 0, err
		}
		all = append(all, some...)
	}
	slices.SortFunc(all, func(a, b thrown) int { return a.at.Compare(b.at) })
	for _, t := range all {
		if free, total := w.usage(d.dir); total == 0 || free >= m.hold || ctx.Err() != nil {
			left += w.sizeOf(t)
			continue
		}
		if err := w.throwOut(t, "removed from the trash early, since its disk is nearly full"); err != nil {
			return 0, err
		}
	}
	return left, nil
}

// fillTrash moves recordings' files until the mark is reached or nothing is left that may go.
func (w *Worker) fillTrash(ctx context.Context, d *watched, m watermarks, inTrash int64) error {
	c := &w.cleaning
	if time.Since(c.fromAt) > lookAnewTime {
		c.from, c.fromAt = 0, time.Now()
	}
	for offset := c.from; ctx.Err() == nil; offset += cleanPage {
		recs, err := w.store.Oldest(ctx, tasks.Finished, offset, cleanPage)
		if err != nil || len(recs) == 0 {
			return err
		}
		took := false
		for i := range recs {
			free, total := w.usage(d.dir)
			if total == 0 || int64(free)+inTrash >= int64(m.warn) { //nolint:gosec // disks hold less than 8 EiB
				return nil
			}
			n, err := w.clean(ctx, &recs[i], d.roots)
			if _, ok := errors.AsType[*stopped](err); ok {
				return err // the others would be answered the same
			}
			if err != nil {
				w.log.Warn("the disk guard leaves a recording's files where they are", "recording", recs[i].ID, "error", err)
			}
			inTrash += n
			took = took || n > 0 || err != nil
		}
		if !took && offset == c.from {
			c.from += cleanPage
		}
	}
	return ctx.Err()
}

// clean takes one recording's files on a disk to the trash, if all of it was uploaded and every upload is proved at its target once
// more. It returns how many bytes went.
func (w *Worker) clean(ctx context.Context, r *tasks.Recording, roots []string) (int64, error) {
	if !w.mayClean(r) || w.sizeThere(r, roots) == 0 || time.Since(w.cleaning.unproved[r.ID]) < lookAnewTime {
		return 0, nil
	}
	unlock, ok := w.locks.try(r.ID)
	if !ok {
		return 0, nil // somebody works on it
	}
	defer unlock()
	path := tasks.Identity{Node: r.Node, Root: r.Root, Path: r.Path}
	newest, err := w.store.NewestOf(ctx, []tasks.Identity{path})
	if err != nil {
		return 0, err
	}
	if newest[0].ID != r.ID || !w.mayClean(&newest[0]) {
		return 0, nil // the path names another file now, or the recording began anew
	}
	a := &assignment{rec: newest[0]}
	if err := w.uploadsSafe(ctx, a); err != nil {
		w.unproved(r.ID)
		return 0, err
	}
	bytes := w.sizeThere(&a.rec, roots)
	if slices.Contains(roots, a.rec.Root) {
		if err := w.trashSource(a); err != nil {
			w.unproved(r.ID)
			return 0, err
		}
	}
	if out := a.rec.Input(""); out.Path != "" && slices.Contains(roots, tasks.RootOutput) {
		if err := w.trash(tasks.RootOutput, out.Path, a.rec.ID); err != nil {
			w.unproved(r.ID)
			return 0, err
		}
	}
	w.swept.cleaned.Add(1)
	return bytes, w.journal.post(letter{Fact: &tasks.Fact{
		ID: "guard-" + uuid.NewString(), Kind: tasks.FilesWereTrashed, At: time.Now(), Recording: r.ID,
		Reason: fmt.Sprintf("its disk runs full and its uploads are proved: %s moved to %s/%s", size(bytes), trashDir, r.ID),
	}})
}

// mayClean looks at what is written: over and done, each upload of its flow done, and its file known well enough to be told from
// another.
func (w *Worker) mayClean(r *tasks.Recording) bool {
	if r.Node != w.cfg.Node || r.State != tasks.Finished || r.SizeBytes == 0 || r.Root != tasks.RootRecordings {
		return false
	}
	uploads := 0
	for _, s := range r.Steps {
		if !s.State.Settled() {
			return false
		}
		if s.Type == tasks.StepUpload {
			if s.State != tasks.StepDone || s.Output == nil {
				return false
			}
			uploads++
		}
	}
	return uploads > 0
}

// sizeThere is how much of a recording lies in some of our folders.
func (w *Worker) sizeThere(r *tasks.Recording, roots []string) int64 {
	var sum int64
	add := func(root, rel string) {
		if info, err := os.Lstat(filepath.Join(w.folder(root), filepath.FromSlash(rel))); err == nil && info.Mode().IsRegular() {
			sum += info.Size()
		}
	}
	if slices.Contains(roots, r.Root) {
		for _, rel := range spellings(r.Path) {
			add(r.Root, rel)
		}
	}
	if out := r.Input(""); out.Path != "" && slices.Contains(roots, tasks.RootOutput) {
		add(tasks.RootOutput, out.Path)
	}
	return sum
}

func (w *Worker) unproved(recording string) {
	if w.cleaning.unproved == nil || len(w.cleaning.unproved) > 10_000 {
		w.cleaning.unproved = map[string]time.Time{}
	}
	w.cleaning.unproved[recording] = time.Now()
}
