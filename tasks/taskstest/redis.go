// Package taskstest gives tests a real redis-server of their own, on a unix socket in a folder of its own. It never touches a
// Redis that somebody else started.
package taskstest

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// patience is how long a test waits for something that should happen at once.
const patience = 10 * time.Second

// Server is a redis-server with an append-only file: what it accepted is there again after Stop and Start.
type Server struct {
	t       testing.TB
	dir     string
	process *exec.Cmd
	paused  bool
}

// Redis starts a redis-server that ends with the test.
func Redis(tb testing.TB) *Server {
	tb.Helper()
	// TempDir has the test's name in it, and a socket's path must stay under 108 bytes.
	dir, err := os.MkdirTemp("", "ngr") //nolint:usetesting // see above
	if err != nil {
		tb.Fatal(err)
	}
	s := &Server{t: tb, dir: dir}
	tb.Cleanup(func() {
		s.Stop()
		_ = os.RemoveAll(dir)
	})
	s.Start()
	return s
}

// Socket is where it listens.
func (s *Server) Socket() string { return filepath.Join(s.dir, "r.sock") }

// URL is what NGLIVE_REDIS_URL takes.
func (s *Server) URL() string { return "redis-socket://" + s.Socket() + "?db=0" }

// Options connect to it.
func (s *Server) Options() *redis.Options {
	return &redis.Options{Network: "unix", Addr: s.Socket(), Protocol: 2}
}

// Client connects to it until the test ends.
func (s *Server) Client() *redis.Client {
	s.t.Helper()
	c := redis.NewClient(s.Options())
	s.t.Cleanup(func() { _ = c.Close() })
	return c
}

// Start starts it, with what it held before, and waits until it answers.
func (s *Server) Start() {
	s.t.Helper()
	if s.process != nil {
		return
	}
	s.process = exec.CommandContext(context.Background(), "redis-server", "--port", "0", "--unixsocket", s.Socket(),
		"--unixsocketperm", "700", "--dir", s.dir, "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
		"--maxmemory-policy", "noeviction", "--logfile", filepath.Join(s.dir, "log"))
	s.process.SysProcAttr = dieWithParent()
	if err := s.process.Start(); err != nil {
		s.t.Fatalf("this test needs redis-server (make test installs it): %v", err)
	}
	for deadline := time.Now().Add(patience); !s.answers(); {
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			s.t.Fatalf("redis-server does not answer after %s:\n%s", patience, log)
		}
	}
}

// answers asks once and takes at most some milliseconds.
func (s *Server) answers() bool {
	dialer := net.Dialer{Timeout: patience}
	conn, err := dialer.DialContext(context.Background(), "unix", s.Socket())
	if err != nil {
		<-time.After(time.Millisecond)
		return false
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	reply := make([]byte, 5)
	_, err = conn.Read(reply)
	return err == nil && string(reply) == "+PONG"
}

// Stop ends it in peace: all that it accepted is there again after Start.
func (s *Server) Stop() {
	if s.process == nil {
		return
	}
	if s.paused {
		_ = suspend(s.process.Process, false)
	}
	s.end(syscall.SIGTERM)
}

// Kill ends it with SIGKILL. While its disk is slow to sync, a redis-server answers before it writes: the last two seconds may
// be lost.
func (s *Server) Kill() {
	if s.process != nil {
		s.end(syscall.SIGKILL)
	}
}

func (s *Server) end(how os.Signal) {
	gone := make(chan struct{})
	go func() {
		_ = s.process.Wait()
		close(gone)
	}()
	if err := s.process.Process.Signal(how); err != nil {
		_ = s.process.Process.Kill()
	}
	select {
	case <-gone:
	case <-time.After(patience):
		_ = s.process.Process.Kill()
		<-gone
	}
	_ = os.Remove(s.Socket())
	s.process, s.paused = nil, false
}

// Pause leaves every connection open and answers nothing, until Resume.
func (s *Server) Pause() { s.t.Helper(); s.suspend(true) }

// Resume lets it answer again.
func (s *Server) Resume() { s.t.Helper(); s.suspend(false) }

func (s *Server) suspend(on bool) {
	s.t.Helper()
	if s.process == nil || s.paused == on {
		return
	}
	if err := suspend(s.process.Process, on); err != nil {
		s.t.Fatalf("pause redis-server: %v", err)
	}
	s.paused = on
}
