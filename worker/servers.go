package worker

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/hibiken/asynq"

	"github.com/ngworks/nglive/tasks"
)

// notifyConcurrency is how many notifications are under way at once; a receiver that hangs blocks one of them.
const notifyConcurrency = 8

// poll is how often each kind asks Redis for work: Asynq has no push.
func poll(kind string) time.Duration {
	switch kind {
	case tasks.KindRoom:
		return 100 * time.Millisecond
	case tasks.KindEncode, tasks.KindRemux:
		return 250 * time.Millisecond
	}
	return time.Second
}

// startServers starts one Asynq server per kind, so that an hour of encoding delays no notification.
func (w *Worker) startServers() ([]*asynq.Server, error) {
	var servers []*asynq.Server
	for _, kind := range []string{tasks.KindRoom, tasks.KindRemux, tasks.KindEncode, tasks.KindUpload, tasks.KindNotify} {
		concurrency := 4
		if s, ok := w.slots[kind]; ok {
			concurrency = cap(s)
		}
		srv := asynq.NewServerFromRedisClient(w.rdb, asynq.Config{
			Concurrency: concurrency, Queues: map[string]int{tasks.QueueOf(kind, w.cfg.Node): 1},
			TaskCheckInterval: poll(kind), DelayedTaskCheckInterval: time.Second, ShutdownTimeout: 300 * time.Millisecond,
			RetryDelayFunc: retryDelay, IsFailure: isFailure, Logger: asynqLog{w.log}, LogLevel: asynq.WarnLevel,
			BaseContext: context.Background,
		})
		if err := srv.Start(w.handler(kind)); err != nil {
			w.stopServers(servers)
			return nil, fmt.Errorf("start the %s server: %w", kind, err)
		}
		servers = append(servers, srv)
	}
	return servers, nil
}

// stopServers stops pulling, ends the jobs, and lets Asynq put what is unfinished back to the head of its queue.
func (w *Worker) stopServers(servers []*asynq.Server) {
	for _, s := range servers {
		s.Stop()
	}
	w.jobs.close()
	var wg sync.WaitGroup
	for _, s := range servers {
		wg.Go(s.Shutdown)
	}
	wg.Wait()
}

func (w *Worker) handler(kind string) asynq.Handler {
	mux := asynq.NewServeMux()
	mux.HandleFunc(tasks.TypeTranscode, w.deliver(kind))
	mux.HandleFunc(tasks.TypeUpload, w.deliver(kind))
	mux.HandleFunc(tasks.TypeDelete, w.deliver(kind))
	mux.HandleFunc(tasks.TypeNotify, w.deliver(kind))
	mux.HandleFunc(tasks.TypeRoom, w.room)
	return mux
}

// asynqLog brings Asynq's own lines into ours.
type asynqLog struct{ log *slog.Logger }

func (l asynqLog) Debug(args ...any) { l.log.Debug("asynq", "said", fmt.Sprint(args...)) }
func (l asynqLog) Info(args ...any)  { l.log.Debug("asynq", "said", fmt.Sprint(args...)) }
func (l asynqLog) Warn(args ...any)  { l.log.Warn("asynq", "said", fmt.Sprint(args...)) }
func (l asynqLog) Error(args ...any) { l.log.Warn("asynq", "said", fmt.Sprint(args...)) }
func (l asynqLog) Fatal(args ...any) { l.log.Error("asynq", "said", fmt.Sprint(args...)) }
