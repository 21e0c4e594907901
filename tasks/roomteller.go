package tasks

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
)

// roomCache spares a reader a thousand rooms that have not changed. Redis' own mark says whether they have.
type roomCache struct {
	mu    sync.Mutex
	known map[string]markedRooms
}

type markedRooms struct {
	mark  string
	rooms []Room // never changed again
}

func (c *roomCache) get(node, mark string) ([]Room, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, ok := c.known[node]
	return k.rooms, ok && k.mark == mark
}

func (c *roomCache) put(node, mark string, rooms []Room) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		c.known = map[string]markedRooms{}
	}
	c.known[node] = markedRooms{mark, rooms}
}

// RoomTeller keeps one node's rooms fresh in Redis. It writes what changed since it last wrote: most rooms of a thousand are
// as they were 5 s ago.
type RoomTeller struct {
	store *Store
	node  string

	mu   sync.Mutex
	mark string            // of what Redis has; empty = not known
	told map[string]string // room id → document
}

// RoomTeller tells of a node's rooms; a node has one.
func (s *Store) RoomTeller(node string) *RoomTeller { return &RoomTeller{store: s, node: node} }

// Tell makes these the node's rooms, fresh as of now.
func (t *RoomTeller) Tell(ctx context.Context, rooms []Room) error {
	docs := make(map[string]string, len(rooms))
	for _, r := range rooms {
		b, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("room %d: %w", r.RoomID, err)
		}
		docs[strconv.FormatInt(r.RoomID, 10)] = string(b)
	}
	return t.write(ctx, docs, NotAway, "")
}

// Away marks that the rooms cannot be looked at; they stay as they were last seen.
func (t *RoomTeller) Away(ctx context.Context, reason Away, why string) error {
	return t.write(ctx, nil, reason, why)
}

func (t *RoomTeller) write(ctx context.Context, docs map[string]string, away Away, why string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	done, err := t.try(ctx, docs, away, why)
	if err == nil && !done { // Redis has other rooms than we think: it was emptied, or another worker told
		t.mark, t.told = "", nil
		_, err = t.try(ctx, docs, away, why)
	}
	if err != nil {
		t.mark = ""
		return fmt.Errorf("redis: tell of the rooms of %s: %w", t.node, err)
	}
	return nil
}

// tellScript answers 0 when Redis does not have what ARGV[1] marks. ARGV: mark expected (” = none, begin anew), mark
// afterwards, away, why, how many ids are gone, these ids, then id and document of each room that is new or another.
const tellScript = `
if ARGV[1] ~= '' and redis.call('HGET', KEYS[1], 'mark') ~= ARGV[1] then return 0 end
local from = 6 + tonumber(ARGV[5])
if ARGV[1] == '' and ARGV[3] == '' then redis.call('DEL', KEYS[1]) end
for i = 6, from - 1 do redis.call('HDEL', KEYS[1], ARGV[i]) end
for i = from, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
local t = redis.call('TIME')
redis.call('HSET', KEYS[1], 'mark', ARGV[2], 'at', t[1] * 1000 + math.floor(t[2] / 1000), 'away', ARGV[3], 'why', ARGV[4])
return 1`

func (t *RoomTeller) try(ctx context.Context, docs map[string]string, away Away, why string) (bool, error) {
	gone, changed := t.changes(docs, away)
	next := t.mark
	if next == "" || len(gone)+len(changed) > 0 {
		next = uuid.NewString()
	}
	argv := append([]any{t.mark, next, string(away), why, len(gone)}, gone...)
	ok, err := redis.NewScript(tellScript).Run(ctx, t.store.rdb, []string{keyRooms(t.node)}, append(argv, changed...)...).Int()
	if err != nil || ok == 0 {
		return false, err
	}
	if away == NotAway {
		t.mark, t.told = next, docs
	} else if t.mark == "" {
		t.mark, t.told = "", nil // what Redis had from before is not known to us
	}
	return true, nil
}

// changes lists the rooms that are gone, and those that are new or another with their documents.
func (t *RoomTeller) changes(docs map[string]string, away Away) (gone, changed []any) {
	if away != NotAway {
		return nil, nil
	}
	for id := range t.told {
		if _, still := docs[id]; !still {
			gone = append(gone, id)
		}
	}
	for id, doc := range docs {
		if t.told[id] != doc {
			changed = append(changed, id, doc)
		}
	}
	return gone, changed
}
