//go:build failpoints

package tasks

import (
	"context"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// This build is for `make chaos` alone. FAILPOINT=name:n:after arms one point: the n-th time it is reached, counted from `after` the
// first point that the process reached, it ends itself with SIGKILL. That first point makes the file FAILPOINT_AWAKE. HASTEN=n makes
// the pauses n times shorter.

type arming struct {
	name  string
	n     int64
	from  time.Time
	times atomic.Int64
}

var armed = sync.OnceValue(func() *arming {
	if awake := os.Getenv("FAILPOINT_AWAKE"); awake != "" {
		_ = os.WriteFile(awake, nil, 0o600)
	}
	name, rest, ok := strings.Cut(os.Getenv("FAILPOINT"), ":")
	if !ok {
		return nil
	}
	times, after, _ := strings.Cut(rest, ":")
	n, err := strconv.ParseInt(times, 10, 64)
	if err != nil {
		panic("FAILPOINT wants name:n:after, such as store.apply.after:3:2s")
	}
	wait, _ := time.ParseDuration(after)
	return &arming{name: name, n: n, from: time.Now().Add(wait)}
})

// Failpoint ends the process when this point is armed and it is time.
func Failpoint(name string) {
	a := armed()
	if a == nil || a.name != name || time.Now().Before(a.from) || a.times.Add(1) != a.n {
		return
	}
	_, _ = os.Stderr.WriteString("failpoint " + name + "\n")
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// Hasten divides a pause by HASTEN.
func Hasten(d time.Duration) time.Duration {
	n, err := strconv.Atoi(os.Getenv("HASTEN"))
	if err != nil || n < 1 {
		return d
	}
	return d / time.Duration(n)
}

// WatchWrites makes points before and after every command that writes: redis.<command>.before and .after.
func WatchWrites(rdb *redis.Client) { rdb.AddHook(watchedWrites{}) }

type watchedWrites struct{}

func (watchedWrites) DialHook(next redis.DialHook) redis.DialHook { return next }

func (watchedWrites) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		name := cmd.Name()
		if !writes(name) {
			return next(ctx, cmd)
		}
		Failpoint("redis." + name + ".before")
		err := next(ctx, cmd)
		Failpoint("redis." + name + ".after")
		return err
	}
}

func (watchedWrites) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		Failpoint("redis.pipeline.before")
		err := next(ctx, cmds)
		Failpoint("redis.pipeline.after")
		return err
	}
}

// writes tells scripts (most of them write) and writing commands from reading ones.
func writes(name string) bool {
	switch name {
	case "evalsha", "eval", "set", "setnx", "xadd", "sadd", "srem", "hset", "del", "zadd", "zrem", "lrem", "publish":
		return true
	}
	return false
}
