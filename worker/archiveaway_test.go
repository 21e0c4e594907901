package worker

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ngworks/nglive/tasks"
)

// TestArchive_whoseDiskIsAwayIsWaitedFor: whether it was never there or went away, no attempt is spent and nobody has to press anything.
func TestArchive_whoseDiskIsAwayIsWaitedFor(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	mount := filepath.Join(t.TempDir(), "mount")
	s.cfg.ArchiveDir = filepath.Join(mount, "nglive", "videos")
	for _, name := range []string{"a", "b"} {
		s.file(name+".flv", "what was recorded "+name)
	}
	s.start()
	a := s.closed("a.flv", archiveFlow())
	s.reaches(a.ID, tasks.Waiting)
	assert.Equal(t, tasks.StepWaiting, s.step(a.ID, "up").State)
	assert.Contains(t, s.step(a.ID, "up").Reason, "Connect or mount the disk")
	assert.NoDirExists(t, mount, "the disk below is left alone")
	require.NoError(t, os.MkdirAll(filepath.Dir(s.cfg.ArchiveDir), 0o750))
	s.reaches(a.ID, tasks.Finished)
	assert.Equal(t, 1, s.step(a.ID, "up").Attempts, "no attempt was spent on the disk that was away")

	require.NoError(t, os.Rename(mount, mount+"-elsewhere"))
	b := s.closed("b.flv", archiveFlow())
	s.reaches(b.ID, tasks.Waiting)
	assert.Contains(t, s.step(b.ID, "up").Reason, "has vanished")
	require.NoError(t, os.Rename(mount+"-elsewhere", mount))
	s.reaches(b.ID, tasks.Finished)
	assert.Equal(t, 1, s.step(b.ID, "up").Attempts)
}
