//go:build bench

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/ngworks/nglive/tasks"
)

const keptRecordings = 10_000

// measureRecovery kills an `up` that has 10,000 finished recordings in its Redis with kill -9, starts it again on the same folders,
// and takes the time until it says that it runs: Redis has read its file, web listens, the worker has its node's name.
func measureRecovery(t *testing.T, b *bench) {
	t.Helper()
	data := t.TempDir()
	up := b.openIn(t, data, "up")
	up.announced()
	up.keep(keptRecordings)
	var took []float64
	for range rounds {
		up.kill()
		began := time.Now()
		up = b.openIn(t, data, "up")
		up.announced()
		took = append(took, time.Since(began).Seconds())
	}
	b.report.add("recovery", "from kill -9 to `up` ready again, 10,000 recordings kept", "s", atMost(5), middle(took))
}

func (h *house) announced() {
	h.t.Helper()
	until(h.t, ready, "up says that it runs", func() bool { return strings.Contains(h.said.String(), "nglive sample") })
}

// keep writes finished recordings into the Redis of `up`, through the same script as every fact.
func (h *house) keep(n int) {
	h.t.Helper()
	at, ok := recallRedisAddress(filepath.Join(h.data, "redis"))
	if !ok {
		h.t.Fatal("up's own Redis is nowhere")
	}
	rdb := redis.NewClient(at.options())
	defer func() { _ = rdb.Close() }()
	store := tasks.NewStore(rdb, time.Hour)
	flow := tasks.Flow{ID: "kept", Version: 1, Steps: []tasks.Step{{ID: "upload", Type: tasks.StepUpload}}}
	errs := make([]error, 16)
	var wg sync.WaitGroup
	for hand := range errs {
		wg.Go(func() {
			for i := hand; i < n && errs[hand] == nil; i += len(errs) {
				errs[hand] = keepOne(h.t.Context(), store, flow, i)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		h.t.Fatal(err)
	}
}

func keepOne(ctx context.Context, store *tasks.Store, flow tasks.Flow, i int) error {
	path, now := fmt.Sprintf("23058-bench/录制-%d.flv", i), time.Now()
	r, err := store.Ingest(ctx, tasks.Fact{ID: fmt.Sprintf("kept-%d", i), Kind: tasks.FileWasClosed, At: now, Seen: tasks.Sighting{
		Node: "bench-kept", Path: path, Origin: "bililiverecorder", RoomID: 23058, Name: "bench", Title: "bench", Size: 1 << 30, OpenedAt: now, ClosedAt: now,
	}}, func(tasks.Recording) (tasks.Flow, error) { return flow, nil })
	if err != nil {
		return err
	}
	_, err = store.Apply(ctx, tasks.Fact{
		ID: fmt.Sprintf("kept-%d-done", i), Kind: tasks.StepSucceeded, At: now, Recording: r.ID, Run: r.Run, Step: "upload", Attempts: 1,
		Output: &tasks.Output{Path: path, Location: "/archive/" + path, SizeBytes: 1 << 30, SHA256: strings.Repeat("ab", 32)},
	})
	return err
}
