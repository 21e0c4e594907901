package worker

import (
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ngworks/nglive/tasks"
)

// TestTranscode_namesNothingThatFailedItsCheck: an ffmpeg that ends well and left most of the recording out gives no final name, no
// upload, and a dead letter that says so.
func TestTranscode_namesNothingThatFailedItsCheck(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	s.cfg.FFmpeg = program(t, `case "$*" in *part.mp4*) for last; do :; done; ffmpeg -v error -f lavfi -i testsrc2=s=64x64:d=0.2 -f mp4 -y "$last"; exit;; esac`)
	s.clip("a.flv", nil)
	s.start()
	r := s.closed("a.flv", tasks.DefaultFlow())
	s.reaches(r.ID, tasks.Failed)
	assert.NotEmpty(t, s.step(r.ID, "transcode").Error)
	for _, dir := range []string{s.cfg.OutputDir, s.cfg.ArchiveDir} {
		found, err := filepath.Glob(filepath.Join(dir, "*", "*", "*.mp4"))
		require.NoError(t, err)
		assert.Empty(t, found)
	}
}

// TestNotifyStep_tellsEachChannelOnce: while one receiver is away the step is tried again, and the one that has it is left in peace.
func TestNotifyStep_tellsEachChannelOnce(t *testing.T) {
	t.Parallel()
	s, hook := notifyingStation(t)
	away := newReceiver(t, NotifySecret(s.cfg.NotifySecret, s.cfg.Secret))
	away.say(http.StatusServiceUnavailable)
	s.cfg.NotifyURLs = append(s.cfg.NotifyURLs, away.server.URL)
	s.start()
	flow := slowFlow()
	flow.Steps = append(flow.Steps, tasks.Step{ID: "tell", Type: tasks.StepNotify})
	s.file("a.flv", "content")
	r := s.closed("a.flv", flow)
	s.until("one has it, one does not", func() bool { return hook.asks() == 1 && away.asks() == 1 })
	away.say(http.StatusOK)
	s.within(2*time.Minute, "both have it", func() bool { return away.count(tasks.FlowFinished) == 1 })
	s.reaches(r.ID, tasks.Finished)
	assert.Equal(t, 1, hook.asks())
}

// TestNotify_anAddressIsNobodysBusiness: what is said of a receiver that cannot be reached has its host, and nothing that its address
// may carry.
func TestNotify_anAddressIsNobodysBusiness(t *testing.T) {
	t.Parallel()
	s, hook := notifyingStation(t, tasks.FlowFinished)
	hook.server.Close()
	s.start()
	s.until("the relay begins", func() bool { return s.rdb.Exists(t.Context(), keyRelayCursor).Val() == 1 })
	s.file("a.flv", "content")
	s.reaches(s.closed("a.flv", slowFlow()).ID, tasks.Finished)
	said := ""
	s.until("it is tried again", func() bool {
		waiting, err := s.queue.Inspector().ListRetryTasks(tasks.QueueNotify)
		if err == nil && len(waiting) == 1 {
			said = waiting[0].LastErr
		}
		return said != ""
	})
	assert.Contains(t, said, "did not answer")
	assert.NotContains(t, said, "token=secret")
}
