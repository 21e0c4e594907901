//go:build chaos && linux

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/ngworks/nglive/tasks"
)

// component is a process of the system under test.
type component string

const (
	theWeb    component = "web"
	otherWeb  component = "web-2" // a second copy on the same Redis
	theWorker component = "worker"
	theRedis  component = "redis-server"
	theFFmpeg component = "ffmpeg"
)

const chaosNode = "chaos"

// system is one whole installation of real processes, each on its own: redis-server, web and worker.
type system struct {
	t       *testing.T
	dir     string
	binary  string
	environ []string
	client  *client
	rdb     *redis.Client
	webs    map[component]string // the address of each copy of web

	mu      sync.Mutex
	running map[component]*process
}

// process is one life of a component.
type process struct {
	cmd   *exec.Cmd
	began time.Time
	gone  chan struct{}
	err   error // after gone
}

func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

func (p *process) ended() bool {
	select {
	case <-p.gone:
		return true
	default:
		return false
	}
}

// killedBy reports whether a signal ended it, its own or somebody's.
func (p *process) killedBy(s syscall.Signal) bool {
	var exit *exec.ExitError
	if !errors.As(p.err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == s
}

// newSystem prepares an installation below dir. Its processes are started one by one.
func newSystem(t *testing.T, binary, dir string, settings ...string) *system {
	t.Helper()
	s := &system{t: t, dir: dir, binary: binary, running: map[component]*process{}}
	for _, sub := range []string{"data", "recordings", "out", "archive", "redis", "logs"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	listen := freeAddress(t)
	s.webs = map[component]string{theWeb: listen}
	s.environ = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TZ=Asia/Shanghai", "TMPDIR=" + filepath.Join(dir, "data"), "HASTEN=10",
		"NGLIVE_DATA_DIR=" + filepath.Join(dir, "data"), "NGLIVE_RECORDINGS_DIR=" + filepath.Join(dir, "recordings"),
		"NGLIVE_OUTPUT_DIR=" + filepath.Join(dir, "out"), "NGLIVE_ARCHIVE_DIR=" + filepath.Join(dir, "archive"),
		"NGLIVE_LISTEN=" + listen, "NGLIVE_WORKER_LISTEN=127.0.0.1:0", "NGLIVE_NODE=" + chaosNode,
		"NGLIVE_REDIS_URL=redis-socket://" + s.socket() + "?db=0", "NGLIVE_LOG_FORMAT=text",
	}, settings...)
	var err error
	if s.client, err = newClient("http://"+listen, ""); err != nil {
		t.Fatal(err)
	}
	s.rdb = redis.NewClient(&redis.Options{Network: "unix", Addr: s.socket(), Protocol: 2, MaxRetries: -1, DialTimeout: time.Second, ReadTimeout: 5 * time.Second})
	t.Cleanup(func() {
		_ = s.rdb.Close()
		s.stop()
	})
	return s
}

// socket is short: the path of one may have 107 bytes.
func (s *system) socket() string { return filepath.Join(s.dir, "redis", "s") }

// components are what belongs to the system, in the order of their start.
func (s *system) components() []component {
	return append(append([]component{theRedis}, slices.Sorted(maps.Keys(s.webs))...), theWorker)
}

// bases are the addresses of all copies of web.
func (s *system) bases() (list []string) {
	for _, c := range slices.Sorted(maps.Keys(s.webs)) {
		list = append(list, "http://"+s.webs[c])
	}
	return list
}

// awake is the file that a component makes when it comes to its first failpoint.
func (s *system) awake(c component) string { return filepath.Join(s.dir, "logs", string(c)+".awake") }

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it answers at once
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// command is how a component is started.
func (s *system) command(c component) *exec.Cmd {
	if c == theRedis {
		return exec.Command("redis-server", "--port", "0", "--unixsocket", s.socket(), "--unixsocketperm", "700", //nolint:noctx // ended by signals
			"--dir", filepath.Join(s.dir, "redis"), "--appendonly", "yes", "--appendfsync", redisFsync, "--save", "", "--maxmemory-policy", "noeviction")
	}
	command, _, _ := strings.Cut(string(c), "-")
	return exec.Command(s.binary, command) //nolint:noctx // ended by signals
}

// start begins a life of a component; extra goes into its environment.
func (s *system) start(c component, extra ...string) *process {
	log, err := os.OpenFile(filepath.Join(s.dir, "logs", string(c)+".log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	_, _ = fmt.Fprintf(log, "---- %s starts %v\n", time.Now().Format("15:04:05.000"), extra)
	cmd := s.command(c)
	cmd.Env = append(append([]string{}, s.environ...), extra...)
	if address, ok := s.webs[c]; ok {
		cmd.Env = append(cmd.Env, "NGLIVE_LISTEN="+address)
	}
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, log, log
	cmd.SysProcAttr, cmd.WaitDelay = childAttributes(), time.Second
	p := &process{cmd: cmd, began: time.Now(), gone: make(chan struct{})}
	ended, err := startOnOwnThread(cmd)
	if err != nil {
		panic(fmt.Sprintf("start %s: %v", c, err)) // a programming error of this test
	}
	go func() {
		p.err = <-ended
		_ = log.Close()
		close(p.gone)
	}()
	s.mu.Lock()
	s.running[c] = p
	s.mu.Unlock()
	return p
}

// current is the running life of a component, or nil.
func (s *system) current(c component) *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.running[c]; p != nil && !p.ended() {
		return p
	}
	return nil
}

// open starts everything and waits until it serves.
func (s *system) open() {
	s.t.Helper()
	for _, c := range s.components() {
		s.start(c)
	}
	until(s.t, 2*time.Minute, "web, worker and the relay are at work", func() bool {
		nodes, err := s.client.nodes(s.t.Context())
		relays, redisErr := s.rdb.Exists(s.t.Context(), "nglive:relay:cursor").Result()
		return err == nil && len(nodes) == 1 && nodes[0].Alive && redisErr == nil && relays == 1
	})
}

// stop ends what still runs: worker and web in peace, then redis-server. It returns what did not go well.
func (s *system) stop() (faults map[component]string) {
	faults = map[component]string{}
	for _, c := range slices.Backward(s.components()) {
		p := s.current(c)
		if p == nil {
			continue
		}
		p.signal(syscall.SIGCONT)
		p.signal(syscall.SIGTERM)
		select {
		case <-p.gone:
			if p.err != nil {
				faults[c] = fmt.Sprintf("did not stop in peace: %v", p.err)
			}
		case <-time.After(time.Minute):
			p.signal(syscall.SIGKILL)
			<-p.gone
			faults[c] = "did not stop within a minute of SIGTERM"
		}
	}
	return faults
}

// lastWords are the end of a component's log.
func (s *system) lastWords(c component, lines int) string {
	b, err := os.ReadFile(filepath.Join(s.dir, "logs", string(c)+".log"))
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(all[max(len(all)-lines, 0):], "\n")
}

// recordings are all that the API lists.
func (s *system) recordings(ctx context.Context) ([]tasks.Recording, error) {
	var all []tasks.Recording
	for path := "/api/recordings?limit=500"; ; {
		var page struct {
			Recordings []tasks.Recording `json:"recordings"`
			Next       string            `json:"next_cursor"`
		}
		if err := s.client.call(ctx, http.MethodGet, path, nil, &page); err != nil {
			return nil, err
		}
		if all = append(all, page.Recordings...); page.Next == "" {
			return all, nil
		}
		path = "/api/recordings?limit=500&cursor=" + page.Next
	}
}

// events are all lifecycle events that are kept, oldest first.
func (s *system) events(ctx context.Context) ([]tasks.Event, error) {
	var all []tasks.Event
	for since := ""; ; {
		var page struct {
			Events []tasks.Event `json:"events"`
			Next   string        `json:"next"`
			Gap    bool          `json:"gap"`
		}
		if err := s.client.call(ctx, http.MethodGet, "/api/events?limit=1000&since="+since, nil, &page); err != nil {
			return nil, err
		}
		if page.Gap {
			return nil, errors.New("the events have a gap")
		}
		if len(page.Events) == 0 {
			return all, nil
		}
		all, since = append(all, page.Events...), page.Next
	}
}
