package worker

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/ngworks/nglive/tasks"
)

var errNotStill = errors.New("the file changed since it was looked at")

// search is the sweep's memory between two looks; only the sweep uses it.
type search struct {
	pending  map[string]lookedAt // files that no recording is known of
	skew     *time.Duration      // the recordings' disk's clock less our own
	redis    string              // which life of Redis the marks were proved in
	seen     int                 // recordings at the last full look
	refused  map[string]bool     // closed files that may not be read, told already
	standing map[string]bool     // tasks that nobody worked on when they were last looked at
}

// lookForFiles looks at every file once and takes in those that are closed and unknown.
func (w *Worker) lookForFiles(ctx context.Context) error {
	root, err := os.OpenRoot(w.cfg.RecordingsDir)
	if err != nil {
		return fmt.Errorf("look for recordings: %w", err)
	}
	defer func() { _ = root.Close() }()
	if err := w.proveMarks(ctx); err != nil {
		return err
	}
	before := w.search.pending
	w.search.pending, w.search.seen = map[string]lookedAt{}, 0
	k := walk{
		see: func(rel string, info os.FileInfo) {
			w.search.seen++
			w.search.note(w.marks, rel, info, before)
		},
		trouble: func(rel string, err error) {
			w.log.Warn("the sweep cannot look into a folder", "folder", rel, "error", err)
		},
	}
	if err := k.folder(ctx, root, "", 0); err != nil {
		return fmt.Errorf("look for recordings in %s: %w", w.cfg.RecordingsDir, err)
	}
	return w.takeIn(ctx, root)
}

// note keeps a file in mind that is not known, and since when it is still.
func (s *search) note(known *marks, rel string, info os.FileInfo, before map[string]lookedAt) {
	f := lookedAt{rel: rel, mark: markOf(info, rel), mtime: info.ModTime(), since: time.Now()}
	if known.known(f.mark) {
		return
	}
	if was, ok := before[rel]; ok && f.still(was) {
		f.since = was.since
	}
	s.pending[rel] = f
}

// lookAgain looks only at the files that were not still yet.
func (w *Worker) lookAtPending(ctx context.Context) error {
	root, err := os.OpenRoot(w.cfg.RecordingsDir)
	if err != nil {
		return fmt.Errorf("look for recordings: %w", err)
	}
	defer func() { _ = root.Close() }()
	before := w.search.pending
	w.search.pending = map[string]lookedAt{}
	for rel := range before {
		if info, err := root.Lstat(filepath.FromSlash(rel)); err == nil && info.Mode().IsRegular() {
			w.search.note(w.marks, rel, info, before)
		}
	}
	return w.takeIn(ctx, root)
}

// nextStill is when the next pending file will have been still for long enough; those that are already wait for the next full look.
func (s *search) nextStill(settle time.Duration) time.Duration {
	next := time.Duration(-1)
	for _, f := range s.pending {
		if left := settle - time.Since(f.since); left > 0 && (next < 0 || left < next) {
			next = left
		}
	}
	return next
}

// takeWithin is how long one look may take in what it found: the rest of a sweep's work must not wait for 100,000 old files.
const takeWithin = 20 * time.Second

// takeIn adopts what is still for long enough and open for nobody's writing. The outbox is empty before each batch, so that what
// Redis knows is what we know.
func (w *Worker) takeIn(ctx context.Context, root *os.Root) error {
	ready := w.stillOnes(root)
	deadline := time.Now().Add(takeWithin)
	const batch = 200
	for some := range slices.Chunk(ready, batch) {
		if !w.outboxEmpties(ctx) || time.Now().After(deadline) {
			return ctx.Err()
		}
		if err := w.adopt(ctx, root, some); err != nil {
			return err
		}
	}
	return nil
}

func (w *Worker) outboxEmpties(ctx context.Context) bool {
	within, stop := context.WithTimeout(ctx, 5*time.Second)
	defer stop()
	for within.Err() == nil {
		if w.outbox.empty() {
			return true
		}
		pause(within, 20*time.Millisecond)
	}
	return false
}

// stillOnes are the pending files that have been still for long enough, new ones first: those that are only listed can wait.
func (w *Worker) stillOnes(root *os.Root) []lookedAt {
	var ready []lookedAt
	asked, names := map[fileOnDisk]bool{}, map[string]fileOnDisk{}
	for rel, f := range w.search.pending {
		if time.Since(f.since) < w.cfg.SweepSettle {
			continue
		}
		if at, ok := device(root, rel); ok {
			asked[at], names[rel] = true, at
		}
		ready = append(ready, f)
	}
	if len(ready) == 0 {
		return nil
	}
	written := beingWritten(asked)
	ready = slices.DeleteFunc(ready, func(f lookedAt) bool { return written[names[f.rel]] })
	slices.SortFunc(ready, func(a, b lookedAt) int { return b.mtime.Compare(a.mtime) })
	return ready
}

// adopt asks Redis what it knows of these files and tells what it does not. Marks and facts reach the disk together.
func (w *Worker) adopt(ctx context.Context, root *os.Root, files []lookedAt) error {
	paths := make([]tasks.Identity, len(files))
	for i, f := range files {
		paths[i] = tasks.Identity{Node: w.cfg.Node, Path: filepath.FromSlash(f.rel)}
	}
	recs, err := w.store.NewestOf(ctx, paths)
	if err != nil {
		return err
	}
	a := adoption{w: w, root: root, marks: map[mark][8]byte{}}
	for _, known := range []bool{true, false} { // a name that is known first: the others may be the same file
		for i := range files {
			if (recs[i].State != "") == known {
				a.decide(files[i], &recs[i], paths[i])
			}
		}
	}
	if err := w.journal.remember(a.marks, a.letters...); err != nil {
		return err
	}
	w.marks.add(a.marks)
	w.swept.adopted.Add(a.adopted)
	w.swept.found.Add(a.found)
	for _, rel := range a.settled {
		delete(w.search.pending, rel)
	}
	return nil
}

// adoption is what becomes of some files at once.
type adoption struct {
	w              *Worker
	root           *os.Root
	marks          map[mark][8]byte
	letters        []letter
	settled        []string
	adopted, found int64
}

// Why the sweep says that a file is closed.
const (
	nobodyTold = "found by the sweep: no webhook told of this file"
	noEndTold  = "found by the sweep: no webhook told that this file was closed"
	itGrew     = "the file is longer now than when the sweep took it for closed; it is worked on once more"
)

func (a *adoption) decide(f lookedAt, r *tasks.Recording, path tasks.Identity) {
	if _, twice := a.marks[f.mark]; twice || a.w.marks.known(f.mark) {
		a.settled = append(a.settled, f.rel) // the same file under another name
		return
	}
	switch {
	case r.State == "":
		a.take(f, path, nobodyTold)
	case r.State == tasks.Opening, r.State == tasks.Missing && r.Run == 0:
		a.close(f, r, noEndTold)
	case usedAgain(f, r):
		if r.State.Over() {
			path.Gen = r.Gen + 1
			a.take(f, path, nobodyTold)
		} // else the former one's end is awaited first
	case r.Origin == tasks.OriginSweep && r.State != tasks.Found && f.mark.size > r.SizeBytes:
		if r.State.Over() {
			a.close(f, r, itGrew)
		} // else its end is awaited first
	default:
		a.know(f, r.ID)
	}
}

// usedAgain: the path names another file now. A disk that gives inodes anew with each mount has the same sizes.
func usedAgain(f lookedAt, r *tasks.Recording) bool {
	return r.Inode != 0 && f.mark.inode != r.Inode && f.mark.size != r.SizeBytes
}

// take makes a recording of a file that nobody told of.
func (a *adoption) take(f lookedAt, path tasks.Identity, why string) {
	kind := tasks.FileWasClosed
	if a.w.olderThanUs(a.root, f) {
		kind, why = tasks.FileWasFound, "this file is older than this installation; it is worked on when you say so"
	}
	if !a.tell(f, kind, why) {
		return
	}
	if a.know(f, path.ID()); kind == tasks.FileWasFound {
		a.found++
		return
	}
	a.adopted++
	a.w.log.Info("recording adopted, since no webhook told of it", "recording", path.ID(), "file", f.rel, "size", f.mark.size)
}

// close ends a recording whose end nobody told.
func (a *adoption) close(f lookedAt, r *tasks.Recording, why string) {
	if a.tell(f, tasks.FileWasClosed, why) {
		a.know(f, r.ID)
		a.adopted++
		a.w.log.Info("recording closed, since no webhook told of its end", "recording", r.ID, "file", f.rel, "size", f.mark.size)
	}
}

func (a *adoption) tell(f lookedAt, kind tasks.FactKind, why string) bool {
	seen, err := toldBy(a.root, f)
	if errors.Is(err, fs.ErrPermission) {
		a.refused(f)
		return false
	}
	if err != nil {
		a.w.log.Debug("the sweep leaves a file for later", "file", f.rel, "error", err)
		return false
	}
	seen.Node = a.w.cfg.Node
	a.letters = append(a.letters, letter{Fact: &tasks.Fact{ID: "sweep-" + uuid.NewString(), Kind: kind, At: time.Now(), Reason: why, Seen: seen}})
	return true
}

// refused tells once in each life of the worker of a closed file that it may not read.
func (a *adoption) refused(f lookedAt) {
	if a.w.search.refused == nil {
		a.w.search.refused = map[string]bool{}
	}
	if a.w.search.refused[f.rel] {
		return
	}
	a.w.search.refused[f.rel] = true
	a.w.log.Warn("a closed file cannot be read; give this user the right to read it", "file", f.rel)
	a.letters = append(a.letters, letter{Event: &tasks.Event{
		CMD: tasks.Refused, TS: tasks.Stamp(time.Now()), NODE: a.w.cfg.Node, FILE: f.rel, EVENT: "unreadable-" + uuid.NewString(),
		MSG: f.rel + " is closed and cannot be read; give NGlive's user the right to read it, then it is taken in by itself",
	}})
}

func (a *adoption) know(f lookedAt, recording string) {
	if id, err := hex.DecodeString(recording); err == nil && len(id) == 8 {
		a.marks[f.mark] = [8]byte(id)
		a.settled = append(a.settled, f.rel)
	}
}
