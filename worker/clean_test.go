package worker

import (
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ngworks/nglive/tasks"
)

// disk stands for the disk of all folders: 1000 MiB, of which free are left.
type fakeDisk struct{ free atomic.Int64 }

func (d *fakeDisk) usage(string) (free, total uint64) { return uint64(d.free.Load()), 1000 * mib } //nolint:gosec // positive

// onDisk gives a station a disk with marks at 100 and 50 MiB. Its guard's rounds are the test's.
func (s *station) onDisk() *fakeDisk {
	d := &fakeDisk{}
	d.free.Store(500 * mib)
	s.cfg.DiskWarn = func(uint64) uint64 { return 100 * mib }
	s.cfg.DiskHold = func(uint64) uint64 { return 50 * mib }
	s.usage = d.usage
	return d
}

// events of the node itself.
func (s *station) told(cmd string) int {
	s.t.Helper()
	frames, err := s.store.Since(s.t.Context(), "0", 10000)
	require.NoError(s.t, err)
	n := 0
	for _, f := range frames {
		if e, err := f.Decode(); err == nil && e.CMD == cmd {
			n++
		}
	}
	return n
}

func (s *station) source(rel string) string { return filepath.Join(s.cfg.RecordingsDir, rel) }

func (s *station) binned(id, rel string) string {
	return filepath.Join(s.cfg.RecordingsDir, trashDir, id, filepath.Base(rel))
}

// TestGuard_tellsOfEachCrossingOnce: neither again while the disk wavers at its mark, nor after a restart.
func TestGuard_tellsOfEachCrossingOnce(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	d := s.onDisk()
	s.start()
	for _, free := range []int64{99, 101, 98, 105, 99} {
		d.free.Store(free * mib)
		require.NoError(t, s.worker.guardDisk(t.Context(), s.worker.disks()[0]))
	}
	s.until("it is told", func() bool { return s.told(tasks.DiskLow) == 1 })
	s.stopWorker()
	s.start()
	require.NoError(t, s.worker.guardDisk(t.Context(), s.worker.disks()[0]))
	d.free.Store(49 * mib)
	require.NoError(t, s.worker.guardDisk(t.Context(), s.worker.disks()[0]))
	s.until("the second mark is told of too", func() bool { return s.told(tasks.DiskLow) == 2 })
	d.free.Store(200 * mib)
	s.until("room is told of", func() bool { return s.told(tasks.DiskOK) == 1 })
	assert.Equal(t, 2, s.told(tasks.DiskLow))
}

// TestGuard_holdsTranscodesAndLetsUploadsGoOn below the second mark.
func TestGuard_holdsTranscodesAndLetsUploadsGoOn(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	d := s.onDisk()
	d.free.Store(40 * mib)
	s.clip("a.flv", nil)
	s.file("b.flv", "content")
	s.start()
	waits, goes := s.closed("a.flv", tasks.DefaultFlow()), s.closed("b.flv", archiveFlow())
	s.reaches(goes.ID, tasks.Finished)
	s.reaches(waits.ID, tasks.Waiting)
	assert.Contains(t, s.step(waits.ID, "transcode").Reason, "free some space")
	d.free.Store(500 * mib)
	s.reaches(waits.ID, tasks.Finished)
}

// TestGuard_takesOnlyWhatIsProved, the oldest first, until the mark is reached; and empties the oldest trash when it gets tight.
func TestGuard_takesOnlyWhatIsProved(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	d := s.onDisk()
	s.cfg.GuardCleans, s.cfg.TrashLifetime = true, time.Hour
	s.start()
	failing := slowFlow()
	failing.Steps = append(failing.Steps, tasks.Step{ID: "more", Type: tasks.StepUpload})
	s.slow.failWith(problemf(tell, "no"))
	failing.Steps[0].OnError = "continue"
	names := []string{"1-unproved.flv", "2-half.flv", "3-none.flv", "4-oldest.flv", "5-next.flv", "6-last.flv"}
	flows := []tasks.Flow{archiveFlow(), failing, {ID: "n", Steps: []tasks.Step{{ID: "notify", Type: tasks.StepNotify}}}, archiveFlow(), archiveFlow(), archiveFlow()}
	ids := map[string]string{}
	for i, name := range names {
		s.file(name, "content of "+name)
		r := s.closed(name, flows[i])
		s.reaches(r.ID, tasks.Finished)
		ids[name] = r.ID
	}
	require.NoError(t, os.Truncate(s.step(ids[names[0]], "up").Output.Location, 3), "its copy is damaged")
	was := s.at("4-oldest.flv").SizeBytes
	d.free.Store(100*mib - was) // as much as one recording below the mark
	s.until("the oldest goes", func() bool { _, err := os.Stat(s.binned(ids["4-oldest.flv"], "4-oldest.flv")); return err == nil })
	s.until("it is told", func() bool { return !s.recording(ids["4-oldest.flv"]).TrashedAt.IsZero() })
	assert.Equal(t, 1, s.told(tasks.FilesTrashed), "and no more than needed")
	d.free.Store(60 * mib)
	s.until("the others go", func() bool { return s.told(tasks.FilesTrashed) == 3 })
	for _, name := range names[:3] {
		assert.FileExists(t, s.source(name), "never what was not proved")
	}
	assert.Zero(t, s.told(tasks.TrashEmptied), "above the second mark the trash has its lifetime")
	d.free.Store(40 * mib)
	s.until("the trash is emptied early", func() bool { return s.told(tasks.TrashEmptied) == 3 })
	for _, name := range names[:3] {
		assert.FileExists(t, s.source(name))
	}
	assert.NoFileExists(t, s.binned(ids["4-oldest.flv"], "4-oldest.flv"))
	assert.False(t, s.recording(ids["4-oldest.flv"]).EmptiedAt.IsZero())
}

// TestGuard_takesNothingUnlessItMay: its owner did not switch it on; a step is pending; the path names another file now.
func TestGuard_takesNothingUnlessItMay(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	d := s.onDisk()
	s.start()
	s.file("a.flv", "content")
	r := s.closed("a.flv", archiveFlow())
	s.reaches(r.ID, tasks.Finished)
	d.free.Store(10 * mib)
	s.until("the guard has looked", func() bool { return s.told(tasks.DiskLow) == 1 })
	assert.FileExists(t, s.source("a.flv"))
	rec := s.recording(r.ID)
	require.True(t, s.worker.mayClean(&rec))
	for what, change := range map[string]func(*tasks.Recording){
		"pending step": func(r *tasks.Recording) { r.Steps = append(r.Steps, tasks.StepInfo{State: tasks.StepPending}) },
		"failed upload": func(r *tasks.Recording) {
			r.Steps = []tasks.StepInfo{{Type: tasks.StepUpload, State: tasks.StepFailed}}
		},
		"another node": func(r *tasks.Recording) { r.Node = "other" },
		"running":      func(r *tasks.Recording) { r.State = tasks.Running },
		"unknown size": func(r *tasks.Recording) { r.SizeBytes = 0 },
	} {
		other := s.recording(r.ID)
		change(&other)
		assert.False(t, s.worker.mayClean(&other), what)
	}
	s.file("a.flv", "another recording under the same name")
	s.until("its opening is another one", func() bool { return time.Since(rec.OpenedAt) > 1100*time.Millisecond })
	again := s.closed("a.flv", archiveFlow())
	require.NotEqual(t, r.ID, again.ID)
	n, err := s.worker.clean(t.Context(), &rec, []string{tasks.RootRecordings})
	require.NoError(t, err)
	assert.Zero(t, n)
	assert.FileExists(t, s.source("a.flv"))
}

// TestTrash_isEmptiedAfterItsLifetime, which a restart does not begin anew; what is not ours stays.
func TestTrash_isEmptiedAfterItsLifetime(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	s.cfg.TrashLifetime = time.Hour
	s.file(trashDir+"/0123456789abcdef/old.flv", "old")
	s.file(trashDir+"/fedcba9876543210/young.flv", "young")
	s.file(trashDir+"/mine/kept.flv", "a person's own")
	j, err := openJournal(s.cfg.DataDir)
	require.NoError(t, err)
	require.NoError(t, j.trashed(tasks.RootRecordings, "0123456789abcdef", time.Now().Add(-2*time.Hour)))
	require.NoError(t, j.close())
	s.start()
	s.until("the old one goes", func() bool { _, err := os.Stat(s.binned("0123456789abcdef", "old.flv")); return err != nil })
	s.rounds(2)
	assert.FileExists(t, s.binned("fedcba9876543210", "young.flv"))
	assert.FileExists(t, s.source(trashDir+"/mine/kept.flv"))
	at, err := s.worker.journal.trashedAt(tasks.RootRecordings, "fedcba9876543210")
	require.NoError(t, err)
	assert.False(t, at.IsZero(), "its lifetime counts from when it was seen first")
}

// TestLeftover_goesWhenNobodyGoesOnWithIt; a person's own file with such a name stays.
func TestLeftover_goesWhenNobodyGoesOnWithIt(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	s.file("a.flv", "content")
	s.start()
	r := s.closed("a.flv", slowFlow())
	<-s.slow.began
	out := func(name string) string { return filepath.Join(s.cfg.OutputDir, name) }
	for _, name := range []string{"a.part.mp4", "a.xml.part", "a.mp4", "a.own.part", "b.part.mp4"} {
		require.NoError(t, os.WriteFile(out(name), []byte(name), 0o600))
	}
	require.NoError(t, s.worker.journal.partBegins(outputPart, "a.part.mp4", r.ID))
	s.rounds(2)
	assert.FileExists(t, out("a.part.mp4"), "its recording is worked on")
	close(s.slow.gate)
	s.reaches(r.ID, tasks.Finished)
	s.until("it goes", func() bool { _, err := os.Stat(out("a.part.mp4")); return err != nil })
	assert.NoFileExists(t, out("a.xml.part"))
	for _, name := range []string{"a.mp4", "a.own.part", "b.part.mp4"} {
		assert.FileExists(t, out(name))
	}
	s.until("it is told", func() bool { return s.told(tasks.Repaired) == 1 })
	parts, err := s.worker.journal.parts()
	require.NoError(t, err)
	assert.Empty(t, parts)
}

// TestSweep_wakesATaskThatStandsStill: Asynq calls it active, no lease and nobody works on it.
func TestSweep_wakesATaskThatStandsStill(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	s.file("a.flv", "content")
	queue := tasks.QueueOf(tasks.KindUpload, "test")
	s.start()
	require.NoError(t, s.queue.Inspector().PauseQueue(queue))
	r := s.closed("a.flv", archiveFlow())
	id, base := tasks.TaskID(r.ID, 1, "up"), "asynq:{"+queue+"}:"
	require.NoError(t, s.rdb.LRem(t.Context(), base+"pending", 1, id).Err())
	require.NoError(t, s.rdb.LPush(t.Context(), base+"active", id).Err())
	require.NoError(t, s.rdb.HSet(t.Context(), base+"t:"+id, "state", "active").Err())
	require.NoError(t, s.queue.Inspector().UnpauseQueue(queue))
	s.reaches(r.ID, tasks.Finished)
	assert.Contains(t, s.events(r.ID), tasks.Repaired)
	assert.Equal(t, int64(1), s.worker.swept.standing.Load())
}

// TestDeadLetter_thatAsynqForgotStaysAndIsRetried: its archive is capped, ours is not.
func TestDeadLetter_thatAsynqForgotStaysAndIsRetried(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	s.file("a.flv", "content")
	s.slow.failWith(problemf(tell, "the account wants you to log in again"))
	s.start()
	r := s.closed("a.flv", slowFlow())
	s.reaches(r.ID, tasks.Failed)
	id, queue := tasks.TaskID(r.ID, 1, "up"), tasks.QueueOf(tasks.KindUpload, "test")
	s.until("asynq forgets it", func() bool { return s.queue.Inspector().DeleteTask(queue, id) == nil })
	s.rounds(3)
	got := s.recording(r.ID)
	assert.Equal(t, tasks.Failed, got.State)
	assert.Equal(t, "the account wants you to log in again", got.Error)
	s.slow.failWith(nil)
	close(s.slow.gate)
	r, err := s.store.Apply(t.Context(), tasks.Fact{ID: uuid.NewString(), Kind: tasks.PersonRetries, Recording: r.ID, At: time.Now()})
	require.NoError(t, err)
	require.NoError(t, s.queue.Follow(t.Context(), r))
	s.reaches(r.ID, tasks.Finished)
}
