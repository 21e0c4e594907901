package worker

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ngworks/nglive/tasks"
)

// dies waits until a process ended by SIGKILL, as failpoints end it.
func (s *station) dies(cmd *exec.Cmd) {
	s.t.Helper()
	gone := make(chan error, 1)
	go func() { gone <- cmd.Wait() }()
	select {
	case err := <-gone:
		require.ErrorContains(s.t, err, "killed")
	case <-time.After(90 * time.Second):
		_ = cmd.Process.Kill()
		s.t.Fatal("it did not come to its failpoint")
	}
}

// TestKill_whileASourceGoesToTheTrash, at every step on the way: the journal's note, each rename, the record, the answer to Asynq. After
// a restart the source is in the trash, once and whole, with what travels with it, and the flow ended as if nothing had happened.
func TestKill_whileASourceGoesToTheTrash(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "worker.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-tags", "failpoints", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	files := map[string]string{"a.cover.jpg": "jpeg", "a.flv": "the recording", "a.xml": "<i></i>"} // in the order in which they go, but for the source
	for point, sourceGone := range map[string]bool{
		"journal.trash.before:1":  false,
		"journal.trash.after:1":   false,
		"trash.rename.before:1":   false,
		"trash.rename.after:1":    false, // the cover is in the trash
		"trash.rename.before:3":   false, // and so are the comments
		"trash.rename.after:3":    true,
		"journal.change.before:4": true, // the fourth change is the end of the second step
		"journal.change.after:4":  true,
		"deliver.answer:2":        true,
	} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			s, dir := newStation(t), t.TempDir()
			s.cfg = testConfig(t, dir)
			for name, content := range files {
				s.file("room/"+name, content)
			}
			flow := archiveFlow()
			flow.Steps = append(flow.Steps, tasks.Step{ID: "clean", Type: tasks.StepDelete})
			doomed := s.childOf(binary, dir, "FAILPOINT="+point+":0s")
			r := s.closed("room/a.flv", flow)
			s.dies(doomed)
			if sourceGone {
				assert.NoFileExists(t, s.source("room/a.flv"))
			} else {
				assert.FileExists(t, s.source("room/a.flv"))
				assert.NoFileExists(t, s.binned(r.ID, "a.flv"))
			}
			next := s.childOf(binary, dir)
			s.reaches(r.ID, tasks.Finished)
			s.until("what is to be told is told", func() bool { return len(s.events(r.ID)) == 5 })
			kill(next)
			for name, content := range files {
				assert.NoFileExists(t, s.source("room/"+name))
				got, err := os.ReadFile(s.binned(r.ID, name))
				require.NoError(t, err)
				assert.Equal(t, content, string(got))
			}
			binned, err := os.ReadDir(filepath.Dir(s.binned(r.ID, "a.flv")))
			require.NoError(t, err)
			assert.Len(t, binned, len(files))
			assert.Equal(t, []string{tasks.FileClosed, tasks.UpStarted, tasks.UpEnded, tasks.DeleteEnded, tasks.FlowFinished}, s.events(r.ID))
			assert.ElementsMatch(t, []string{"a.cover.jpg", "a.flv", "a.xml"}, s.archived())
			j, err := openJournal(s.cfg.DataDir)
			require.NoError(t, err)
			at, err := j.trashedAt(tasks.RootRecordings, r.ID)
			require.NoError(t, err)
			require.NoError(t, j.close())
			assert.False(t, at.IsZero(), "its lifetime in the trash counts from a time that is known")
		})
	}
}
