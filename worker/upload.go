package worker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/ngworks/nglive/tasks"
)

// upload brings a recording's video, then what travels with it, to a target and proves that it is there. Then it makes the share
// link, if the step asks for one.
func (w *Worker) upload(ctx context.Context, d *delivery, a *assignment, e entry) (*result, error) {
	with := a.step.Upload()
	target, err := w.target(ctx, with.Target)
	if err != nil {
		return nil, err
	}
	src, err := w.openInput(a)
	if err != nil {
		return nil, err
	}
	defer src.close()
	if why := unmet(a, ""); why != "" {
		return nil, &passed{reason: why}
	}
	u := &sending{w: w, d: d, target: target, with: with, a: a, src: src, meter: w.progress(tasks.IsUp, a, float64(src.info.Size()))}
	out := e.Sealed // an earlier attempt proved it all, and only the link is missing
	if out == nil {
		if out, err = u.inHours(ctx); err != nil {
			return nil, err
		}
	}
	w.targetWorks(ctx, with.Target)
	res := &result{output: out, seen: seenOf(a, src)}
	if with.Share {
		res.warning, err = u.share(ctx, out)
	}
	return res, err
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
	d      *delivery
	target Target
	with   tasks.UploadWith
	a      *assignment
	src    *source
	meter  *progress
	moved  bool
	owned  bool   // the name was this recording's before
	suffix string // what the chosen name has before its extension
	parts  string // the folder with its parts, when it was split
}

// oversized is an error of a target that takes no file this large.
type oversized interface {
	error
	Limit() int64 // the largest it takes
}

// bring uploads the video whole or in parts, proves it, and brings what travels with it.
func (u *sending) bring(ctx context.Context) (*tasks.Output, error) {
	u.report(ctx, 0)(0)
	out, err := u.whole(ctx)
	if big, ok := errors.AsType[oversized](err); ok && big.Limit() > 0 && u.with.Oversize != tasks.OversizeRefuse {
		out, err = u.inParts(ctx, big.Limit())
	}
	if err != nil {
		return nil, err
	}
	if u.src.changed() {
		return nil, problemf(again, "%s changed while it was uploaded", u.src.rel)
	}
	if err := u.companions(ctx); err != nil {
		return nil, err
	}
	return out, u.dropParts()
}

func (u *sending) whole(ctx context.Context) (*tasks.Output, error) {
	p, err := u.send(ctx, u.src.file, filepath.Base(u.src.path), "", u.report(ctx, 0))
	if err != nil {
		return nil, err
	}
	return asOutput(p), nil
}

// asOutput tells of a single file. Only Baidu's checksums say what they are.
func asOutput(p tasks.Part) *tasks.Output {
	out := &tasks.Output{Path: p.Path, Location: p.Location, SizeBytes: p.SizeBytes}
	if strings.Contains(p.Checksum, ":") {
		out.Checksum = p.Checksum
	} else {
		out.SHA256 = p.Checksum
	}
	return out
}

// report counts from what was there before this file. The first bytes to arrive end a stop of the target.
func (u *sending) report(ctx context.Context, before int64) func(done int64) {
	first := int64(-1)
	return func(done int64) {
		tasks.Failpoint("upload.put.progress")
		if first < 0 {
			first = done
		}
		if done > first && !u.moved {
			u.moved = true
			u.w.targetMoves(ctx, u.with.Target)
		}
		u.meter.bytes(before + done)
	}
}

// speller is a target that does not take every character.
type speller interface {
	Spell(name string) string
}

// send puts one file under its name and proves it. A name that another recording has, or that is taken by another file, gets
// "-<id>" (or what the step says); what was chosen stays chosen. tag goes between the name and its extension.
func (u *sending) send(ctx context.Context, f *os.File, file, tag string, report func(int64)) (tasks.Part, error) {
	info, err := f.Stat()
	if err != nil {
		return tasks.Part{}, fmt.Errorf("look at %s: %w", f.Name(), err)
	}
	name := ""
	for _, suffix := range u.suffixes() {
		name = u.name(file, suffix, tag)
		key := u.with.Target + "|" + name
		owner, err := u.w.journal.ownerOf(key)
		if err != nil {
			return tasks.Part{}, err
		}
		if owner != "" && owner != u.a.rec.ID {
			continue
		}
		u.owned = owner != ""
		if err = u.w.journal.partBegins(u.with.Target, name, u.a.rec.ID); err != nil {
			return tasks.Part{}, err
		}
		tasks.Failpoint("upload.put.before")
		location, sum, err := u.target.Put(ctx, f, name, u.replaces(), report)
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
		if err == nil {
			err = u.prove(ctx, name, info.Size(), sum)
			tasks.Failpoint("upload.checked")
		}
		u.suffix = suffix
		return tasks.Part{Path: name, Location: location, SizeBytes: info.Size(), Checksum: sum}, err
	}
	return tasks.Part{}, problemf(tell, "another file is at %s in the target %s already; move it away, then retry", name, u.with.Target)
}

func (u *sending) suffixes() []string {
	if u.with.Conflict == tasks.ConflictFail {
		return []string{""}
	}
	return []string{"", "-" + u.a.rec.ID}
}

func (u *sending) replaces() bool { return u.owned || u.with.Conflict == tasks.ConflictOverwrite }

func (u *sending) name(file, suffix, tag string) string {
	name := remoteName(u.with.Path, &u.a.rec, file, suffix)
	if tag != "" {
		name = strings.TrimSuffix(name, path.Ext(name)) + tag + path.Ext(name)
	}
	if s, ok := u.target.(speller); ok {
		name = s.Spell(name)
	}
	return name
}

func (u *sending) prove(ctx context.Context, name string, size int64, sum string) error {
	if err := u.target.Check(ctx, name, size, sum); err != nil {
		return fmt.Errorf("check %s after the upload: %w", name, err)
	}
	return nil
}

// taken reports whether a target refused because other content stands under the name.
func taken(err error) bool {
	var c classed
	return errors.As(err, &c) && c.Class() == "exists"
}

// companions brings danmaku, cover and notes. They are looked up beside the input and beside the source, since a cover may come late.
func (u *sending) companions(ctx context.Context) error {
	found := companionsOf(u.src.path)
	if u.a.rec.Input(u.a.step.ID).Path != "" {
		if original, err := u.w.openSource(&u.a.rec); err == nil {
			found = append(found, companionsOf(original.path)...)
			original.close()
		}
	}
	name := remoteName(u.with.Path, &u.a.rec, filepath.Base(u.src.path), u.suffix)
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
	if s, ok := u.target.(speller); ok {
		name = s.Spell(name)
	}
	_, sum, err := u.target.Put(ctx, f, name, u.replaces(), func(int64) {})
	switch {
	case taken(err):
		return problemf(tell, "another file is at %s in the target %s already; move it away, then retry", name, u.with.Target)
	case st.Size() == 0 && classOf(err) == never:
		return nil // a target that takes no empty files loses nothing by it
	case err != nil:
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
