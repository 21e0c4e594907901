package worker

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shirou/gopsutil/v4/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker/flv/flvtest"
	"github.com/ngworks/nglive/worker/recorder"
	"github.com/ngworks/nglive/worker/recorder/recordertest"
	"github.com/ngworks/nglive/worker/recorder/rehearsal"
)

func quickTimes() recorder.Times {
	return recorder.Times{Look: 20 * time.Millisecond, Hooks: 50 * time.Millisecond, Alarm: 100 * time.Millisecond, Pause: time.Millisecond}
}

// told lists what the events say of the recorder.
func (s *station) told() []string {
	frames, err := s.store.Since(s.t.Context(), "0", 10000)
	require.NoError(s.t, err)
	var out []string
	for _, f := range frames {
		e, err := f.Decode()
		require.NoError(s.t, err)
		if e.CMD == tasks.RecorderUp || e.CMD == tasks.RecorderDown {
			out = append(out, e.CMD)
		}
	}
	return out
}

func TestWorker_tellsWhenItsRecorderComesAndGoes(t *testing.T) {
	s := newStation(t)
	d := recordertest.Start(t, recordertest.Quick(rehearsal.Config{Dir: s.cfg.RecordingsDir}))
	s.cfg.Recorder = RecorderConfig{
		URL: d.URL, User: recordertest.User, Password: recordertest.Password, Times: quickTimes(),
		Webhook: "http://127.0.0.1:8100/webhook/?node=test&token=abc",
	}
	s.start()
	require.NotNil(t, s.worker.Recorder())
	assert.Equal(t, d.URL, s.worker.Recorder().Address())
	var mu sync.Mutex
	var heard []RecorderState
	s.worker.OnRecorder(func(state RecorderState) {
		mu.Lock()
		defer mu.Unlock()
		heard = append(heard, state)
	})
	s.until("it is up", func() bool { return slices.Equal(s.told(), []string{tasks.RecorderUp}) })
	s.until("its list is ours", func() bool { return s.worker.RecorderState().Hooked })
	s.within(60*time.Second, "the node tells of it", func() bool {
		n, _, err := s.store.Node(t.Context(), "test")
		return err == nil && n.Recorder != nil && n.Recorder.Up && n.Recorder.Hooked && !n.Recorder.Own && n.Recorder.Version == "2.17.3"
	})
	d.Kill()
	s.until("it is away", func() bool { return slices.Equal(s.told(), []string{tasks.RecorderUp, tasks.RecorderDown}) })
	d.Again()
	s.until("it is back", func() bool {
		return slices.Equal(s.told(), []string{tasks.RecorderUp, tasks.RecorderDown, tasks.RecorderUp})
	})
	mu.Lock()
	defer mu.Unlock()
	assert.True(t, slices.ContainsFunc(heard, func(h RecorderState) bool { return !h.Up }))
	assert.True(t, heard[len(heard)-1].Up)
}

func TestWorker_withoutARecorderHasNone(t *testing.T) {
	s := newStation(t)
	s.start()
	assert.Nil(t, s.worker.Recorder())
	assert.Zero(t, s.worker.RecorderState())
	s.worker.OnRecorder(func(RecorderState) {})
}

// ownRecorder makes this test binary the recorder of the station.
func ownRecorder(t *testing.T, s *station) {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	script, err := json.Marshal(recordertest.Quick(rehearsal.Config{Streamers: recordertest.Streamers()}))
	require.NoError(t, err)
	s.cfg.Recorder = RecorderConfig{
		Path: exe, Listen: recordertest.FreeAddress(t), User: "u", Password: "p-secret-p", Times: quickTimes(), Webhook: "http://127.0.0.1:1/webhook/?node=test&token=the-token",
		Environ: append(os.Environ(), recordertest.Role+"=1", "REHEARSAL="+string(script), "REHEARSAL_FILM="+flvtest.Clip(t, t.TempDir(), 2)),
	}
}

func TestWorker_recordsWhileRedisIsAway(t *testing.T) {
	s := newStation(t)
	ownRecorder(t, s)
	s.redis.Stop()
	w, err := New(s.cfg, s.rdb, s.store, s.queue)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	done := sync.OnceFunc(func() { stop(); assert.NoError(t, <-ended) })
	t.Cleanup(done)
	s.within(60*time.Second, "the recorder is up", func() bool { return w.RecorderState().Up && w.RecorderState().Hooked })
	assert.False(t, w.Healthy())
	s.redis.Start()
	s.within(60*time.Second, "the worker works", w.Healthy)
	s.within(60*time.Second, "it is told", func() bool { told := s.told(); return len(told) > 0 && told[len(told)-1] == tasks.RecorderUp })
	pid := w.RecorderState().PID
	done()
	assert.Positive(t, pid)
	alive, err := process.PidExists(int32(pid))
	require.NoError(t, err)
	assert.False(t, alive, "the recorder ended with its worker")
}

func TestWorker_hidesSecretsInTheRecordersLines(t *testing.T) {
	var said lockedBuilder
	s := newStation(t)
	ownRecorder(t, s)
	s.cfg.Log = slog.New(slog.NewTextHandler(&said, nil))
	s.start()
	s.within(60*time.Second, "the recorder is up", func() bool { return s.worker.RecorderState().Hooked })
	_, err := s.worker.Recorder().Add(t.Context(), 23058, true)
	require.NoError(t, err)
	// Going on the air posts an event to our webhook, where nobody listens; the recorder's log repeats the address.
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.worker.Recorder().Address()+"/rehearsal/live/23058", http.NoBody)
	require.NoError(t, err)
	req.SetBasicAuth(s.cfg.Recorder.User, s.cfg.Recorder.Password)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusOK, res.StatusCode)
	s.within(60*time.Second, "the recorder says that the webhook failed", func() bool { return strings.Contains(said.String(), "token=(secret)") })
	assert.NotContains(t, said.String(), "the-token")
	assert.NotContains(t, said.String(), s.cfg.Recorder.Password)
}

// lockedBuilder is a log that is read while it is written.
type lockedBuilder struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuilder) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuilder) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
