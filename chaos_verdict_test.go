//go:build chaos && linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ngworks/nglive/tasks"
)

// verdict is what the files, the API and the ears say in the end.
type verdict struct {
	c             *chaos
	faults        []string
	lost, doubled int
	dead          map[string]int // dead letters by their reason
	adopted       []time.Duration
	notifications int
	cleaned       int // sources that the disk guard took in the end
	events        int
	counts        map[string]int // stored events by their kind

	list       []tasks.Recording
	recordings map[*made][]tasks.Recording
	stored     []tasks.Event
}

func (v *verdict) fault(format string, args ...any) {
	v.faults = append(v.faults, fmt.Sprintf(format, args...))
}

func (v *verdict) lose(m *made, format string, args ...any) {
	v.lost++
	v.fault("LOST take %d (%s): %s", m.take.n, m.path, fmt.Sprintf(format, args...))
}

func (v *verdict) double(format string, args ...any) {
	v.doubled++
	v.fault("DOUBLED %s", fmt.Sprintf(format, args...))
}

// verdict looks at everything; the system is stopped on the way.
func (c *chaos) verdict() *verdict {
	c.t.Helper()
	v := &verdict{c: c, dead: map[string]int{}, counts: map[string]int{}}
	var err error
	if v.list, err = c.sys.recordings(c.t.Context()); err == nil {
		v.stored, err = c.sys.events(c.t.Context())
	}
	if err != nil {
		v.fault("the API does not answer: %v", err)
		v.lost = len(c.plan.takes)
		return v
	}
	v.recordings = c.recordingsOf(v.list)
	v.events = len(v.stored)
	v.everyTake()
	v.strangers()
	v.archive()
	v.outputs()
	v.everyEvent()
	v.notified()
	v.faults = append(v.faults, c.listener.compare(v.stored)...)
	v.faults = append(v.faults, c.receiver.faults...)
	v.queues()
	v.makeRoom()
	for k, fault := range c.sys.stop() {
		v.fault("%s %s", k, fault)
	}
	v.leftBehind()
	c.killer.tally.mu.Lock()
	v.faults = append(v.faults, c.killer.faults...)
	c.killer.tally.mu.Unlock()
	return v
}

// everyTake: each is one recording that is finished, or a dead letter with a true reason; and its source is where it must be.
func (v *verdict) everyTake() {
	for _, m := range v.c.recorder.all() {
		list := v.recordings[m]
		switch {
		case len(list) == 0:
			v.lose(m, "nobody knows it")
			continue
		case len(list) > 1:
			v.double("take %d is %d recordings: %s and %s", m.take.n, len(list), list[0].ID, list[1].ID)
		}
		r := list[0]
		switch {
		case m.take.flaw != sound && r.State == tasks.Failed && trueReason(m.take.flaw, r.Error):
		case m.take.flaw != sound:
			v.fault("take %d (%s) is %s: %s", m.take.n, m.take.flaw, r.State, r.Error)
		case r.State == tasks.Finished:
		case r.State == tasks.Failed && trueReason(sound, r.Error):
			v.dead[plainReason(r.Error)]++
		default:
			v.lose(m, "it is %s: %s (%s)", r.State, r.Error, stepsOf(r))
		}
		v.source(m, r)
	}
}

// trueReason reports whether a dead letter says what was really done to it.
func trueReason(f flaw, reason string) bool {
	switch f {
	case threeBytes:
		return strings.Contains(reason, "is not a recording") || strings.Contains(reason, "holds neither picture nor sound")
	case headerOnly:
		return strings.Contains(reason, "holds neither picture nor sound")
	case sound:
	}
	return strings.Contains(reason, "was ended from outside") || strings.Contains(reason, "the worker died")
}

// plainReason is a reason without the file's name.
func plainReason(s string) string {
	return regexp.MustCompile(`(on|of) \S+\.flv`).ReplaceAllString(s, "$1 …")
}

// source: it is there, whole; or its flow let go of it after the upload, and then it lies in the trash.
func (v *verdict) source(m *made, r tasks.Recording) {
	path := filepath.Join(v.c.recorder.dir, m.now)
	if m.take.clearsSource() && r.State == tasks.Finished {
		if _, err := os.Stat(path); err == nil && !v.usedAgain(m) {
			v.fault("take %d: its source was to go, and is still there", m.take.n)
		}
		path = filepath.Join(v.c.recorder.dir, ".nglive-trash", r.ID, filepath.Base(m.path))
	}
	if p, err := fingerprintOf(path); err != nil || p != m.print {
		v.lose(m, "its source is gone or changed: %v", err)
	}
}

// usedAgain reports whether a take's path became that of another one.
func (v *verdict) usedAgain(m *made) bool {
	return slices.ContainsFunc(v.c.recorder.all(), func(next *made) bool { return next.again == m })
}

// strangers: no recording that the recorder did not make.
func (v *verdict) strangers() {
	known := map[string]bool{}
	for _, m := range v.c.recorder.all() {
		known[m.path] = true
	}
	for _, r := range v.list {
		if !known[r.Path] {
			v.double("a recording that nobody made: %s (%s, from %s)", r.Path, r.State, r.Origin)
		}
	}
}

// archive: every file byte-right and there once, and nothing else.
func (v *verdict) archive() {
	dir := filepath.Join(v.c.sys.dir, "archive")
	byPrint := map[fingerprint][]string{}
	comments := map[string]int{}
	for _, rel := range must(filesBelow(dir)) {
		switch filepath.Ext(rel) {
		case ".mp4":
			p := must(fingerprintOf(filepath.Join(dir, rel)))
			byPrint[p] = append(byPrint[p], rel)
		case ".xml":
			comments[string(must(os.ReadFile(filepath.Join(dir, rel))))]++
		default:
			v.fault("a stray file in the archive: %s", rel)
		}
	}
	for _, m := range v.c.recorder.all() {
		list := v.recordings[m]
		if m.take.flaw != sound || len(list) == 0 || list[0].State != tasks.Finished {
			continue
		}
		want := v.c.expected[m.take.n]
		switch files := byPrint[want]; {
		case len(files) == 0:
			v.lose(m, "its archived file is not there or not what it should be (%v)", want)
		case len(files) > 1:
			v.double("take %d is in the archive %d times: %v", m.take.n, len(files), files)
		case !strings.Contains(files[0], strings.TrimSuffix(filepath.Base(m.path), ".flv")):
			v.lose(m, "its content stands under another's name: %s", files[0])
		}
		delete(byPrint, want)
		switch n := comments[m.take.comments()]; {
		case n == 0:
			v.lose(m, "its comments are not in the archive")
		case n > 1:
			v.double("the comments of take %d are there %d times", m.take.n, n)
		}
	}
	for p, files := range byPrint {
		v.fault("files in the archive that nobody should have made (%v): %v", p, files)
	}
}

// outputs: no part file, and no output that is not a recording's.
func (v *verdict) outputs() {
	dir := filepath.Join(v.c.sys.dir, "out")
	mine := map[string]bool{}
	for _, r := range v.list {
		for _, s := range r.Steps {
			if s.Type == tasks.StepTranscode && s.Output != nil {
				mine[s.Output.Path] = true
			}
		}
	}
	for _, rel := range must(filesBelow(dir)) {
		switch {
		case strings.Contains(rel, ".part"):
			v.fault("a part file was left: %s", rel)
		case strings.HasPrefix(rel, ".nglive"), filepath.Ext(rel) != ".mp4", mine[rel]:
		default:
			v.fault("an output that belongs to no recording: %s", rel)
		}
	}
	for _, dir := range []string{"recordings", "archive"} {
		for _, rel := range must(filesBelow(filepath.Join(v.c.sys.dir, dir))) {
			if strings.Contains(rel, ".part") || strings.Contains(rel, "nglive-part") {
				v.fault("a part file was left: %s/%s", dir, rel)
			}
		}
	}
}

// everyEvent: what was answered 2xx counts, and counts once.
func (v *verdict) everyEvent() {
	stored, closings, endings := map[string]int{}, map[string]int{}, map[string]int{}
	closedAt := map[string]time.Time{}
	for _, e := range v.stored {
		stored[e.EVENT]++
		v.counts[e.CMD]++
		switch e.CMD {
		case tasks.FileClosed:
			closings[e.ID]++
			closedAt[e.ID], _ = time.Parse(time.RFC3339, e.TS)
		case tasks.FlowFinished:
			endings[fmt.Sprintf("%s.%d", e.ID, e.RUN)]++
		}
	}
	for _, m := range v.c.recorder.all() {
		for _, p := range m.take.posts {
			n := stored["brec2."+p.id]
			switch p.kind {
			case tasks.FileOpening, tasks.FileClosed:
				continue
			}
			if heard := v.c.recorder.heard(p.id); n > 1 || heard && n == 0 {
				v.fault("%s of take %d was answered 2xx: %v, and is stored %d times", p.kind, m.take.n, heard, n)
			}
		}
		for _, r := range v.recordings[m] {
			if closings[r.ID] != 1 {
				v.fault("take %d has %d FileClosed events", m.take.n, closings[r.ID])
			}
			if !v.c.recorder.heard(m.take.posts[3].id) && !m.closedAt.IsZero() {
				v.adopted = append(v.adopted, closedAt[r.ID].Sub(m.closedAt))
			}
		}
	}
	for run, n := range endings {
		if n != 1 {
			v.fault("run %s ended %d times", run, n)
		}
	}
}

// notified: each chosen event reached the receiver at least once, under its own id, and so did each recording's summary.
func (v *verdict) notified() {
	for _, e := range v.stored {
		chosen := slices.Contains([]string{tasks.StepHeld, tasks.FileClosed, tasks.FlowFinished, tasks.SessionStarted}, e.CMD)
		if e.CMD == tasks.NotifyError {
			v.fault("a notification was given up: %s", e.MSG)
		}
		if !chosen && (!e.Failing() || e.CMD == tasks.NotifyError) {
			continue
		}
		v.notifications++
		want := strings.Join([]string{e.CMD, e.EVENT, e.ID, e.STEP}, " ")
		if said, times := v.c.receiver.has(e.EVENT); times == 0 {
			v.fault("nobody was notified of %s %s of %s", e.CMD, e.EVENT, e.ID)
		} else if said != want {
			v.fault("the notification of %s said %q", want, said)
		}
	}
	var answer struct{ Channels []tasks.Channel }
	if err := v.c.sys.client.call(v.c.t.Context(), "GET", "/api/channels", nil, &answer); err != nil || len(answer.Channels) != 1 {
		v.fault("the API lists %d channels: %v", len(answer.Channels), err)
		return
	}
	for _, r := range v.list {
		if s := r.Step("notify"); s != nil && s.State == tasks.StepDone {
			if _, times := v.c.receiver.has(tasks.NotifyID(r.TaskID(s), answer.Channels[0].Name)); times == 0 {
				v.fault("the summary of %s never came", r.Path)
			}
		}
	}
}
