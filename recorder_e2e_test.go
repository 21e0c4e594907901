//go:build linux

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker/flv/flvtest"
	"github.com/ngworks/nglive/worker/recorder/recordertest"
	"github.com/ngworks/nglive/worker/recorder/rehearsal"
)

func TestSample_liveRecordsThroughTheWholeSystem(t *testing.T) {
	dir, environ := home(t)
	environ = append(environ, "NGLIVE_TOKEN=0123456789abcdef-token")
	startUp(t, environ)
	sample := start(t, environ, "sample", "--live", "3s")
	if code := sample.exit(t, 3*time.Minute); code != exitDone {
		t.Fatalf("sample: exit code %d", code)
	}
	path := strings.TrimSpace(sample.stdout.String())
	if filepath.Ext(path) != ".mp4" || !strings.HasPrefix(path, filepath.Join(dir, "archive")+string(filepath.Separator)) {
		t.Fatalf("sample's last line is %q", path)
	}
	out, err := exec.CommandContext(t.Context(), "ffprobe", "-v", "error", "-show_entries", "stream=codec_name:format=duration", "-of", "csv=p=0", path).Output()
	if err != nil || !strings.HasPrefix(string(out), "h264\naac\n") {
		t.Errorf("the archived file: %s, %v", out, err)
	}
	if list := archived(t, dir); !slices.Contains(list, strings.TrimSuffix(path, ".mp4")+".xml") {
		t.Errorf("the comments did not travel along: %v", list)
	}
	if _, err := os.Stat(filepath.Join(dir, "recordings", "config.json")); err == nil {
		t.Error("the rehearsal left a config.json where a real recorder would read it")
	}
}

// kept is an installation that runs a recorder: this test binary in that role, with a room that is on the air.
func kept(t *testing.T) (dir string, environ []string) {
	t.Helper()
	dir, environ = home(t)
	recordings := filepath.Join(dir, "recordings")
	if err := os.MkdirAll(recordings, 0o755); err != nil {
		t.Fatal(err)
	}
	config := `{"version":3,"global":{},"rooms":[{"RoomId":{"HasValue":true,"Value":23058},"AutoRecord":{"HasValue":true,"Value":true}}]}`
	flvtest.Write(t, recordings, "config.json", []byte(config))
	people := recordertest.Streamers()
	people[0].Live = true
	// It begins once our webhook is known: nobody would hear of the first file otherwise.
	script := must(json.Marshal(rehearsal.Config{Streamers: people, Unresolved: 3 * time.Second, Linger: time.Second}))
	return dir, append(environ, "NGLIVE_NODE=nas", "NGLIVE_RECORDER_PATH="+must(os.Executable()), "NGLIVE_RECORDER_LISTEN="+recordertest.FreeAddress(t),
		recordertest.Role+"=1", "REHEARSAL="+string(script), "REHEARSAL_FILM="+flvtest.Clip(t, t.TempDir(), 2))
}

// recordingsOf asks a running NGlive.
func recordingsOf(t *testing.T, environ []string) []tasks.Recording {
	t.Helper()
	c := must(newClient(localServer(must(LoadConfig(environ, ""))), ""))
	var list struct {
		Recordings []tasks.Recording `json:"recordings"`
	}
	if err := c.call(t.Context(), "GET", "/api/recordings", nil, &list); err != nil {
		return nil
	}
	return list.Recordings
}

func recorderOf(pids map[int]string) (pid int) {
	name := filepath.Base(must(os.Executable()))
	for p, program := range pids {
		if strings.HasPrefix(name, program) || strings.HasPrefix(program, name) {
			pid = p
		}
	}
	return pid
}

func settled(list []tasks.Recording) bool {
	return len(list) > 0 && !slices.ContainsFunc(list, func(r tasks.Recording) bool { return r.State != tasks.Finished })
}

func growing(t *testing.T, dir string) {
	t.Helper()
	until(t, 2*time.Minute, "a recording grows", func() bool {
		list := must(filepath.Glob(filepath.Join(dir, "recordings", "*", "*.flv")))
		if len(list) == 0 {
			return false
		}
		info, err := os.Stat(list[0])
		return err == nil && info.Size() > 100_000
	})
}

func TestUp_theRecordersLastEventsArriveBeforeItEnds(t *testing.T) {
	dir, environ := kept(t)
	up := startUp(t, environ)
	until(t, 2*time.Minute, "NGlive knows of the recording", func() bool { return len(recordingsOf(t, environ)) == 1 })
	growing(t, dir)
	if pid := recorderOf(descendants(up.Process.Pid)); pid == 0 {
		t.Fatalf("no recorder below up: %v", descendants(up.Process.Pid))
	}
	children := descendants(up.Process.Pid)
	if err := up.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := up.exit(t, 40*time.Second); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	if !allGone(children) {
		t.Error("something was left behind")
	}
	log := up.stderr.String()
	if strings.Contains(log, "token=") && !strings.Contains(log, "token=(secret)") {
		t.Error("a token is in the log")
	}
	// Without its recorder: whatever comes to the archive now was told of before.
	startUp(t, append(environ, "NGLIVE_RECORDER_PATH="))
	until(t, 2*time.Minute, "the recording is archived", func() bool { return settled(recordingsOf(t, environ)) })
}

func TestUp_killedLeavesNoRecorderBehindAndTheNextOneRecords(t *testing.T) {
	dir, environ := kept(t)
	up := startUp(t, environ)
	growing(t, dir)
	children := descendants(up.Process.Pid)
	if err := up.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	up.exit(t, 10*time.Second)
	next := startUp(t, environ) // at once, while the old recorder still closes its file
	until(t, 60*time.Second, "the old recorder is gone", func() bool { return allGone(children) })
	until(t, 2*time.Minute, "a new recorder records", func() bool {
		return recorderOf(descendants(next.Process.Pid)) != 0 && len(recordingsOf(t, environ)) > 0 &&
			slices.ContainsFunc(recordingsOf(t, environ), func(r tasks.Recording) bool { return r.State == tasks.Opening })
	})
	if err := next.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	next.exit(t, time.Minute) // its recorder closes its file before the folder goes
}
