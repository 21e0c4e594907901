//go:build unix

package recorder_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ngworks/nglive/worker/flv/flvtest"
	"github.com/ngworks/nglive/worker/recorder"
	"github.com/ngworks/nglive/worker/recorder/recordertest"
	"github.com/ngworks/nglive/worker/recorder/rehearsal"
)

// nursery is a recorder that is kept, as a real process: this test binary in the recorder's role.
type nursery struct {
	t       *testing.T
	folder  string
	address string
	client  *recorder.Client
	watch   *recorder.Watch
	program recorder.Program
	times   recorder.Times
	webhook string
	stop    func()

	mu     sync.Mutex
	said   []string
	states []recorder.State
}

func newNursery(t *testing.T) *nursery {
	t.Helper()
	n := &nursery{t: t, folder: filepath.Join(t.TempDir(), "录 播 'folder' $HOME"), address: recordertest.FreeAddress(t)}
	require.NoError(t, os.Mkdir(n.folder, 0o755))
	exe, err := os.Executable()
	require.NoError(t, err)
	script, err := json.Marshal(recordertest.Quick(rehearsal.Config{Streamers: recordertest.Streamers(), Linger: 300 * time.Millisecond}))
	require.NoError(t, err)
	n.program = recorder.Program{
		Path: exe, Folder: n.folder, Listen: n.address, User: "u", Password: "p-secret-p", Grace: 20 * time.Second,
		Environ: append(os.Environ(), recordertest.Role+"=1", "REHEARSAL="+string(script), "REHEARSAL_FILM="+flvtest.Clip(t, t.TempDir(), 2)),
		Line: func(line string) {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.said = append(n.said, line)
		},
	}
	n.times = recorder.Times{
		Look: 20 * time.Millisecond, Hooks: 100 * time.Millisecond, Alarm: time.Hour, Deaf: time.Hour, Growing: time.Hour,
		Stable: time.Hour, Pause: time.Millisecond, Longest: 20 * time.Millisecond, Loop: 1000,
	}
	return n
}

// start keeps the recorder until the test ends, or stop.
func (n *nursery) start() {
	n.t.Helper()
	var err error
	n.client, err = recorder.New(recorder.Config{URL: "http://" + n.address, User: "u", Password: "p-secret-p", Timeout: 5 * time.Second, RefreshWaits: quickWaits()})
	require.NoError(n.t, err)
	n.watch = recorder.NewWatch(n.client, n.webhook, n.times, func(s recorder.State) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.states = append(n.states, s)
	})
	keeper := recorder.NewKeeper(n.program, n.watch, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	var both sync.WaitGroup
	watching, unwatch := context.WithCancel(context.Background())
	both.Go(func() { n.watch.Run(watching) })
	both.Go(func() { keeper.Run(ctx); unwatch() })
	n.stop = sync.OnceFunc(func() { cancel(); both.Wait() })
	n.t.Cleanup(n.stop)
}

func (n *nursery) until(what string, ok func(recorder.State) bool) recorder.State {
	n.t.Helper()
	var s recorder.State
	require.Eventually(n.t, func() bool { s = n.watch.State(); return ok(s) }, 60*time.Second, 5*time.Millisecond, what)
	return s
}

func (n *nursery) up() recorder.State {
	n.t.Helper()
	return n.until("the recorder is up", func(s recorder.State) bool { return s.Up })
}

func (n *nursery) lines() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Join(n.said, "\n")
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

// control plays on the rehearsal's stage.
func (n *nursery) control(path string) {
	n.t.Helper()
	req, err := http.NewRequestWithContext(n.t.Context(), http.MethodPost, "http://"+n.address+"/rehearsal/"+path, http.NoBody)
	require.NoError(n.t, err)
	req.SetBasicAuth("u", "p-secret-p")
	res, err := http.DefaultClient.Do(req)
	require.NoError(n.t, err)
	require.NoError(n.t, res.Body.Close())
	require.Equal(n.t, http.StatusOK, res.StatusCode)
}

// record adds a room that is on the air.
func (n *nursery) record() {
	n.t.Helper()
	n.control("live/23058")
	_, err := n.client.Add(soon(n.t), 23058, true)
	require.NoError(n.t, err)
	require.Eventually(n.t, func() bool {
		r, err := n.client.Room(n.t.Context(), 23058)
		return err == nil && r.Recording && r.Stats.CurrentFileSize > 10_000
	}, 60*time.Second, 10*time.Millisecond, "a file grows")
}

func TestKeeper_runsARecorderInAFolderOfAnyName(t *testing.T) {
	t.Parallel()
	n := newNursery(t)
	n.start()
	s := n.up()
	assert.Equal(t, "2.17.3", s.Version)
	if line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", s.PID)); err == nil {
		args := strings.Split(strings.TrimRight(string(line), "\x00"), "\x00")
		assert.Equal(t, []string{"run", n.folder, "--bind", "http://" + n.address}, args[1:])
		assert.NotContains(t, string(line), "p-secret-p")
	}
	n.until("its lines are ours", func(recorder.State) bool { return strings.Contains(n.lines(), "Now listening on") })
	n.stop()
	assert.False(t, alive(s.PID))
	assert.Contains(t, n.lines(), "Done", "it ended by itself")
}

func TestKeeper_startsItAgainAfterAKill(t *testing.T) {
	t.Parallel()
	n := newNursery(t)
	n.start()
	first := n.up()
	require.NoError(t, syscall.Kill(first.PID, syscall.SIGKILL))
	second := n.until("a second life", func(s recorder.State) bool { return s.Up && s.Life == 2 })
	assert.NotEqual(t, first.PID, second.PID)
	assert.False(t, second.Alarm)
}

func TestKeeper_raisesTheAlarmAboutACrashLoop(t *testing.T) {
	t.Parallel()
	n := newNursery(t)
	n.program.Path = script(t, `echo "[ERR] out of luck"; exit 134`)
	n.times.Loop = 3
	n.start()
	s := n.until("the alarm", func(s recorder.State) bool { return s.Alarm })
	assert.GreaterOrEqual(t, s.Life, 3)
	n.until("why", func(s recorder.State) bool {
		return strings.Contains(s.Trouble, "exit code 134") && strings.Contains(s.Trouble, "out of luck")
	})
}

func TestKeeper_aStableLifeEndsARowOfShortOnes(t *testing.T) {
	t.Parallel()
	n := newNursery(t)
	n.program.Path = script(t, `exit 134`)
	n.times.Loop, n.times.Stable = 3, time.Nanosecond // every life is long enough
	n.start()
	n.until("many lives", func(s recorder.State) bool { return s.Life >= 3*n.times.Loop })
	assert.False(t, n.watch.State().Alarm, "lives that long are no crash loop")
}

func TestKeeper_saysThatTheAddressIsTaken(t *testing.T) {
	t.Parallel()
	n := newNursery(t)
	l := recordertest.Listen(t, n.address)
	defer func() { _ = l.Close() }()
	n.start()
	n.until("the reason", func(s recorder.State) bool { return strings.Contains(s.Trouble, "NGLIVE_RECORDER_LISTEN") })
}

func TestKeeper_takesNobodyElseForItsRecorder(t *testing.T) {
	t.Parallel()
	n := newNursery(t)
	l := recordertest.Listen(t, n.address)
	n.webhook = ours
	var asked atomic.Int32
	other := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = w.Write([]byte(`{"semVer":"9.9.9"}`))
	})}
	go func() { _ = other.Serve(l) }()
	n.start()
	s := n.until("the alarm", func(s recorder.State) bool { return s.Alarm })
	assert.Contains(t, s.Trouble, "NGLIVE_RECORDER_LISTEN")
	assert.Zero(t, asked.Load(), "a stranger was asked, and might have been told our webhook")
	require.NoError(t, other.Close())
	assert.Equal(t, "2.17.3", n.up().Version)
}

func TestProgram_explainsWhyTheRecorderEnded(t *testing.T) {
	t.Parallel()
	n := newNursery(t)
	l := recordertest.Listen(t, n.address)
	defer func() { _ = l.Close() }()
	var ended *recorder.EndedError
	require.ErrorAs(t, n.program.Run(t.Context(), nil), &ended)
	assert.Equal(t, 255, ended.Code)
	assert.Contains(t, ended.Error(), "NGLIVE_RECORDER_LISTEN")

	flvtest.Write(t, n.folder, "config.json", []byte("{half"))
	require.ErrorAs(t, n.program.Run(t.Context(), nil), &ended)
	assert.Equal(t, 255, ended.Code)
	assert.Contains(t, ended.Error(), "config.backup.json")

	n.program.Path = script(t, "kill -SEGV $$")
	require.ErrorAs(t, n.program.Run(t.Context(), nil), &ended)
	assert.Contains(t, ended.Error(), "signal")
}

func TestKeeper_saysThatTheProgramIsNotThere(t *testing.T) {
	t.Parallel()
	n := newNursery(t)
	n.program.Path = filepath.Join(n.folder, "nowhere")
	n.start()
	n.until("the reason", func(s recorder.State) bool { return strings.Contains(s.Trouble, "NGLIVE_RECORDER_PATH") })
}

func TestKeeper_startsADeafOneAgain(t *testing.T) {
	t.Parallel()
	n := newNursery(t)
	n.times.Deaf = 6 * time.Second // longer than one question
	n.start()
	n.up()
	n.control("deaf")
	n.until("a second life", func(s recorder.State) bool { return s.Up && s.Life == 2 })
}

func TestKeeper_leavesADeafOneAloneThatRecords(t *testing.T) {
	t.Parallel()
	n := newNursery(t)
	n.times.Deaf = 6 * time.Second
	n.start()
	n.up()
	n.record()
	n.control("deaf")
	s := n.until("the alarm", func(s recorder.State) bool { return s.Alarm && strings.Contains(s.Trouble, "still records") })
	assert.Equal(t, 1, s.Life)
	assert.True(t, alive(s.PID))
}

func TestKeeper_stopsItSoThatItsLastEventsArrive(t *testing.T) {
	t.Parallel()
	n := newNursery(t)
	hook := newReceiver(t)
	n.webhook = hook.URL + "/webhook/?node=a&token=t"
	n.start()
	n.up()
	n.until("it knows our webhook", func(s recorder.State) bool { return s.Hooked })
	n.record()
	n.stop()
	assert.ElementsMatch(t, []string{"StreamStarted", "SessionStarted", "FileOpening", "FileClosed", "SessionEnded"}, hook.kinds())
	closed := hook.only(t, "FileClosed")
	info, err := os.Stat(filepath.Join(n.folder, filepath.FromSlash(closed.Data.RelativePath)))
	require.NoError(t, err)
	assert.Equal(t, info.Size(), closed.Data.FileSize)
	config, err := os.ReadFile(filepath.Join(n.folder, "config.json"))
	require.NoError(t, err)
	assert.Contains(t, string(config), "23058")
}

func TestKeeper_killsOneThatWillNotEnd(t *testing.T) {
	t.Parallel()
	n := newNursery(t)
	n.program.Path = script(t, `trap '' INT TERM; echo ready; while :; do sleep 1; done`)
	n.program.Grace = 200 * time.Millisecond
	n.start()
	require.Eventually(t, func() bool { return strings.Contains(n.lines(), "ready") }, 30*time.Second, 5*time.Millisecond)
	pid := n.until("it is known", func(s recorder.State) bool { return s.PID > 0 }).PID
	n.stop()
	assert.False(t, alive(pid))
}

func TestKeeper_neverRunsTwoOnOneFolder(t *testing.T) {
	t.Parallel()
	n := newNursery(t)
	n.start()
	n.up()
	other := newNursery(t)
	other.program.Folder, other.program.Grace = n.folder, time.Millisecond
	other.start()
	s := other.until("the alarm", func(s recorder.State) bool { return s.Alarm })
	assert.Contains(t, s.Trouble, "a recorder of another NGlive") // by the lock, before anybody looks at processes
	assert.Zero(t, s.Life)
	n.stop()
	other.up()
}

func TestKeeper_seesARecorderThatSomebodyElseStarted(t *testing.T) {
	t.Parallel()
	n := newNursery(t)
	stranger := exec.CommandContext(t.Context(), n.program.Path, "run", filepath.Base(n.folder), "--bind", "http://"+recordertest.FreeAddress(t))
	stranger.Dir, stranger.Env = filepath.Dir(n.folder), n.program.Environ
	require.NoError(t, stranger.Start())
	n.start()
	s := n.until("the alarm", func(s recorder.State) bool { return s.Alarm })
	assert.Contains(t, s.Trouble, fmt.Sprintf("process %d", stranger.Process.Pid))
	assert.Zero(t, s.Life)
	require.NoError(t, stranger.Process.Signal(os.Interrupt))
	_ = stranger.Wait()
	n.up()
}

// script is a program that does what the test says.
func script(t *testing.T, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "recorder.sh")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o700))
	return path
}
