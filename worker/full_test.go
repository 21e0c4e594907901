package worker

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker/archive"
)

// TestSweep_andAWebhookAtOnceMakeOneRecording, whoever comes first, and its flow runs once.
func TestSweep_andAWebhookAtOnceMakeOneRecording(t *testing.T) {
	t.Parallel()
	s := sweeping(t)
	s.start()
	const files = 20
	name := func(i int) string { return "room/" + string(rune('a'+i)) + ".flv" }
	for i := range files {
		s.file(name(i), "content of "+name(i))
	}
	s.until("the sweep adopts them", func() bool { return s.worker.swept.adopted.Load() > 0 })
	var all sync.WaitGroup
	for i := range files {
		all.Go(func() {
			r, err := s.store.Ingest(t.Context(), tasks.Fact{
				ID: uuid.NewString(), Kind: tasks.FileWasClosed, At: time.Now(),
				Seen: tasks.Sighting{Node: "test", Path: name(i), RoomID: 7, OpenedAt: time.Now(), ClosedAt: time.Now()},
			}, func(tasks.Recording) (tasks.Flow, error) { return archiveFlow().Resolve(s.cfg.Defaults), nil })
			if assert.NoError(t, err) {
				assert.NoError(t, s.queue.Follow(t.Context(), r))
			}
		})
	}
	all.Wait()
	for i := range files {
		r := s.becomes(name(i), tasks.Finished)
		assert.Equal(t, 1, r.Run)
		assert.Equal(t, int64(7), r.RoomID)
		assert.Equal(t, []string{tasks.FileClosed, tasks.UpStarted, tasks.UpEnded, tasks.FlowFinished}, s.events(r.ID))
	}
	assert.Equal(t, int64(files), s.count())
}

// TestFullDisk_leavesNoDamageAndWorkGoesOn on a disk that is really full: the output's, in the middle of a transcode.
func TestFullDisk_leavesNoDamageAndWorkGoesOn(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	if !mountSmall(t, s.cfg.OutputDir, "128k") {
		t.Log("this user may not mount a disk: another test plays one that is full in the middle")
	}
	s.clip("a.flv", nil)
	filler := filepath.Join(s.cfg.OutputDir, "filler")
	require.NoError(t, os.WriteFile(filler, make([]byte, 100<<10), 0o600))
	s.cfg.DiskHold = func(uint64) uint64 { return 0 }
	s.usage = func(dir string) (uint64, uint64) { // it begins, and then the disk is as it is
		if half, _ := filepath.Glob(filepath.Join(s.cfg.OutputDir, "*/*/*.part.mp4")); len(half) > 0 {
			return usage(dir)
		}
		return 1 << 40, 1 << 41
	}
	s.start()
	r := s.closed("a.flv", tasks.DefaultFlow())
	s.within(90*time.Second, "it waits for room, or is done", func() bool {
		st := s.recording(r.ID).State
		return st == tasks.Waiting || st == tasks.Finished
	})
	s.noParts()
	require.NoError(t, os.Remove(filler))
	require.NoError(t, growSmall(s.cfg.OutputDir))
	s.reaches(r.ID, tasks.Finished)
	assert.Equal(t, 1, s.step(r.ID, "transcode").Attempts, "no attempt was spent on the full disk")
}

// fillingArchive is the archive on a disk that is full as soon as it holds half of a file, until there is room.
type fillingArchive struct {
	*archive.Folder
	room  atomic.Bool
	began atomic.Int64 // where the first Put since then began
}

func (f *fillingArchive) Put(ctx context.Context, src *os.File, name string, replace bool, report func(int64)) (string, string, error) {
	if f.room.Load() {
		return f.Folder.Put(ctx, src, name, replace, func(done int64) {
			f.began.CompareAndSwap(0, done)
			report(done)
		})
	}
	info, err := src.Stat()
	if err != nil {
		return "", "", err
	}
	half, stop := context.WithCancel(ctx)
	defer stop()
	_, _, err = f.Folder.Put(half, src, name, replace, func(done int64) {
		if report(done); done >= info.Size()/2 {
			stop()
		}
	})
	return "", "", &problem{class: space, words: "the disk of the archive has no room for " + name, cause: err}
}

// archived lists the files below ARCHIVE_DIR by their names.
func (s *station) archived() (names []string) {
	s.t.Helper()
	require.NoError(s.t, filepath.WalkDir(s.cfg.ArchiveDir, func(_ string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			names = append(names, d.Name())
		}
		return err
	}))
	return names
}

// TestFullDisk_ofTheArchiveInTheMiddleOfAFile: the half that is there has no final name and is kept, no attempt is spent, and when there
// is room the upload goes on by itself from where it stopped.
func TestFullDisk_ofTheArchiveInTheMiddleOfAFile(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	content := s.big("a.flv", 6*mib)
	s.file("a.xml", "<i></i>")
	disk := &fillingArchive{Folder: archive.New(s.cfg.ArchiveDir)}
	s.prepare = func(w *Worker) { w.targets[TargetArchive] = disk }
	s.start()
	r := s.closed("a.flv", archiveFlow())
	s.reaches(r.ID, tasks.Waiting)
	assert.Equal(t, tasks.StepWaiting, s.step(r.ID, "up").State)
	assert.Contains(t, s.step(r.ID, "up").Reason, "no room")
	assert.Equal(t, []string{".a.flv.nglive-part"}, s.archived(), "nothing has a final name")
	s.rounds(2)
	assert.Equal(t, []string{".a.flv.nglive-part"}, s.archived(), "the sweep leaves to it what it goes on with")
	disk.room.Store(true)
	s.reaches(r.ID, tasks.Finished)
	assert.GreaterOrEqual(t, disk.began.Load(), int64(3*mib), "it went on where it had stopped")
	assert.Equal(t, 1, s.step(r.ID, "up").Attempts, "no attempt was spent on the full disk")
	got, err := os.ReadFile(s.step(r.ID, "up").Output.Location)
	require.NoError(t, err)
	assert.Equal(t, content, got)
	assert.ElementsMatch(t, []string{"a.flv", "a.xml"}, s.archived())
	assert.Equal(t, []string{tasks.FileClosed, tasks.UpStarted, tasks.StepHeld, tasks.UpEnded, tasks.FlowFinished}, s.events(r.ID))
	assert.FileExists(t, s.source("a.flv"))
}

// TestFullDisk_ofTheArchive that is really full: one video fits and what travels with it does not, another does not fit itself.
func TestFullDisk_ofTheArchive(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	full := mountSmall(t, s.cfg.ArchiveDir, "1m")
	if !full {
		t.Log("this user may not mount a disk: another test plays one that is full in the middle")
	}
	content := map[string][]byte{"a.flv": s.big("a.flv", 700<<10), "a.xml": s.big("a.xml", 600<<10), "b.flv": s.big("b.flv", 2*mib)}
	s.start()
	a, b := s.closed("a.flv", archiveFlow()), s.closed("b.flv", archiveFlow())
	for _, r := range []tasks.Recording{a, b} {
		s.until("it waits for room, or is done", func() bool {
			st := s.recording(r.ID).State
			return st == tasks.Waiting || st == tasks.Finished
		})
	}
	if full {
		assert.Equal(t, []string{"a.flv"}, s.archived(), "what was proved is there, and nothing half-made")
		assert.Contains(t, s.step(b.ID, "up").Reason, "no room")
	}
	require.NoError(t, growSmall(s.cfg.ArchiveDir))
	for name, r := range map[string]tasks.Recording{"a.flv": a, "b.flv": b} {
		s.reaches(r.ID, tasks.Finished)
		assert.Equal(t, 1, s.step(r.ID, "up").Attempts, name)
		at := s.step(r.ID, "up").Output.Location
		for file, want := range content {
			if stemOf(file) != stemOf(name) {
				continue
			}
			got, err := os.ReadFile(filepath.Join(filepath.Dir(at), file))
			require.NoError(t, err)
			assert.Equal(t, want, got, file)
		}
	}
	assert.Len(t, s.archived(), 3)
}
