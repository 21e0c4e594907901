package worker

import (
	"context"
	"crypto/rand"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/ngworks/nglive/worker/baidu"
)

const (
	keySlots    = "nglive:baidu:slots:" // and the account: a sorted set of taken connections by the end of their lease
	keyLimit    = "nglive:baidu:limit:" // and the account: how many it may have now
	slotLease   = 30 * time.Second
	slotPoll    = 150 * time.Millisecond // other processes ring no bell
	slotWithin  = time.Second            // how long Redis may take
	slotsAlone  = 5 * time.Second        // how long Redis is not asked after it did not answer
	limitLives  = time.Hour              // what was learned of Baidu's patience is forgotten after that
	halveAtMost = 2 * time.Second        // several slices that fail at once are one reason to slow down
)

const takeSlotScript = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local limit = tonumber(redis.call('GET', KEYS[2]) or ARGV[3])
if redis.call('ZCARD', KEYS[1]) >= limit then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2] * 2)
return 1`

const keepSlotScript = `
local t = redis.call('TIME')
redis.call('ZADD', KEYS[1], 'XX', t[1] * 1000 + math.floor(t[2] / 1000) + ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2] * 2)
return 1`

// limitScript moves the limit by ARGV[1] ('+' or '/'), between ARGV[2] and ARGV[3], from ARGV[4]; a halving at most every ARGV[6] ms.
const limitScript = `
local limit = tonumber(redis.call('GET', KEYS[1]) or ARGV[4])
if ARGV[1] == '/' then
  if not redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[6]) then return limit end
  limit = math.max(math.floor(limit / 2), tonumber(ARGV[2]))
else
  limit = math.min(limit + 1, tonumber(ARGV[3]))
end
redis.call('SET', KEYS[1], limit, 'PX', ARGV[5])
return limit`

// sharedSlots are an account's connections over all processes and nodes, as leases in Redis: what a dead process held is free
// again after its lease. While Redis is away each process keeps to the default by itself.
type sharedSlots struct {
	account string
	rdb     redis.UniversalClient
	local   baidu.Slots
	freed   chan struct{} // rings in this process when one is given back
	away    atomic.Int64  // unix ms until which Redis is not asked
}

func newSharedSlots(rdb redis.UniversalClient, account string) *sharedSlots {
	return &sharedSlots{account: account, rdb: rdb, local: baidu.NewSlots(), freed: make(chan struct{}, 1)}
}

func (s *sharedSlots) keys() []string { return []string{keySlots + s.account, keyLimit + s.account} }

// Take implements baidu.Slots.
func (s *sharedSlots) Take(ctx context.Context) (give func(), err error) {
	id := rand.Text()
	for {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if time.Now().UnixMilli() < s.away.Load() {
			return s.local.Take(ctx)
		}
		got, err := s.run(ctx, takeSlotScript, s.keys(), id, slotLease.Milliseconds(), baidu.SlotsDefault)
		if err == nil && got == 1 {
			return s.hold(ctx, id), nil
		}
		if err != nil {
			continue // ctx ended, or Redis is away
		}
		t := time.NewTimer(slotPoll)
		select {
		case <-s.freed:
		case <-t.C:
		case <-ctx.Done():
		}
		t.Stop()
	}
}

// hold renews the lease until the slot is given back.
func (s *sharedSlots) hold(ctx context.Context, id string) (give func()) {
	ctx = context.WithoutCancel(ctx) // it is given back, whatever ended
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(slotLease / 3)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				_, _ = s.run(ctx, keepSlotScript, s.keys(), id, slotLease.Milliseconds()) // the next one renews
			}
		}
	}()
	return sync.OnceFunc(func() {
		close(done)
		within, stop := context.WithTimeout(ctx, slotWithin)
		defer stop()
		_ = s.rdb.ZRem(within, keySlots+s.account, id).Err() // else its lease ends
		select {
		case s.freed <- struct{}{}:
		default:
		}
	})
}

// Widen implements baidu.Slots.
func (s *sharedSlots) Widen(ctx context.Context) { s.move(ctx, "+"); s.local.Widen(ctx) }

// Halve implements baidu.Slots.
func (s *sharedSlots) Halve(ctx context.Context) { s.move(ctx, "/"); s.local.Halve(ctx) }

func (s *sharedSlots) move(ctx context.Context, how string) {
	_, _ = s.run(ctx, limitScript, []string{keyLimit + s.account, keyLimit + s.account + ":halved"}, how, baidu.SlotsMin, baidu.SlotsMax,
		baidu.SlotsDefault, limitLives.Milliseconds(), halveAtMost.Milliseconds())
}

func (s *sharedSlots) run(ctx context.Context, script string, keys []string, argv ...any) (int, error) {
	within, stop := context.WithTimeout(ctx, slotWithin)
	defer stop()
	n, err := redis.NewScript(script).Run(within, s.rdb, keys, argv...).Int()
	if err != nil && ctx.Err() == nil {
		s.away.Store(time.Now().Add(slotsAlone).UnixMilli())
	}
	return n, err
}
