package worker

import (
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ngworks/nglive/tasks"
)

// TestRetry_endsAfterItsAttemptsWithOneError: the original tried for ever, with an UpError each time.
func TestRetry_endsAfterItsAttemptsWithOneError(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	s.file("a.flv", "content")
	s.slow.failWith(errAgain)
	s.start()
	r := s.closed("a.flv", slowFlow())
	id, queue := tasks.TaskID(r.ID, 1, "up"), tasks.QueueOf(tasks.KindUpload, "test")
	waits := func(state asynq.TaskState, attempts int) {
		t.Helper()
		s.until("the attempt ends", func() bool {
			info, err := s.queue.Inspector().GetTaskInfo(queue, id)
			return err == nil && info.State == state && s.step(r.ID, "up").Attempts == attempts
		})
	}
	waits(asynq.TaskStateRetry, 1)
	most := maxAttempts(tasks.TypeUpload)
	_, err := s.worker.journal.change(id, func(e *entry) []letter { e.Attempts = most - 2; return nil }) // two days later
	require.NoError(t, err)
	require.NoError(t, s.queue.Inspector().RunTask(queue, id))
	waits(asynq.TaskStateRetry, most-1)
	require.NoError(t, s.queue.Inspector().RunTask(queue, id))
	waits(asynq.TaskStateArchived, most)
	s.reaches(r.ID, tasks.Failed)
	assert.Equal(t, errAgain.Error(), s.recording(r.ID).Error)
	assert.Equal(t, 3, s.slow.count())
	assert.Equal(t, []string{
		tasks.FileClosed, tasks.UpStarted, tasks.StepRetry, tasks.UpStarted, tasks.StepRetry, tasks.UpStarted, tasks.UpError, tasks.FlowFinished,
	}, s.events(r.ID))
}

// TestBackoff_growsForAboutTwoDays: a network that is away for a weekend costs no upload.
func TestBackoff_growsForAboutTwoDays(t *testing.T) {
	t.Parallel()
	var all, last time.Duration
	for n := 1; n < maxAttempts(tasks.TypeUpload); n++ {
		least := delays()[min(n, len(delays()))-1]
		d := backoff(n)
		assert.GreaterOrEqual(t, d, least)
		assert.LessOrEqual(t, d, least+least/5)
		assert.GreaterOrEqual(t, least, last)
		all, last = all+least, least
	}
	assert.Greater(t, all, 40*time.Hour)
	assert.Less(t, all, 72*time.Hour)
}
