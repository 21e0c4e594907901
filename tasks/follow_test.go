package tasks

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// story tells facts of one recording in turn.
type story struct {
	t      *testing.T
	rec    Recording
	flow   Flow
	events []Event
	n      int
}

func newStory(t *testing.T, steps ...Step) *story {
	t.Helper()
	return &story{t: t, flow: Flow{ID: "f", Version: 3, Steps: steps}}
}

// usual is transcode → upload → notify.
func usual(t *testing.T) *story { t.Helper(); return newStory(t, DefaultFlow().Steps...) }

// hear takes a fact and reports whether it changed anything; a fact that did not may leave nothing behind.
func (s *story) hear(f Fact) bool {
	s.t.Helper()
	s.n++
	f.ID, f.At, f.Recording = fmt.Sprintf("f%d", s.n), morning().Add(time.Duration(s.n)*time.Minute), "0123456789abcdef"
	before, _ := json.Marshal(s.rec)
	after, events, changed := Follow(s.rec, s.flow, f)
	if now, _ := json.Marshal(s.rec); string(now) != string(before) {
		s.t.Fatalf("%s changed what it was given: %s, was %s", f.Kind, now, before)
	}
	if !changed && (len(events) > 0 || !reflect.DeepEqual(after, s.rec)) {
		s.t.Fatalf("%s changed nothing, but gave %+v and %+v", f.Kind, after, events)
	}
	s.rec, s.events = after, append(s.events, events...)
	return changed
}

func (s *story) closed() {
	s.t.Helper()
	s.hear(Fact{Kind: FileWasClosed, Seen: Sighting{Node: "nas", Path: "a.flv"}})
}

// step tells of the step of the run that is now.
func (s *story) step(kind FactKind, id string) bool {
	s.t.Helper()
	return s.hear(Fact{Kind: kind, Step: id, Run: s.rec.Run, Error: "broken disk", Output: &Output{Path: "a.mp4", SizeBytes: 9}})
}

func (s *story) done(ids ...string) {
	s.t.Helper()
	for _, id := range ids {
		s.step(StepBegan, id)
		s.step(StepSucceeded, id)
	}
}

// is checks the recording's state, and its steps' as "transcode:done upload:queued".
func (s *story) is(state State, steps string) {
	s.t.Helper()
	var got []string
	for _, x := range s.rec.Steps {
		got = append(got, x.ID+":"+string(x.State))
	}
	if s.rec.State != state || strings.Join(got, " ") != steps {
		s.t.Errorf("recording is %s with %s, want %s with %s", s.rec.State, strings.Join(got, " "), state, steps)
	}
}

func (s *story) told(want ...string) {
	s.t.Helper()
	var got []string
	for _, e := range s.events {
		got = append(got, e.CMD)
	}
	if !slices.Equal(got, want) {
		s.t.Errorf("events are %v, want %v", got, want)
	}
}

func TestFollow_goesFromOpeningToFinished(t *testing.T) {
	s := usual(t)
	s.hear(Fact{Kind: FileWasOpened, Seen: Sighting{Node: "nas", Path: "a.flv"}})
	s.is(Opening, "")
	s.closed()
	s.is(Closed, "transcode:queued upload:pending notify:pending")
	s.done("transcode")
	s.is(Running, "transcode:done upload:queued notify:pending")
	s.done("upload", "notify")
	s.is(Finished, "transcode:done upload:done notify:done")
	s.told(FileOpening, FileClosed, TranscodeStarted, TranscodeEnded, UpStarted, UpEnded, NotifyEnded, FlowFinished)
	if s.rec.FlowID != "f" || s.rec.FlowVersion != 3 || s.rec.FlowKey == "" || s.rec.Run != 1 {
		t.Errorf("the flow was not pinned: %+v", s.rec)
	}
}

func TestFollow_givesEachEventAnIdOfItsOwnThatDependsOnTheFactAlone(t *testing.T) {
	s := newStory(t)
	s.closed()
	if s.events[0].EVENT == s.events[1].EVENT || !strings.HasPrefix(s.events[0].EVENT, "f1.") {
		t.Errorf("events are %+v", s.events)
	}
}

func TestFollow_leavesARecordingAloneWhoseFlowHasNoSteps(t *testing.T) {
	s := newStory(t)
	s.closed()
	s.is(Skipped, "")
	s.told(FileClosed, FlowFinished)
}

func TestFollow_hearsRepeatsOnce(t *testing.T) {
	s := usual(t)
	s.closed()
	for _, f := range []Fact{
		{Kind: FileWasClosed, Seen: Sighting{Node: "nas", Path: "a.flv"}},
		{Kind: FileWasOpened, Seen: Sighting{Node: "nas", Path: "a.flv"}},
	} {
		if s.hear(f) {
			t.Errorf("%s changed something", f.Kind)
		}
	}
	s.done("transcode")
	for _, kind := range []FactKind{StepBegan, StepSucceeded, StepGaveUp, StepFailsNow, StepWaits, StepRequeued, StepStopped, StepPassed} {
		if s.step(kind, "transcode") {
			t.Errorf("%s of a step that is done changed something", kind)
		}
	}
	if s.step(StepBegan, "notify") || s.step(StepBegan, "nothing") {
		t.Error("a step that is not due, or not there, began")
	}
}

func TestFollow_fillsInWhatWasUnknownAndKeepsWhatIsKnown(t *testing.T) {
	s := usual(t)
	s.hear(Fact{Kind: FileWasClosed, Seen: Sighting{Node: "nas", Path: "a.flv", Title: "first", Size: 5}})
	s.hear(Fact{Kind: FileWasOpened, Seen: Sighting{Node: "nas", Path: "a.flv", Title: "second", Name: "someone", Inode: 8}})
	if s.rec.Title != "first" || s.rec.Name != "someone" || s.rec.Inode != 8 || s.rec.SizeBytes != 5 || s.rec.State != Closed {
		t.Errorf("recording is %+v", s.rec)
	}
	s.told(FileClosed)
}

func TestFollow_believesTheEndAboutTheOpening(t *testing.T) {
	s := usual(t)
	nothingCame, itCame := morning(), morning().Add(time.Hour)
	s.hear(Fact{Kind: FileWasOpened, Seen: Sighting{Node: "nas", Path: "a.flv", OpenedAt: nothingCame}})
	s.hear(Fact{Kind: FileWasClosed, Seen: Sighting{Node: "nas", Path: "a.flv", OpenedAt: itCame}})
	if !s.rec.OpenedAt.Equal(itCame) {
		t.Errorf("opened at %s, want %s", s.rec.OpenedAt, itCame)
	}
}

func TestFollow_turnsFoundIntoClosed(t *testing.T) {
	s := usual(t)
	s.rec = Recording{ID: "0123456789abcdef", Node: "nas", Path: "a.flv", State: Found, CreatedAt: morning()}
	s.closed()
	s.is(Closed, "transcode:queued upload:pending notify:pending")
	if !s.rec.CreatedAt.Equal(morning()) {
		t.Error("it was created anew")
	}
}

func TestFollow_stopsWhenAStepCannotBeDone(t *testing.T) {
	s := usual(t)
	s.closed()
	s.step(StepBegan, "transcode")
	s.step(StepFailsNow, "transcode")
	s.is(Running, "transcode:retrying upload:pending notify:pending")
	s.step(StepBegan, "transcode")
	s.step(StepGaveUp, "transcode")
	s.is(Failed, "transcode:failed upload:pending notify:pending")
	s.told(FileClosed, TranscodeStarted, StepRetry, TranscodeStarted, TranscodeError, FlowFinished)
	if s.rec.Error != "broken disk" || s.rec.Steps[0].Error != "broken disk" {
		t.Errorf("recording is %+v", s.rec)
	}
}

func TestFollow_callsARecordingMissingWhenItsFileIsGone(t *testing.T) {
	s := usual(t)
	s.closed()
	s.hear(Fact{Kind: StepGaveUp, Step: "transcode", Run: 1, Error: "no such file", Gone: true})
	s.is(Missing, "transcode:failed upload:pending notify:pending")
}

func TestFollow_goesOnAfterAStepThatMayFail(t *testing.T) {
	s := newStory(t, Step{ID: "up", Type: StepUpload, OnError: "continue"}, Step{ID: "tell", Type: StepNotify})
	s.closed()
	s.step(StepGaveUp, "up")
	s.is(Running, "up:failed tell:queued")
	s.step(StepGaveUp, "tell")
	s.is(Finished, "up:failed tell:failed")
	s.told(FileClosed, UpError, NotifyError, FlowFinished)
	if msg := s.events[len(s.events)-1].MSG; !strings.Contains(msg, "up") {
		t.Errorf("the end does not say what was left behind: %q", msg)
	}
}

func TestFollow_skipsAStepWhoseTestsDoNotHold(t *testing.T) {
	s := usual(t)
	s.closed()
	s.hear(Fact{Kind: StepPassed, Step: "transcode", Run: 1, Reason: "too small", Seen: Sighting{Title: "read from the file"}})
	if s.rec.Title != "read from the file" {
		t.Errorf("what was learned before the step was left out is lost: %q", s.rec.Title)
	}
	s.is(Running, "transcode:skipped upload:queued notify:pending")
	s.told(FileClosed, StepLeftOut)
}

func TestFollow_holdsAndTellsEachReasonOnce(t *testing.T) {
	s := usual(t)
	s.closed()
	held := Fact{Kind: StepWaits, Step: "transcode", Run: 1, Reason: "disk full"}
	s.hear(held)
	s.is(Waiting, "transcode:held upload:pending notify:pending")
	if s.hear(held) {
		t.Error("the same reason was news")
	}
	held.Reason = "night only"
	s.hear(held)
	s.done("transcode")
	s.is(Running, "transcode:done upload:queued notify:pending")
	s.told(FileClosed, StepHeld, StepHeld, TranscodeStarted, TranscodeEnded)
}

func TestFollow_retriesWhereItFailedAndKeepsWhatIsDone(t *testing.T) {
	s := usual(t)
	s.closed()
	s.done("transcode")
	s.step(StepGaveUp, "upload")
	s.hear(Fact{Kind: PersonRetries})
	s.is(Running, "transcode:done upload:queued notify:pending")
	if s.rec.Run != 2 || s.rec.Due().Run != 2 || s.rec.Error != "" || s.rec.Steps[1].Error != "" {
		t.Errorf("recording is %+v", s.rec)
	}
	if s.hear(Fact{Kind: StepSucceeded, Step: "upload", Run: 1}) {
		t.Error("the former run's task did something")
	}
	if got := s.rec.Input("upload").Path; got != "a.mp4" {
		t.Errorf("the upload's input is %q", got)
	}
	s.done("upload", "notify")
	s.is(Finished, "transcode:done upload:done notify:done")
}

func TestFollow_retriesOnlyWhatIsOver(t *testing.T) {
	s := usual(t)
	for _, state := range []State{Opening, Closed, Running, Waiting, Skipped, Found} {
		s.rec = Recording{State: state, Run: 1, Steps: []StepInfo{{ID: "transcode", State: StepFailed}}}
		if s.hear(Fact{Kind: PersonRetries}) {
			t.Errorf("a recording that is %s was retried", state)
		}
	}
	s = usual(t)
	s.closed()
	s.done("transcode", "upload", "notify")
	if s.hear(Fact{Kind: PersonRetries}) {
		t.Error("a finished recording without a failed step was retried")
	}
}

func TestFollow_cancelsAndGoesOnWhenRetried(t *testing.T) {
	s := usual(t)
	s.closed()
	s.done("transcode")
	s.step(StepBegan, "upload")
	s.hear(Fact{Kind: PersonCancels})
	s.is(Cancelled, "transcode:done upload:cancelled notify:pending")
	if s.hear(Fact{Kind: PersonCancels}) || s.step(StepSucceeded, "upload") {
		t.Error("something happened after the end")
	}
	s.hear(Fact{Kind: PersonRetries})
	s.is(Running, "transcode:done upload:queued notify:pending")
}

func TestFollow_stopsWhenAPersonStopsTheTaskInTheQueue(t *testing.T) {
	s := usual(t)
	s.closed()
	s.step(StepBegan, "transcode")
	s.step(StepStopped, "transcode")
	s.is(Cancelled, "transcode:cancelled upload:pending notify:pending")
	s.told(FileClosed, TranscodeStarted, FlowFinished)
}

func TestFollow_goesOnWithADeadLetterThatWasRunFromTheQueue(t *testing.T) {
	s := usual(t)
	s.closed()
	s.step(StepGaveUp, "transcode")
	if s.hear(Fact{Kind: StepRevived, Step: "transcode", Run: 2}) {
		t.Error("a task of another run revived the step")
	}
	s.step(StepRevived, "transcode")
	s.is(Running, "transcode:running upload:pending notify:pending")
	s.step(StepSucceeded, "transcode")
	s.is(Running, "transcode:done upload:queued notify:pending")
	if s.rec.Run != 1 {
		t.Errorf("run is %d", s.rec.Run)
	}
}

func TestFollow_runsAnotherFlowOnlyOnWhatIsOver(t *testing.T) {
	s := usual(t)
	s.closed()
	other := Flow{ID: "other", Steps: []Step{{ID: "up", Type: StepUpload}}}
	s.flow = other
	if s.hear(Fact{Kind: PersonRuns}) {
		t.Error("a flow began beside another")
	}
	s.hear(Fact{Kind: PersonCancels})
	s.hear(Fact{Kind: PersonRuns})
	s.is(Running, "up:queued")
	if s.rec.FlowID != "other" || s.rec.Run != 2 || s.rec.TaskID(s.rec.Due()) != "0123456789abcdef.2.up" {
		t.Errorf("recording is %+v", s.rec)
	}
}

func TestFollow_makesARecordingOfAFileThatAPersonNames(t *testing.T) {
	s := newStory(t, Step{ID: "transcode", Type: StepTranscode})
	s.hear(Fact{Kind: PersonRuns, Seen: Sighting{Node: "nas", Path: "a.flv", Origin: "person"}})
	s.is(Running, "transcode:queued")
	if s.rec.Path != "a.flv" || s.rec.CreatedAt.IsZero() || s.rec.ID == "" {
		t.Errorf("recording is %+v", s.rec)
	}
}

func TestRecording_takesTheLastVerifiedOutputBeforeAStep(t *testing.T) {
	r := Recording{Steps: []StepInfo{
		{ID: "a", Type: StepTranscode, State: StepDone, Output: &Output{Path: "1.mp4"}},
		{ID: "b", Type: StepTranscode, State: StepFailed, Output: &Output{Path: "2.mp4"}},
		{ID: "c", Type: StepUpload, State: StepDone, Output: &Output{Location: "there"}},
		{ID: "d", Type: StepUpload, State: StepQueued},
	}}
	if got := r.Input("d").Path; got != "1.mp4" {
		t.Errorf("input is %q", got)
	}
	if got := r.Input("a").Path; got != "" {
		t.Errorf("the first step's input is %q, want the source", got)
	}
}

func TestIdentity_readsEitherSlash(t *testing.T) {
	a := Identity{Node: "n", Path: `23058\x/y.flv`}.ID()
	if b := (Identity{Node: "n", Path: "23058/x//y.flv"}).ID(); a != b {
		t.Errorf("%s and %s differ", a, b)
	}
	for _, other := range []Identity{{Node: "m", Path: "23058/x/y.flv"}, {Node: "n", Path: "23058/x/y.flv", Gen: 1}, {Node: "n", Root: RootOutput, Path: "23058/x/y.flv"}} {
		if other.ID() == a {
			t.Errorf("%+v has the same id", other)
		}
	}
	if len(a) != 16 {
		t.Errorf("id is %q", a)
	}
}
