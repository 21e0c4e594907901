package worker

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ngworks/nglive/tasks/taskstest"
	"github.com/ngworks/nglive/worker/baidu"
)

// TestSlots_areSharedByAllProcesses: two processes together never have more than the limit, and all get their turn.
func TestSlots_areSharedByAllProcesses(t *testing.T) {
	t.Parallel()
	server := taskstest.Redis(t)
	var now, most atomic.Int64
	var wg sync.WaitGroup
	for range 2 {
		s := newSharedSlots(server.Client(), "alice")
		for range 8 {
			wg.Go(func() {
				for range 5 {
					give, err := s.Take(t.Context())
					if !assert.NoError(t, err) {
						return
					}
					n := now.Add(1)
					for was := most.Load(); n > was && !most.CompareAndSwap(was, n); was = most.Load() {
					}
					now.Add(-1)
					give()
				}
			})
		}
	}
	wg.Wait()
	assert.LessOrEqual(t, most.Load(), int64(baidu.SlotsDefault))
}

// TestSlots_waitForOneThatIsTaken: a slot of a dead process comes back its lease ends, one of a living process when it is given back.
func TestSlots_waitForOneThatIsTaken(t *testing.T) {
	t.Parallel()
	rdb := taskstest.Redis(t).Client()
	s, other := newSharedSlots(rdb, "alice"), newSharedSlots(rdb, "alice")
	var gives []func()
	for range baidu.SlotsDefault {
		give, err := s.Take(t.Context())
		require.NoError(t, err)
		gives = append(gives, give)
	}
	ctx, stop := context.WithCancelCause(t.Context())
	got := make(chan error, 1)
	go func() { _, err := other.Take(ctx); got <- err }()
	select {
	case err := <-got:
		t.Fatalf("a fifth was given out: %v", err)
	case <-time.After(4 * slotPoll):
	}
	gives[0]()
	require.NoError(t, <-got, "another process gets what was given back")
	// What a dead process holds ends with its lease: here the leases are over.
	require.NoError(t, rdb.ZUnionStore(t.Context(), keySlots+"alice", &redis.ZStore{Keys: []string{keySlots + "alice"}, Weights: []float64{0.5}}).Err())
	give, err := other.Take(t.Context())
	require.NoError(t, err)
	give()
	over := errors.New("over")
	stop(over)
	_, err = other.Take(ctx)
	require.ErrorIs(t, err, over)
}

// TestSlots_learnTogether: one process's bad news slows all down, once however many slices bring it.
func TestSlots_learnTogether(t *testing.T) {
	t.Parallel()
	rdb := taskstest.Redis(t).Client()
	s := newSharedSlots(rdb, "alice")
	limit := func() string { return rdb.Get(t.Context(), keyLimit+"alice").Val() }
	for range 10 {
		s.Widen(t.Context())
	}
	assert.Equal(t, "8", limit())
	for range 4 {
		s.Halve(t.Context())
	}
	assert.Equal(t, "4", limit(), "four failures at once are one reason")
}

// TestSlots_withoutRedis go on within the default.
func TestSlots_withoutRedis(t *testing.T) {
	t.Parallel()
	server := taskstest.Redis(t)
	s := newSharedSlots(server.Client(), "alice")
	server.Stop()
	for range baidu.SlotsDefault {
		_, err := s.Take(t.Context())
		require.NoError(t, err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	_, err := s.Take(ctx)
	require.Error(t, err)
}

func TestWindow_opensAndCloses(t *testing.T) {
	t.Parallel()
	at := func(hour, minute int) time.Time { return time.Date(2026, 11, 26, hour, minute, 0, 0, time.Local) }
	night := Window{From: 23*60 + 30, To: 6 * 60}
	for _, c := range []struct {
		w    Window
		now  time.Time
		open bool
		left time.Duration
	}{
		{Window{}, at(12, 0), true, 0},
		{Window{From: 60, To: 8 * 60}, at(0, 59), false, time.Minute},
		{Window{From: 60, To: 8 * 60}, at(1, 0), true, 7 * time.Hour},
		{Window{From: 60, To: 8 * 60}, at(8, 0), false, 17 * time.Hour},
		{night, at(23, 29), false, time.Minute},
		{night, at(23, 30), true, 390 * time.Minute},
		{night, at(5, 59), true, time.Minute},
		{night, at(6, 0), false, 1050 * time.Minute},
	} {
		open, left := c.w.until(c.now)
		if open != c.open || left != c.left {
			t.Errorf("%v at %s: open %v for %v, want %v for %v", c.w, c.now.Format("15:04"), open, left, c.open, c.left)
		}
	}
}
