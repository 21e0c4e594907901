package main

import (
	"path/filepath"

	"github.com/redis/go-redis/v9"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/web"
	"github.com/ngworks/nglive/worker"
)

// bus is one process's way to Redis and all that lies on it.
type bus struct {
	options *redis.Options
	rdb     *redis.Client
	store   *tasks.Store
	queue   *tasks.Queue
}

func (i *installation) openBus(options *redis.Options) *bus {
	rdb := redis.NewClient(options)
	tasks.WatchWrites(rdb)
	store := tasks.NewStore(rdb, i.cfg.EventsKeep).WithBroadcastGap(i.cfg.BroadcastGap)
	return &bus{options: options, rdb: rdb, store: store, queue: tasks.NewQueue(rdb, store)}
}

func (b *bus) close() { _ = b.rdb.Close() }

// newWeb makes the web process for one life.
func (i *installation) newWeb(b *bus) (webPart, error) {
	return web.New(web.Config{
		Listen:        i.cfg.Listen,
		Token:         string(i.cfg.Token),
		Secret:        i.secret,
		Node:          i.node,
		Defaults:      i.defaults(),
		RecordingsDir: i.cfg.RecordingsDir,
		OutputDir:     i.cfg.OutputDir,
		PathMaps:      i.cfg.pathMaps(),
		Monitor:       tasks.MonitorOptions(b.options),
		Version:       versionText(),
		Log:           i.log,
	}, b.rdb, b.store, b.queue)
}

// newWorker makes this node's worker for one life.
func (i *installation) newWorker(b *bus, takeOver bool) (workerPart, error) {
	cfg := i.cfg
	return worker.New(worker.Config{
		Node: i.node, Install: i.id, TakeOver: takeOver, Version: versionText(), Secret: i.secret,
		DataDir: cfg.DataDir, RecordingsDir: cfg.RecordingsDir, OutputDir: cfg.OutputDir, ArchiveDir: cfg.ArchiveDir,
		PathMaps: cfg.pathMaps(),
		FFmpeg:   cfg.FFmpeg, FFprobe: cfg.FFprobe, StallTimeout: cfg.StallTimeout,
		Defaults:          i.defaults(),
		EncodeConcurrency: cfg.EncodeConcurrency, RemuxConcurrency: cfg.RemuxConcurrency, UploadConcurrency: cfg.UploadConcurrency,
		NotifyURLs: plain(cfg.NotifyURLs), NotifyEvents: cfg.NotifyEvents, NotifySecret: string(cfg.NotifySecret),
		Baidu:       cfg.baidu(),
		ReverseHTTP: string(cfg.ReverseHTTPURL), ReverseWS: string(cfg.ReverseWSURL),
		SweepInterval: cfg.SweepInterval, SweepSettle: cfg.SweepSettle,
		DiskWarn: cfg.DiskWarn.Of, DiskHold: cfg.DiskHold.Of,
		TrashLifetime: cfg.TrashLifetime, GuardCleans: cfg.GuardCleans,
		RedisDir: i.redisDir(), RedisReserve: cfg.RedisReserve.Of,
		Recorder: i.recorder(),
		Log:      i.log,
	}, b.rdb, b.store, b.queue)
}

// plain takes the protection off addresses, for the one who calls them.
func plain(addresses []SecretURL) []string {
	list := make([]string, len(addresses))
	for i, a := range addresses {
		list[i] = string(a)
	}
	return list
}

// redisDir is where our own redis-server keeps its file; empty = not ours.
func (i *installation) redisDir() string {
	if i.cfg.RedisURL != "" || !i.ownRedis {
		return ""
	}
	return filepath.Join(i.cfg.DataDir, "redis")
}
