package worker

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker/recorder"
)

// pace is how often the recorder is asked, and how long it may take.
type pace struct {
	every  time.Duration // between two looks at its rooms without a reason
	within time.Duration // for the list
	look   time.Duration // for one room, before a command begins
}

func usualPace() pace {
	return pace{every: 5 * time.Second, within: 10 * time.Second, look: 5 * time.Second}
}

const (
	roomsAtMost   = 250 * time.Millisecond // between two looks, however many reasons there are
	optionsFresh  = 5 * time.Minute        // a room's own settings change seldom, and cost a question each
	optionsWithin = time.Second            // of each look goes into reading them
)

// roomKeeper keeps this node's rooms fresh in Redis and carries commands to its recorder out. It keeps no objectId but the one
// that is shown.
type roomKeeper struct {
	recorder *recorder.Client // nil: this node drives none
	store    *tasks.Store
	teller   *tasks.RoomTeller
	node     string
	log      *slog.Logger
	nudged   chan struct{}
	pace     pace

	mu      sync.Mutex
	rooms   map[int64]tasks.Room
	changes int // by commands: a list from before one is old
	options map[int64]roomOptions
	away    string // what was said of it last
}

type roomOptions struct {
	tasks.RoomOptions
	readAt time.Time
}

func newRoomKeeper(cfg Config, client *recorder.Client, store *tasks.Store) *roomKeeper {
	return &roomKeeper{
		recorder: client, store: store, teller: store.RoomTeller(cfg.Node), node: cfg.Node, log: cfg.Log,
		nudged: make(chan struct{}, 1), pace: usualPace(), rooms: map[int64]tasks.Room{}, options: map[int64]roomOptions{},
	}
}

// look makes the next look come at once.
func (k *roomKeeper) look() {
	select {
	case k.nudged <- struct{}{}:
	default:
	}
}

// run looks at the recorder's rooms every 5 s, and sooner when there is a reason.
func (k *roomKeeper) run(ctx context.Context) error {
	tick := time.NewTicker(k.pace.every)
	defer tick.Stop()
	for {
		if err := k.refresh(ctx); err != nil && ctx.Err() == nil {
			k.log.Debug("rooms not told", "error", err)
		}
		pause(ctx, roomsAtMost)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-k.nudged:
		case <-tick.C:
		}
	}
}

// hints hears what the recorder's webhooks say about rooms.
func (k *roomKeeper) hints(ctx context.Context) error {
	return k.store.Tail(ctx, func(string) {}, func(f tasks.Frame) {
		if f.Live {
			return
		}
		e, err := f.Decode()
		if err != nil || e.NODE != k.node {
			return
		}
		switch e.CMD {
		case tasks.SessionStarted, tasks.SessionEnded, tasks.StreamStarted, tasks.StreamEnded:
			k.look()
		}
	})
}

// refresh lists the rooms and tells of them, or that the recorder is away.
func (k *roomKeeper) refresh(ctx context.Context) error {
	if k.recorder == nil {
		return k.teller.Away(ctx, tasks.NoRecorder, "")
	}
	k.mu.Lock()
	before := k.changes
	k.mu.Unlock()
	asked, stop := context.WithTimeout(ctx, k.pace.within)
	list, err := k.recorder.Rooms(asked)
	stop()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	k.sayAway(err)
	if err != nil {
		return errors.Join(err, k.teller.Away(ctx, tasks.RecorderAway, awayWords(err)))
	}
	if !k.replace(list, before) {
		k.look() // a command changed something while the list was on its way
		return nil
	}
	if err := k.tell(ctx); err != nil {
		return err
	}
	if k.readOptions(ctx) {
		return k.tell(ctx)
	}
	return nil
}

// awayWords are what people are shown; an error that is not the recorder's says only that it did not answer.
func awayWords(err error) string {
	if recorder.KindOf(err) == "" {
		return "no answer within 10 s / 10 秒内没有应答"
	}
	return words(err)
}

// sayAway logs when the recorder goes and when it comes back, not every 5 s.
func (k *roomKeeper) sayAway(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := ""
	if err != nil {
		now = cmp.Or(string(recorder.KindOf(err)), "away")
	}
	if now == k.away {
		return
	}
	if k.away = now; now == "" {
		k.log.Info("recorder answers again", "address", k.recorder.Address())
		return
	}
	k.log.Warn("rooms cannot be looked at", "error", err)
}

// replace makes the list what is known, unless a command changed something since it was asked for.
func (k *roomKeeper) replace(list []recorder.Room, asOf int) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.changes != asOf {
		return false
	}
	rooms := make(map[int64]tasks.Room, len(list))
	for _, r := range list {
		rooms[r.RoomID] = k.shaped(r)
	}
	k.rooms = rooms
	maps.DeleteFunc(k.options, func(id int64, _ roomOptions) bool { _, still := rooms[id]; return !still })
	return true
}

// tell writes what is known into Redis.
func (k *roomKeeper) tell(ctx context.Context) error {
	k.mu.Lock()
	list := slices.Collect(maps.Values(k.rooms))
	k.mu.Unlock()
	return k.teller.Tell(ctx, list)
}

// put tells of one room that a command changed; the next look tells of all.
func (k *roomKeeper) put(ctx context.Context, r recorder.Room) {
	k.mu.Lock()
	k.changes++
	k.rooms[r.RoomID] = k.shaped(r)
	k.mu.Unlock()
	if err := k.tell(ctx); err != nil {
		k.log.Debug("rooms not told", "error", err)
	}
}

// forget tells that a room is gone.
func (k *roomKeeper) forget(ctx context.Context, id int64) {
	k.mu.Lock()
	k.changes++
	delete(k.rooms, id)
	delete(k.options, id)
	k.mu.Unlock()
	if err := k.tell(ctx); err != nil {
		k.log.Debug("rooms not told", "error", err)
	}
}

// ours is the room in our own words.
func (k *roomKeeper) ours(r recorder.Room) tasks.Room {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.shaped(r)
}

// shaped is ours with the lock held.
func (k *roomKeeper) shaped(r recorder.Room) tasks.Room {
	return tasks.Room{
		RoomID: r.RoomID, ShortID: r.ShortID, Name: r.Name, Title: r.Title, AreaParent: r.AreaParent, AreaChild: r.AreaChild,
		AutoRecord: r.AutoRecord, ThisSession: r.AutoRecordForThisSession, Recording: r.Recording, Streaming: r.Streaming,
		Danmaku: r.DanmakuConnected, ObjectID: r.ObjectID, Options: k.options[r.RoomID].RoomOptions,
		Stats: tasks.RoomStats{
			SessionDuration: r.Stats.SessionDuration.Finite(), SessionTimestamp: r.Stats.SessionMaxTimestamp,
			FileTimestamp: r.Stats.FileMaxTimestamp, InputBytes: r.Stats.TotalInputBytes, OutputBytes: r.Stats.TotalOutputBytes,
			FileBytes: r.Stats.CurrentFileSize, DurationRatio: r.Stats.DurationRatio.Finite(), NetworkMbps: r.IOStats.NetworkMbps.Finite(),
		},
	}
}

// readOptions reads the settings of rooms whose own are unknown or old, the oldest first, for a second at most. It reports
// whether any are others now.
func (k *roomKeeper) readOptions(ctx context.Context) (changed bool) {
	ctx, stop := context.WithTimeout(ctx, optionsWithin)
	defer stop()
	for _, id := range k.withoutOptions(time.Now()) {
		g, err := k.recorder.RoomConfig(ctx, id)
		if err != nil {
			return changed
		}
		now := roomOptions{optionsOf(g), time.Now()}
		k.mu.Lock()
		if r, ok := k.rooms[id]; ok {
			changed = changed || r.Options != now.RoomOptions
			r.Options, k.options[id] = now.RoomOptions, now
			k.rooms[id] = r
		}
		k.mu.Unlock()
	}
	return changed
}

func (k *roomKeeper) withoutOptions(now time.Time) []int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	var ids []int64
	for id := range k.rooms {
		if now.Sub(k.options[id].readAt) > optionsFresh {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b int64) int {
		return cmp.Or(k.options[a].readAt.Compare(k.options[b].readAt), cmp.Compare(a, b))
	})
	return ids
}

func optionsOf(g recorder.RoomConfig) tasks.RoomOptions {
	return tasks.RoomOptions{
		CuttingMode:   tasks.RoomOption[string]{HasValue: g.CuttingMode.HasValue, Value: recorder.CuttingModeName(g.CuttingMode.Value)},
		CuttingNumber: tasks.RoomOption[int64](g.CuttingNumber),
		Danmaku:       tasks.RoomOption[bool](g.RecordDanmaku), Gift: tasks.RoomOption[bool](g.RecordDanmakuGift),
		Guard: tasks.RoomOption[bool](g.RecordDanmakuGuard), Raw: tasks.RoomOption[bool](g.RecordDanmakuRaw),
		SuperChat:  tasks.RoomOption[bool](g.RecordDanmakuSuperChat),
		RecordMode: tasks.RoomOption[string]{HasValue: g.RecordMode.HasValue, Value: recorder.RecordModeName(g.RecordMode.Value)},
	}
}
