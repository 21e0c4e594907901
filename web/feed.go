package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/ngworks/nglive/tasks"
)

// How long things on a feed may take. A listener that is gone without a word is noticed within pongWithin.
const (
	pingEvery   = 10 * time.Second
	pongWithin  = 25 * time.Second
	writeWithin = 10 * time.Second
	goodbye     = 2 * time.Second
	// queueLength is how many frames may wait for one listener; one that is further behind is dropped and comes back with since.
	queueLength = 1024
	// largestMessage is what a listener may say; nobody listens to it.
	largestMessage = 4 << 10
)

// feed brings events from the bus to WebSocket listeners. One slow listener never stops the rest.
type feed struct {
	store *tasks.Store
	log   *slog.Logger
	count func(cmd string) // told of every lifecycle event
	// on is the fan-out while Run runs and Redis was reached; nil before and after.
	on atomic.Pointer[fanout]

	listeners atomic.Int64
	sent      atomic.Int64
	dropped   atomic.Int64
}

func newFeed(store *tasks.Store, log *slog.Logger) *feed { return &feed{store: store, log: log} }

// Run fans out until ctx ends; then it tells every listener to come back later.
func (f *feed) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	out := newFanout(ctx, f)
	closed := make(chan struct{})
	go func() { // Tail may need two seconds to notice: nobody has to wait for that
		defer close(closed)
		<-ctx.Done()
		out.close()
	}()
	defer func() {
		stop()
		<-closed
	}()
	return f.store.Tail(ctx, func(seq string) {
		out.at = seq
		f.on.Store(out)
	}, out.take)
}

// ServeHTTP joins a listener to the feed.
func (f *feed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l, err := newListener(r.URL.Query())
	if err != nil {
		refuse(w, http.StatusBadRequest, "bad_request", err.Error())
		return
	}
	out := f.on.Load()
	if out == nil {
		feedAway(w)
		return
	}
	if err := l.begin(r.Context(), f.store); err != nil {
		f.log.Warn("listener could not be given its past events", "error", err)
		refuse(w, http.StatusServiceUnavailable, "unavailable", "NGlive does not reach its Redis right now. Try again in a moment.")
		return
	}
	out.serve(w, r, l)
}

// check is for /readyz.
func (f *feed) check(context.Context) error {
	if f.on.Load() == nil {
		return errors.New("the event feed waits for Redis")
	}
	return nil
}

func feedAway(w http.ResponseWriter) {
	refuse(w, http.StatusServiceUnavailable, "unavailable", "The event feed is not running right now. Try again in a moment.")
}
