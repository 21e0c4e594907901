package tasks

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"
)

const keyBlacklist = keyPrefix + "blacklist"

// Who can put a room on the blacklist.
const (
	ByPeople = "people" // through the API
	ByMaster = "master" // a master's list, which replaces its former one
)

// Banned is a room that must not be added, by its real or its short id.
type Banned struct {
	RoomID int64     `json:"room_id" doc:"Real or short id"`
	By     string    `json:"by" enum:"people,master" doc:"Whose list it is on"`
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"`
}

// Blacklist are all rooms that must not be added.
type Blacklist []Banned

// Has reports whether any of a room's ids is on the list; 0 is no id.
func (b Blacklist) Has(ids ...int64) bool {
	return slices.ContainsFunc(b, func(x Banned) bool { return x.RoomID > 0 && slices.Contains(ids, x.RoomID) })
}

func banField(by string, id int64) string { return by + ":" + strconv.FormatInt(id, 10) }

// Blacklist returns the list by id.
func (s *Store) Blacklist(ctx context.Context) (Blacklist, error) {
	docs, err := s.rdb.HGetAll(ctx, keyBlacklist).Result()
	if err != nil {
		return nil, fmt.Errorf("redis: read the blacklist: %w", err)
	}
	list := make(Blacklist, 0, len(docs))
	for field, doc := range docs {
		var x Banned
		if err := json.Unmarshal([]byte(doc), &x); err != nil {
			return nil, fmt.Errorf("blacklist entry %s: %w", field, err)
		}
		list = append(list, x)
	}
	slices.SortFunc(list, func(a, b Banned) int { return cmp.Or(cmp.Compare(a.RoomID, b.RoomID), cmp.Compare(a.By, b.By)) })
	return list, nil
}

// Ban puts a room on the blacklist. A room that is there already stays as it is: nothing that is being recorded is stopped.
func (s *Store) Ban(ctx context.Context, x Banned) (Banned, error) {
	now, err := s.Now(ctx)
	if err != nil {
		return x, err
	}
	x.At = At(now)
	b, err := json.Marshal(x)
	if err != nil {
		return x, fmt.Errorf("blacklist entry: %w", err)
	}
	if err := s.rdb.HSet(ctx, keyBlacklist, banField(x.By, x.RoomID), b).Err(); err != nil {
		return x, fmt.Errorf("redis: write the blacklist: %w", err)
	}
	return x, nil
}

// Unban takes an id off a list and reports whether it was on it.
func (s *Store) Unban(ctx context.Context, by string, id int64) (bool, error) {
	n, err := s.rdb.HDel(ctx, keyBlacklist, banField(by, id)).Result()
	if err != nil {
		return false, fmt.Errorf("redis: write the blacklist: %w", err)
	}
	return n > 0, nil
}

// ReplaceBlacklist makes these ids the whole list of whoever gives it; the other lists stay.
func (s *Store) ReplaceBlacklist(ctx context.Context, by string, ids []int64) error {
	now, err := s.Now(ctx)
	if err != nil {
		return err
	}
	old, err := s.Blacklist(ctx)
	if err != nil {
		return err
	}
	pipe := s.rdb.TxPipeline()
	for _, x := range old {
		if x.By == by && !slices.Contains(ids, x.RoomID) {
			pipe.HDel(ctx, keyBlacklist, banField(by, x.RoomID))
		}
	}
	for _, id := range ids {
		if id <= 0 || slices.ContainsFunc(old, func(x Banned) bool { return x.By == by && x.RoomID == id }) {
			continue
		}
		b, err := json.Marshal(Banned{RoomID: id, By: by, At: At(now)})
		if err != nil {
			return fmt.Errorf("blacklist entry: %w", err)
		}
		pipe.HSet(ctx, keyBlacklist, banField(by, id), b)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("redis: write the blacklist: %w", err)
	}
	return nil
}
