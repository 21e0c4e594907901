package worker

import (
	"context"
	"time"

	"github.com/ngworks/nglive/tasks"
)

// hearCancels listens where the dashboard's cancel button speaks, so that it stops the work instead of retrying it.
func (w *Worker) hearCancels(ctx context.Context) error {
	sub := w.rdb.Subscribe(ctx, "asynq:cancel")
	defer func() { _ = sub.Close() }()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case m, ok := <-sub.Channel():
			if !ok {
				return errRedisAway
			}
			if w.jobs.stop(m.Payload, errStopped) {
				w.log.Info("task cancelled by a person", "task", m.Payload)
			}
		}
	}
}

// watchJobs stops jobs whose step is not theirs any more: a cancel that was said while we could not hear it.
func (w *Worker) watchJobs(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		for _, j := range w.jobs.list() {
			if j.recording != "" && w.superseded(ctx, j) && w.jobs.stop(j.id, errSuperseded) {
				w.log.Info("task stopped, since its recording was cancelled or runs anew", "task", j.id)
			}
		}
	}
}

func (w *Worker) superseded(ctx context.Context, j *job) bool {
	r, err := w.store.Recording(ctx, j.recording)
	if err != nil {
		return false
	}
	s := r.Step(j.step)
	return s == nil || s.Run != j.run || s.State == tasks.StepCancelled
}
