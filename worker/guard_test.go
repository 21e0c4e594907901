package worker

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ngworks/nglive/tasks"
)

func archiveFlow() tasks.Flow {
	return tasks.Flow{ID: "archive", Version: 1, Steps: []tasks.Step{{ID: "up", Type: tasks.StepUpload}}}
}

// TestUpload_neverReplacesAStrangersFile, not on the first run and not on the next ones.
func TestUpload_neverReplacesAStrangersFile(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	s.file("a.flv", "mine")
	stranger := filepath.Join(s.cfg.ArchiveDir, "23058", time.Now().Format("20060102"), "a.flv")
	require.NoError(t, os.MkdirAll(filepath.Dir(stranger), 0o755)) //nolint:gosec // as in an archive
	require.NoError(t, os.WriteFile(stranger, []byte("theirs"), 0o600))
	s.start()
	r := s.closed("a.flv", archiveFlow())
	s.reaches(r.ID, tasks.Finished)
	for range 2 {
		_, err := s.store.Run(t.Context(), tasks.Fact{ID: uuid.NewString(), Kind: tasks.PersonRuns, Recording: r.ID, At: time.Now()}, archiveFlow().Resolve(s.cfg.Defaults))
		require.NoError(t, err)
		require.NoError(t, s.queue.Follow(t.Context(), s.recording(r.ID)))
		s.reaches(r.ID, tasks.Finished)
	}
	got, err := os.ReadFile(stranger)
	require.NoError(t, err)
	assert.Equal(t, "theirs", string(got))
	assert.Contains(t, s.step(r.ID, "up").Output.Path, r.ID, "ours has a name of its own")
}

type panicTarget struct{ slowTarget }

func (*panicTarget) Put(context.Context, *os.File, string, bool, func(int64)) (string, string, error) {
	panic("a parser broke")
}

// TestPanic_endsOneAttemptAndNothingElse: one file that breaks a parser does not take the process down.
func TestPanic_endsOneAttemptAndNothingElse(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	s.start()
	s.worker.targets["slow"] = &panicTarget{}
	s.file("a.flv", "content")
	r := s.closed("a.flv", slowFlow())
	s.until("it is told and tried again", func() bool { return s.step(r.ID, "up").State == tasks.StepRetrying })
	assert.Contains(t, s.step(r.ID, "up").Error, "please report")
}

// TestDelete_asksForEveryUpload: nothing goes while an upload of the flow is not done, or the file is not the one that was uploaded.
func TestDelete_asksForEveryUpload(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	s.file("a.flv", "content")
	s.start()
	r := s.closed("a.flv", archiveFlow())
	s.reaches(r.ID, tasks.Finished)
	step := tasks.Step{ID: "delete", Type: tasks.StepDelete}
	for name, change := range map[string]func(*tasks.Recording){
		"an upload that is not done":   func(r *tasks.Recording) { r.Steps[0].State = tasks.StepFailed },
		"no upload at all":             func(r *tasks.Recording) { r.Steps = nil },
		"a source of another size now": func(r *tasks.Recording) { r.SizeBytes++ },
		"a checksum that differs":      func(r *tasks.Recording) { out := *r.Steps[0].Output; out.SHA256 = "00"; r.Steps[0].Output = &out },
	} {
		a := &assignment{rec: s.recording(r.ID), step: step}
		change(&a.rec)
		_, err := s.worker.remove(t.Context(), a)
		require.Error(t, err, name)
		assert.FileExists(t, filepath.Join(s.cfg.RecordingsDir, "a.flv"), name)
	}
	_, err := s.worker.remove(t.Context(), &assignment{rec: s.recording(r.ID), step: step})
	require.NoError(t, err)
	assert.NoFileExists(t, filepath.Join(s.cfg.RecordingsDir, "a.flv"))
}

// TestPipe_isRefusedAtOnce: to open it would be to wait for ever.
func TestPipe_isRefusedAtOnce(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	require.NoError(t, makePipe(filepath.Join(s.cfg.RecordingsDir, "a.flv")))
	s.start()
	r := s.closed("a.flv", tasks.DefaultFlow())
	s.reaches(r.ID, tasks.Failed)
	assert.Contains(t, s.recording(r.ID).Error, "is not a file")
}

// TestCancel_isNotUndoneByALateDelivery: the state says cancelled, and the task was still in the queue.
func TestCancel_isNotUndoneByALateDelivery(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	s.file("a.flv", "content")
	r := s.closed("a.flv", slowFlow())
	_, err := s.store.Apply(t.Context(), tasks.Fact{ID: uuid.NewString(), Kind: tasks.PersonCancels, Recording: r.ID, At: time.Now()})
	require.NoError(t, err)
	s.start()
	s.until("the task is answered", func() bool {
		list, err := s.queue.Inspector().ListArchivedTasks(tasks.QueueOf(tasks.KindUpload, "test"))
		return err == nil && len(list) == 1
	})
	assert.Equal(t, tasks.Cancelled, s.recording(r.ID).State)
	assert.Zero(t, s.slow.count())
}

// TestRetryDelay_isNeverAHotLoop for what nobody classed.
func TestRetryDelay_isNeverAHotLoop(t *testing.T) {
	t.Parallel()
	assert.GreaterOrEqual(t, retryDelay(0, errors.New("unknown"), nil), 10*time.Second)
}

// TestDelete_leavesWhatCameAfterTheUpload: a cover that was late, and comments that grew, are at no target.
func TestDelete_leavesWhatCameAfterTheUpload(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	for _, name := range []string{"a.flv", "a.txt", "a.xml"} {
		s.file(name, "content")
	}
	s.start()
	r := s.closed("a.flv", archiveFlow())
	s.reaches(r.ID, tasks.Finished)
	s.file("a.cover.jpg", "jpeg")
	s.file("a.xml", "content and more")
	_, err := s.worker.remove(t.Context(), &assignment{rec: s.recording(r.ID), step: tasks.Step{ID: "delete", Type: tasks.StepDelete}})
	require.NoError(t, err)
	for _, name := range []string{"a.flv", "a.txt"} {
		assert.FileExists(t, s.binned(r.ID, name))
	}
	for _, name := range []string{"a.cover.jpg", "a.xml"} {
		assert.FileExists(t, s.source(name))
	}
}
