package main

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/google/renameio/v2/maybe"
)

// webPart is the web process, for one life: a new one is made to start again.
type webPart interface {
	Run(ctx context.Context) error
	Listening() <-chan struct{} // closed once it listens
	Addr() string
	Close() error
}

// workerPart is a node's worker, likewise.
type workerPart interface {
	Run(ctx context.Context) error
	Handler() http.Handler
	Healthy() bool // once it has its name and its heart beats
}

// webAddressFile, in DATA_DIR, tells submit and sample where web listens: they
// need it when the port was left to the system.
const webAddressFile = "web.addr"

// runWebPart lives one life of web; listening is told its address.
func (i *installation) runWebPart(ctx context.Context, w webPart, listening func(address string)) error {
	ctx, stop := context.WithCancel(ctx)
	note := filepath.Join(i.cfg.DataDir, webAddressFile)
	var noting sync.WaitGroup
	defer func() {
		stop()
		noting.Wait()
		_ = os.Remove(note)
		_ = w.Close()
	}()
	noting.Go(func() {
		select {
		case <-ctx.Done():
			return
		case <-w.Listening():
		}
		if err := maybe.WriteFile(note, []byte(baseURL(w.Addr())+"\n"), 0o600); err != nil {
			i.log.Warn("could not note where web listens; submit and sample will look at NGLIVE_LISTEN", "error", err)
		}
		listening(w.Addr())
	})
	return w.Run(ctx) // here, so that the supervisor sees its panic
}

// runWorkerPart lives one life of the worker, with its own small listener for
// /healthz, /readyz and /metrics beside it. ready is told when its heart beats.
func (i *installation) runWorkerPart(ctx context.Context, w workerPart, l net.Listener, ready func()) error {
	ctx, stop := context.WithCancel(ctx)
	var waiting sync.WaitGroup
	defer waiting.Wait()
	defer stop()
	waiting.Go(func() {
		for !w.Healthy() {
			if !pause(ctx, redisPoll) {
				return
			}
		}
		ready()
	})
	if l != nil {
		defer i.serveWorker(w, l)()
	}
	return w.Run(ctx) // here, so that the supervisor sees its panic
}

// serveWorker answers on l until the returned function is called.
func (i *installation) serveWorker(w workerPart, l net.Listener) (stop func()) {
	srv := &http.Server{
		Handler:           tokenGuard(w.Handler(), i.listenerToken()),
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       time.Minute,
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			i.log.Error("the worker's listener ended", "error", err)
		}
	}()
	return func() {
		_ = srv.Close()
		<-served
	}
}

// listenerToken is what the worker's listener asks for: nothing on loopback.
func (i *installation) listenerToken() string {
	if loopback(i.cfg.WorkerListen) {
		return ""
	}
	return string(i.cfg.Token)
}

// tokenGuard lets nobody past /healthz without the token.
func tokenGuard(next http.Handler, token string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if token != "" && r.URL.Path != "/healthz" && subtle.ConstantTimeCompare([]byte(given), []byte(token)) != 1 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "send NGLIVE_TOKEN as Authorization: Bearer …", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// listenForWorker opens NGLIVE_WORKER_LISTEN.
func (i *installation) listenForWorker(ctx context.Context) (net.Listener, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", i.cfg.WorkerListen)
	if err != nil {
		return nil, fmt.Errorf("the worker's own address %s cannot be used: %w; set another NGLIVE_WORKER_LISTEN / 请换一个 NGLIVE_WORKER_LISTEN", i.cfg.WorkerListen, err)
	}
	return l, nil
}
