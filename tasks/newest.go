package tasks

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// NewestOf returns, in the same order, the recordings that paths name now. One that nobody knows comes back with its id and no
// state. It takes two round trips however many they are.
func (s *Store) NewestOf(ctx context.Context, paths []Identity) ([]Recording, error) {
	if len(paths) == 0 {
		return nil, nil
	}
	first := make([]string, len(paths))
	for i, p := range paths {
		p.Gen = 0
		first[i] = p.ID()
	}
	gens, err := s.rdb.HMGet(ctx, keyGenerations, first...).Result()
	if err != nil {
		return nil, fmt.Errorf("redis: read generations: %w", err)
	}
	ids := make([]string, len(paths))
	for i, p := range paths {
		p.Gen = 0
		if g, ok := gens[i].(string); ok {
			_, _ = fmt.Sscan(g, &p.Gen)
		}
		ids[i] = p.ID()
	}
	docs, err := s.documents(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make([]Recording, len(paths))
	for i := range docs {
		if out[i], err = decodeRecording(ids[i], docs[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s *Store) documents(ctx context.Context, ids []string) ([]string, error) {
	pipe := s.rdb.Pipeline()
	for _, id := range ids {
		pipe.Get(ctx, keyRecording(id))
	}
	cmds, err := pipe.Exec(ctx)
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("redis: read recordings: %w", err)
	}
	docs := make([]string, len(ids))
	for i, c := range cmds {
		doc, err := c.(*redis.StringCmd).Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			return nil, fmt.Errorf("redis: read recording %s: %w", ids[i], err)
		}
		docs[i] = doc
	}
	return docs, nil
}

// Unknown returns those of the ids that no recording has.
func (s *Store) Unknown(ctx context.Context, ids []string) ([]string, error) {
	pipe := s.rdb.Pipeline()
	there := make([]*redis.IntCmd, len(ids))
	for i, id := range ids {
		there[i] = pipe.Exists(ctx, keyRecording(id))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("redis: look for recordings: %w", err)
	}
	var unknown []string
	for i, c := range there {
		if c.Val() == 0 {
			unknown = append(unknown, ids[i])
		}
	}
	return unknown, nil
}

// InState returns the ids of every recording in a state, oldest first.
func (s *Store) InState(ctx context.Context, st State) ([]string, error) {
	ids, err := s.rdb.ZRange(ctx, keyState(st), 0, -1).Result()
	if err != nil {
		return nil, fmt.Errorf("redis: list %s recordings: %w", st, err)
	}
	return ids, nil
}

// Oldest returns up to limit recordings in a state, the oldest first, after the first offset ones.
func (s *Store) Oldest(ctx context.Context, st State, offset, limit int64) ([]Recording, error) {
	ids, err := s.rdb.ZRange(ctx, keyState(st), offset, offset+limit-1).Result()
	if err != nil {
		return nil, fmt.Errorf("redis: list %s recordings: %w", st, err)
	}
	return s.Recordings(ctx, ids)
}
