//go:build unix

package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/ngworks/nglive/tasks"
)

// foreignRedis is one that is not our own, with the given options; start runs it.
func foreignRedis(t *testing.T, args ...string) (url string, start func()) {
	t.Helper()
	dir, err := os.MkdirTemp("", "ngl") //nolint:usetesting // short: it holds a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	start = func() {
		cmd := exec.CommandContext(t.Context(), "redis-server", append([]string{"--port", "0", "--unixsocket", socket, "--dir", dir, "--save", ""}, args...)...)
		cmd.SysProcAttr = childAttributes()
		ended, err := startOnOwnThread(cmd)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill(); t.Log("a foreign Redis ended:", <-ended) })
		until(t, 10*time.Second, "an answer from Redis", func() bool {
			rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: socket})
			defer func() { _ = rdb.Close() }()
			return ping(t.Context(), rdb) == nil
		})
	}
	return "redis-socket://" + socket, start
}

func installed(t *testing.T, environ ...string) (*installation, *screen) {
	t.Helper()
	_, all := home(t)
	c, _, stderr := testConsole(append(all, environ...)...)
	i, err := c.open(t.Context())
	if err != nil {
		t.Fatal(err, stderr)
	}
	return i, stderr
}

func (i *installation) reachOwn(ctx context.Context) error {
	options, err := redisOptions(i.cfg)
	if err != nil {
		return err
	}
	b := i.openBus(options)
	defer b.close()
	return i.reach(ctx, b.rdb, redisURL(i.cfg).String())
}

func TestReach_waitsForRedisAndSaysSo(t *testing.T) {
	url, start := foreignRedis(t, "--appendonly", "yes")
	i, log := installed(t, "NGLIVE_REDIS_URL="+url)
	ended := make(chan error, 1)
	go func() { ended <- i.reachOwn(t.Context()) }()
	until(t, 10*time.Second, "words about the wait", func() bool { return strings.Contains(log.String(), "waiting for Redis") })
	start()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Error("it still waits")
	}
}

func TestReach_refusesARedisThatLosesWork(t *testing.T) {
	url, start := foreignRedis(t, "--appendonly", "no", "--maxmemory-policy", "allkeys-lru")
	start()
	i, _ := installed(t, "NGLIVE_REDIS_URL="+url)
	var unsafe *tasks.UnsafeError
	if err := i.reachOwn(t.Context()); !errors.As(err, &unsafe) || len(unsafe.Faults) != 2 {
		t.Errorf("it got past with %v", err)
	}
	i, log := installed(t, "NGLIVE_REDIS_URL="+url, "NGLIVE_REDIS_UNSAFE=true")
	if err := i.reachOwn(t.Context()); err != nil || !strings.Contains(log.String(), "may lose work") {
		t.Errorf("the override gives %v and says %s", err, log)
	}
}

func TestReach_refusesAnotherKey(t *testing.T) {
	url, start := foreignRedis(t, "--appendonly", "yes")
	start()
	first, _ := installed(t, "NGLIVE_REDIS_URL="+url)
	if err := first.reachOwn(t.Context()); err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(filepath.Join(first.cfg.DataDir, "secret_key"))
	if err != nil {
		t.Fatal(err)
	}
	second, _ := installed(t, "NGLIVE_REDIS_URL="+url)
	if err := second.reachOwn(t.Context()); !errors.Is(err, tasks.ErrOtherKey) {
		t.Errorf("another key: %v", err)
	}
	third, _ := installed(t, "NGLIVE_REDIS_URL="+url, "NGLIVE_SECRET_KEY="+string(key))
	if err := third.reachOwn(t.Context()); err != nil {
		t.Errorf("the same key by its setting: %v", err)
	}
}

func TestOpen_keepsItsFolderToItself(t *testing.T) {
	i, _ := installed(t)
	info, err := os.Stat(i.cfg.DataDir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("DATA_DIR has mode %v, %v", info.Mode(), err)
	}
	for _, dir := range []string{i.cfg.RecordingsDir, i.cfg.OutputDir, i.cfg.ArchiveDir} {
		if !isDir(dir) {
			t.Errorf("%s was not made", dir)
		}
	}
}

func TestBaseURL_isWhereThisMachineReachesIt(t *testing.T) {
	for listen, want := range map[string]string{
		"127.0.0.1:8100": "http://127.0.0.1:8100", "0.0.0.0:80": "http://127.0.0.1:80", ":8100": "http://127.0.0.1:8100",
		"[::]:8100": "http://127.0.0.1:8100", "[::1]:8100": "http://[::1]:8100", "nas:8100": "http://nas:8100",
	} {
		if got := baseURL(listen); got != want {
			t.Errorf("%s: %s, want %s", listen, got, want)
		}
	}
}

func TestRedisHint_knowsWhatToDo(t *testing.T) {
	for said, want := range map[string]string{
		"NOAUTH Authentication required.": "password", "WRONGPASS invalid": "password", "LOADING Redis is loading": "minute",
		"MISCONF Errors writing": "disk", "dial unix: connection refused": "nglive up",
	} {
		if hint := redisHint(errors.New(said)); !strings.Contains(hint, want) {
			t.Errorf("%s: %s", said, hint)
		}
	}
}

// onceAway fails the first of each command as a Redis does that is just being started again.
type onceAway struct{ commands *sync.Map }

func away(commands ...string) onceAway {
	o := onceAway{&sync.Map{}}
	for _, c := range commands {
		o.commands.Store(c, true)
	}
	return o
}

func (o onceAway) DialHook(next redis.DialHook) redis.DialHook { return next }

func (o onceAway) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if _, fails := o.commands.LoadAndDelete(cmd.Name()); fails {
			cmd.SetErr(syscall.ECONNREFUSED)
			return cmd.Err()
		}
		return next(ctx, cmd)
	}
}

func (o onceAway) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func TestReach_waitsForARedisThatGoesAwayAgain(t *testing.T) {
	url, start := foreignRedis(t, "--appendonly", "yes")
	start()
	_, environ := home(t)
	c, _, stderr := testConsole(append(environ, "NGLIVE_REDIS_URL="+url)...)
	i, err := c.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	options, err := redisOptions(i.cfg)
	if err != nil {
		t.Fatal(err)
	}
	b := i.openBus(options)
	defer b.close()
	b.rdb.AddHook(away("info", "get"))
	if err := i.reach(t.Context(), b.rdb, url); err != nil {
		t.Errorf("it gave up: %v", err)
	}
	if got := strings.Count(stderr.String(), "went away again"); got != 2 {
		t.Errorf("said %d times: %s", got, stderr)
	}
}
