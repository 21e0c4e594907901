package worker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
	"github.com/shirou/gopsutil/v4/host"

	"github.com/ngworks/nglive/tasks"
)

// bootID tells one start of the machine from the next.
func bootID() (string, error) {
	if b, err := os.ReadFile("/proc/sys/kernel/random/boot_id"); err == nil {
		return strings.TrimSpace(string(b)), nil
	}
	at, err := host.BootTime()
	if err != nil {
		return "", fmt.Errorf("find out when this machine was started: %w", err)
	}
	return fmt.Sprintf("%s-%d", runtime.GOOS, at), nil
}

// claim takes the node's name, waiting for Redis and for a former boot of this machine to be surely gone.
func (w *Worker) claim(ctx context.Context) error {
	said := ""
	for {
		err := w.store.Claim(ctx, w.cfg.Node, w.owner, w.cfg.TakeOver)
		if err == nil {
			return nil
		}
		var taken *tasks.TakenError
		if errors.As(err, &taken) && !taken.Same {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err.Error() != said {
			said = err.Error()
			w.log.Warn("worker waits for its node's name", "node", w.cfg.Node, "error", err)
		}
		pause(ctx, 500*time.Millisecond)
	}
}

// patiently does a step of the start again while Redis is away: a worker that starts while Redis does must not give up. An error
// that comes again and again from a Redis that answers is another matter.
func (w *Worker) patiently(ctx context.Context, step func(context.Context) error) error {
	const enough = 5
	for n := 0; ; {
		err := step(ctx)
		if err == nil || ctx.Err() != nil {
			return err
		}
		if w.store.Ping(ctx) == nil {
			n++
		}
		if n == enough {
			return err
		}
		w.log.Warn("worker waits for Redis", "error", err)
		pause(ctx, 500*time.Millisecond)
	}
}

// meetRedis ties the journal to this Redis; one that was emptied, or another one, has none of the tasks the journal knows.
func (w *Worker) meetRedis(ctx context.Context) error {
	if err := w.rdb.SetNX(ctx, "nglive:epoch", uuid.NewString(), 0).Err(); err != nil {
		return fmt.Errorf("redis: %w", err)
	}
	epoch, err := w.rdb.Get(ctx, "nglive:epoch").Result()
	if err != nil {
		return fmt.Errorf("redis: %w", err)
	}
	return w.journal.follow(epoch)
}

// reclaimScript puts one active task back to the head of its queue, as Asynq's own requeue does (v0.26.0's key layout).
const reclaimScript = `
if redis.call('LREM', KEYS[1], 1, ARGV[1]) == 0 then return 0 end
redis.call('ZREM', KEYS[2], ARGV[1])
if redis.call('EXISTS', KEYS[4]) == 0 then return 0 end
redis.call('RPUSH', KEYS[3], ARGV[1])
redis.call('HSET', KEYS[4], 'state', 'pending', 'pending_since', ARGV[2])
return 1`

// reclaim puts back what was active when this node died: the queues are its own and its name is claimed, so nobody else works
// on them. Of the queue that all nodes share it takes what nobody else can be at work on.
func (w *Worker) reclaim(ctx context.Context) error {
	for _, queue := range tasks.NodeQueues(w.cfg.Node) {
		ids, err := w.rdb.LRange(ctx, "asynq:{"+queue+"}:active", 0, -1).Result()
		if err != nil {
			return fmt.Errorf("redis: look for unfinished tasks in %s: %w", queue, err)
		}
		if ids, err = w.ownAmong(ctx, queue, ids); err != nil {
			return err
		}
		n, err := w.putAllBack(ctx, queue, ids)
		if err != nil {
			return err
		}
		if n > 0 {
			w.log.Info("unfinished tasks put back", "queue", queue, "tasks", n)
		}
	}
	return nil
}

// ownAmong leaves of a queue's active tasks those that no other node can be at work on: of the shared queue everything while no other
// node lives, and otherwise what our own journal began. (A death between Asynq's handing over and the journal is in no journal, nor is one
// between the journal and Asynq.) The ids are read before: a node that came since has none of them.
func (w *Worker) ownAmong(ctx context.Context, queue string, ids []string) ([]string, error) {
	if queue != tasks.QueueNotify || len(ids) == 0 {
		return ids, nil
	}
	nodes, err := w.store.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(nodes, func(n tasks.NodeInfo) bool { return n.Alive && n.Name != w.cfg.Node }) {
		return ids, nil
	}
	mine, err := w.journal.underWay(queue)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(ids, func(id string) bool { return !mine[id] }), nil
}

func (w *Worker) putAllBack(ctx context.Context, queue string, ids []string) (int, error) {
	n := 0
	for _, id := range ids {
		tasks.Failpoint("reclaim.before")
		back, err := w.putBack(ctx, queue, id)
		if err != nil {
			return n, err
		}
		tasks.Failpoint("reclaim.after")
		n += back
	}
	return n, nil
}

// putBack returns one active task to the head of its queue, and how many it was.
func (w *Worker) putBack(ctx context.Context, queue, id string) (int, error) {
	base := "asynq:{" + queue + "}:"
	keys := []string{base + "active", base + "lease", base + "pending", base + "t:" + id}
	n, err := redis.NewScript(reclaimScript).Run(ctx, w.rdb, keys, id, time.Now().UnixNano()).Int()
	if err != nil {
		return 0, fmt.Errorf("redis: put task %s back: %w", id, err)
	}
	return n, nil
}
