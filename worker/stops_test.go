package worker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ngworks/nglive/tasks"
)

// TestStoppedTarget_saysSinceWhenAccountsWait: being stopped again for the same reason is the same stop.
func TestStoppedTarget_saysSinceWhenAccountsWait(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	s.start()
	ctx := t.Context()
	account := func() tasks.Account {
		list, err := s.store.Accounts(ctx)
		require.NoError(t, err)
		require.Len(t, list, 1)
		return list[0]
	}
	stop := func(reason string) {
		_ = s.worker.stopTarget(ctx, &stopped{target: "slow", reason: reason, err: errAgain})
	}
	// What is written down about an account may be older than what is known of its target.
	require.NoError(t, s.store.PublishAccount(ctx, tasks.Account{Name: "a", Target: "slow", State: tasks.AccountReady, StoppedAt: time.Now()}))
	assert.Zero(t, account().StoppedAt)
	stop("full")
	assert.Equal(t, tasks.AccountStopped, account().State)
	assert.WithinDuration(t, time.Now(), account().StoppedAt, time.Minute)
	long := tasks.At(time.Now().Add(-time.Hour))
	require.NoError(t, s.rdb.HSet(ctx, tasks.KeyStop("slow"), "since", long.UnixMilli()).Err())
	stop("full")
	assert.Equal(t, long, account().StoppedAt)
	stop("banned")
	assert.WithinDuration(t, time.Now(), account().StoppedAt, time.Minute)
	require.NoError(t, s.store.MoveTarget(ctx, "slow"))
	assert.Zero(t, account().StoppedAt)
	assert.Equal(t, tasks.AccountReady, account().State)
	stop("banned")
	assert.WithinDuration(t, time.Now(), account().StoppedAt, time.Minute)
}
