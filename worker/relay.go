package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/ngworks/nglive/tasks"
)

const (
	keyRelay       = "nglive:relay"        // who relays now
	keyRelayCursor = "nglive:relay:cursor" // the last event that was relayed
	relayLease     = 15 * time.Second
	relayEvery     = time.Second
	relayBatch     = 200
)

// relay turns lifecycle events into notify:event tasks. One worker at a time does it; the cursor moves only after the tasks are in
// the queue, so no event is forgotten, and a repeat meets its own task id.
func (w *Worker) relay(ctx context.Context) error {
	tick := time.NewTicker(tasks.Hasten(relayEvery))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		for {
			n, err := w.relayOnce(ctx)
			if err != nil && ctx.Err() == nil {
				w.log.Debug("relay waits", "error", err)
			}
			if n < relayBatch {
				break
			}
		}
	}
}

const leaseScript = `
local o = redis.call('GET', KEYS[1])
if o and o ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`

func (w *Worker) relayOnce(ctx context.Context) (int, error) {
	mine, err := redis.NewScript(leaseScript).Run(ctx, w.rdb, []string{keyRelay}, w.owner.Install, relayLease.Milliseconds()).Int()
	if err != nil || mine == 0 {
		return 0, err
	}
	if err := w.tellSilent(ctx); err != nil {
		return 0, err
	}
	cursor, err := w.rdb.Get(ctx, keyRelayCursor).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return 0, fmt.Errorf("redis: %w", err)
	}
	channels, cerr := w.channelsOf(ctx)
	if cerr != nil {
		return 0, cerr
	}
	if err != nil || len(channels) == 0 {
		return 0, w.relaySkips(ctx)
	}
	frames, err := w.store.Since(ctx, cursor, relayBatch)
	if err != nil || len(frames) == 0 {
		return 0, err
	}
	for _, f := range frames {
		if err := w.relayFrame(ctx, f, channels); err != nil {
			return 0, err
		}
	}
	return len(frames), w.moveCursor(ctx, cursor, frames[len(frames)-1].Seq)
}

// relaySkips begins after the newest event: a channel that is set today does not get the last week's news.
func (w *Worker) relaySkips(ctx context.Context) error {
	last, err := w.store.LastSeq(ctx)
	if err != nil {
		return err
	}
	return w.rdb.Set(ctx, keyRelayCursor, last, 0).Err()
}

// channelsOf lists every channel that a node publishes, this one's own first.
func (w *Worker) channelsOf(ctx context.Context) ([]tasks.Channel, error) {
	nodes, err := w.store.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	var all []tasks.Channel
	for i := range w.channels {
		all = append(all, w.channels[i].public())
	}
	for _, n := range nodes {
		for _, c := range n.Channels {
			if n.Name != w.cfg.Node && !slices.ContainsFunc(all, func(x tasks.Channel) bool { return x.Name == c.Name }) {
				all = append(all, c)
			}
		}
	}
	return all, nil
}

func (w *Worker) relayFrame(ctx context.Context, f tasks.Frame, channels []tasks.Channel) error {
	e, err := f.Decode()
	if err != nil {
		w.log.Warn("unreadable event passed over", "seq", f.Seq, "error", err)
		return nil
	}
	for _, c := range channels {
		if wants(c.Events, e) {
			if err := w.queue.Notify(ctx, e.EVENT, tasks.NotifyTask{Channel: c.Name, Event: f.JSON}); err != nil {
				return err
			}
		}
	}
	return nil
}

const cursorScript = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1`

// moveCursor does nothing when another worker moved it meanwhile.
func (w *Worker) moveCursor(ctx context.Context, from, to string) error {
	tasks.Failpoint("relay.cursor.before")
	defer tasks.Failpoint("relay.cursor.after")
	if err := redis.NewScript(cursorScript).Run(ctx, w.rdb, []string{keyRelayCursor}, from, to).Err(); err != nil {
		return fmt.Errorf("redis: move the relay's cursor: %w", err)
	}
	return nil
}

// tellSilent says once of every node that it fell silent.
func (w *Worker) tellSilent(ctx context.Context) error {
	nodes, err := w.store.Nodes(ctx)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if n.Alive || n.Name == w.cfg.Node {
			continue
		}
		err := w.store.Publish(ctx, tasks.Event{
			CMD: tasks.NodeDown, TS: tasks.Stamp(time.Now()), NODE: n.Name, EVENT: fmt.Sprintf("nodedown.%s.%d", n.Name, n.BeatAt.UnixMilli()),
			MSG: fmt.Sprintf("node %s was last heard of at %s; its recordings wait for it", n.Name, n.BeatAt.Local().Format("2006-01-02 15:04:05")),
		})
		if err != nil {
			return err
		}
	}
	return nil
}
