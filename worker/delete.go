package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/ngworks/nglive/tasks"
)

// trashDir stands in RECORDINGS_DIR and in OUTPUT_DIR.
const trashDir = ".nglive-trash"

// remove takes a recording's source, its output or both to the trash, after proving once more that every upload of its flow is
// at its target.
func (w *Worker) remove(ctx context.Context, a *assignment) (*result, error) {
	if why := unmet(a, ""); why != "" {
		return nil, &passed{reason: why}
	}
	if err := w.uploadsSafe(ctx, a); err != nil {
		return nil, err
	}
	what := a.step.Delete().What
	if what != "output" {
		if err := w.trashSource(a); err != nil {
			return nil, err
		}
	}
	if out := a.rec.Input(a.step.ID); what != "source" && out.Path != "" {
		if err := w.trash(tasks.RootOutput, out.Path, a.rec.ID); err != nil {
			return nil, err
		}
	}
	return &result{}, nil
}

// uploadsSafe asks the targets: what the state says is not proof enough to let go of the only other copy.
func (w *Worker) uploadsSafe(ctx context.Context, a *assignment) error {
	proved := 0
	for _, s := range a.rec.Steps {
		if s.Type != tasks.StepUpload {
			continue
		}
		if s.State != tasks.StepDone || s.Output == nil {
			return problemf(never, "nothing was deleted: the upload step %q of this flow was not done (%s)", s.ID, s.State)
		}
		step, err := w.stepOf(ctx, a, s.ID)
		if err != nil {
			return err
		}
		target, err := w.target(ctx, step.Upload().Target)
		if err != nil {
			return fmt.Errorf("nothing was deleted: the target of step %q cannot be asked: %w", s.ID, err)
		}
		for _, p := range partsOf(s.Output) {
			if err := target.Check(ctx, p.Path, p.SizeBytes, p.Checksum); err != nil {
				return fmt.Errorf("nothing was deleted: %s could not be proved to be at its target: %w", p.Path, err)
			}
		}
		proved++
	}
	if proved == 0 {
		return problemf(never, "nothing was deleted: no upload of this flow was done")
	}
	return nil
}

// partsOf are the files an upload put at its target.
func partsOf(out *tasks.Output) []tasks.Part {
	if len(out.Parts) > 0 {
		return out.Parts
	}
	return []tasks.Part{{Path: out.Path, SizeBytes: out.SizeBytes, Checksum: cmp.Or(out.Checksum, out.SHA256)}}
}

func (w *Worker) stepOf(ctx context.Context, a *assignment, id string) (tasks.Step, error) {
	flow, err := w.store.PinnedFlow(ctx, a.rec.FlowKey)
	if err != nil {
		return tasks.Step{}, err
	}
	step, _ := flow.Step(id)
	return step, nil
}

// uploadBegan is when the first of a recording's uploads looked at what there was.
func uploadBegan(r *tasks.Recording) time.Time {
	var first time.Time
	for _, s := range r.Steps {
		if s.Type == tasks.StepUpload && s.State == tasks.StepDone && (first.IsZero() || s.StartedAt.Before(first)) {
			first = s.StartedAt
		}
	}
	return first
}

// trashSource moves the source with its companions, if it still is the file that was worked on.
func (w *Worker) trashSource(a *assignment) error {
	src, err := w.openSource(&a.rec)
	if _, ok := errors.AsType[*gone](err); ok {
		return nil // it is where we want it to be
	}
	if err != nil {
		return err
	}
	defer src.close()
	if a.rec.SizeBytes > 0 && src.info.Size() != a.rec.SizeBytes {
		return problemf(tell, "nothing was deleted: %s has %s now, and had %s when it was closed; look at it, then retry", src.rel,
			size(src.info.Size()), size(a.rec.SizeBytes))
	}
	if now := knownInode(src.info); a.rec.Inode != 0 && now != 0 && a.rec.Inode != now && a.rec.SizeBytes == 0 {
		return problemf(tell, "nothing was deleted: %s is another file now; look at it, then retry", src.rel)
	}
	dir := w.folder(a.rec.Root)
	sent := uploadBegan(&a.rec)
	for _, c := range companionsOf(src.path) {
		if st, err := os.Stat(c.path); err == nil && !sent.IsZero() && st.ModTime().After(sent) {
			continue // it came, or grew, after the upload looked: no target has it
		}
		rel, err := filepath.Rel(dir, c.path)
		if err != nil {
			return fmt.Errorf("find %s in its folder: %w", c.path, err)
		}
		if err := w.trash(a.rec.Root, rel, a.rec.ID); err != nil {
			return err
		}
	}
	return w.trash(a.rec.Root, src.rel, a.rec.ID)
}
