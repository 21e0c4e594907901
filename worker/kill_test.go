package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker/recorder/recordertest"
)

// childEnv makes the test binary a worker process of its own, so that it can be killed.
const childEnv = "NGLIVE_TEST_WORKER"

type childConfig struct {
	Dir, Socket string
	Baidu       Baidu
}

func TestMain(m *testing.M) {
	recordertest.BeRecorder()
	if raw := os.Getenv(childEnv); raw != "" {
		runChild(raw)
		return
	}
	flag.Parse()
	if err := flag.Set("test.parallel", "4"); err != nil { // most of them wait for something most of the time
		panic(err)
	}
	os.Exit(m.Run())
}

func runChild(raw string) {
	var c childConfig
	if err := json.Unmarshal([]byte(raw), &c); err != nil {
		panic(err)
	}
	rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: c.Socket})
	store := tasks.NewStore(rdb, time.Hour)
	cfg := makeConfig(c.Dir)
	cfg.Baidu = c.Baidu
	w, err := New(cfg, rdb, store, tasks.NewQueue(rdb, store))
	if err != nil {
		panic(err)
	}
	w.targets["slow"] = diaryTarget{c.Dir}
	fmt.Fprintln(os.Stderr, w.Run(context.Background()))
}

// diaryTarget writes down when an upload begins, and waits for a file called "go".
type diaryTarget struct{ dir string }

func (d diaryTarget) Put(ctx context.Context, _ *os.File, name string, _ bool, _ func(int64)) (string, string, error) {
	f, err := os.OpenFile(filepath.Join(d.dir, "diary"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return "", "", err
	}
	fmt.Fprintln(f, time.Now().UnixMilli())
	_ = f.Close()
	for ctx.Err() == nil {
		if _, err := os.Stat(filepath.Join(d.dir, "go")); err == nil {
			return "slow:" + name, "sum", nil
		}
		pause(ctx, 10*time.Millisecond)
	}
	return "", "", ctx.Err()
}

func (diaryTarget) Check(context.Context, string, int64, string) error { return nil }

// child starts a worker process on the station's Redis and folders.
func (s *station) child(dir string) *exec.Cmd {
	s.t.Helper()
	return s.childOf(os.Args[0], dir)
}

// childOf starts such a process of a test binary; extra goes into its environment.
func (s *station) childOf(binary, dir string, extra ...string) *exec.Cmd {
	s.t.Helper()
	raw, err := json.Marshal(childConfig{Dir: dir, Socket: s.redis.Socket(), Baidu: s.cfg.Baidu})
	require.NoError(s.t, err)
	cmd := exec.CommandContext(s.t.Context(), binary)
	cmd.Env = append(append(os.Environ(), childEnv+"="+string(raw)), extra...)
	cmd.Stderr = testLog()
	require.NoError(s.t, cmd.Start())
	return cmd
}

func kill(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// TestKill_takesTheTaskUpAtOnce: a worker is killed in the middle and started again. Asynq alone takes one to three minutes; here
// the task runs again within 2 s of the start, however often it happens.
func TestKill_takesTheTaskUpAtOnce(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	dir := t.TempDir()
	s.cfg = testConfig(t, dir)
	s.file("a.flv", "content")
	diary := func() [][]byte {
		b, _ := os.ReadFile(filepath.Join(dir, "diary"))
		return bytes.Fields(b)
	}
	cmd := s.child(dir)
	r := s.closed("a.flv", slowFlow())
	s.until("the work begins", func() bool { return len(diary()) == 1 })
	for n := 2; n <= 4; n++ {
		kill(cmd)
		began := time.Now()
		cmd = s.child(dir)
		s.until("the work begins again", func() bool { return len(diary()) == n })
		took := time.Since(began)
		t.Logf("taken up again %v after the start", took.Round(time.Millisecond))
		assert.Less(t, took, 10*time.Second, "not left to Asynq's minutes")
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go"), nil, 0o600))
	s.reaches(r.ID, tasks.Finished)
	kill(cmd)
	assert.Equal(t, []string{tasks.FileClosed, tasks.UpStarted, tasks.UpEnded, tasks.FlowFinished}, s.events(r.ID))
}

// TestKill_duringARealEncode leaves nothing half-made under a final name, and no ffmpeg.
func TestKill_duringARealEncode(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	dir := t.TempDir()
	s.cfg = testConfig(t, dir)
	s.clip("a.flv", nil)
	flow := tasks.DefaultFlow()
	flow.Steps[0].With = map[string]any{"mode": "CRF", "crf": 24, "preset": "veryslow"}
	cmd := s.child(dir)
	r := s.closed("a.flv", flow)
	s.until("ffmpeg writes", func() bool {
		found, _ := filepath.Glob(filepath.Join(s.cfg.OutputDir, "*", "*", "*.part.mp4"))
		return len(found) == 1
	})
	kill(cmd)
	s.until("no ffmpeg outlives its worker", func() bool { return !ffmpegOn(dir) })
	cmd = s.child(dir)
	s.reaches(r.ID, tasks.Finished)
	kill(cmd)
	assert.FileExists(t, s.step(r.ID, "upload").Output.Location)
	s.noParts()
}

// ffmpegOn reports whether an ffmpeg works below that folder.
func ffmpegOn(dir string) bool {
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, p := range all {
		b, _ := os.ReadFile(p)
		if strings.HasPrefix(string(b), "ffmpeg") && strings.Contains(string(b), dir) {
			return true
		}
	}
	return false
}
