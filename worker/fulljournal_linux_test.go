package worker

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/ngworks/nglive/tasks"
)

// tightDisk can take the room away from a worker's journal, and give it back.
type tightDisk struct{ fill, free func(pid int) error }

// newTightDisk puts a small disk under DATA_DIR where this user may, and otherwise limits how large the process's files may get.
func newTightDisk(t *testing.T, dataDir string) tightDisk {
	t.Helper()
	if mountSmall(t, dataDir, "2m") {
		ballast := filepath.Join(dataDir, "ballast")
		return tightDisk{
			fill: func(int) error {
				f, err := os.OpenFile(ballast, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) // one that is there takes what is left
				for block := make([]byte, 4<<10); err == nil; {
					_, err = f.Write(block)
				}
				if errors.Is(err, syscall.ENOSPC) {
					err = nil
				}
				return errors.Join(err, f.Close())
			},
			free: func(int) error { return os.Remove(ballast) },
		}
	}
	t.Log("this user may not mount a disk: RLIMIT_FSIZE stands for a full one")
	limit := func(pid int, most uint64) error {
		return unix.Prlimit(pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: most, Max: unix.RLIM_INFINITY}, nil)
	}
	return tightDisk{
		fill: func(pid int) error {
			info, err := os.Stat(filepath.Join(dataDir, journalFile))
			if err != nil {
				return err
			}
			return limit(pid, uint64(info.Size())) //nolint:gosec // not negative
		},
		free: func(pid int) error { return limit(pid, unix.RLIM_INFINITY) },
	}
}

// TestFullDisk_ofTheJournal: what cannot be journalled does not happen. The node says so, a worker starts all the same, nothing is
// lost or done twice, and when there is room all goes on by itself.
func TestFullDisk_ofTheJournal(t *testing.T) {
	t.Parallel()
	s, dir := newStation(t), t.TempDir()
	s.cfg = testConfig(t, dir)
	disk := newTightDisk(t, s.cfg.DataDir)
	cmd := s.child(dir)
	defer func() { kill(cmd) }()
	s.file("first.flv", "content of first.flv")
	s.reaches(s.closed("first.flv", archiveFlow()).ID, tasks.Finished)
	require.NoError(t, disk.fill(cmd.Process.Pid))
	const many = 120 // more than fit into the pages that the journal has
	recs := map[string]tasks.Recording{}
	for i := range many {
		name := fmt.Sprintf("%d.flv", i)
		s.file(name, "content of "+name)
		recs[name] = s.closed(name, archiveFlow())
	}
	said := func() string {
		n, _, err := s.store.Node(t.Context(), "test")
		if err != nil {
			return ""
		}
		return strings.Join(n.Warnings, " ")
	}
	s.until("the node says so", func() bool { return strings.Contains(said(), "cannot write into "+s.cfg.DataDir) })
	waiting := 0
	for _, r := range recs {
		st := s.recording(r.ID).State
		require.NotEqual(t, tasks.Failed, st)
		if st != tasks.Finished {
			waiting++
		}
	}
	assert.NotZero(t, waiting)
	kill(cmd)
	killed := time.Now()
	cmd = s.child(dir)
	require.NoError(t, disk.fill(cmd.Process.Pid))
	s.until("another life begins on the full disk", func() bool {
		n, _, err := s.store.Node(t.Context(), "test")
		return err == nil && n.BeatAt.After(killed.Add(time.Second))
	})
	require.NoError(t, disk.free(cmd.Process.Pid))
	for name, r := range recs {
		s.within(2*time.Minute, name+" is finished", func() bool { return s.recording(r.ID).State == tasks.Finished })
		got, err := os.ReadFile(s.step(r.ID, "up").Output.Location)
		require.NoError(t, err)
		assert.Equal(t, "content of "+name, string(got))
		assert.Equal(t, []string{tasks.FileClosed, tasks.UpStarted, tasks.UpEnded, tasks.FlowFinished}, s.events(r.ID), name)
	}
	assert.Len(t, s.archived(), 1+many)
}
