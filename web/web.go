// Package web is the web process: it puts the API, the page, the docs, the queue dashboard and the event feed on their paths,
// behind one guard. It runs no program, calls no recorder and keeps nothing that Redis does not have.
package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/ngworks/nglive/handlers"
	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/web/ui"
)

// Config is what the web process needs to know.
type Config struct {
	Listen        string // host:port; port 0 takes a free one
	Token         string // empty: only this machine may come in
	Secret        []byte // the installation's key
	Node          string // what a webhook without ?node= means, and the node whose files lie on this machine
	Defaults      tasks.Defaults
	RecordingsDir string
	OutputDir     string
	PathMaps      []tasks.PathMap // of the recorder beside this node
	Monitor       asynq.RedisClientOpt
	Version       string
	Log           *slog.Logger
}

// Web serves people, programs and recorders.
type Web struct {
	cfg     Config
	log     *slog.Logger
	rdb     redis.UniversalClient
	store   *tasks.Store
	queue   *tasks.Queue
	feed    *feed
	meters  *meters
	monitor *monitor
	guard   *guard
	handler http.Handler
	addr    atomic.Value // string
	up      chan struct{}
}

// New puts everything on its path. It refuses to answer other machines without a token.
func New(cfg Config, rdb redis.UniversalClient, store *tasks.Store, queue *tasks.Queue) (*Web, error) {
	if cfg.Token == "" && !loopback(cfg.Listen) {
		return nil, fmt.Errorf("listen on %s: that lets other machines in. Set NGLIVE_TOKEN, or listen on 127.0.0.1", cfg.Listen)
	}
	if len(cfg.Secret) < 32 {
		return nil, errors.New("the secret key has fewer than 32 bytes: set NGLIVE_SECRET_KEY to at least 32 characters")
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	w := &Web{cfg: cfg, log: cfg.Log, rdb: rdb, store: store, queue: queue, monitor: newMonitor(cfg.Monitor), up: make(chan struct{})}
	w.feed = newFeed(store, w.log)
	w.meters = newMeters(cfg.Version, w.feed, store, queue.Inspector())
	w.feed.count = w.meters.event

	mux := http.NewServeMux()
	w.guard = newGuard(cfg, mux, spoken(mux))
	w.routes(mux)
	w.handler = watched(hardened(w.guard, ui.Policy()), w.log, w.meters.request)
	return w, nil
}

// routes is every path there is. What a path asks of a caller stands in accessOf.
func (w *Web) routes(mux *http.ServeMux) {
	handlers.Register(mux, handlers.Deps{ // /api/…, /webhook…, /openapi.…, /healthz, /readyz
		Store: w.store, Queue: w.queue, Vault: tasks.NewVault(w.rdb, w.cfg.Secret), Node: w.cfg.Node, Defaults: w.cfg.Defaults, Login: w.guard.Login, Log: w.log,
		Recordings: w.cfg.RecordingsDir, PathMaps: w.cfg.PathMaps,
		Checks: []handlers.Check{{Name: "feed", Run: w.feed.check}},
	})
	mux.Handle("GET /api/recordings/{id}/video", &player{w.store, w.cfg.Node, w.cfg.OutputDir, w.log})
	mux.Handle("GET /ws", w.feed)
	mux.Handle("GET /docs/", docs())
	mux.Handle(monitorRoot+"/", guest(w.monitor))
	mux.Handle("GET /metrics", w.meters.handler())
	page := ui.Handler()
	mux.Handle("GET /{$}", page)
	mux.Handle("GET /ui/", page)
	mux.Handle("GET /favicon.ico", http.RedirectHandler("/ui/favicon.svg", http.StatusFound))
}

// Handler is the whole site, for tests that need no listener. The feed answers 503 until Run runs.
func (w *Web) Handler() http.Handler { return w.handler }

// Addr is where Run listens; empty before.
func (w *Web) Addr() string {
	addr, _ := w.addr.Load().(string)
	return addr
}

// Listening is closed once Run listens for the first time.
func (w *Web) Listening() <-chan struct{} { return w.up }

// Close lets go of what New took.
func (w *Web) Close() error { return w.monitor.Close() }

// loopback takes only what cannot be anything else.
func loopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
