package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/ngworks/nglive/tasks"
)

// wakeStanding puts back tasks that Asynq calls active and that nobody works on: no lease, and no job of ours. Asynq's own recovery
// looks at leases only, so such a task would stand for ever. Two looks in a row must find it so, and in the queue that all nodes
// share no other node may be at work on it.
func (w *Worker) wakeStanding(ctx context.Context) error {
	before := w.search.standing
	w.search.standing = map[string]bool{}
	for _, queue := range tasks.NodeQueues(w.cfg.Node) {
		ids, err := w.standing(ctx, queue)
		if err != nil {
			return err
		}
		again := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !before[queue+"|"+id] })
		for _, id := range ids {
			w.search.standing[queue+"|"+id] = true
		}
		if again, err = w.ownAmong(ctx, queue, again); err != nil {
			return err
		}
		for _, id := range again {
			if err := w.wakeOne(ctx, queue, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// standing lists the active tasks of a queue that have no lease and no job.
func (w *Worker) standing(ctx context.Context, queue string) ([]string, error) {
	base := "asynq:{" + queue + "}:"
	ids, err := w.rdb.LRange(ctx, base+"active", 0, -1).Result()
	if err != nil {
		return nil, fmt.Errorf("redis: look for standing tasks in %s: %w", queue, err)
	}
	var out []string
	for _, id := range ids {
		if w.jobs.has(id) {
			continue
		}
		err := w.rdb.ZScore(ctx, base+"lease", id).Err()
		if errors.Is(err, redis.Nil) {
			out = append(out, id)
		} else if err != nil {
			return nil, fmt.Errorf("redis: read the lease of %s: %w", id, err)
		}
	}
	return out, nil
}

func (w *Worker) wakeOne(ctx context.Context, queue, id string) error {
	n, err := w.putBack(ctx, queue, id)
	if err != nil || n == 0 {
		return err
	}
	w.swept.standing.Add(1)
	w.log.Warn("standing task put back", "queue", queue, "task", id)
	recording, _, step, ok := tasks.CutTaskID(id)
	if !ok {
		return nil
	}
	r, err := w.store.Recording(ctx, recording)
	if err != nil {
		return nil //nolint:nilerr // it is put back; only the telling is left out
	}
	return w.repaired(&r, step, "its task stood still in the queue and goes on")
}
