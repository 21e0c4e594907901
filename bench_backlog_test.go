//go:build bench

package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/tasks/taskstest"
)

const (
	waitingTasks = 100_000
	backlogRound = 1000 // tasks enqueued, then dispatched, in a round and on a side
	backlogNode  = "bench"
)

// measureBacklog compares two redis-servers in turn: on one, 100,000 tasks wait
// in a node's encode queue; on the other, none. Enqueue is what a webhook or
// worker waits for when our own queue takes a task into that very queue, one
// after another. Dispatch is the pace at which a server made as the worker's
// hands that queue's tasks to a handler that does nothing: a task behind others
// waits for its turn, so what a backlog could slow is the step from one task to
// the next. A task's own work and the first poll of an idle queue are left out.
func measureBacklog(t *testing.T, b *bench) {
	t.Helper()
	full, none := newBacklog(t), newBacklog(t)
	full.enqueue(waitingTasks, 16)
	sides := []*backlog{full, none}
	var enqueues, dispatches [2][]float64
	for n := range rounds + 1 {
		for i, side := range sides {
			in, out := side.enqueue(backlogRound, 1), side.dispatch(backlogRound)
			if n > 0 { // before, connections and scripts come to be
				enqueues[i], dispatches[i] = append(enqueues[i], in), append(dispatches[i], out)
			}
		}
	}
	b.report.add("backlog_enqueue", "enqueue with 100,000 tasks waiting, against none", "×", atMost(1.2), compared(enqueues[0], enqueues[1], ratio))
	b.report.note("with 100,000", "µs", middle(enqueues[0]))
	b.report.note("with none", "µs", middle(enqueues[1]))
	b.report.add("backlog_dispatch", "… dispatch", "×", atMost(1.2), compared(dispatches[0], dispatches[1], ratio))
	b.report.note("with 100,000", "µs", middle(dispatches[0]))
	b.report.note("with none", "µs", middle(dispatches[1]))
}

// backlog is one redis-server with a queue.
type backlog struct {
	t     *testing.T
	rdb   *redis.Client
	queue *tasks.Queue
	made  atomic.Int64
}

func newBacklog(t *testing.T) *backlog {
	t.Helper()
	rdb := taskstest.Redis(t).Client()
	return &backlog{t: t, rdb: rdb, queue: tasks.NewQueue(rdb, tasks.NewStore(rdb, time.Hour))}
}

// enqueue returns how long one task took, in microseconds.
func (b *backlog) enqueue(count, hands int) float64 {
	b.t.Helper()
	began := time.Now()
	var all sync.WaitGroup
	for range hands {
		all.Go(func() {
			for range count / hands {
				info := &tasks.StepInfo{ID: "transcode", Type: tasks.StepTranscode, Run: 1}
				rec := tasks.Recording{ID: fmt.Sprintf("%016x", b.made.Add(1)), Node: backlogNode, RoomID: 23058, Path: "23058-3号直播间/录制-23058-20261122-175957-123-哔哩哔哩音悦台.flv"}
				step := tasks.Step{ID: "transcode", Type: tasks.StepTranscode, With: map[string]any{"mode": "CRF"}}
				if err := b.queue.Step(b.t.Context(), rec, info, step); err != nil {
					b.t.Errorf("enqueue: %v", err)
					return
				}
			}
		})
	}
	all.Wait()
	return float64(time.Since(began).Microseconds()) / float64(count)
}

// dispatch returns how long it took from one task to the next, in microseconds.
func (b *backlog) dispatch(count int64) float64 {
	b.t.Helper()
	var taken, first, last atomic.Int64
	done := make(chan struct{})
	server := asynq.NewServerFromRedisClient(b.rdb, asynq.Config{
		Concurrency: 1, Queues: map[string]int{tasks.QueueOf(tasks.KindEncode, backlogNode): 1}, TaskCheckInterval: 250 * time.Millisecond,
		DelayedTaskCheckInterval: time.Second, LogLevel: asynq.FatalLevel,
	})
	err := server.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error {
		switch taken.Add(1) {
		case 1:
			first.Store(time.Now().UnixNano())
		case count:
			last.Store(time.Now().UnixNano())
			close(done)
		}
		return nil
	}))
	if err != nil {
		b.t.Fatal(err)
	}
	select {
	case <-done:
	case <-time.After(ready):
		b.t.Errorf("%d tasks of %d were dispatched within %s", taken.Load(), count, ready)
	}
	server.Shutdown()
	return float64(last.Load()-first.Load()) / float64(time.Microsecond) / float64(count-1)
}
