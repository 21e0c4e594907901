//go:build chaos && linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/ngworks/nglive/tasks"
)

// makeRoom is the last act: the disk guard may take what was uploaded, its disk is never roomy enough, one archived file is damaged, and
// the worker is killed while it cleans. All that is proved at its target goes, whole, and nothing else.
func (v *verdict) makeRoom() {
	c := v.c
	if len(v.faults) > 0 {
		return // what there is to be looked at stays as it is
	}
	if p := c.sys.current(theWorker); p != nil {
		p.signal(syscall.SIGTERM)
		if <-p.gone; p.err != nil {
			v.fault("the worker did not stop in peace: %v", p.err)
		}
	}
	goes := v.proved()
	r := draws(c.plan.seed, "guard")
	for range c.plan.scale.cleanKills {
		points := []string{"journal.trash.before", "journal.trash.after", "trash.rename.before", "trash.rename.after"}
		point := points[r.IntN(len(points))]
		p := v.cleaner(fmt.Sprintf("FAILPOINT=%s:%d:0s", point, 1+r.IntN(3)))
		select {
		case <-p.gone:
		case <-time.After(10 * time.Second): // it has nothing left to clean
			point = "after the guard cleaned"
			p.signal(syscall.SIGKILL)
			<-p.gone
		}
		c.killer.kill(theWorker, point)
	}
	v.cleaner()
	left := v.left(goes)
	for end := time.Now().Add(time.Minute); len(left) > 0 && time.Now().Before(end); left = v.left(goes) {
		pause(c.t.Context(), 200*time.Millisecond)
	}
	if len(left) > 0 {
		v.fault("the disk guard left %d files of %d, such as %s", len(left), len(goes), left[0])
	}
	pause(c.t.Context(), 3*time.Second) // another round: what it may not take it leaves for good
	for _, m := range c.recorder.all() {
		v.oneSource(m, goes[m])
	}
	v.cleaned = len(goes)
}

// cleaner is a worker whose guard finds its disk too full, and may clean.
func (v *verdict) cleaner(extra ...string) *process {
	return v.c.sys.start(theWorker, append([]string{"NGLIVE_GUARD_CLEANS=true", "NGLIVE_DISK_WARN=512TiB"}, extra...)...)
}

// proved are the takes whose sources the guard may take: finished, uploaded, and still where they were. One of them loses a byte at its
// target, and with it that right.
func (v *verdict) proved() map[*made]bool {
	goes, damaged := map[*made]bool{}, false
	for _, m := range v.c.recorder.all() {
		r := v.recordings[m][0]
		if r.State != tasks.Finished || m.take.clearsSource() || m.now != m.path {
			continue
		}
		if !damaged {
			damaged = true
			at := r.Step("upload").Output
			if err := os.Truncate(at.Location, at.SizeBytes-1); err != nil {
				v.fault("damage an archived file: %v", err)
			}
			continue
		}
		goes[m] = true
	}
	return goes
}

func (v *verdict) left(goes map[*made]bool) (left []string) {
	for m := range goes {
		if _, err := os.Stat(filepath.Join(v.c.recorder.dir, m.path)); err == nil {
			left = append(left, m.path)
		}
	}
	return left
}

// oneSource: a source is there once, whole; in the trash if it was to go, now or before, and else in its place.
func (v *verdict) oneSource(m *made, taken bool) {
	r := v.recordings[m][0]
	place, trash := m.now, filepath.Join(".nglive-trash", r.ID, filepath.Base(m.path))
	want := place
	if taken || m.take.clearsSource() && r.State == tasks.Finished {
		want = trash
	}
	var found []string
	for _, rel := range []string{place, trash} {
		if is, err := fingerprintOf(filepath.Join(v.c.recorder.dir, rel)); err == nil && is == m.print {
			found = append(found, rel)
		}
	}
	if len(found) != 1 {
		v.lose(m, "after the disk guard its source is there %d times: %v", len(found), found)
	} else if found[0] != want {
		v.fault("take %d: after the disk guard its source is %s, and should be %s", m.take.n, found[0], want)
	}
}
