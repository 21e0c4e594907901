package worker

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ngworks/nglive/tasks"
)

// atTheEnd is a flow whose step waits for the broadcast's end.
func atTheEnd() tasks.Flow {
	f := slowFlow()
	f.Steps[0].When = &tasks.When{BroadcastEnded: true}
	return f
}

// tell ingests an event about a file of the room that closed uses.
func (s *station) tell(kind tasks.FactKind, rel string) {
	s.t.Helper()
	_, err := s.store.Ingest(s.t.Context(), tasks.Fact{ID: uuid.NewString(), Kind: kind, At: time.Now(), Seen: tasks.Sighting{
		Node: "test", Path: rel, RoomID: 23058, OpenedAt: time.Now(),
	}}, func(tasks.Recording) (tasks.Flow, error) { return tasks.Flow{ID: "nothing"}, nil })
	require.NoError(s.t, err)
}

// TestBroadcastEnded_holdsTheStepUntilThen: a file that is being written keeps the broadcast going; its end, and the gap, let the step go.
func TestBroadcastEnded_holdsTheStepUntilThen(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	s.store.WithBroadcastGap(time.Second)
	close(s.slow.gate)
	s.file("a.flv", "content")
	s.file("b.flv", "more")
	written := filepath.Join(s.cfg.RecordingsDir, "b.flv")
	require.NoError(t, os.Chtimes(written, time.Now(), time.Now().Add(time.Hour))) // it is written all the time
	s.start()
	s.tell(tasks.FileWasOpened, "b.flv")
	r := s.closed("a.flv", atTheEnd())
	s.reaches(r.ID, tasks.Waiting)
	step := s.step(r.ID, "up")
	assert.Equal(t, tasks.StepWaiting, step.State)
	assert.Contains(t, step.Reason, "broadcast in room 23058 goes on")
	s.until("the gap passes while the file is written", func() bool {
		b, err := s.store.BroadcastOf(t.Context(), r)
		return err == nil && b.Quiet && !b.Over
	})
	assert.Zero(t, s.slow.count())
	assert.Zero(t, step.Attempts)
	s.tell(tasks.FileWasClosed, "b.flv")
	s.reaches(r.ID, tasks.Finished)
	assert.Equal(t, []string{tasks.FileClosed, tasks.StepHeld, tasks.UpStarted, tasks.UpEnded, tasks.FlowFinished}, s.events(r.ID))
}

// TestBroadcastEnded_isNotHeldByAFileThatNobodyWrites: a recorder that was killed never closes what it opened.
func TestBroadcastEnded_isNotHeldByAFileThatNobodyWrites(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	s.store.WithBroadcastGap(500 * time.Millisecond)
	close(s.slow.gate)
	s.file("a.flv", "content")
	s.start()
	s.tell(tasks.FileWasOpened, "never-written.flv")
	r := s.closed("a.flv", atTheEnd())
	s.reaches(r.ID, tasks.Finished)
}

// TestBroadcastEnded_doesNotHoldWhatIsLeftOutAnyway: a step that is not for this recording says so at once.
func TestBroadcastEnded_doesNotHoldWhatIsLeftOutAnyway(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	s.store.WithBroadcastGap(time.Hour)
	s.file("a.flv", "content")
	s.start()
	flow, large := atTheEnd(), int64(1<<30)
	flow.Steps[0].When.MinSizeBytes = &large
	r := s.closed("a.flv", flow)
	s.reaches(r.ID, tasks.Finished)
	assert.Equal(t, tasks.StepSkipped, s.step(r.ID, "up").State)
}

// TestBroadcastEnded_leavesAKilledRecordersFileToTheSweep: to look whether it is written still is not to know its end.
func TestBroadcastEnded_leavesAKilledRecordersFileToTheSweep(t *testing.T) {
	t.Parallel()
	s := sweeping(t)
	s.cfg.SweepSettle = time.Hour
	s.store.WithBroadcastGap(500 * time.Millisecond)
	close(s.slow.gate)
	s.file("a.flv", "content")
	s.file("b.flv", "more")
	old := time.Now().Add(-2 * time.Hour)
	require.NoError(t, os.Chtimes(filepath.Join(s.cfg.RecordingsDir, "b.flv"), old, old))
	s.start()
	s.tell(tasks.FileWasOpened, "b.flv")
	r := s.closed("a.flv", atTheEnd())
	s.reaches(r.ID, tasks.Finished) // it looked at b.flv, which nobody writes
	s.stopWorker()
	s.cfg.SweepSettle = 300 * time.Millisecond
	s.start()
	s.becomes("b.flv", tasks.Finished)
}

// TestStoppedTarget_isLookedAtByAStepThatCanGo: one that waits for its broadcast takes no look away.
func TestStoppedTarget_isLookedAtByAStepThatCanGo(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	s.store.WithBroadcastGap(time.Hour)
	s.file("a.flv", "content")
	s.start()
	_ = s.worker.stopTarget(t.Context(), &stopped{target: "slow", reason: "test", err: errAgain})
	require.NoError(t, s.rdb.HSet(t.Context(), tasks.KeyStop("slow"), "look", 0).Err())
	r := s.closed("a.flv", atTheEnd())
	s.reaches(r.ID, tasks.Waiting)
	assert.Contains(t, s.step(r.ID, "up").Reason, "broadcast")
	assert.Empty(t, s.worker.awaitTarget(t.Context(), "slow"), "the look is still to be had")
}
