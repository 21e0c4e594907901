package worker

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ngworks/nglive/tasks"
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
