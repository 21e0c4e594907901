package web

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/ngworks/nglive/tasks"
)

// Limits of the server. There is none on a whole request or answer: feeds, long polls and videos take as long as they take,
// and the API bounds its own bodies.
const (
	headerWithin  = 10 * time.Second
	idleFor       = 2 * time.Minute
	largestHeader = 64 << 10
	// On shutdown requests may end by themselves, then their contexts end, then their connections.
	endBySelf   = 2 * time.Second
	endAtAll    = 4 * time.Second
	registerFor = time.Minute
)

// Run listens and serves until ctx ends: then listeners of the feed are told to come back, and running requests may end. It
// takes at most five seconds, and may be called again after it returned.
func (w *Web) Run(ctx context.Context) error {
	socket, err := (&net.ListenConfig{}).Listen(ctx, "tcp", w.cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s (NGLIVE_LISTEN): %w", w.cfg.Listen, err)
	}
	w.listening(socket.Addr().String())

	base, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	server := w.server(base)
	var parts sync.WaitGroup
	parts.Go(func() { _ = w.feed.Run(ctx) }) // it ends with ctx only
	parts.Go(func() { w.keepQueues(ctx) })
	parts.Go(func() {
		<-ctx.Done()
		shutDown(ctx, server, cut)
	})
	err = server.Serve(socket)
	stop()
	parts.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve on %s: %w", w.Addr(), err)
}

func (w *Web) listening(addr string) {
	if w.addr.Swap(addr) == nil {
		close(w.up)
	}
	w.log.Info("web is listening", "address", "http://"+addr)
}

func (w *Web) server(base context.Context) *http.Server {
	return &http.Server{
		Handler: w.handler, ReadHeaderTimeout: headerWithin, IdleTimeout: idleFor, MaxHeaderBytes: largestHeader,
		BaseContext: func(net.Listener) context.Context { return base },
		ErrorLog:    log.New(complaints{w.log}, "", 0),
	}
}

// shutDown takes no new requests and waits for the running ones, with less and less patience.
func shutDown(ctx context.Context, server *http.Server, cut context.CancelFunc) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), endAtAll)
	defer stop()
	defer time.AfterFunc(endBySelf, cut).Stop()
	if err := server.Shutdown(ctx); err != nil {
		_ = server.Close()
	}
}

// keepQueues makes every queue known to the dashboard again and again: Asynq's clients do it only once, and Redis may lose it.
func (w *Web) keepQueues(ctx context.Context) {
	tick := time.NewTicker(registerFor)
	defer tick.Stop()
	for {
		if err := w.registerQueues(ctx); err != nil && ctx.Err() == nil {
			w.log.Warn("queues not registered", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (w *Web) registerQueues(ctx context.Context) error {
	nodes, err := w.store.Nodes(ctx)
	if err != nil {
		return err
	}
	queues := []string{tasks.QueueNotify}
	for _, n := range nodes {
		queues = append(queues, tasks.NodeQueues(n.Name)...)
	}
	return w.queue.Register(ctx, w.rdb, queues...)
}

// complaints brings what net/http has to say into our log.
type complaints struct{ log *slog.Logger }

// Write logs one line.
func (c complaints) Write(line []byte) (int, error) {
	c.log.Warn("http server complained", "message", redacted(strings.TrimSpace(string(line))))
	return len(line), nil
}
