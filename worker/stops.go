package worker

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"github.com/ngworks/nglive/tasks"
)

// stopLook is when the next upload may look whether a stopped target works again; held steps look every 15 to 45 s, so one does
// within 60 s.
const stopLook = 15 * time.Second

// stopScript answers 1 when this reason was not told before.
const stopScript = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
if redis.call('HGET', KEYS[1], 'reason') ~= ARGV[1] then redis.call('HSET', KEYS[1], 'since', now) end
redis.call('HSET', KEYS[1], 'reason', ARGV[1], 'words', ARGV[2], 'look', math.max(now + ARGV[3], tonumber(ARGV[4])))
return redis.call('HSETNX', KEYS[1], 'told:' .. ARGV[1], ARGV[5])`

// lookScript answers the words to wait with, or nothing when this one may try. Others wait until it is known how that went.
const lookScript = `
local s = redis.call('HMGET', KEYS[1], 'reason', 'words', 'look')
if not s[1] then return '' end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
if now < tonumber(s[3]) then return s[2] end
redis.call('HSET', KEYS[1], 'look', now + ARGV[1])
return ''`

// stopTarget holds all uploads to a target. The first time a reason is met since an upload succeeded, it is told.
func (w *Worker) stopTarget(ctx context.Context, s *stopped) *held {
	why := words(s.err)
	lookAt := int64(0)
	if !s.lookAt.IsZero() {
		lookAt = s.lookAt.UnixMilli()
	}
	id := uuid.NewString()
	within, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer stop()
	told, err := redis.NewScript(stopScript).Run(within, w.rdb, []string{tasks.KeyStop(s.target)}, s.reason, why, stopLook.Milliseconds(), lookAt, id).Int()
	if err == nil && told == 1 {
		w.tellTarget(tasks.TargetStopped, s.target, id, why)
	}
	w.log.Warn("target stopped", "target", s.target, "reason", s.reason, "error", s.err)
	return &held{reason: why, target: s.target}
}

// awaitTarget says why uploads to a target wait; "" when this one may try.
func (w *Worker) awaitTarget(ctx context.Context, target string) string {
	within, stop := context.WithTimeout(ctx, time.Second)
	defer stop()
	why, err := redis.NewScript(lookScript).Run(within, w.rdb, []string{tasks.KeyStop(target)}, stopLook.Milliseconds()).Text()
	if err != nil {
		return "" // the work itself will tell
	}
	return why
}

// targetMoves: bytes arrive, so nobody needs to wait any more. What was told stays told until an upload is done.
func (w *Worker) targetMoves(ctx context.Context, target string) {
	within, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer stop()
	_ = w.store.MoveTarget(within, target) // else the next one that is done does it
}

const resumeScript = `
local known = redis.call('HLEN', KEYS[1])
redis.call('DEL', KEYS[1])
return known`

// targetWorks: an upload is done. That a stopped target works again is told once too.
func (w *Worker) targetWorks(ctx context.Context, target string) {
	within, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer stop()
	known, err := redis.NewScript(resumeScript).Run(within, w.rdb, []string{tasks.KeyStop(target)}).Int()
	if err == nil && known > 0 {
		w.tellTarget(tasks.TargetResumed, target, uuid.NewString(), fmt.Sprintf("uploads to %s go on", target))
	}
}

func (w *Worker) tellTarget(cmd, target, id, why string) {
	err := w.journal.post(letter{Event: &tasks.Event{
		CMD: cmd, TS: tasks.Stamp(time.Now()), NODE: w.cfg.Node, TARGET: target, MSG: why, EVENT: "target." + id,
	}})
	if err != nil {
		w.log.Error("news of a target not journalled", "target", target, "error", err)
	}
}
