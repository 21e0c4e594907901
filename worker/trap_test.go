package worker

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/hibiken/asynq"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ngworks/nglive/tasks"
)

// TestOutage_doesNotEndAJob: Redis is away for 45 s inside a 70 s job. Asynq takes the delivery away and brings the task again; the
// job goes on and runs once.
func TestOutage_doesNotEndAJob(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	s.file("a.flv", "content")
	s.start()
	r := s.closed("a.flv", slowFlow())
	<-s.slow.began
	begun := time.Now()
	s.redis.Stop()
	<-time.After(45 * time.Second)
	s.redis.Start()
	<-time.After(70*time.Second - time.Since(begun))
	require.Len(t, s.worker.jobs.list(), 1, "the job was not ended by the outage")
	close(s.slow.gate)
	s.reaches(r.ID, tasks.Finished)
	s.gone(r, "up")
	assert.Equal(t, 1, s.slow.count(), "the job ran once")
	assert.Equal(t, []string{tasks.FileClosed, tasks.UpStarted, tasks.UpEnded, tasks.FlowFinished}, s.events(r.ID))
}

// gone waits until Asynq counts the task as completed, however long its lease takes to run out.
func (s *station) gone(r tasks.Recording, step string) {
	s.t.Helper()
	id := tasks.TaskID(r.ID, 1, step)
	s.within(4*time.Minute, "asynq completes the task", func() bool {
		info, err := s.queue.Inspector().GetTaskInfo(tasks.QueueOf(tasks.KindUpload, "test"), id)
		return err == nil && info.State == asynq.TaskStateCompleted
	})
}

// TestOutage_finishedMeanwhile: a task finishes while Redis is away. It is not run again, and its events arrive, in order.
func TestOutage_finishedMeanwhile(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	s.file("a.flv", "content")
	s.start()
	r := s.closed("a.flv", slowFlow())
	<-s.slow.began
	s.until("its start is told", func() bool { return len(s.events(r.ID)) == 2 })
	s.redis.Stop()
	close(s.slow.gate)
	s.until("the job ends", func() bool { return len(s.worker.jobs.list()) == 0 })
	e, err := s.worker.journal.read(tasks.TaskID(r.ID, 1, "up"))
	require.NoError(t, err)
	require.True(t, e.Done, "the journal knows it is done while Redis knows nothing")
	<-time.After(10 * time.Second) // longer than any client's own retries
	s.redis.Start()
	s.reaches(r.ID, tasks.Finished)
	s.gone(r, "up")
	assert.Equal(t, 1, s.slow.count(), "done once")
	assert.Equal(t, []string{tasks.FileClosed, tasks.UpStarted, tasks.UpEnded, tasks.FlowFinished}, s.events(r.ID))
}

// TestCancel_fromTheDashboard: the dashboard's cancel stops the work, and nothing starts it again; "Run" on it does.
func TestCancel_fromTheDashboard(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	s.file("a.flv", "content")
	s.start()
	r := s.closed("a.flv", slowFlow())
	<-s.slow.began
	id := tasks.TaskID(r.ID, 1, "up")
	require.NoError(t, s.queue.Inspector().CancelProcessing(id))
	s.reaches(r.ID, tasks.Cancelled)
	queue := tasks.QueueOf(tasks.KindUpload, "test")
	s.until("asynq archives it", func() bool {
		info, err := s.queue.Inspector().GetTaskInfo(queue, id)
		return err == nil && info.State == asynq.TaskStateArchived
	})
	assert.Equal(t, 1, s.slow.count())
	require.NoError(t, s.queue.Inspector().RunTask(queue, id))
	<-s.slow.began
	close(s.slow.gate)
	s.reaches(r.ID, tasks.Finished)
}

// TestDeadLetter_runFromTheDashboardHasAFullPolicy: "Run" on a dead letter is not one last attempt, it is a new start.
func TestDeadLetter_runFromTheDashboardHasAFullPolicy(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	s.file("a.flv", "content")
	s.slow.failWith(problemf(tell, "the account wants you to log in again"))
	s.start()
	r := s.closed("a.flv", slowFlow())
	s.reaches(r.ID, tasks.Failed)
	assert.Equal(t, "the account wants you to log in again", s.recording(r.ID).Error)
	id, queue := tasks.TaskID(r.ID, 1, "up"), tasks.QueueOf(tasks.KindUpload, "test")
	s.until("asynq archives it", func() bool {
		info, err := s.queue.Inspector().GetTaskInfo(queue, id)
		return err == nil && info.State == asynq.TaskStateArchived
	})
	s.slow.failWith(errAgain)
	require.NoError(t, s.queue.Inspector().RunTask(queue, id))
	s.until("it is tried again by itself after the new attempt failed", func() bool {
		step := s.step(r.ID, "up")
		return step.State == tasks.StepRetrying && step.Attempts == 1
	})
	s.slow.failWith(nil)
	close(s.slow.gate)
	s.reaches(r.ID, tasks.Finished)
}

// TestSecondWorker_isRefused: two workers with one node name would work on one queue.
func TestSecondWorker_isRefused(t *testing.T) { //nolint:tparallel // its cases share one node
	t.Parallel()
	s := newStation(t)
	s.start()
	t.Run("from another DATA_DIR", func(t *testing.T) {
		cfg := testConfig(t, t.TempDir())
		cfg.Install = "install-other"
		w, err := New(cfg, s.rdb, s.store, s.queue)
		require.NoError(t, err)
		var taken *tasks.TakenError
		require.ErrorAs(t, w.Run(t.Context()), &taken)
		assert.False(t, taken.Same)
	})
	t.Run("from the same DATA_DIR", func(t *testing.T) {
		w, err := New(s.cfg, s.rdb, s.store, s.queue)
		require.NoError(t, err)
		require.ErrorIs(t, w.Run(t.Context()), errJournalLocked)
	})
	t.Run("unless it takes over, and then the first one stops", func(t *testing.T) {
		cfg := testConfig(t, t.TempDir())
		cfg.Install, cfg.TakeOver = "install-other", true
		w, err := New(cfg, s.rdb, s.store, s.queue)
		require.NoError(t, err)
		done := make(chan error, 1)
		ctx, stop := context.WithCancel(t.Context())
		go func() { done <- w.Run(ctx) }()
		defer func() {
			stop()
			require.NoError(t, <-done)
		}()
		select {
		case err := <-s.ended:
			require.ErrorIs(t, err, tasks.ErrNodeLost)
			s.stop = nil
		case <-time.After(30 * time.Second):
			t.Fatal("the first worker went on")
		}
	})
}

// TestLostTask_isEnqueuedByTheSweep: web died between state and queue, and nobody repeats the event.
func TestLostTask_isEnqueuedByTheSweep(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	s.file("a.flv", "content")
	close(s.slow.gate)
	r, err := s.store.Ingest(t.Context(), tasks.Fact{
		ID: uuid.NewString(), Kind: tasks.FileWasClosed, At: time.Now().Add(-time.Minute),
		Seen: tasks.Sighting{Node: "test", Path: "a.flv", Size: 7},
	}, func(tasks.Recording) (tasks.Flow, error) { return slowFlow(), nil })
	require.NoError(t, err)
	s.start()
	s.reaches(r.ID, tasks.Finished)
	assert.Equal(t, 1, s.slow.count())
}

// TestArchivedByHand_isADeadLetter: a person pressed Archive on a waiting task; the recording says so and can be retried.
func TestArchivedByHand_isADeadLetter(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	s.file("a.flv", "content")
	s.slow.failWith(errAgain)
	s.start()
	r := s.closed("a.flv", slowFlow())
	id, queue := tasks.TaskID(r.ID, 1, "up"), tasks.QueueOf(tasks.KindUpload, "test")
	s.until("it waits for its second attempt", func() bool {
		info, err := s.queue.Inspector().GetTaskInfo(queue, id)
		return err == nil && info.State == asynq.TaskStateRetry
	})
	require.NoError(t, s.queue.Inspector().ArchiveTask(queue, id))
	s.reaches(r.ID, tasks.Failed)
	s.slow.failWith(nil)
	close(s.slow.gate)
	require.NoError(t, s.queue.Inspector().RunTask(queue, id))
	s.reaches(r.ID, tasks.Finished)
}

// TestRetry_fromOurAPI is the next run; the old task does nothing any more.
func TestRetry_fromOurAPI(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	s.file("a.flv", "content")
	s.slow.failWith(problemf(never, "no"))
	s.start()
	r := s.closed("a.flv", slowFlow())
	s.reaches(r.ID, tasks.Failed)
	s.slow.failWith(nil)
	close(s.slow.gate)
	r, err := s.store.Apply(t.Context(), tasks.Fact{ID: uuid.NewString(), Kind: tasks.PersonRetries, At: time.Now(), Recording: r.ID})
	require.NoError(t, err)
	assert.Equal(t, 2, r.Run)
	require.NoError(t, s.queue.Follow(t.Context(), r))
	s.reaches(r.ID, tasks.Finished)
	before := s.slow.count()
	queue := tasks.QueueOf(tasks.KindUpload, "test")
	if err := s.queue.Inspector().RunTask(queue, tasks.TaskID(r.ID, 1, "up")); !errors.Is(err, asynq.ErrTaskNotFound) {
		require.NoError(t, err)
		s.until("the old task is over", func() bool {
			info, err := s.queue.Inspector().GetTaskInfo(queue, tasks.TaskID(r.ID, 1, "up"))
			return err == nil && info.State == asynq.TaskStateCompleted
		})
	}
	assert.Equal(t, before, s.slow.count(), "a superseded run does nothing")
}

// TestShutdown_putsWorkBack: a worker that stops in the middle costs no attempt, and the next one goes on at once.
func TestShutdown_putsWorkBack(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	s.file("a.flv", "content")
	s.start()
	r := s.closed("a.flv", slowFlow())
	<-s.slow.began
	stopping := time.Now()
	s.stopWorker()
	assert.Less(t, time.Since(stopping), 15*time.Second)
	s.start()
	<-s.slow.began
	close(s.slow.gate)
	s.reaches(r.ID, tasks.Finished)
	assert.Equal(t, 1, s.step(r.ID, "up").Attempts)
}
