package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/ngworks/nglive/worker/recorder"
)

// How long `up` gives each part to stop. Together they stay under the 15 s that
// a person waits after Ctrl-C. A recorder of ours is told to stop first and needs
// 3 s and a little, while the worker puts its work away; only one that hangs gets
// its whole patience, and then Ctrl-C takes that much longer: what it has not
// written is written nowhere. A second Ctrl-C ends us at once, and interrupts it.
const (
	workerStop = 6 * time.Second
	// The recorder's patience, and a moment for the kill after it.
	recorderStop = recorder.Patience + 2*time.Second
	webStop    = 4500 * time.Millisecond
	allStop    = 13 * time.Second
	redisStop  = 3 * time.Second // what is left for Redis at the very least
	partStart  = 30 * time.Second
)

// runUp is the command "nglive up".
func runUp(ctx context.Context, c *console, args []string) int {
	takeOver, ok := c.takeOverFlag("up", args)
	if !ok {
		return exitUsage
	}
	i, err := c.open(ctx)
	if err != nil {
		return c.ended(ctx, err)
	}
	release, free, err := lockFile(filepath.Join(i.cfg.DataDir, "up.lock"))
	switch {
	case err != nil:
		return c.ended(ctx, fmt.Errorf("lock NGLIVE_DATA_DIR: %w", err))
	case !free:
		return c.ended(ctx, fmt.Errorf("`nglive up` runs already with NGLIVE_DATA_DIR=%s; stop it first, or give this one its own folders / 已经有一个 nglive up 在使用这个数据目录", i.cfg.DataDir))
	}
	defer release()
	letGo, err := i.lockOutput()
	if err != nil {
		return c.ended(ctx, err)
	}
	defer letGo()
	if err := i.startChecks(ctx, true, true); err != nil {
		return c.ended(ctx, err)
	}
	h := newHousehold(i)
	h.takeOver, h.out = takeOver, c.stdout
	return c.ended(ctx, h.run(ctx))
}

// takeOverFlag reads the only flag that up and worker have.
func (c *console) takeOverFlag(name string, args []string) (takeOver, ok bool) {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.BoolVar(&takeOver, "take-over", false, "")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		c.complain("usage 用法: nglive %s [--take-over]\n  --take-over  take the node's name from an installation that is gone for good / 接管已经不存在的旧节点的名字\n", name)
		return false, false
	}
	return takeOver, true
}

// ended turns a command's last error into words and an exit code. To have been
// asked to stop is no error.
func (c *console) ended(ctx context.Context, err error) int {
	switch {
	case err == nil, ctx.Err() != nil && errors.Is(err, context.Canceled):
		return exitDone
	case errors.Is(err, errSettings):
		return exitUsage
	case errors.Is(err, errSaid):
	default:
		c.complain("nglive: %v\n", err)
	}
	return exitFailed
}

// household is all that `up` runs in one process, each part under supervision.
type household struct {
	*installation
	takeOver bool
	out      io.Writer // for the lines about where everything is

	makeWeb    func(*bus) (webPart, error)
	makeWorker func(*bus) (workerPart, error)

	fail               context.CancelCauseFunc // ends everything, for good
	redis, web, worker *supervised
	server             *redisServer // nil with a Redis of somebody else
	bus                *bus
	redisAt            string // in words
	webAddress         string
	restartBreak       time.Duration
}

func newHousehold(i *installation) *household {
	h := &household{installation: i, out: io.Discard, restartBreak: restartBreak}
	h.makeWeb = i.newWeb
	h.makeWorker = func(b *bus) (workerPart, error) { return i.newWorker(b, h.takeOver) }
	return h
}

// run starts everything in its order, waits for the end and stops everything in
// the opposite order.
func (h *household) run(ctx context.Context) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	h.fail = fail
	err := h.start(ctx)
	if err == nil {
		h.announce()
		h.systemd.ready("running at " + baseURL(h.webAddress))
		go h.systemd.watch(ctx, func() bool { return answers(ctx, baseURL(h.webAddress)) })
		<-ctx.Done()
		err = context.Cause(ctx)
	}
	h.log.Info("stopping", "hint", "Ctrl-C again stops at once / 再按一次 Ctrl-C 立即结束")
	h.systemd.stopping()
	h.stop()
	return err
}

func (h *household) start(ctx context.Context) error {
	options, err := h.startRedis(ctx)
	if err != nil {
		return err
	}
	h.bus = h.openBus(options)
	if err := h.reach(ctx, h.bus.rdb, h.redisAt); err != nil {
		return err
	}
	if err := h.startWeb(ctx); err != nil {
		return err
	}
	h.startWorker(ctx)
	return nil
}

func (h *household) supervise(ctx context.Context, name string, run func(context.Context) error) *supervised {
	return supervise(ctx, part{name: name, run: run, final: func(err error) { h.fail(err) }}, h.restartBreak, h.log)
}

// startRedis gives the way to Redis, after starting our own where none is named.
func (h *household) startRedis(ctx context.Context) (*redis.Options, error) {
	if h.cfg.RedisURL != "" {
		h.redisAt = h.cfg.RedisURL.String()
		return redisOptions(h.cfg)
	}
	program, err := findRedisServer()
	if err != nil {
		return nil, err
	}
	if h.server, err = newRedisServer(program, h.cfg.DataDir, h.log); err != nil {
		return nil, err
	}
	h.redisAt, h.ownRedis = "its own redis-server", true
	h.redis = h.supervise(ctx, "redis-server", h.server.Serve)
	if err := h.server.waitReady(ctx); err != nil {
		return nil, err
	}
	return h.server.at.options(), nil
}

// startWeb returns once web listens.
func (h *household) startWeb(ctx context.Context) error {
	listening := make(chan string, 1)
	h.web = h.supervise(ctx, "web", func(ctx context.Context) error {
		w, err := h.makeWeb(h.bus)
		if err != nil {
			return settingError{err}
		}
		return h.runWebPart(ctx, w, func(address string) {
			select {
			case listening <- address:
			default: // a later life: told already
			}
		})
	})
	select {
	case h.webAddress = <-listening:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(partStart):
		return fmt.Errorf("web does not listen on %s after %s; the lines above say why / 网页进程没有启动，原因见上面的日志", h.cfg.Listen, partStart)
	}
}

// startWorker gives the worker some time to take its name: an event for a node
// that nobody has heard of is refused.
func (h *household) startWorker(ctx context.Context) {
	ready := make(chan struct{})
	var once sync.Once
	h.worker = h.supervise(ctx, "worker", func(ctx context.Context) error {
		w, err := h.makeWorker(h.bus)
		if err != nil {
			return settingError{err}
		}
		return h.runWorkerPart(ctx, w, h.workerListener(ctx), func() { once.Do(func() { close(ready) }) })
	})
	select {
	case <-ready:
	case <-ctx.Done():
	case <-time.After(partStart):
		h.log.Warn("the worker is not ready yet; recordings that come in wait for it")
	}
}

// workerListener gives none where the address is taken: the work matters more.
func (h *household) workerListener(ctx context.Context) net.Listener {
	l, err := h.listenForWorker(ctx)
	if err != nil {
		h.log.Warn("the worker runs without its own /healthz and /metrics", "error", err)
		return nil
	}
	return l
}

// workerStop is longer where the worker has a recorder to wait for.
func (h *household) workerStop() time.Duration {
	if h.cfg.RecorderPath != "" {
		return recorderStop
	}
	return workerStop
}

// stop ends the worker first, so that it gives its work back; with it goes the
// recorder, whose last events web still takes. Then web, and Redis last: the
// others still write to it.
func (h *household) stop() {
	began := time.Now()
	stopped := h.worker.stop(h.workerStop())
	deadline := began.Add(allStop)
	if late := time.Since(began) - workerStop; late > 0 {
		deadline = deadline.Add(late)
	}
	stopped = h.web.stop(webStop) && stopped
	if h.bus != nil && stopped {
		h.bus.close()
	}
	if h.server != nil {
		left := max(time.Until(deadline), redisStop)
		h.server.setGrace(left)
		h.redis.stop(left + time.Second)
	}
}

// announce says, in both languages, where everything is. No address in it
// carries a token: a terminal's text gets around.
func (h *household) announce() {
	base := baseURL(h.webAddress)
	webhook := ""
	if h.cfg.Token != "" {
		webhook = "\n                      with its token 带令牌的完整地址: nglive doctor --show-webhook"
	}
	_, _ = fmt.Fprintf(h.out, `
NGlive %s runs / 已启动
  page       网页       %s/
  API docs   接口文档   %s/docs/
  queue      任务队列   %s/asynq/
  webhook    录播姬 Webhook V2 填这个地址:
                      %s/webhook/%s
  recordings 录像文件夹 %s
  archive    归档文件夹 %s
Try it 试一试: bin/nglive sample    Stop 停止: Ctrl-C

`, version, base, base, base, base, webhook, h.cfg.RecordingsDir, h.cfg.ArchiveDir)
}
