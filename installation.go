package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/ngworks/nglive/tasks"
)

// installation is what every long-running command knows of this machine: its
// settings, its name and its key.
type installation struct {
	cfg     Config
	log     *slog.Logger
	id      string // of this DATA_DIR
	node    string // the node's name: NGLIVE_NODE, else the id
	secret  []byte
	systemd *systemd
	environ []string

	ownRedis bool // `up` runs the redis-server itself
}

// Both end a command whose mistake stands on the screen already; wrong settings count as wrong usage, so that systemd does not
// try them again.
var (
	errSaid     = errors.New("said already")
	errSettings = errors.New("wrong settings, said already")
)

// settings reads the configuration and says what is wrong with it.
func (c *console) settings() (Config, error) {
	cfg, err := LoadConfig(c.environ, c.dotenv)
	if err != nil {
		c.complain("NGlive's settings need mending / 设置有误：\n")
		for line := range strings.Lines(err.Error()) {
			c.complain("  ✗ %s\n", strings.TrimSpace(line))
		}
		return cfg, errSettings
	}
	return cfg, nil
}

// open makes this installation's folders, id and key where they are missing.
func (c *console) open(ctx context.Context) (*installation, error) {
	cfg, err := c.settings()
	if err != nil {
		return nil, err
	}
	if err := makeFolders(cfg); err != nil {
		return nil, err
	}
	i := &installation{systemd: newSystemd(c.environ), environ: c.environ}
	if i.id, err = LoadOrCreateNodeID(cfg.DataDir); err != nil {
		return nil, err
	}
	if i.node = cfg.Node; i.node == "" {
		i.node = i.id
	}
	if cfg.SecretKey == "" {
		if cfg.SecretKey, err = LoadOrCreateSecretKey(cfg.DataDir); err != nil {
			return nil, err
		}
	}
	i.cfg, i.secret = cfg, keyBytes(cfg.SecretKey)
	i.log = newLog(c.stderr, cfg) // it hides the key and what is derived from it
	return i, context.Cause(ctx)
}

// keyBytes makes 32 bytes of a key of any length.
func keyBytes(key Secret) []byte {
	sum := sha256.Sum256([]byte(key))
	return sum[:]
}

// makeFolders keeps what is ours alone to ourselves; videos are for everybody
// whom the user's umask lets in.
func makeFolders(cfg Config) error {
	for _, f := range []struct {
		name, path string
		mode       os.FileMode
	}{
		{"DATA_DIR", cfg.DataDir, 0o700},
		{"RECORDINGS_DIR", cfg.RecordingsDir, 0o777},
		{"OUTPUT_DIR", cfg.OutputDir, 0o777},
	} {
		if err := os.MkdirAll(f.path, f.mode); err != nil {
			return fmt.Errorf("NGLIVE_%s: %w; choose a folder that this user may write to / 请换一个可写的文件夹", f.name, err)
		}
	}
	// Of the archive only the last folder: where its disk is not mounted, the folder above is missing. That is said and waited for, and
	// no reason to leave the recorder alone.
	if err := os.Mkdir(cfg.ArchiveDir, 0o777); err != nil && !errors.Is(err, fs.ErrExist) && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("NGLIVE_ARCHIVE_DIR: %w; choose a folder that this user may write to / 请换一个可写的文件夹", err)
	}
	return nil
}

// lockOutput keeps a second installation off this one's folders: two ffmpeg would write into one part file.
func (i *installation) lockOutput() (release func(), err error) {
	release, free, err := lockFile(filepath.Join(i.cfg.OutputDir, ".nglive.lock"))
	switch {
	case err != nil:
		return nil, fmt.Errorf("lock NGLIVE_OUTPUT_DIR: %w", err)
	case !free:
		return nil, fmt.Errorf("another NGlive works with NGLIVE_OUTPUT_DIR=%s; stop it first, or give this one a folder of its own / 另一个 NGlive 正在使用这个输出文件夹", i.cfg.OutputDir)
	}
	return release, nil
}

// archivePath is how the archive is ordered where a flow does not say otherwise.
const archivePath = "{room}/{date}/{file}"

// defaults are the steps' settings that this node fills in.
func (i *installation) defaults() tasks.Defaults {
	cfg := i.cfg
	return tasks.Defaults{
		Transcode: tasks.TranscodeWith{
			Mode: string(cfg.TranscodeMode), Encoder: string(cfg.TranscodeEncoder),
			CRF: &cfg.TranscodeCRF, CQ: &cfg.TranscodeCQ,
			Bitrate: cfg.TranscodeBitrate.String(), Bufsize: cfg.TranscodeBufsize.String(), Preset: cfg.TranscodePreset,
		},
		Upload:    tasks.UploadWith{Target: cfg.UploadTarget, Path: archivePath, ShareDays: &cfg.BaiduShareDays},
		BaiduPath: strings.ReplaceAll(cfg.BaiduPath, "{app}", cfg.BaiduAppName),
	}
}

// defaultRedis is where web and worker look when nobody names a Redis.
const defaultRedis = "redis://127.0.0.1:6379/0"

func redisURL(cfg Config) SecretURL {
	if cfg.RedisURL == "" {
		return defaultRedis
	}
	return cfg.RedisURL
}

// redisOptions reads NGLIVE_REDIS_URL.
func redisOptions(cfg Config) (*redis.Options, error) {
	o, err := tasks.RedisOptions(string(redisURL(cfg)))
	if err != nil {
		return nil, err
	}
	return quieter(o), nil
}

// quieter switches off a question to the server that only one vendor's knows.
func quieter(o *redis.Options) *redis.Options {
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return o
}

// reach waits until Redis answers, saying so, and then makes sure that it keeps
// what it is given and belongs to this installation.
func (i *installation) reach(ctx context.Context, rdb redis.UniversalClient, address string) error {
	for {
		if err := i.waitForRedis(ctx, rdb, address); err != nil {
			return err
		}
		err := i.meet(ctx, rdb)
		if err == nil || !wentAway(err) {
			return err
		}
		i.log.Warn("Redis went away again", "address", address, "error", err)
		if !pause(ctx, redisAgain) {
			return context.Cause(ctx)
		}
	}
}

// redisAgain is the pause after a Redis that answered once and not again.
const redisAgain = 500 * time.Millisecond

// wentAway tells a Redis that cannot be reached, or reads its file, from one that answered and is not what it should be.
func wentAway(err error) bool {
	var unsafe *tasks.UnsafeError
	var said redis.Error
	switch {
	case errors.As(err, &unsafe), errors.Is(err, tasks.ErrOtherKey):
		return false
	case errors.As(err, &said):
		return strings.HasPrefix(said.Error(), "LOADING")
	}
	return true
}

// meet makes sure that a Redis keeps what it is given and is ours.
func (i *installation) meet(ctx context.Context, rdb redis.UniversalClient) error {
	err := tasks.CheckRedis(ctx, rdb)
	var unsafe *tasks.UnsafeError
	switch {
	case errors.As(err, &unsafe) && i.cfg.RedisUnsafe:
		i.log.Warn("this Redis may lose work; NGLIVE_REDIS_UNSAFE allows it", "faults", strings.Join(unsafe.Faults, "; "))
	case err != nil:
		return err
	}
	return tasks.CheckKey(ctx, rdb, i.secret)
}

func (i *installation) waitForRedis(ctx context.Context, rdb redis.UniversalClient, address string) error {
	const first, most = 500 * time.Millisecond, 15 * time.Second
	for delay := first; ; delay = min(2*delay, most) {
		err := ping(ctx, rdb)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		i.log.Warn("waiting for Redis", "address", address, "error", err, "next_try_in", delay, "hint", redisHint(err))
		i.systemd.waiting("waiting for Redis at "+address, most+delay)
		if !pause(ctx, delay) {
			return context.Cause(ctx)
		}
	}
}

func ping(ctx context.Context, rdb redis.UniversalClient) error {
	ctx, stop := context.WithTimeout(ctx, redisPatience)
	defer stop()
	return rdb.Ping(ctx).Err()
}

// redisHint is what to do about an error, for people.
func redisHint(err error) string {
	switch text := err.Error(); {
	case strings.HasPrefix(text, "NOAUTH"), strings.HasPrefix(text, "WRONGPASS"):
		return "put the right user and password into NGLIVE_REDIS_URL / 请检查 NGLIVE_REDIS_URL 里的密码"
	case strings.HasPrefix(text, "LOADING"):
		return "Redis reads its file; that may take a minute / Redis 正在载入数据"
	case strings.HasPrefix(text, "MISCONF"):
		return "Redis cannot write its file: is its disk full? / Redis 无法写盘，磁盘是否已满？"
	}
	return "start Redis, or run `nglive up`, which brings its own / 请启动 Redis，或使用自带 Redis 的 nglive up"
}

// baseURL is how programs on this machine reach a listener.
func baseURL(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "http://" + address
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}
