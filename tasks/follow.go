package tasks

import (
	"cmp"
	"fmt"
	"time"
)

// Follow says what follows a fact: the recording after it and the events that tell of it. It is pure: what it is given is all
// it knows. A fact that changes nothing (a repeat, one of a superseded run, one that came too late) returns the recording as
// it was, no events and false.
func Follow(r Recording, f Flow, fact Fact) (after Recording, events []Event, changed bool) {
	n := next{rec: r.clone(), flow: f, fact: fact}
	n.rec.ID = fact.Recording
	switch fact.Kind {
	case FileWasOpened:
		n.opened()
	case FileWasClosed:
		n.closed()
	case FileWasFound:
		n.found()
	case FileVanished:
		n.vanished()
	case FilesWereTrashed, TrashWasEmptied:
		n.trashed()
	case PersonRetries:
		n.retried()
	case PersonRuns:
		n.ran()
	case PersonCancels:
		n.cancelled()
	case StepBegan, StepFailsNow, StepWaits, StepSucceeded, StepPassed, StepGaveUp, StepStopped, StepRevived, StepRequeued:
		n.stepped()
	}
	if !n.changed {
		return r, nil, false
	}
	n.rec.UpdatedAt = At(fact.At)
	for i := range n.events {
		n.events[i].EVENT = fmt.Sprintf("%s.%d", fact.ID, i)
	}
	return n.rec, n.events, true
}

type next struct {
	rec     Recording
	flow    Flow
	fact    Fact
	events  []Event
	changed bool
}

func (n *next) tell(e Event) { n.events = append(n.events, e) }

func (n *next) say(cmd, msg string) {
	e := n.rec.event(cmd, n.fact.At)
	e.MSG = msg
	n.tell(e)
}

func (n *next) opened() {
	fresh := n.rec.State == ""
	n.learn()
	if !fresh {
		return // it opened before we heard of its end: nothing to do but remember what it says
	}
	n.rec.State, n.rec.CreatedAt, n.changed = Opening, At(n.fact.At), true
	n.say(FileOpening, "")
}

func (n *next) closed() {
	before, wasOpen, grew := n.rec.State, n.rec.ClosedAt.IsZero(), n.grew()
	n.learn()
	byHand := before.Over() && wasOpen && n.rec.Origin == originPerson // a person worked on it while it was being recorded
	comesLate := before == Missing && n.rec.Run == 0                   // it had been given up
	if before != "" && before != Opening && before != Found && !byHand && !comesLate && !grew {
		return // closed already
	}
	if grew {
		n.rec.SizeBytes = n.fact.Seen.Size
	}
	if before == "" {
		n.rec.CreatedAt = At(n.fact.At)
	}
	if seen := n.fact.Seen.OpenedAt; !seen.IsZero() {
		n.rec.OpenedAt = At(seen) // an opening that came to nothing may have left another time
	}
	n.rec.State, n.changed = Closed, true
	n.plan(n.rec.Run + 1)
	n.say(FileClosed, n.fact.Reason)
	n.advance()
}

// grew: the sweep took the file for closed, and it is longer now. What was made of it lacks the rest.
func (n *next) grew() bool {
	size := n.fact.Seen.Size
	return n.rec.State.Over() && n.rec.Run > 0 && n.rec.Origin == OriginSweep && n.rec.SizeBytes > 0 && size > n.rec.SizeBytes
}

// found lists a file that is older than the installation; one that is known stays what it is.
func (n *next) found() {
	fresh := n.rec.State == ""
	n.learn()
	if !fresh {
		return
	}
	n.rec.State, n.rec.CreatedAt, n.changed = Found, At(n.fact.At), true
	n.say(RecordingFound, n.fact.Reason)
}

// trashed notes where the files went; it changes nothing else.
func (n *next) trashed() {
	if n.rec.State == "" {
		return
	}
	if n.changed = true; n.fact.Kind == FilesWereTrashed {
		n.rec.TrashedAt, n.rec.EmptiedAt = At(n.fact.At), time.Time{}
		n.say(FilesTrashed, n.fact.Reason)
		return
	}
	n.rec.EmptiedAt = At(n.fact.At)
	n.say(TrashEmptied, n.fact.Reason)
}

// vanished ends a recording that a recorder announced and never wrote, or whose file went before its end was told.
func (n *next) vanished() {
	if n.rec.State != Opening {
		return
	}
	n.rec.State, n.rec.Error, n.changed = Missing, n.fact.Error, true
	n.say(FlowFinished, n.fact.Error)
}

// knowing is the recording with what the fact saw of it: all that a choice of its flow may look at.
func (r Recording) knowing(fact Fact) Recording {
	n := next{rec: r, fact: fact}
	n.learn()
	return n.rec
}

// learn fills in what was unknown; what is known stays.
func (n *next) learn() {
	s, was := n.fact.Seen, n.rec
	r := &n.rec
	r.Node, r.Root, r.Path = cmp.Or(r.Node, s.Node), cmp.Or(r.Root, s.Root), cmp.Or(r.Path, s.Path)
	r.Origin, r.Session = cmp.Or(r.Origin, s.Origin), cmp.Or(r.Session, s.Session)
	r.RoomID, r.ShortID = cmp.Or(r.RoomID, s.RoomID), cmp.Or(r.ShortID, s.ShortID)
	r.Name, r.Title, r.Area = cmp.Or(r.Name, s.Name), cmp.Or(r.Title, s.Title), cmp.Or(r.Area, s.Area)
	r.Inode, r.SizeBytes = cmp.Or(r.Inode, s.Inode), cmp.Or(r.SizeBytes, s.Size)
	r.DurationSeconds = cmp.Or(r.DurationSeconds, s.Duration)
	if r.OpenedAt.IsZero() && !s.OpenedAt.IsZero() {
		r.OpenedAt = At(s.OpenedAt)
	}
	if r.BeganAt.IsZero() && !s.BeganAt.IsZero() {
		r.BeganAt = At(s.BeganAt)
	}
	if r.ClosedAt.IsZero() && !s.ClosedAt.IsZero() {
		r.ClosedAt = At(s.ClosedAt)
	}
	n.changed = n.changed || !sameFacts(was, *r)
}

func sameFacts(a, b Recording) bool {
	return a.Session == b.Session && a.RoomID == b.RoomID && a.ShortID == b.ShortID && a.Name == b.Name && a.Title == b.Title &&
		a.Area == b.Area && a.Inode == b.Inode && a.SizeBytes == b.SizeBytes && a.DurationSeconds == b.DurationSeconds &&
		a.OpenedAt.Equal(b.OpenedAt) && a.BeganAt.Equal(b.BeganAt) && a.ClosedAt.Equal(b.ClosedAt)
}

// plan pins the flow and lays out its steps for a run.
func (n *next) plan(run int) {
	n.rec.FlowID, n.rec.FlowVersion, n.rec.FlowKey = n.flow.ID, n.flow.Version, n.flow.Key()
	n.rec.Run, n.rec.Error = run, ""
	n.rec.Steps = make([]StepInfo, len(n.flow.Steps))
	for i, s := range n.flow.Steps {
		n.rec.Steps[i] = StepInfo{ID: s.ID, Type: s.Type, State: StepPending}
	}
}

// advance queues the first pending step, or ends the flow.
func (n *next) advance() {
	for i := range n.rec.Steps {
		s := &n.rec.Steps[i]
		if s.State == StepPending {
			s.State, s.Run = StepQueued, n.rec.Run
			return
		}
		if !s.State.Settled() {
			return
		}
	}
	n.finish()
}

func (n *next) finish() {
	n.rec.State = Finished
	if len(n.rec.Steps) == 0 {
		n.rec.State = Skipped
	}
	n.say(FlowFinished, n.leftBehind())
}

// leftBehind names the steps that a flow went on without.
func (n *next) leftBehind() string {
	for _, s := range n.rec.Steps {
		if s.State == StepFailed {
			return fmt.Sprintf("finished, but %s could not be done: %s", s.ID, s.Error)
		}
	}
	return ""
}

func (n *next) retried() {
	switch n.rec.State {
	case Failed, Cancelled, Missing, Finished:
	case Opening, Closed, Running, Waiting, Skipped, Found:
		return
	}
	again := -1
	for i, s := range n.rec.Steps {
		if s.State == StepFailed || s.State == StepCancelled || s.State == StepPending {
			again = i
			break
		}
	}
	if again < 0 {
		return
	}
	n.restart(again)
}

// restart begins the next run at a step; what is done before it stays done.
func (n *next) restart(from int) {
	n.rec.Run++
	for i := from; i < len(n.rec.Steps); i++ {
		s := &n.rec.Steps[i]
		if i > from && s.State.Settled() && s.State != StepFailed && s.State != StepCancelled {
			continue
		}
		*s = StepInfo{ID: s.ID, Type: s.Type, State: StepPending}
	}
	n.rec.State, n.rec.Error, n.changed = Running, "", true
	n.say(FlowStarted, cmp.Or(n.fact.Reason, "retried by a person"))
	n.advance()
}

func (n *next) ran() {
	if !n.rec.State.Over() && n.rec.State != "" {
		return
	}
	if n.rec.State == "" {
		n.rec.CreatedAt = At(n.fact.At)
	}
	n.learn()
	n.plan(n.rec.Run + 1)
	n.rec.State, n.changed = Running, true
	n.say(FlowStarted, n.fact.Reason)
	n.advance()
}

func (n *next) cancelled() {
	if n.rec.State.Over() || n.rec.State == "" || n.rec.State == Opening {
		return
	}
	for i := range n.rec.Steps {
		if s := &n.rec.Steps[i]; !s.State.Settled() && s.State != StepPending {
			s.State, s.EndedAt, s.Reason = StepCancelled, At(n.fact.At), "cancelled by a person"
		}
	}
	n.rec.State, n.changed = Cancelled, true
	n.say(FlowFinished, "cancelled by a person")
}

// stepped takes what a worker tells about a step of the current run.
func (n *next) stepped() {
	s := n.rec.Step(n.fact.Step)
	if s == nil || s.Run != n.fact.Run {
		return
	}
	if n.fact.Kind == StepRevived {
		n.revived(s)
		return
	}
	if s.State.Settled() || s.State == StepPending {
		return
	}
	if n.fact.Kind == StepWaits && s.State == StepWaiting && s.Reason == n.fact.Reason {
		return // it looks again every minute, and waits for the same
	}
	s.Attempts, s.Reason, s.RetryAt = max(s.Attempts, n.fact.Attempts), "", time.Time{}
	n.changed = true
	started, _, _ := stepEvents(s.Type)
	switch n.fact.Kind {
	case StepBegan:
		n.began(s, started)
	case StepFailsNow:
		s.State, s.Error, s.RetryAt = StepRetrying, n.fact.Error, At(n.fact.RetryAt)
		n.tellStep(StepRetry, s, n.fact.Error)
	case StepWaits:
		s.State, s.Reason, n.rec.State = StepWaiting, n.fact.Reason, Waiting
		n.tellStep(StepHeld, s, n.fact.Reason)
	case StepRequeued:
		s.State, s.Mode, s.Warning = StepQueued, n.fact.Mode, n.fact.Warning
		n.tellStep(StepRetry, s, n.fact.Warning)
	default:
		n.settled(s)
	}
}

func (n *next) began(s *StepInfo, started string) {
	again := s.State == StepRunning
	s.State, n.rec.State = StepRunning, Running
	if s.StartedAt.IsZero() {
		s.StartedAt = At(n.fact.At)
	}
	n.learn()
	if started != "" && !again {
		n.tellStep(started, s, "")
	}
}

func (n *next) tellStep(cmd string, s *StepInfo, msg string) {
	e := n.rec.event(cmd, n.fact.At)
	e.STEP, e.MSG, e.OUT, e.TARGET = s.ID, msg, n.fact.Output.told(), n.fact.Target
	n.tell(e)
}

// settled ends a step and moves the flow on, or stops it.
func (n *next) settled(s *StepInfo) {
	_, ended, failed := stepEvents(s.Type)
	s.EndedAt, s.Error = At(n.fact.At), ""
	step, _ := n.flow.Step(s.ID)
	n.rec.State = Running
	switch n.fact.Kind {
	case StepSucceeded:
		s.State, s.Output, s.Warning = StepDone, n.fact.Output, joined(s.Warning, n.fact.Warning)
		if s.Type == StepDelete {
			n.rec.TrashedAt, n.rec.EmptiedAt = At(n.fact.At), time.Time{}
		}
		n.learn()
		n.tellStep(ended, s, n.fact.Warning)
	case StepPassed:
		s.State, s.Reason = StepSkipped, n.fact.Reason
		n.learn()
		n.tellStep(StepLeftOut, s, n.fact.Reason)
	case StepStopped:
		s.State, s.Reason, n.rec.State = StepCancelled, cmp.Or(n.fact.Reason, "cancelled by a person"), Cancelled
		n.say(FlowFinished, s.Reason)
		return
	default:
		s.State, s.Error = StepFailed, n.fact.Error
		if !step.Continues() {
			n.rec.State, n.rec.Error = Failed, n.fact.Error
			if n.fact.Gone {
				n.rec.State = Missing
			}
			n.tellStep(failed, s, n.fact.Error)
			n.say(FlowFinished, n.fact.Error)
			return
		}
		n.tellStep(failed, s, n.fact.Error)
	}
	n.advance()
}

// joined puts two sentences together.
func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}

// revived: a person ran a dead letter from the queue's dashboard. The same task goes on, so the run stays.
func (n *next) revived(s *StepInfo) {
	if s.State != StepFailed && s.State != StepCancelled {
		return
	}
	i := 0
	for i = range n.rec.Steps {
		if &n.rec.Steps[i] == s {
			break
		}
	}
	*s = StepInfo{ID: s.ID, Type: s.Type, State: StepRunning, Run: s.Run, Mode: s.Mode, StartedAt: At(n.fact.At)}
	n.rec.State, n.rec.Error, n.changed = Running, "", true
	n.say(FlowStarted, "retried by a person from the queue")
}
