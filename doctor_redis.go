package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/ngworks/nglive/tasks"
)

const (
	clockSlack  = 2 * time.Second // between machines on one Redis
	clockBroken = time.Minute
)

// examineRedis looks at the Redis of the settings, else at `up`'s own.
func examineRedis(ctx context.Context, cfg Config) findings {
	if cfg.RedisURL != "" {
		options, err := redisOptions(cfg)
		if err != nil {
			return nil // the settings say it
		}
		return examineServer(ctx, options, cfg)
	}
	if at, ok := recallRedisAddress(filepath.Join(cfg.DataDir, "redis")); ok {
		own := &redisServer{at: at}
		if own.ask(ctx, func(ctx context.Context, rdb *redis.Client) error { return rdb.Ping(ctx).Err() }) == nil {
			return examineServer(ctx, at.options(), cfg)
		}
	}
	return examineRedisProgram(ctx)
}

func examineRedisProgram(ctx context.Context) findings {
	var f findings
	program, err := findRedisServer()
	if err != nil {
		f.add(bad, "Redis", "redis-server is not in PATH, and NGLIVE_REDIS_URL names none / 没有找到 redis-server", howToInstall("redis-server"))
		return f
	}
	out, err := exec.CommandContext(ctx, program, "--version").Output()
	v := regexp.MustCompile(`v=([0-9.]+)`).FindSubmatch(out)
	if err != nil || v == nil {
		f.add(bad, "Redis", program+" does not tell its version / 无法运行", howToInstall("redis-server"))
		return f
	}
	f.add(good, "Redis", fmt.Sprintf("redis-server %s is here; `nglive up` starts its own / up 会自动启动它", v[1]), "")
	return f
}

func examineServer(ctx context.Context, options *redis.Options, cfg Config) findings {
	var f findings
	options.MaxRetries, options.DialerRetries, options.DialTimeout = -1, 1, redisPatience
	rdb := redis.NewClient(options)
	defer func() { _ = rdb.Close() }()
	if err := ping(ctx, rdb); err != nil {
		f.add(bad, "Redis", fmt.Sprintf("does not answer / 连接失败: %v", hider(cfg)(err.Error())), redisHint(err))
		return f
	}
	var unsafe *tasks.UnsafeError
	err := tasks.CheckRedis(ctx, rdb)
	switch {
	case errors.As(err, &unsafe) && cfg.RedisUnsafe:
		f.add(note, "Redis", strings.Join(unsafe.Faults, "; "), "allowed by NGLIVE_REDIS_UNSAFE; work may be lost / 已被 NGLIVE_REDIS_UNSAFE 允许，可能丢任务")
	case errors.As(err, &unsafe):
		f.add(bad, "Redis", strings.Join(unsafe.Faults, "; "), redisMend)
	case err != nil:
		f.add(bad, "Redis", err.Error(), redisHint(err))
	default:
		f.add(good, "Redis", "answers and keeps what it is given / 可用且不会丢数据", "")
	}
	return append(f, compareClocks(ctx, rdb)...)
}

const redisMend = "in redis.conf: `appendonly yes` and `maxmemory-policy noeviction`, Redis 6.2 or newer; then restart Redis / 修改 redis.conf 后重启 Redis"

func compareClocks(ctx context.Context, rdb *redis.Client) findings {
	var f findings
	theirs, err := rdb.Time(ctx).Result()
	if err != nil {
		f.add(note, "clock 时钟", "Redis does not tell its time: "+err.Error(), "allow it the TIME command / 请允许 TIME 命令")
		return f
	}
	apart := time.Since(theirs).Abs().Round(time.Millisecond)
	switch {
	case apart > clockBroken:
		f.add(bad, "clock 时钟", fmt.Sprintf("%s apart from Redis's clock / 与 Redis 的时钟相差太大", apart), clockMend)
	case apart > clockSlack:
		f.add(note, "clock 时钟", fmt.Sprintf("%s apart from Redis's clock / 与 Redis 的时钟有偏差", apart), clockMend)
	default:
		f.add(good, "clock 时钟", "agrees with Redis's / 与 Redis 一致", "")
	}
	return f
}
