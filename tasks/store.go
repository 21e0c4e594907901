package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// Keys in Redis. Queues are Asynq's own and start with "asynq:".
const (
	keyPrefix      = "nglive:"
	keyEvents      = keyPrefix + "events"
	keyLive        = keyPrefix + "live"
	keyGenerations = keyPrefix + "generations"
	keyFlows       = keyPrefix + "flows"
	keyNodes       = keyPrefix + "nodes"
)

func keyRecording(id string) string    { return keyPrefix + "r:" + id }
func keyState(s State) string          { return keyPrefix + "s:" + string(s) }
func keySeen(fact string) string       { return keyPrefix + "seen:" + fact }
func keyFlowVersion(key string) string { return keyPrefix + "f:" + key }

// ErrNoRecording says that there is no recording with that id.
var ErrNoRecording = errors.New("no such recording")

// ErrConflict says that a recording changed under our hands more often than we try.
var ErrConflict = errors.New("the recording is being changed by others right now; try again")

// Store keeps recordings, flows and the event streams in Redis.
type Store struct {
	rdb   redis.UniversalClient
	bulk  *gathered     // for the scripts that come in hundreds
	keep  time.Duration // how long lifecycle events and the ids of known facts stay
	gap   time.Duration // the longest pause inside a broadcast
	flows flowCache
	rooms roomCache

	replies *replies
	script  *redis.Script // applyScript
}

// NewStore works on one Redis; keep is how long lifecycle events stay.
func NewStore(rdb redis.UniversalClient, keep time.Duration) *Store {
	return &Store{
		rdb: rdb, bulk: &gathered{UniversalClient: rdb}, keep: keep, gap: defaultGap,
		script:  redis.NewScript(drawScript + applyScript),
		replies: &replies{rdb: rdb},
	}
}

// applyScript writes the fact's id, the recording's state and the events in one go, or nothing.
// It answers {"ok"}, {"known", id}, {"changed", doc} or {"generation", n}; id is the recording the fact went to the first time.
//
// KEYS: recording, seen, generations, events, old state's index, new state's index, flow version, then drawScript's four.
// ARGV: old doc, new doc, id, score, how long seen ids and events stay (ms), first id of the path ("" = do not look),
// newest generation known, flow, drawScript's five (all "" = of no room, the last four "" = nothing to draw), then one JSON an
// event; each learns here, where it costs no question, which broadcast its recording is in.
const applyScript = `
local seen = redis.call('GET', KEYS[2])
if seen then return {'known', seen} end
if ARGV[6] ~= '' then
  local g = redis.call('HGET', KEYS[3], ARGV[6]) or '0'
  if tonumber(g) > tonumber(ARGV[7]) then return {'generation', g} end
end
local doc = redis.call('GET', KEYS[1]) or ''
if doc ~= ARGV[1] then return {'changed', doc} end
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[5])
if ARGV[6] ~= '' and ARGV[7] ~= '0' then redis.call('HSET', KEYS[3], ARGV[6], ARGV[7]) end
if ARGV[2] ~= ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2])
  if doc ~= '' and KEYS[5] ~= KEYS[6] then redis.call('ZREM', KEYS[5], ARGV[3]) end
  redis.call('ZADD', KEYS[6], ARGV[4], ARGV[3])
end
if ARGV[8] ~= '' then redis.call('SET', KEYS[7], ARGV[8], 'NX') end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local within = nil
if ARGV[10] ~= '' then
  within = draw(KEYS[8], KEYS[9], KEYS[10], KEYS[11], ARGV[3], tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11]), now, ARGV[12], ARGV[13])
elseif ARGV[9] ~= '' and ARGV[14] then
  within = redis.call('ZREVRANGEBYSCORE', KEYS[8], ARGV[9], '-inf', 'LIMIT', 0, 1)[1]
end
local oldest = string.format('%.0f', now - ARGV[5])
for i = 14, #ARGV do
  local e = ARGV[i]
  if within then e = string.sub(e, 1, -2) .. ',"BROADCAST":"' .. within .. '"}' end
  redis.call('XADD', KEYS[4], 'MINID', '~', oldest, '*', 'e', e)
end
return {'ok'}`

// application is one try to apply a fact.
type application struct {
	fact       Fact
	old        string // the document as we know it; empty = none
	before     Recording
	after      Recording
	flow       *Flow
	events     []Event
	changed    bool
	firstID    string
	generation int
	newest     int // the newest generation of the path that we know of
}

func (s *Store) run(ctx context.Context, a application) (verdict, doc string, err error) {
	fresh := a.old
	if a.changed {
		fresh = string(encodeRecording(a.after))
	}
	flow := ""
	if a.flow != nil && a.after.FlowKey != "" && a.after.FlowKey != a.before.FlowKey {
		flow = string(a.flow.encode())
	}
	keys := []string{
		keyRecording(a.after.ID), keySeen(a.fact.ID), keyGenerations, keyEvents,
		keyState(a.before.State), keyState(a.after.State), keyFlowVersion(a.after.FlowKey),
		keyRoom(a.after.RoomID), keyRoomEnds(a.after.RoomID), keyRoomOpen(a.after.RoomID), keyBroadcasts,
	}
	argv := []any{
		a.old, fresh, a.after.ID, a.after.CreatedAt.UnixMilli(), s.keep.Milliseconds(),
		a.firstID, a.newest, flow,
	}
	argv = append(argv, a.drawn(s.gap)...)
	for _, e := range a.events {
		argv = append(argv, encodeEvent(e))
	}
	Failpoint("store.apply.before")
	out, err := s.script.Run(ctx, s.bulk, keys, argv...).StringSlice()
	Failpoint("store.apply.after")
	if err != nil {
		return "", "", fmt.Errorf("redis: write recording %s: %w", a.after.ID, err)
	}
	if len(out) > 1 {
		doc = out[1]
	}
	return out[0], doc, nil
}

const maxTries = 20

// Apply takes a fact about a known recording and returns the recording after it. A known fact changes nothing.
func (s *Store) Apply(ctx context.Context, fact Fact) (Recording, error) {
	return s.apply(ctx, fact, func(r Recording) (Flow, error) { return s.PinnedFlow(ctx, r.FlowKey) })
}

// Run starts a flow on a recording, known or not (then what was seen of the file makes it).
func (s *Store) Run(ctx context.Context, fact Fact, flow Flow) (Recording, error) {
	return s.apply(ctx, fact, func(Recording) (Flow, error) { return flow, nil })
}

func (s *Store) apply(ctx context.Context, fact Fact, flowOf func(Recording) (Flow, error)) (Recording, error) {
	doc, err := s.document(ctx, fact.Recording)
	if err != nil {
		return Recording{}, err
	}
	for range maxTries {
		if doc == "" && fact.Kind != PersonRuns {
			return Recording{}, ErrNoRecording
		}
		a := application{fact: fact, old: doc}
		if a.before, err = decodeRecording(fact.Recording, doc); err != nil {
			return Recording{}, err
		}
		flow, err := flowOf(a.before)
		if err != nil {
			return Recording{}, err
		}
		a.flow = &flow
		a.after, a.events, a.changed = Follow(a.before, flow, fact)
		verdict, now, err := s.run(ctx, a)
		switch {
		case err != nil:
			return Recording{}, err
		case verdict == "ok":
			return a.after, nil
		case verdict == "known":
			return s.Recording(ctx, now)
		}
		doc = now
	}
	return Recording{}, fmt.Errorf("recording %s: %w", fact.Recording, ErrConflict)
}

func (s *Store) document(ctx context.Context, id string) (string, error) {
	doc, err := s.rdb.Get(ctx, keyRecording(id)).Result()
	if errors.Is(err, redis.Nil) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("redis: read recording %s: %w", id, err)
	}
	return doc, nil
}

// Recording returns one recording or ErrNoRecording.
func (s *Store) Recording(ctx context.Context, id string) (Recording, error) {
	doc, err := s.document(ctx, id)
	if err != nil {
		return Recording{}, err
	}
	if doc == "" {
		return Recording{}, ErrNoRecording
	}
	return decodeRecording(id, doc)
}

// PinnedFlow returns the resolved flow that recordings copied under that key; no key is an empty flow.
func (s *Store) PinnedFlow(ctx context.Context, key string) (Flow, error) {
	if key == "" {
		return Flow{}, nil
	}
	if f, ok := s.flows.pinned(key); ok {
		return f, nil
	}
	doc, err := s.rdb.Get(ctx, keyFlowVersion(key)).Result()
	if err != nil {
		return Flow{}, fmt.Errorf("redis: read flow version %s: %w", key, err)
	}
	var f Flow
	if err := json.Unmarshal([]byte(doc), &f); err != nil {
		return Flow{}, fmt.Errorf("flow version %s: %w", key, err)
	}
	s.flows.pin(key, f)
	return f, nil
}
