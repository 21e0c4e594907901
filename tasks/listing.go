package tasks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/redis/go-redis/v9"
)

// Query says which recordings to list, newest first.
type Query struct {
	States []State // empty = all
	Node   string
	RoomID int64
	// Broadcast is a broadcast's id; one that does not exist has no recordings.
	Broadcast string
	Before    string // the cursor a former page ended with
	Limit     int

	window window
}

// page is how many recordings are read at once.
const page = 100

// List returns recordings, newest first, and the cursor of the next page ("" = no more).
func (s *Store) List(ctx context.Context, q Query) ([]Recording, string, error) {
	if len(q.States) == 0 {
		q.States = States()
	}
	if q.Broadcast != "" {
		var ok bool
		var err error
		if q.window, ok, err = s.windowOf(ctx, q.Broadcast); err != nil || !ok {
			return nil, "", err
		}
	}
	var out []Recording
	cursor := q.Before
	for {
		entries, err := s.newest(ctx, q.States, cursor)
		if err != nil || len(entries) == 0 {
			return out, "", err
		}
		ids := make([]string, len(entries))
		for i, e := range entries {
			ids[i] = e.id
		}
		found, err := s.Recordings(ctx, ids)
		if err == nil {
			err = s.Placed(ctx, found)
		}
		if err != nil {
			return nil, "", err
		}
		for _, r := range found {
			if !q.wants(r) {
				continue
			}
			if out = append(out, r); len(out) == q.Limit {
				return out, cursorOf(r), nil
			}
		}
		last := entries[len(entries)-1]
		if q.Broadcast != "" && last.ms < q.window.start.Add(-furthestAhead).UnixMilli() {
			return out, "", nil // nobody hears of a recording before it began
		}
		cursor = strconv.FormatInt(last.ms, 10) + "-" + last.id
	}
}

// wants looks again at the state: it may have changed between the index and the recording.
func (q Query) wants(r Recording) bool {
	return slices.Contains(q.States, r.State) && (q.Broadcast == "" || q.window.holds(&r)) && (q.Node == "" || r.Node == q.Node) &&
		(q.RoomID == 0 || r.RoomID == q.RoomID || r.ShortID == q.RoomID)
}

func cursorOf(r Recording) string { return strconv.FormatInt(r.CreatedAt.UnixMilli(), 10) + "-" + r.ID }

// entry is a recording in a state's index.
type entry struct {
	id string
	ms int64 // when it was created
}

// newest returns the next ids after the cursor over several states' indexes, newest first.
func (s *Store) newest(ctx context.Context, states []State, cursor string) ([]entry, error) {
	pipe := s.rdb.Pipeline()
	first := make([]*redis.ZSliceCmd, len(states))
	for i, state := range states {
		first[i] = pipe.ZRevRangeByScoreWithScores(ctx, keyState(state), after(cursor, 0))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("redis: list recordings: %w", err)
	}
	all := map[string]entry{} // a recording that moves on meanwhile stands in two indexes
	for i, state := range states {
		some, err := s.pageOf(ctx, state, cursor, first[i].Val())
		if err != nil {
			return nil, err
		}
		for _, e := range some {
			all[e.id] = e
		}
	}
	sorted := slices.SortedFunc(maps.Values(all), func(a, b entry) int {
		return cmp.Or(cmp.Compare(b.ms, a.ms), cmp.Compare(b.id, a.id))
	})
	return sorted[:min(page, len(sorted))], nil
}

// pageOf reads on until it has a page beyond the cursor: a sweep may have found thousands of files in one millisecond.
func (s *Store) pageOf(ctx context.Context, state State, cursor string, read []redis.Z) ([]entry, error) {
	ms, last, _ := cutCursor(cursor)
	var out []entry
	for offset := int64(0); ; {
		for _, z := range read {
			id, _ := z.Member.(string)
			if last == "" || strconv.FormatInt(int64(z.Score), 10) != ms || id < last {
				out = append(out, entry{id, int64(z.Score)})
			}
		}
		if len(out) >= page || len(read) < 2*page {
			return out, nil
		}
		offset += 2 * page
		var err error
		if read, err = s.rdb.ZRevRangeByScoreWithScores(ctx, keyState(state), after(cursor, offset)).Result(); err != nil {
			return nil, fmt.Errorf("redis: list %s recordings: %w", state, err)
		}
	}
}

func after(cursor string, offset int64) *redis.ZRangeBy {
	top := "+inf"
	if ms, _, ok := cutCursor(cursor); ok {
		top = ms
	}
	return &redis.ZRangeBy{Min: "-inf", Max: top, Offset: offset, Count: 2 * page}
}

func cutCursor(c string) (ms, id string, ok bool) {
	for i := range c {
		if c[i] == '-' {
			return c[:i], c[i+1:], true
		}
	}
	return "", "", false
}

// Recordings reads several recordings at once; ids that are gone are left out.
func (s *Store) Recordings(ctx context.Context, ids []string) ([]Recording, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	pipe := s.rdb.Pipeline()
	for _, id := range ids {
		pipe.Get(ctx, keyRecording(id))
	}
	cmds, err := pipe.Exec(ctx)
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("redis: read recordings: %w", err)
	}
	out := make([]Recording, 0, len(ids))
	for i, c := range cmds {
		doc, err := c.(*redis.StringCmd).Result()
		if errors.Is(err, redis.Nil) {
			continue
		}
		r, err := decodeRecording(ids[i], doc)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// Unfinished returns the ids of every recording in a state that something should happen to, oldest first.
func (s *Store) Unfinished(ctx context.Context) ([]string, error) {
	var ids []string
	for _, st := range []State{Closed, Running, Waiting} {
		z, err := s.rdb.ZRange(ctx, keyState(st), 0, -1).Result()
		if err != nil {
			return nil, fmt.Errorf("redis: list %s recordings: %w", st, err)
		}
		ids = append(ids, z...)
	}
	return ids, nil
}

// Counts returns how many recordings are in each state.
func (s *Store) Counts(ctx context.Context) (map[State]int64, error) {
	pipe := s.rdb.Pipeline()
	for _, st := range States() {
		pipe.ZCard(ctx, keyState(st))
	}
	cmds, err := pipe.Exec(ctx)
	if err != nil {
		return nil, fmt.Errorf("redis: count recordings: %w", err)
	}
	n := map[State]int64{}
	for i, st := range States() {
		n[st] = cmds[i].(*redis.IntCmd).Val()
	}
	return n, nil
}
