package worker

import (
	"context"
	"sync"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// onceAway fails the first of each command as a Redis does that is just being started again.
type onceAway struct{ commands *sync.Map }

func away(commands ...string) onceAway {
	o := onceAway{&sync.Map{}}
	for _, c := range commands {
		o.commands.Store(c, true)
	}
	return o
}

func (o onceAway) DialHook(next redis.DialHook) redis.DialHook { return next }

func (o onceAway) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if _, fails := o.commands.LoadAndDelete(cmd.Name()); fails {
			cmd.SetErr(syscall.ECONNREFUSED)
			return cmd.Err()
		}
		return next(ctx, cmd)
	}
}

func (o onceAway) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// TestStart_whileRedisGoesAwayAgain: a worker that met Redis once does not give up when the next question fails.
func TestStart_whileRedisGoesAwayAgain(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	for _, command := range []string{"setnx", "lrange"} {
		rdb := s.redis.Client()
		rdb.AddHook(away(command))
		w, err := New(s.cfg, rdb, s.store, s.queue)
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.Run(ctx) }()
		s.until("it works after "+command+" failed", w.Healthy)
		stop()
		require.NoError(t, <-ended)
	}
}
