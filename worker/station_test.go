package worker

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/tasks/taskstest"
)

// station is one node for a test: a real redis-server, folders of its own, and a worker that can be started and stopped.
type station struct {
	t      *testing.T
	redis  *taskstest.Server
	rdb    *redis.Client
	store  *tasks.Store
	queue  *tasks.Queue
	cfg    Config
	worker *Worker
	slow   *slowTarget
	usage  func(string) (free, total uint64) // of every disk; nil = as it is
	stop   context.CancelFunc
	ended  chan error
}

func newStation(t *testing.T) *station {
	t.Helper()
	s := &station{t: t, redis: taskstest.Redis(t), slow: &slowTarget{began: make(chan struct{}, 100), gate: make(chan struct{})}}
	s.rdb = s.redis.Client()
	s.store = tasks.NewStore(s.rdb, time.Hour)
	s.queue = tasks.NewQueue(s.rdb, s.store)
	s.cfg = testConfig(t, t.TempDir())
	return s
}

// testLog shows the workers' own lines when NGLIVE_TEST_LOG is set.
func testLog() io.Writer {
	if os.Getenv("NGLIVE_TEST_LOG") != "" {
		return os.Stderr
	}
	return io.Discard
}

func makeConfig(dir string) Config {
	return Config{
		Node: "test", Install: "install-test", Secret: []byte("0123456789abcdef0123456789abcdef"),
		DataDir: filepath.Join(dir, "data"), RecordingsDir: filepath.Join(dir, "rec"), OutputDir: filepath.Join(dir, "out"),
		ArchiveDir: filepath.Join(dir, "archive"), FFmpeg: "ffmpeg", FFprobe: "ffprobe", StallTimeout: 30 * time.Second,
		Defaults: tasks.Defaults{
			Transcode: tasks.TranscodeWith{Mode: "COPY", Encoder: "libx264", Preset: "veryfast"},
			Upload:    tasks.UploadWith{Target: TargetArchive, Path: "{room}/{date}/{file}"},
		},
		EncodeConcurrency: 1, RemuxConcurrency: 2, UploadConcurrency: 2, NotifyEvents: []string{"errors", tasks.StepHeld, tasks.NodeDown},
		SweepInterval: time.Second, SweepSettle: time.Hour, // tests of the search set their own
		Log: slog.New(slog.NewTextHandler(testLog(), nil)),
	}
}

func testConfig(t *testing.T, dir string) Config {
	t.Helper()
	cfg := makeConfig(dir)
	for _, d := range []string{cfg.DataDir, cfg.RecordingsDir, cfg.OutputDir, cfg.ArchiveDir} {
		require.NoError(t, os.MkdirAll(d, 0o755))
	}
	return cfg
}

// start runs the worker until the test ends or stopWorker.
func (s *station) start() {
	s.t.Helper()
	w, err := New(s.cfg, s.rdb, s.store, s.queue)
	require.NoError(s.t, err)
	w.targets["slow"] = s.slow
	if s.usage != nil {
		w.usage = s.usage
	}
	ctx, stop := context.WithCancel(context.Background())
	s.worker, s.stop, s.ended = w, stop, make(chan error, 1)
	go func() { s.ended <- w.Run(ctx) }()
	s.t.Cleanup(s.stopWorker)
	s.until("the worker's heart beats", w.Healthy)
}

func (s *station) stopWorker() {
	if s.stop == nil {
		return
	}
	s.stop()
	s.stop = nil
	select {
	case err := <-s.ended:
		require.NoError(s.t, err)
	case <-time.After(20 * time.Second):
		s.t.Error("the worker did not stop within 20 s")
	}
}

// until waits for something that should happen soon.
func (s *station) until(what string, ok func() bool) {
	s.t.Helper()
	s.within(30*time.Second, what, ok)
}

func (s *station) within(d time.Duration, what string, ok func() bool) {
	s.t.Helper()
	require.Eventually(s.t, ok, d, 20*time.Millisecond, what)
}

// file puts a file into the recordings' folder.
func (s *station) file(rel, content string) {
	s.t.Helper()
	p := filepath.Join(s.cfg.RecordingsDir, rel)
	require.NoError(s.t, os.MkdirAll(filepath.Dir(p), 0o755))
	require.NoError(s.t, os.WriteFile(p, []byte(content), 0o600))
}

// closed tells that a recording was closed, as web does, and returns it.
func (s *station) closed(rel string, flow tasks.Flow) tasks.Recording {
	s.t.Helper()
	st, err := os.Stat(filepath.Join(s.cfg.RecordingsDir, rel))
	size := int64(0)
	if err == nil {
		size = st.Size()
	}
	r, err := s.store.Ingest(s.t.Context(), tasks.Fact{
		ID: uuid.NewString(), Kind: tasks.FileWasClosed, At: time.Now(),
		Seen: tasks.Sighting{Node: "test", Path: rel, RoomID: 23058, Name: "3号直播间", Title: "t", Size: size, OpenedAt: time.Now(), ClosedAt: time.Now()},
	}, func(tasks.Recording) (tasks.Flow, error) { return flow.Resolve(s.cfg.Defaults), nil })
	require.NoError(s.t, err)
	require.NoError(s.t, s.queue.Follow(s.t.Context(), r))
	return r
}

// recording reads one; a Redis that is away is a recording without a state.
func (s *station) recording(id string) tasks.Recording {
	r, err := s.store.Recording(context.Background(), id)
	if err != nil {
		return tasks.Recording{}
	}
	return r
}

func (s *station) reaches(id string, state tasks.State) {
	s.t.Helper()
	s.within(90*time.Second, "recording becomes "+string(state), func() bool { return s.recording(id).State == state })
}

// events returns the lifecycle events' commands about a recording, in order.
func (s *station) events(id string) []string {
	s.t.Helper()
	frames, err := s.store.Since(s.t.Context(), "0", 10000)
	require.NoError(s.t, err)
	var out []string
	for _, f := range frames {
		e, err := f.Decode()
		require.NoError(s.t, err)
		if e.ID == id {
			out = append(out, e.CMD)
		}
	}
	return out
}

func slowFlow() tasks.Flow {
	return tasks.Flow{ID: "slow", Version: 1, Steps: []tasks.Step{{ID: "up", Type: tasks.StepUpload, With: map[string]any{"target": "slow"}}}}
}

// slowTarget is a target whose uploads last until the test lets them go.
type slowTarget struct {
	mu    sync.Mutex
	puts  int
	began chan struct{}
	gate  chan struct{}
	fail  error // what the next Put answers
}

func (s *slowTarget) Put(ctx context.Context, src *os.File, name string, _ bool, _ func(int64)) (string, string, error) {
	s.mu.Lock()
	s.puts++
	fail := s.fail
	s.mu.Unlock()
	s.began <- struct{}{}
	if fail != nil {
		return "", "", fail
	}
	select {
	case <-s.gate:
		return "slow:" + name, "sum", nil
	case <-ctx.Done():
		return "", "", ctx.Err()
	}
}

func (s *slowTarget) Check(context.Context, string, int64, string) error { return nil }

func (s *slowTarget) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.puts
}

func (s *slowTarget) failWith(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

var errAgain = errors.New("the line is down")

// step returns one step of a recording, empty when there is none.
func (s *station) step(id, step string) tasks.StepInfo {
	r := s.recording(id)
	if info := r.Step(step); info != nil {
		return *info
	}
	return tasks.StepInfo{}
}
