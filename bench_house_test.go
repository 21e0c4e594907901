//go:build bench

package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ngworks/nglive/tasks"
)

// ready is how long a process may take until it serves.
const ready = 60 * time.Second

// house is an installation in folders of its own with one running process.
type house struct {
	t      *testing.T
	dir    string
	data   string
	pid    int
	client *client
	said   *screen
	kill   func() // as kill -9 does; nothing is asked of it afterwards
}

// open starts `nglive` with a command and settings; it stops with the test.
func (b *bench) open(t *testing.T, command string, settings ...string) *house {
	t.Helper()
	return b.openIn(t, "", command, settings...)
}

// openIn does the same with a data folder of the caller's, "" for one of its own.
func (b *bench) openIn(t *testing.T, data, command string, settings ...string) *house {
	t.Helper()
	dir, environ := home(t)
	environ = append(environ, "PATH="+os.Getenv("PATH"), "HOME="+dir, "NGLIVE_LOG_LEVEL=warn")
	environ = append(environ, settings...)
	if data != "" {
		environ = append(environ, "NGLIVE_DATA_DIR="+data)
	}
	said := &screen{}
	cmd := exec.Command(b.binary, command) //nolint:noctx // stopped by SIGTERM below
	cmd.Env, cmd.Dir = environ, dir
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr, cmd.WaitDelay = said, said, childAttributes(), time.Second
	ended, err := startOnOwnThread(cmd)
	if err != nil {
		t.Fatal(err)
	}
	killed := false
	t.Cleanup(func() {
		if killed {
			return
		}
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("nglive %s: %v", command, err)
			}
		case <-time.After(20 * time.Second):
			_ = cmd.Process.Kill()
			t.Errorf("nglive %s did not stop within 20s: %v", command, <-ended)
		}
		if t.Failed() {
			t.Logf("nglive %s said:\n%s", command, said)
		}
	})
	h := &house{t: t, dir: dir, data: cmp.Or(data, filepath.Join(dir, "data")), pid: cmd.Process.Pid, said: said, kill: func() {
		killed = true
		_ = cmd.Process.Kill()
		if err := <-ended; err == nil {
			t.Errorf("nglive %s ended before it was killed", command)
		}
	}}
	h.connect(ended, said)
	return h
}

// connect waits until the process serves, and with `up` until its worker lives.
func (h *house) connect(ended <-chan error, said *screen) {
	h.t.Helper()
	for deadline := time.Now().Add(ready); ; <-time.After(20 * time.Millisecond) {
		select {
		case err := <-ended:
			h.t.Fatalf("nglive ended: %v\n%s", err, said)
		default:
		}
		if time.Now().After(deadline) {
			h.t.Fatalf("nglive does not serve after %s:\n%s", ready, said)
		}
		base, err := os.ReadFile(filepath.Join(h.data, webAddressFile))
		if err != nil {
			continue
		}
		if h.client, err = newClient(strings.TrimSpace(string(base)), ""); err != nil {
			h.t.Fatal(err)
		}
		if h.client.call(h.t.Context(), http.MethodGet, "/readyz", nil, nil) == nil {
			return
		}
	}
}

// awaitWorker waits until a node's worker beats.
func (h *house) awaitWorker() {
	h.t.Helper()
	until(h.t, ready, "a worker that is alive", func() bool {
		var answer struct{ Nodes []tasks.NodeInfo }
		err := h.client.call(h.t.Context(), http.MethodGet, "/api/nodes", nil, &answer)
		return err == nil && len(answer.Nodes) > 0 && answer.Nodes[0].Alive
	})
}

// record puts a file among the recordings under a name of its own (by hard
// link, so that it costs nothing and stays in memory) and returns its path.
func (h *house) record(file, name string) string {
	h.t.Helper()
	rel := filepath.Join("23058-bench", name)
	path := filepath.Join(h.dir, "recordings", rel)
	err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.Link(file, path))
	if err != nil {
		h.t.Fatal(err)
	}
	return rel
}

// closed tells that a recording is complete, as a recorder does, and returns
// when that was answered.
func (h *house) closed(rel string) time.Time {
	h.t.Helper()
	info, err := os.Stat(filepath.Join(h.dir, "recordings", rel))
	if err != nil {
		h.t.Fatal(err)
	}
	size, now := info.Size(), time.Now()
	event := newRecorderEvent(tasks.FileClosed, eventData{
		RelativePath: rel, FileSize: &size, FileOpenTime: recorderTime(now.Add(-time.Minute)), FileCloseTime: recorderTime(now),
		RoomID: 23058, Name: "bench", Title: "bench",
	})
	if err := h.client.call(h.t.Context(), http.MethodPost, "/webhook/", event, nil); err != nil {
		h.t.Fatalf("post FileClosed of %s: %v", rel, err)
	}
	return time.Now()
}

// finished waits until the recording with that path is finished.
func (h *house) finished(rel string, within time.Duration) tasks.Recording {
	h.t.Helper()
	var found tasks.Recording
	until(h.t, within, rel+" finished", func() bool {
		var answer struct{ Recordings []tasks.Recording }
		if err := h.client.call(h.t.Context(), http.MethodGet, "/api/recordings?limit=20", nil, &answer); err != nil {
			h.t.Fatal(err)
		}
		for _, r := range answer.Recordings {
			if r.Path == rel && r.State.Over() {
				found = r
			}
		}
		return found.ID != ""
	})
	if found.State != tasks.Finished {
		h.t.Fatalf("%s ended %s: %s", rel, found.State, found.Error)
	}
	return found
}

// spent is how long steps of a type took by their own account: from the moment
// the worker took them up to the moment their result was verified.
func spent(r tasks.Recording, stepTypes ...string) time.Duration {
	var sum time.Duration
	for _, kind := range stepTypes {
		for _, s := range r.Steps {
			if s.Type == kind {
				sum += s.EndedAt.Sub(s.StartedAt)
			}
		}
	}
	return sum
}

// byHand runs programs one after another, as a person would, and times them.
func byHand(t *testing.T, commands ...[]string) time.Duration {
	t.Helper()
	began := time.Now()
	for _, c := range commands {
		if out, err := exec.CommandContext(t.Context(), c[0], c[1:]...).CombinedOutput(); err != nil { //nolint:gosec // our own lists
			t.Fatalf("%s: %v\n%s", strings.Join(c, " "), err, out)
		}
	}
	return time.Since(began)
}

// warm reads a file, so that the page cache has it whoever comes next.
func warm(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(io.Discard, f)
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// address is where its web listens.
func (h *house) address() string {
	u, err := url.Parse(h.client.base)
	if err != nil {
		h.t.Fatal(err)
	}
	return u.Host
}

// makeSource runs ffmpeg to make a source.
func makeSource(t *testing.T, path string, args ...string) string {
	t.Helper()
	args = append([]string{"ffmpeg", "-v", "error", "-nostdin", "-y"}, append(args, path)...)
	byHand(t, args)
	return path
}

// noisyPicture is what a camera sends rather than what a drawing program does: it does not compress to nothing.
func noisyPicture(size string, strength int) []string {
	return []string{
		"-f", "lavfi", "-i", fmt.Sprintf("testsrc2=r=30:s=%s,noise=alls=%d:allf=t", size, strength),
		"-f", "lavfi", "-i", "sine=f=440:r=44100",
	}
}
