//go:build unix

package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/ngworks/nglive/tasks"
)

func testRedisServer(t *testing.T, dataDir string) *redisServer {
	t.Helper()
	program, err := findRedisServer()
	if err != nil {
		t.Fatal(err)
	}
	s, err := newRedisServer(program, dataDir, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// serve runs the server until stop is called, and once more at the test's end.
func serve(t *testing.T, s *redisServer) (rdb *redis.Client, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	stop = func() {
		cancel()
		if err, open := <-ended; open {
			close(ended)
			if ctx.Err() == nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(stop)
	if err := s.waitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	rdb = redis.NewClient(s.at.options())
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb, stop
}

func pidOf(t *testing.T, rdb *redis.Client) int {
	t.Helper()
	info, err := rdb.InfoMap(t.Context(), "server").Result()
	if err != nil {
		t.Fatal(err)
	}
	pid := 0
	for _, c := range info["Server"]["process_id"] {
		pid = 10*pid + int(c-'0')
	}
	return pid
}

func running(pid int) bool { return syscall.Kill(pid, 0) == nil }

func TestRedisServer_keepsWhatItIsGiven(t *testing.T) {
	dir := t.TempDir()
	rdb, stop := serve(t, testRedisServer(t, dir))
	if err := tasks.CheckRedis(t.Context(), rdb); err != nil {
		t.Error(err)
	}
	if err := rdb.Set(t.Context(), "kept", "yes", 0).Err(); err != nil {
		t.Fatal(err)
	}
	pid := pidOf(t, rdb)
	stop()
	if running(pid) {
		t.Error("it still runs after Serve returned")
	}
	rdb, _ = serve(t, testRedisServer(t, dir))
	if got, err := rdb.Get(t.Context(), "kept").Result(); got != "yes" {
		t.Errorf("after a new start: %q, %v", got, err)
	}
}

func TestRedisServer_startsAgainAfterKill(t *testing.T) {
	s := testRedisServer(t, t.TempDir())
	sup := supervise(t.Context(), part{name: "redis-server", run: s.Serve}, 10*time.Millisecond, s.log)
	t.Cleanup(func() { sup.stop(redisGrace) })
	if err := s.waitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClient(s.at.options())
	t.Cleanup(func() { _ = rdb.Close() })
	rdb.Set(t.Context(), "kept", "yes", 0)
	for range 3 {
		old := pidOf(t, rdb)
		if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		until(t, 10*time.Second, "another server that knows the key", func() bool {
			got, err := rdb.Get(t.Context(), "kept").Result()
			return err == nil && got == "yes" && !running(old)
		})
	}
}

func TestRedisServer_endsWhatAKilledRunLeft(t *testing.T) {
	dir := t.TempDir()
	first := testRedisServer(t, dir)
	if err := first.at.remember(first.dir); err != nil {
		t.Fatal(err)
	}
	left := exec.CommandContext(t.Context(), first.program, first.args()...)
	if err := left.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan error, 1)
	go func() { gone <- left.Wait() }()
	t.Cleanup(func() { _ = left.Process.Kill() })
	if err := first.waitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	old := redis.NewClient(first.at.options())
	old.Set(t.Context(), "kept", "yes", 0)
	_ = old.Close()

	second := testRedisServer(t, dir)
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	ended := make(chan error, 1)
	go func() { ended <- second.Serve(ctx) }()
	select {
	case err := <-gone:
		t.Log("the leftover ended:", err)
	case <-time.After(10 * time.Second):
		t.Fatal("the leftover still runs")
	}
	if err := second.waitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClient(second.at.options())
	defer func() { _ = rdb.Close() }()
	if got, err := rdb.Get(t.Context(), "kept").Result(); got != "yes" {
		t.Errorf("what the leftover knew is lost: %q, %v", got, err)
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestRedisServer_isKilledWhenItHangs(t *testing.T) {
	s := testRedisServer(t, t.TempDir())
	s.setGrace(100 * time.Millisecond)
	rdb, stop := serve(t, s)
	pid := pidOf(t, rdb)
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	stop()
	if running(pid) {
		t.Error("it still hangs there")
	}
}

func TestRedisServer_saysWhyItCannotStart(t *testing.T) {
	s := testRedisServer(t, t.TempDir())
	s.at = redisAddress{socket: filepath.Join(s.dir, "no", "such", "folder", "s")}
	err := s.Serve(t.Context())
	if err == nil || !strings.Contains(err.Error(), "nix socket") {
		t.Errorf("no cause in %v", err)
	}
}

func TestRedisServer_shortensALongPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	s := testRedisServer(t, dir)
	if s.at.socket == "" || len(s.at.socket) > longestSocket {
		t.Fatalf("its address is %+v", s.at)
	}
	private := filepath.Dir(s.at.socket)
	t.Cleanup(func() { _ = os.RemoveAll(private) })
	if again := testRedisServer(t, dir); again.at != s.at {
		t.Errorf("the next start would not find it: %+v", again.at)
	}
	serve(t, s)
	if err := os.Chmod(private, 0o755); err != nil { //nolint:gosec // the point of the test
		t.Fatal(err)
	}
	if at := testRedisServer(t, dir).at; at.socket != "" {
		t.Errorf("it would use a folder that others can enter: %+v", at)
	}
}

func TestRedisServer_onAPortAsksForItsPassword(t *testing.T) {
	s := testRedisServer(t, t.TempDir())
	var err error
	if s.at, err = loopbackAddress(); err != nil {
		t.Fatal(err)
	}
	rdb, _ := serve(t, s)
	if strings.Contains(strings.Join(s.args(), " "), s.at.password) {
		t.Error("the password stands on the command line")
	}
	options := s.at.options()
	options.Password = ""
	stranger := redis.NewClient(options)
	defer func() { _ = stranger.Close() }()
	if err := stranger.Ping(t.Context()).Err(); err == nil || !strings.HasPrefix(err.Error(), "NOAUTH") {
		t.Errorf("a stranger gets %v", err)
	}
	if err := rdb.Ping(t.Context()).Err(); err != nil {
		t.Error(err)
	}
}

func TestLastLines_keepsTheEnd(t *testing.T) {
	l := newLastLines(2)
	for _, piece := range []string{"one\ntw", "o\nthr", "ee\nfour", ""} {
		if n, err := l.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Fatal(n, err)
		}
	}
	if got := l.String(); got != "two | three | four" {
		t.Errorf("kept %q", got)
	}
}

func TestLockFile_holdsOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	release, free, err := lockFile(path)
	if err != nil || !free {
		t.Fatal(free, err)
	}
	if _, free, err := lockFile(path); free || err != nil {
		t.Errorf("a second one got it too: %v", err)
	}
	release()
	if release, free, err = lockFile(path); !free {
		t.Errorf("it is not free again: %v", err)
	}
	release()
}
