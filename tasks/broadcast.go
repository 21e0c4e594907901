package tasks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Broadcast is a stretch on a room's timeline: from the opening of its first recording to the end of its last, with no pause
// longer than the gap. The script that writes a recording draws its stretch in the same go, and joins what it bridges; so order,
// repeats and restarts do not matter, and a recording's document does not need to know.
type Broadcast struct {
	ID        string    `json:"id" doc:"Room and beginning; it stays when an earlier recording turns up"`
	RoomID    int64     `json:"room_id"`
	StartedAt time.Time `json:"started_at" doc:"When its first recording began"`
	LastAt    time.Time `json:"last_at" doc:"Until when its recordings reach, as far as is known"`
	Over      bool      `json:"over" doc:"Nothing is being recorded, and the gap has passed"`
	Open      []string  `json:"open,omitempty" doc:"Recordings that are being written"`
	Quiet     bool      `json:"-"` // the gap has passed since anything was told, but for files that are still open
}

// defaultGap is the longest pause inside a broadcast.
const defaultGap = 10 * time.Minute

// Bounds for what a clock that is wrong can do to a timeline.
const (
	furthestAhead = 24 * time.Hour
	longestFile   = 7 * 24 * time.Hour
)

const keyBroadcasts = keyPrefix + "b"

func keyRoom(room int64) string     { return keyBroadcasts + ":" + strconv.FormatInt(room, 10) }
func keyRoomEnds(room int64) string { return keyRoom(room) + ":ends" } // of each broadcast: last end, and when we heard of it
func keyRoomOpen(room int64) string { return keyRoom(room) + ":open" } // recordings being written

// WithBroadcastGap sets the longest pause inside a broadcast.
func (s *Store) WithBroadcastGap(gap time.Duration) *Store {
	s.gap = gap
	return s
}

// drawScript is the part of applyScript that draws a recording's stretch. Most recordings lie inside their broadcast or make it
// longer: what does not change is not written, and when we heard of it last is kept to the second. It answers the broadcast.
// KEYS: room's broadcasts, ends, open files, all broadcasts. ARGV: from, to, gap, now (ms), name of a new one, is it open ("" = as before).
const drawScript = `
local function draw(room, ends, open, all, rec, from, to, gap, now, fresh, isopen)
  local id, joined, first, last = nil, {}, from, to
  local start, until_, heard = nil, nil, 0
  local at, more = 0, true
  while more do
    local some = redis.call('ZREVRANGEBYSCORE', room, string.format('%.0f', to + gap), '-inf', 'WITHSCORES', 'LIMIT', at, 2)
    more = #some == 4
    for i = 1, #some, 2 do
      local b, s = some[i], tonumber(some[i + 1])
      local e, h = string.match(redis.call('HGET', ends, b) or '', '^(%d+) (%d+)')
      e = tonumber(e) or s
      if e < from - gap then more = false break end
      if id then joined[#joined + 1] = id end
      id, start, until_, heard = b, s, e, tonumber(h) or 0
      first, last, at = math.min(first, s), math.max(last, e), at + 1
    end
  end
  for _, j in ipairs(joined) do
    redis.call('ZREM', room, j)
    redis.call('ZREM', all, j)
    redis.call('HDEL', ends, j)
  end
  id = id or fresh
  if first ~= start then
    redis.call('ZADD', room, string.format('%.0f', first), id)
    redis.call('ZADD', all, string.format('%.0f', first), id)
  end
  if last ~= until_ or now - heard >= 1000 then redis.call('HSET', ends, id, string.format('%.0f %.0f', last, now)) end
  if isopen == '1' then redis.call('HSET', open, rec, string.format('%.0f', from)) end
  if isopen == '0' then redis.call('HDEL', open, rec) end
  return id
end
`

// stretch is where a recording lies on its room's timeline. Times that no clock can mean are not believed.
func (r *Recording) stretch() (from, to time.Time) {
	believed := func(t time.Time) time.Time {
		if t.After(r.CreatedAt.Add(furthestAhead)) {
			return time.Time{}
		}
		return t
	}
	from, to = believed(r.OpenedAt), believed(r.ClosedAt)
	if to.IsZero() {
		to = r.CreatedAt
		if end := from.Add(seconds(r.DurationSeconds)); !from.IsZero() && (r.State == Opening || r.DurationSeconds > 0) {
			to = end
		}
	}
	if from.IsZero() {
		from = to.Add(-seconds(r.DurationSeconds))
	}
	if oldest := to.Add(-longestFile); from.Before(oldest) {
		from = oldest
	}
	if from.After(to) {
		from = to
	}
	return from, to
}

func seconds(s float64) time.Duration {
	return time.Duration(min(max(s, 0), longestFile.Seconds()) * float64(time.Second))
}

// drawn says what drawScript shall do: nothing for a recording of no room; for one whose place did not change it says only where
// that is.
func (a *application) drawn(gap time.Duration) []any {
	r, was := &a.after, &a.before
	if r.RoomID <= 0 || !a.changed {
		return []any{"", "", "", "", ""}
	}
	from, to := r.stretch()
	formerly, until := was.stretch()
	if was.RoomID == r.RoomID && from.Equal(formerly) && to.Equal(until) && (was.State == Opening) == (r.State == Opening) {
		return []any{from.UnixMilli(), "", "", "", ""}
	}
	open := ""
	switch {
	case r.State == Opening:
		open = "1"
	case was.State == Opening:
		open = "0"
	}
	fresh := strconv.FormatInt(r.RoomID, 10) + "-" + strconv.FormatInt(from.UnixMilli(), 10)
	return []any{from.UnixMilli(), to.UnixMilli(), gap.Milliseconds(), fresh, open}
}

// Placed fills in each recording's broadcast.
func (s *Store) Placed(ctx context.Context, recs []Recording) error {
	pipe := s.rdb.Pipeline()
	at := map[int]*redis.StringSliceCmd{}
	for i := range recs {
		if recs[i].RoomID > 0 {
			at[i] = findBroadcast(ctx, pipe, &recs[i])
		}
	}
	if len(at) == 0 {
		return nil
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("redis: read broadcasts: %w", err)
	}
	for i, found := range at {
		recs[i].Broadcast = first(found.Val())
	}
	return nil
}

func findBroadcast(ctx context.Context, pipe redis.Pipeliner, r *Recording) *redis.StringSliceCmd {
	from, _ := r.stretch()
	return pipe.ZRevRangeByScore(ctx, keyRoom(r.RoomID), &redis.ZRangeBy{Max: strconv.FormatInt(from.UnixMilli(), 10), Min: "-inf", Count: 1})
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// BroadcastOf returns a recording's broadcast as it stands now; one of no room, or from before there were broadcasts, is over.
func (s *Store) BroadcastOf(ctx context.Context, r Recording) (Broadcast, error) {
	one := []Recording{r}
	if err := s.Placed(ctx, one); err != nil {
		return Broadcast{}, err
	}
	if one[0].Broadcast == "" {
		return Broadcast{Over: true}, nil
	}
	all, err := s.standing(ctx, []string{one[0].Broadcast})
	if err != nil || len(all) == 0 {
		return Broadcast{Over: true}, err
	}
	return all[0], nil
}

// broadcastLook is what is asked of Redis about one broadcast.
type broadcastLook struct {
	start  *redis.FloatCmd
	ends   *redis.StringCmd
	newest *redis.StringSliceCmd
	ended  *redis.StringCmd
	open   *redis.MapStringStringCmd
}

// standing reads broadcasts by id; those that were joined with another meanwhile are left out.
func (s *Store) standing(ctx context.Context, ids []string) ([]Broadcast, error) {
	pipe := s.rdb.Pipeline()
	clock := pipe.Time(ctx) // one clock for all: Redis' own
	looks := make([]broadcastLook, len(ids))
	for i, id := range ids {
		room := roomOf(id)
		looks[i] = broadcastLook{
			pipe.ZScore(ctx, keyRoom(room), id), pipe.HGet(ctx, keyRoomEnds(room), id), pipe.ZRevRange(ctx, keyRoom(room), 0, 0),
			pipe.HGet(ctx, keyRoomEnds(room), streamEnded), pipe.HGetAll(ctx, keyRoomOpen(room)),
		}
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("redis: read broadcasts: %w", err)
	}
	var all []Broadcast
	for i, id := range ids {
		if start, err := looks[i].start.Result(); err == nil {
			all = append(all, looks[i].read(id, start, clock.Val(), s.gap))
		}
	}
	return all, nil
}

func (l *broadcastLook) read(id string, start float64, now time.Time, gap time.Duration) Broadcast {
	last, heard, _ := strings.Cut(l.ends.Val(), " ")
	b := Broadcast{ID: id, RoomID: roomOf(id), StartedAt: fromMilli(strconv.FormatInt(int64(start), 10)), LastAt: fromMilli(last)}
	if first(l.newest.Val()) != id {
		b.Over = true // another one began
		return b
	}
	for rec, opened := range l.open.Val() {
		if !fromMilli(opened).Before(b.StartedAt) {
			b.Open = append(b.Open, rec)
		}
	}
	slices.Sort(b.Open)
	silent := fromMilli(heard)
	if ended := fromMilli(l.ended.Val()); ended.After(silent) {
		silent = ended
	}
	b.Quiet = now.Sub(silent) > gap
	b.Over = b.Quiet && len(b.Open) == 0
	return b
}

func fromMilli(text string) time.Time {
	ms, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return At(time.UnixMilli(ms))
}

func roomOf(broadcast string) int64 {
	room, _, _ := strings.Cut(broadcast, "-")
	n, _ := strconv.ParseInt(room, 10, 64) // no number is no room
	return n
}

// streamEnded stands among a room's ends.
const streamEnded = "stream"

const streamEndedScript = `
local t = redis.call('TIME')
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000)))
return 1`

// StreamEnded starts the clock of a room's broadcast anew: the stream is over, unless a new file says otherwise within the gap.
func (s *Store) StreamEnded(ctx context.Context, room int64) error {
	if room <= 0 {
		return nil
	}
	if err := redis.NewScript(streamEndedScript).Run(ctx, s.rdb, []string{keyRoomEnds(room)}, streamEnded).Err(); err != nil {
		return fmt.Errorf("redis: the stream of room %d ended: %w", room, err)
	}
	return nil
}

// Broadcasts lists broadcasts that began before a time (zero = now and later), newest first; room 0 is all rooms.
func (s *Store) Broadcasts(ctx context.Context, room int64, before time.Time, limit int) ([]Broadcast, error) {
	key, top := keyBroadcasts, "+inf"
	if room > 0 {
		key = keyRoom(room)
	}
	if !before.IsZero() {
		top = "(" + strconv.FormatInt(before.UnixMilli(), 10)
	}
	ids, err := s.rdb.ZRevRangeByScore(ctx, key, &redis.ZRangeBy{Max: top, Min: "-inf", Count: int64(limit)}).Result()
	if err != nil {
		return nil, fmt.Errorf("redis: list broadcasts: %w", err)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return s.standing(ctx, ids)
}

// window is where the recordings of one broadcast begin.
type window struct {
	room       int64
	start, end time.Time // end zero = it is the room's newest
}

// windowOf reads where a broadcast begins and the next one does; ok is false when there is no such broadcast.
func (s *Store) windowOf(ctx context.Context, id string) (w window, ok bool, err error) {
	w.room = roomOf(id)
	start, err := s.rdb.ZScore(ctx, keyRoom(w.room), id).Result()
	if errors.Is(err, redis.Nil) {
		return w, false, nil
	}
	if err != nil {
		return w, false, fmt.Errorf("redis: read broadcast %s: %w", id, err)
	}
	after := &redis.ZRangeBy{Min: "(" + strconv.FormatInt(int64(start), 10), Max: "+inf", Count: 1}
	next, err := s.rdb.ZRangeByScoreWithScores(ctx, keyRoom(w.room), after).Result()
	if err != nil {
		return w, false, fmt.Errorf("redis: read broadcast %s: %w", id, err)
	}
	w.start = At(time.UnixMilli(int64(start)))
	if len(next) > 0 {
		w.end = At(time.UnixMilli(int64(next[0].Score)))
	}
	return w, true, nil
}

func (w *window) holds(r *Recording) bool {
	from, _ := r.stretch()
	from = At(from)
	return r.RoomID == w.room && !from.Before(w.start) && (w.end.IsZero() || from.Before(w.end))
}
