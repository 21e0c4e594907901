package worker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/ngworks/nglive/tasks"
)

// upload brings a recording's video, then what travels with it, to a target and proves that it is there.
func (w *Worker) upload(ctx context.Context, a *assignment) (*result, error) {
	with := a.step.Upload()
	target, ok := w.targets[with.Target]
	if !ok {
		return nil, problemf(tell, "there is no upload target %q on this node; choose one of %s in the flow, then retry", with.Target, w.targetNames())
	}
	src, err := w.openInput(a)
	if err != nil {
		return nil, err
	}
	defer src.close()
	if why := unmet(a, ""); why != "" {
		return nil, &passed{why}
	}
	p := w.progress(tasks.IsUp, a, float64(src.info.Size()))
	began := time.Now()
	p.at(0, 0)
	tasks.Failpoint("upload.put.before")
	u := sending{w: w, target: target, with: with, a: a}
	name, location, sum, err := u.send(ctx, src, func(done int64) {
		tasks.Failpoint("upload.put.progress")
		p.at(float64(done), int64(float64(done)/max(time.Since(began).Seconds(), 0.001)))
	})
	if err != nil {
		return nil, err
	}
	if err := target.Check(ctx, name, src.info.Size(), sum); err != nil {
		return nil, fmt.Errorf("check %s after the upload: %w", name, err)
	}
	tasks.Failpoint("upload.checked")
	if src.changed() {
		return nil, problemf(again, "%s changed while it was uploaded", src.rel)
	}
	if err := u.companions(ctx, src, name); err != nil {
		return nil, err
	}
	return &result{output: &tasks.Output{Path: name, Location: location, SizeBytes: src.info.Size(), SHA256: sum}, seen: seenOf(a, src)}, nil
}

func (w *Worker) targetNames() string {
	var names []string
	for n := range w.targets {
		names = append(names, n)
	}
	return strings.Join(unique(names), ", ")
}

// openInput opens what a step works on: the last verified output, else the source.
func (w *Worker) openInput(a *assignment) (*source, error) {
	out := a.rec.Input(a.step.ID)
	if out.Path == "" {
		return w.openSource(&a.rec)
	}
	made := tasks.Recording{Root: tasks.RootOutput, Path: out.Path}
	src, err := w.openSource(&made)
	if err == nil && src.info.Size() != out.SizeBytes {
		defer src.close()
		return nil, problemf(tell, "%s is not the file that was transcoded any more (its size changed); transcode it again", out.Path)
	}
	return src, err
}

// sending is the upload of one recording.
type sending struct {
	w      *Worker
	target Target
	with   tasks.UploadWith
	a      *assignment
	owned  bool // the name was this recording's before
}

// send puts the video under its name. A name that another recording has, or that is taken by another file, gets "-<id>"; what
// was chosen stays chosen.
func (u *sending) send(ctx context.Context, src *source, report func(int64)) (name, location, sum string, err error) {
	for _, suffix := range []string{"", "-" + u.a.rec.ID} {
		name = remoteName(u.with.Path, &u.a.rec, filepath.Base(src.path), suffix)
		key := u.with.Target + "|" + name
		owner, err := u.w.journal.ownerOf(key)
		if err != nil {
			return "", "", "", err
		}
		if owner != "" && owner != u.a.rec.ID {
			continue
		}
		u.owned = owner != ""
		if err = u.w.journal.partBegins(u.with.Target, name, u.a.rec.ID); err != nil {
			return "", "", "", err
		}
		location, sum, err = u.target.Put(ctx, src.file, name, u.owned, report)
		tasks.Failpoint("upload.put.after")
		if err == nil || taken(err) {
			err = errors.Join(err, u.w.journal.partEnds(u.with.Target, name))
		}
		if taken(err) {
			continue
		}
		if err == nil { // only what is there by our own hand is ours to replace later
			_, err = u.w.journal.claimName(key, u.a.rec.ID)
		}
		return name, location, sum, err
	}
	return "", "", "", problemf(tell, "another file is at %s in the target %s already; move it away, then retry", name, u.with.Target)
}

// taken reports whether a target refused because other content stands under the name.
func taken(err error) bool {
	var c classed
	return errors.As(err, &c) && c.Class() == "exists"
}

// companions brings danmaku, cover and notes. They are looked up beside the input and beside the source, since a cover may come late.
func (u *sending) companions(ctx context.Context, src *source, name string) error {
	found := companionsOf(src.path)
	if u.a.rec.Input(u.a.step.ID).Path != "" {
		if original, err := u.w.openSource(&u.a.rec); err == nil {
			found = append(found, companionsOf(original.path)...)
			original.close()
		}
	}
	sent := map[string]bool{}
	for _, c := range found {
		if sent[c.tail] {
			continue
		}
		sent[c.tail] = true
		if err := u.companion(ctx, c, strings.TrimSuffix(name, path.Ext(name))+c.tail); err != nil {
			return err
		}
	}
	return nil
}

func (u *sending) companion(ctx context.Context, c companion, name string) error {
	f, err := os.Open(c.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return problemf(tell, "%s cannot be opened: %v; give this user the right to read it, then retry", c.path, cause(err))
	}
	defer func() { _ = f.Close() }()
	st, err := f.Stat()
	if err != nil {
		return fmt.Errorf("look at %s: %w", c.path, err)
	}
	_, sum, err := u.target.Put(ctx, f, name, u.owned, func(int64) {})
	if taken(err) {
		return problemf(tell, "another file is at %s in the target %s already; move it away, then retry", name, u.with.Target)
	}
	if err != nil {
		return err
	}
	return u.target.Check(ctx, name, st.Size(), sum)
}

// seenOf tells the size of a source whose size nobody announced, so that a later delete can see whether it is still the same file.
func seenOf(a *assignment, src *source) tasks.Sighting {
	if a.rec.Input(a.step.ID).Path != "" {
		return tasks.Sighting{}
	}
	return tasks.Sighting{Size: src.info.Size(), Inode: knownInode(src.info)}
}
