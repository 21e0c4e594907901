package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	redisGrace     = 10 * time.Second // from SIGTERM to SIGKILL
	redisPoll      = 20 * time.Millisecond
	redisPatience  = 2 * time.Second // for one answer
	redisLastLines = 5               // of its output, in an error
)

// redisServer is the redis-server that `up` runs for itself: a child process
// that nobody else can reach, with its append-only file in dir.
type redisServer struct {
	program string
	dir     string // DATA_DIR/redis
	at      redisAddress
	log     *slog.Logger

	mu    sync.Mutex
	grace time.Duration
}

// findRedisServer looks for the program; the error says how to get it.
func findRedisServer() (string, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return "", fmt.Errorf("redis-server is not installed: %s, or name a running Redis in NGLIVE_REDIS_URL / 没有安装 redis-server：请先安装，或用 NGLIVE_REDIS_URL 指定一个 Redis", howToInstall("redis-server"))
	}
	return path, nil
}

// howToInstall names the command for a package on this system.
func howToInstall(pkg string) string {
	switch runtime.GOOS {
	case "darwin":
		return "brew install " + strings.TrimSuffix(pkg, "-server")
	case "windows":
		return "download " + pkg + " and put it into PATH"
	}
	for _, m := range []struct{ program, command string }{
		{"apt-get", "sudo apt-get install " + pkg},
		{"dnf", "sudo dnf install " + strings.TrimSuffix(pkg, "-server")},
		{"pacman", "sudo pacman -S " + strings.TrimSuffix(pkg, "-server")},
		{"apk", "sudo apk add " + strings.TrimSuffix(pkg, "-server")},
	} {
		if _, err := exec.LookPath(m.program); err == nil {
			return m.command
		}
	}
	return "install " + pkg
}

// newRedisServer prepares the server of one DATA_DIR.
func newRedisServer(program, dataDir string, log *slog.Logger) (*redisServer, error) {
	dir := filepath.Join(dataDir, "redis")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("the folder for Redis: %w", err)
	}
	at, err := chooseRedisAddress(dir)
	if err != nil {
		return nil, err
	}
	return &redisServer{program: program, dir: dir, at: at, log: log, grace: redisGrace}, nil
}

// redisFsync is when redis-server makes its file safe. Not "everysec": with that it answers before it has written while an fsync is
// under way, for up to 2 s, and killed in that moment it has forgotten what was promised.
const redisFsync = "always"

// args are the server's command line. The password is not among them: any user
// of the machine can read those.
func (r *redisServer) args() []string {
	args := []string{"-"} // the rest of the configuration comes on stdin
	if r.at.socket != "" {
		args = append(args, "--port", "0", "--unixsocket", r.at.socket, "--unixsocketperm", "700")
	} else {
		args = append(args, "--bind", "127.0.0.1", "--port", r.at.port)
	}
	return append(args, "--dir", r.dir, "--appendonly", "yes", "--appendfsync", redisFsync, "--save", "",
		"--maxmemory-policy", "noeviction", "--daemonize", "no")
}

func (r *redisServer) stdin() io.Reader {
	if r.at.password == "" {
		return strings.NewReader("")
	}
	return strings.NewReader("requirepass " + r.at.password + "\n")
}

// String is the service's name in the log.
func (r *redisServer) String() string { return "redis-server" }

// Serve runs the server until ctx ends, then stops it and waits until it has
// written everything down. Before that it ends a server that a killed `up` left
// behind on the same folder; the caller holds that folder's lock.
func (r *redisServer) Serve(ctx context.Context) error {
	if err := r.endLeftover(ctx); err != nil {
		return err
	}
	if err := r.at.remember(r.dir); err != nil {
		return err
	}
	lines := newLastLines(redisLastLines)
	cmd := exec.Command(r.program, r.args()...) //nolint:noctx // stopped by SIGTERM below, never by a context's SIGKILL
	cmd.Stdin, cmd.Stdout, cmd.Stderr = r.stdin(), lines, lines
	cmd.SysProcAttr = childAttributes()
	cmd.WaitDelay = time.Second
	ended, err := startOnOwnThread(cmd)
	if err != nil {
		return fmt.Errorf("start %s: %w", r.program, err)
	}
	r.log.Info("redis-server started", "pid", cmd.Process.Pid, "dir", r.dir)
	select {
	case err := <-ended:
		return fmt.Errorf("redis-server ended by itself (%w); its last words: %s", orDone(err), lines)
	case <-ctx.Done():
		r.stop(context.WithoutCancel(ctx), cmd.Process, ended)
		return ctx.Err()
	}
}

func orDone(err error) error {
	if err == nil {
		return errors.New("exit code 0")
	}
	return err
}

// startOnOwnThread starts a child whose life hangs on this process: Linux ends
// it when the thread that started it ends, so that thread is kept until then.
// The channel gives the child's end.
func startOnOwnThread(cmd *exec.Cmd) (<-chan error, error) {
	started, ended := make(chan error, 1), make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			ended <- cmd.Wait()
		}
	}()
	return ended, <-started
}

// setGrace shortens the time the server has to stop, when `up` runs late.
func (r *redisServer) setGrace(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.grace = d
}

func (r *redisServer) stop(ctx context.Context, p *os.Process, ended <-chan error) {
	r.mu.Lock()
	grace := r.grace
	r.mu.Unlock()
	if err := p.Signal(syscall.SIGTERM); err != nil { // Windows has no such signal
		_ = r.ask(ctx, func(ctx context.Context, rdb *redis.Client) error { return rdb.Shutdown(ctx).Err() })
	}
	select {
	case err := <-ended:
		r.log.Info("redis-server stopped", "error", err)
	case <-time.After(grace):
		r.log.Warn("redis-server did not stop in time and was killed", "after", grace)
		_ = p.Kill()
		r.log.Info("redis-server ended", "error", <-ended)
	}
}

// waitReady returns once the server answers and has read its file again.
func (r *redisServer) waitReady(ctx context.Context) error {
	said := time.Now()
	for {
		err := r.ask(ctx, func(ctx context.Context, rdb *redis.Client) error { return rdb.Ping(ctx).Err() })
		if err == nil {
			return nil
		}
		if time.Since(said) > 5*time.Second {
			said = time.Now()
			r.log.Info("still waiting for redis-server to read its file", "answer", err)
		}
		if !pause(ctx, redisPoll) {
			return context.Cause(ctx)
		}
	}
}

// endLeftover stops the server of an `up` that was killed: two on one folder
// would spoil its file.
func (r *redisServer) endLeftover(ctx context.Context) error {
	old, ok := recallRedisAddress(r.dir)
	if !ok {
		return nil
	}
	left := &redisServer{at: old}
	since := time.Now()
	for said := false; ; said = true {
		err := left.ask(ctx, func(ctx context.Context, rdb *redis.Client) error { return rdb.Shutdown(ctx).Err() })
		if gone(err) || old.socket == "" && time.Since(since) > redisGrace {
			return nil // by now another program may have that port
		}
		if !said {
			r.log.Warn("a redis-server of an earlier run was still there and is being stopped", "dir", r.dir)
		}
		if !pause(ctx, redisPoll) {
			return context.Cause(ctx)
		}
	}
}

// gone says that nobody listens there.
func gone(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, os.ErrNotExist)
}

// ask makes one short-lived connection and gives the question's error.
func (r *redisServer) ask(ctx context.Context, question func(context.Context, *redis.Client) error) error {
	options := r.at.options()
	options.MaxRetries, options.DialerRetries, options.PoolSize = -1, 1, 1
	options.DialTimeout, options.ReadTimeout = redisPatience, redisPatience
	rdb := redis.NewClient(options)
	defer func() { _ = rdb.Close() }()
	return question(ctx, rdb)
}

// pause waits; false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
