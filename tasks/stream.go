package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// liveLength is how many live frames (progress, heartbeats) the stream holds; nobody replays them.
const liveLength = 1000

// Frame is an event as it stands in a stream: its sequence number and its JSON with that number inside.
type Frame struct {
	Seq  string
	Live bool
	JSON []byte
}

// Decode reads the event.
func (f Frame) Decode() (Event, error) {
	var e Event
	if err := json.Unmarshal(f.JSON, &e); err != nil {
		return e, fmt.Errorf("event %s: %w", f.Seq, err)
	}
	return e, nil
}

func encodeEvent(e Event) string {
	b, err := json.Marshal(e)
	if err != nil {
		panic("event " + e.EVENT + " does not go into JSON: " + err.Error())
	}
	return string(b)
}

// framed puts the sequence number into the event's JSON, before its closing brace.
func framed(id, doc string, live bool) Frame {
	if live {
		return Frame{Live: true, JSON: []byte(doc)}
	}
	return Frame{Seq: id, JSON: []byte(strings.TrimSuffix(doc, "}") + `,"SEQ":"` + id + `"}`)}
}

// Publish appends a lifecycle event that belongs to no recording; one whose EVENT id is known is dropped.
func (s *Store) Publish(ctx context.Context, e Event) error {
	keys := []string{keySeen(e.EVENT), keyEvents}
	Failpoint("store.publish.before")
	defer Failpoint("store.publish.after")
	err := redis.NewScript(publishScript).Run(ctx, s.rdb, keys, s.keep.Milliseconds(), encodeEvent(e)).Err()
	if err != nil {
		return fmt.Errorf("redis: append event %s: %w", e.CMD, err)
	}
	return nil
}

const publishScript = `
if not redis.call('SET', KEYS[1], '1', 'PX', ARGV[1], 'NX') then return 0 end
redis.call('XADD', KEYS[2], 'MINID', '~', redis.call('TIME')[1] * 1000 - ARGV[1], '*', 'e', ARGV[2])
return 1`

// PublishLive appends progress or a heartbeat. It may be dropped: nobody replays it.
func (s *Store) PublishLive(ctx context.Context, e Event) error {
	err := s.rdb.XAdd(ctx, &redis.XAddArgs{Stream: keyLive, MaxLen: liveLength, Approx: true, Values: []any{"e", encodeEvent(e)}}).Err()
	if err != nil {
		return fmt.Errorf("redis: append %s: %w", e.CMD, err)
	}
	return nil
}

// LastSeq is the sequence number of the newest lifecycle event, "0-0" when there is none.
func (s *Store) LastSeq(ctx context.Context) (string, error) { return s.last(ctx, keyEvents) }

func (s *Store) last(ctx context.Context, stream string) (string, error) {
	m, err := s.rdb.XRevRangeN(ctx, stream, "+", "-", 1).Result()
	if err != nil {
		return "", fmt.Errorf("redis: read %s: %w", stream, err)
	}
	if len(m) == 0 {
		return "0-0", nil
	}
	return m[0].ID, nil
}

// FirstSeq is the sequence number of the oldest lifecycle event kept, "" when there is none.
func (s *Store) FirstSeq(ctx context.Context) (string, error) {
	m, err := s.rdb.XRangeN(ctx, keyEvents, "-", "+", 1).Result()
	if err != nil {
		return "", fmt.Errorf("redis: read events: %w", err)
	}
	if len(m) == 0 {
		return "", nil
	}
	return m[0].ID, nil
}

// Since returns up to limit lifecycle events after seq, oldest first.
func (s *Store) Since(ctx context.Context, seq string, limit int64) ([]Frame, error) {
	m, err := s.rdb.XRangeN(ctx, keyEvents, "("+seq, "+", limit).Result()
	if err != nil {
		return nil, fmt.Errorf("redis: read events since %s: %w", seq, err)
	}
	frames := make([]Frame, 0, len(m))
	for _, x := range m {
		if doc, ok := x.Values["e"].(string); ok {
			frames = append(frames, framed(x.ID, doc, false))
		}
	}
	return frames, nil
}

// Has reports whether a lifecycle event is kept.
func (s *Store) Has(ctx context.Context, seq string) (bool, error) {
	m, err := s.rdb.XRangeN(ctx, keyEvents, seq, seq, 1).Result()
	if err != nil {
		return false, fmt.Errorf("redis: look for event %s: %w", seq, err)
	}
	return len(m) > 0, nil
}

// Gone reports whether events after seq were dropped already because of their age.
func (s *Store) Gone(ctx context.Context, seq string) (bool, error) {
	first, err := s.FirstSeq(ctx)
	if err != nil || first == "" {
		return false, err
	}
	deleted, err := s.maxDeleted(ctx)
	return deleted != "" && SeqLess(seq, deleted), err
}

func (s *Store) maxDeleted(ctx context.Context) (string, error) {
	info, err := s.rdb.XInfoStream(ctx, keyEvents).Result()
	if err != nil {
		return "", fmt.Errorf("redis: look at events: %w", err)
	}
	if info.EntriesAdded == info.Length { // nothing was ever trimmed
		return "", nil
	}
	return info.FirstEntry.ID, nil
}

// SeqLess compares two sequence numbers as a stream orders them.
func SeqLess(a, b string) bool {
	am, as := seqParts(a)
	bm, bs := seqParts(b)
	return am < bm || (am == bm && as < bs)
}

func seqParts(s string) (ms, n uint64) {
	left, right, _ := strings.Cut(s, "-")
	ms, _ = strconv.ParseUint(left, 10, 64)
	n, _ = strconv.ParseUint(right, 10, 64)
	return ms, n
}

// ValidSeq reports whether a listener's since can be a sequence number.
func ValidSeq(s string) bool {
	left, right, two := strings.Cut(s, "-")
	_, err := strconv.ParseUint(left, 10, 64)
	if err != nil || !two {
		return err == nil
	}
	_, err = strconv.ParseUint(right, 10, 64)
	return err == nil
}

// Tail hands every new frame of both streams to take, in order, until ctx ends. It begins after the newest lifecycle event at
// the time of the call (ready is told its number) and survives a Redis that goes away and comes back without losing one.
func (s *Store) Tail(ctx context.Context, ready func(seq string), take func(Frame)) error {
	events, live, err := s.tailStart(ctx)
	if err != nil {
		return err
	}
	ready(events)
	return s.tail(ctx, events, live, func(f Frame) error {
		take(f)
		return nil
	})
}

// TailSince hands every lifecycle event after seq to take, in order, and live frames as they come, until ctx ends or take returns
// an error, which is returned. It survives a Redis that goes away and comes back.
func (s *Store) TailSince(ctx context.Context, seq string, take func(Frame) error) error {
	_, live, err := s.tailStart(ctx)
	if err != nil {
		return err
	}
	return s.tail(ctx, seq, live, take)
}

// betweenReads is the least time between two readings of the streams: an event alone is read at once, those of a burst together.
const betweenReads = 5 * time.Millisecond

func (s *Store) tail(ctx context.Context, events, live string, take func(Frame) error) error {
	for last := time.Now(); ctx.Err() == nil; last = time.Now() {
		if early := betweenReads - time.Since(last); early > 0 {
			wait(ctx, early)
		}
		out, err := s.rdb.XRead(ctx, &redis.XReadArgs{Streams: []string{keyEvents, keyLive, events, live}, Count: 500, Block: 2 * time.Second}).Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			wait(ctx, 200*time.Millisecond)
			continue
		}
		for _, stream := range out {
			for _, m := range stream.Messages {
				isLive := stream.Stream == keyLive
				if isLive {
					live = m.ID
				} else {
					events = m.ID
				}
				doc, ok := m.Values["e"].(string)
				if !ok {
					continue
				}
				if err := take(framed(m.ID, doc, isLive)); err != nil {
					return err
				}
			}
		}
	}
	return ctx.Err()
}

func (s *Store) tailStart(ctx context.Context) (events, live string, err error) {
	for ctx.Err() == nil {
		if events, err = s.last(ctx, keyEvents); err == nil {
			if live, err = s.last(ctx, keyLive); err == nil {
				return events, live, nil
			}
		}
		wait(ctx, 200*time.Millisecond)
	}
	return "", "", ctx.Err()
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
