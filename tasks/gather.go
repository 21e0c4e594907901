package tasks

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// gatherWithin is how long one batch of scripts may take; callers may give up earlier.
const gatherWithin = 10 * time.Second

// gathered is a Redis client whose scripts share round trips: what arrives while a batch is under way goes out together in the
// next one. Each script is still answered on its own, and nobody waits for company: alone, it goes at once.
type gathered struct {
	redis.UniversalClient
	mu      sync.Mutex
	waiting []*gatheredScript
	running bool
}

type gatheredScript struct {
	cmd  *redis.Cmd
	done chan struct{}
}

// EvalSha runs a script that Redis knows.
func (g *gathered) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	all := make([]any, 0, 3+len(keys)+len(args))
	all = append(all, "evalsha", sha, len(keys))
	for _, k := range keys {
		all = append(all, k)
	}
	s := &gatheredScript{cmd: redis.NewCmd(ctx, append(all, args...)...), done: make(chan struct{})}
	if len(keys) > 0 {
		s.cmd.SetFirstKeyPos(3)
	}
	g.add(ctx, s)
	select {
	case <-s.done:
		return s.cmd
	case <-ctx.Done():
		gone := redis.NewCmd(ctx)
		gone.SetErr(ctx.Err())
		return gone
	}
}

func (g *gathered) add(ctx context.Context, s *gatheredScript) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = append(g.waiting, s)
	if !g.running {
		g.running = true
		go g.run(context.WithoutCancel(ctx))
	}
}

// run sends batches until nothing waits.
func (g *gathered) run(ctx context.Context) {
	for {
		g.mu.Lock()
		batch := g.waiting
		g.waiting = nil
		g.running = len(batch) > 0
		g.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		g.send(ctx, batch)
	}
}

// send leaves each script's own answer or error in its command.
func (g *gathered) send(ctx context.Context, batch []*gatheredScript) {
	ctx, stop := context.WithTimeout(ctx, gatherWithin)
	defer stop()
	pipe := g.Pipeline()
	for _, s := range batch {
		_ = pipe.Process(ctx, s.cmd)
	}
	_, _ = pipe.Exec(ctx)
	for _, s := range batch {
		close(s.done)
	}
}
