// Package worker is the process that does a node's work: it takes tasks from the queues and runs ffmpeg, uploads and
// notifications. It knows no browser and serves no API; what it has to say goes into Redis.
package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker/ffmpeg"
)

// Config is what a worker is told by its owner.
type Config struct {
	Node     string // the node's name
	Install  string // the installation's persisted id
	TakeOver bool   // take the node's name from another installation
	Version  string
	Secret   []byte

	DataDir, RecordingsDir, OutputDir, ArchiveDir string
	PathMaps                                      []tasks.PathMap // told to web, which reads the recorder's paths

	FFmpeg, FFprobe string
	StallTimeout    time.Duration

	Defaults tasks.Defaults

	EncodeConcurrency, RemuxConcurrency, UploadConcurrency int

	NotifyURLs   []string
	NotifyEvents []string // what each of them wants
	NotifySecret string
	ReverseHTTP  string // takes every event
	ReverseWS    string // a master that is dialled; empty = none

	Baidu Baidu

	SweepInterval, SweepSettle time.Duration
	DiskWarn, DiskHold         Reserve
	TrashLifetime              time.Duration
	GuardCleans                bool   // the disk guard may take what was uploaded and verified to the trash
	RedisDir                   string // where our own Redis keeps its file; empty = not ours to watch
	RedisReserve               Reserve

	Recorder RecorderConfig

	Log *slog.Logger
}

// Worker is one node's worker.
type Worker struct {
	cfg      Config
	rdb      redis.UniversalClient
	store    *tasks.Store
	queue    *tasks.Queue
	log      *slog.Logger
	tools    ffmpeg.Tools
	usage    func(dir string) (free, total uint64)
	clock    func() time.Time // by which the hours for uploads begin and end
	programs programs
	owner    tasks.Owner
	targets  map[string]Target // but for the accounts of netdisk
	netdisk  *netdisk
	recorder *recorderPost // nil: this node has none

	journal   *journal
	outbox    *outbox
	master    *master
	jobs      *jobs
	locks     *locks
	slots     map[string]slots
	live      chan tasks.Event
	channels  []channel
	rooms     *roomKeeper
	swept     sweepFigures
	search    search    // the sweep's own
	marks     *marks    // the files whose recordings are known
	cleaning  cleaning  // the disk guard's own
	forgot    time.Time // when the journal was pruned; the sweep's own
	installed time.Time // since when this installation takes care of recordings
	steps     *prometheus.HistogramVec
	healthy   atomic.Int64 // unix time until which the worker counts as healthy
	life      string       // tells this life of the worker from the others
	encoders  atomic.Pointer[[]string]
	warnings  atomic.Pointer[[]string]
}

// New prepares a worker; Run does the rest.
func New(cfg Config, rdb redis.UniversalClient, store *tasks.Store, queue *tasks.Queue) (*Worker, error) {
	boot, err := bootID()
	if err != nil {
		return nil, err
	}
	w := &Worker{
		cfg: cfg, rdb: rdb, store: store, queue: queue, log: cfg.Log,
		tools: ffmpeg.Tools{FFmpeg: cfg.FFmpeg, FFprobe: cfg.FFprobe},
		usage: usage, clock: time.Now, life: uuid.NewString(),
		owner: tasks.Owner{Install: cfg.Install, Boot: boot},
		jobs:  newJobs(), locks: newLocks(), live: make(chan tasks.Event, 256), steps: newStepDurations(),
		slots: map[string]slots{
			tasks.KindEncode: make(slots, max(cfg.EncodeConcurrency, 1)), tasks.KindRemux: make(slots, max(cfg.RemuxConcurrency, 1)),
			tasks.KindUpload: make(slots, max(cfg.UploadConcurrency, 1)), tasks.KindNotify: make(slots, notifyConcurrency),
		},
	}
	if err := w.openRecorder(); err != nil {
		return nil, err
	}
	w.targets, w.netdisk = w.openTargets(), newNetdisk(w)
	w.master = w.newMaster()
	w.rooms = newRoomKeeper(cfg, w.Recorder(), store)
	w.OnRecorder(func(RecorderState) { w.rooms.look() })
	w.channels, err = openChannels(cfg)
	return w, err
}

// Run works until ctx ends, then gives unfinished work back and returns. It returns early with tasks.ErrNodeLost when another
// installation took the node's name over.
func (w *Worker) Run(ctx context.Context) error {
	j, err := openJournal(w.cfg.DataDir)
	if err != nil {
		return err
	}
	w.journal, w.master.journal = j, j
	w.outbox = &outbox{journal: j, store: w.store, queue: w.queue, defaults: w.cfg.Defaults, log: w.log}
	if w.installed, err = j.installedAt(); err == nil {
		stopRecorder := w.startRecorder(ctx)
		err = w.serve(ctx)
		stopRecorder()
	}
	if closing := j.close(); err == nil {
		err = closing
	}
	return err
}

func (w *Worker) serve(ctx context.Context) (err error) {
	if err := w.claim(ctx); err != nil {
		return err
	}
	if err := w.patiently(ctx, w.meetRedis); err != nil {
		return err
	}
	if w.marks, err = loadMarks(w.journal); err != nil {
		return err
	}
	if err := w.patiently(ctx, w.reclaim); err != nil {
		return err
	}
	loops, stop := context.WithCancelCause(context.WithoutCancel(ctx)) // they end after the jobs
	defer stop(nil)
	ended := make(chan error, 16)
	for name, loop := range map[string]func(context.Context) error{
		"outbox": w.outbox.run, "cancel": w.hearCancels, "live": w.publishLive, "heartbeat": w.beat, "relay": w.relay,
		"sweep": w.sweep, "guard": w.guard, "watch": w.watchJobs, "probe": w.probe,
		"netdisk": w.netdisk.run, "rooms": w.rooms.run, "room hints": w.rooms.hints, "master": w.master.run,
	} {
		go func() { ended <- w.keep(loops, name, loop) }()
	}
	servers, err := w.startServers()
	if err != nil {
		return err
	}
	w.log.Info("worker started", "node", w.cfg.Node)
	var lost error
	select {
	case <-ctx.Done():
	case lost = <-ended:
	}
	w.stopServers(servers)
	w.flush(loops)
	stop(errShutdown)
	w.log.Info("worker stopped", "node", w.cfg.Node)
	return lost
}

// keep runs a loop until the worker stops; one that fails or panics is started again. Only a lost node name gets out.
func (w *Worker) keep(ctx context.Context, name string, loop func(context.Context) error) error {
	for {
		err := guarded(ctx, loop)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the end was asked for
		}
		if errors.Is(err, tasks.ErrNodeLost) {
			return err
		}
		if err == nil {
			<-ctx.Done() // it had only one thing to do
			return nil
		}
		w.log.Error("part of the worker failed and starts again", "part", name, "error", err)
		pause(ctx, time.Second)
	}
}

func guarded(ctx context.Context, loop func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return loop(ctx)
}

// flushWithin is how long a stopping worker tries to send what it has to tell.
const flushWithin = 2 * time.Second

func (w *Worker) flush(ctx context.Context) {
	ctx, stop := context.WithTimeout(ctx, flushWithin)
	defer stop()
	for ctx.Err() == nil && !w.outbox.empty() {
		pause(ctx, 20*time.Millisecond)
	}
}

// Healthy reports whether the worker's heart beats and Redis answered lately.
func (w *Worker) Healthy() bool { return time.Now().Unix() <= w.healthy.Load() }
