package tasks

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// sameOpening is how far two reports of one opening may lie apart.
const sameOpening = time.Second

// Ingest takes what a recorder told about a file (fact.Seen says which) and returns the recording after it. Dedupe key, state
// and events are written by one script; a known event changes nothing. choose picks the flow for a recording that closes.
func (s *Store) Ingest(ctx context.Context, fact Fact, choose func(Recording) (Flow, error)) (Recording, error) {
	path := Identity{Node: fact.Seen.Node, Root: fact.Seen.Root, Path: fact.Seen.Path}
	firstID := path.ID()
	known := map[int]string{} // generation → document; what was not looked up yet is hoped to be new
	newest := 0
	for range maxTries {
		fact.Recording = path.ID()
		newest = max(newest, path.Gen)
		a := application{fact: fact, old: known[path.Gen], firstID: firstID, generation: path.Gen, newest: newest}
		var err error
		if a.before, err = decodeRecording(fact.Recording, a.old); err != nil {
			return Recording{}, err
		}
		if gen := generationOf(a.before, fact.Seen, path.Gen); gen != path.Gen {
			path.Gen = gen
			continue
		}
		if err = a.follow(choose); err != nil {
			return Recording{}, err
		}
		verdict, answer, err := s.run(ctx, a)
		switch {
		case err != nil:
			return Recording{}, err
		case verdict == "ok":
			return a.after, nil
		case verdict == "known":
			return s.Recording(ctx, answer)
		case verdict == "changed":
			known[path.Gen] = answer
		case verdict == "generation":
			if newest, err = strconv.Atoi(answer); err != nil {
				return Recording{}, fmt.Errorf("generation of %s: %w", path.Path, err)
			}
			if path.Gen, err = s.generationAmong(ctx, path, newest, fact.Seen, known); err != nil {
				return Recording{}, err
			}
		}
	}
	return Recording{}, fmt.Errorf("recording %s: %w", fact.Recording, ErrConflict)
}

func (a *application) follow(choose func(Recording) (Flow, error)) error {
	var flow Flow
	if a.fact.Kind == FileWasClosed {
		var err error
		if flow, err = choose(a.before.knowing(a.fact)); err != nil {
			return err
		}
		a.flow = &flow
	}
	a.after, a.events, a.changed = Follow(a.before, flow, a.fact)
	a.after.Gen = a.generation
	return nil
}

// generationOf moves on to the next generation when the path was used again: the former recording is closed, and a *known*
// open time or inode differs.
func generationOf(r Recording, s Sighting, gen int) int {
	if r.State == "" || r.State == Opening || r.State == Found || (r.State == Missing && r.Run == 0) {
		return gen
	}
	if differs(r, s) {
		return gen + 1
	}
	return gen
}

func differs(r Recording, s Sighting) bool {
	if !r.OpenedAt.IsZero() && !s.OpenedAt.IsZero() && r.OpenedAt.Sub(s.OpenedAt).Abs() >= sameOpening {
		return true
	}
	return r.Inode != 0 && s.Inode != 0 && r.Inode != s.Inode
}

// generationAmong finds the generation an event belongs to when the path has several: the one with the event's open time, else
// the newest.
func (s *Store) generationAmong(ctx context.Context, p Identity, newest int, seen Sighting, known map[int]string) (int, error) {
	for gen := newest; gen >= 0; gen-- {
		p.Gen = gen
		doc, err := s.document(ctx, p.ID())
		if err != nil {
			return 0, err
		}
		known[gen] = doc
		r, err := decodeRecording(p.ID(), doc)
		if err != nil {
			return 0, err
		}
		if seen.OpenedAt.IsZero() || (doc != "" && !differs(r, seen)) {
			return gen, nil
		}
	}
	return newest, nil
}

// Newest returns the recording that a path names now. One that nobody knows yet comes back with its id and no state.
func (s *Store) Newest(ctx context.Context, p Identity) (Recording, error) {
	p.Gen = 0
	gen, err := s.rdb.HGet(ctx, keyGenerations, p.ID()).Int()
	if err != nil && !errors.Is(err, redis.Nil) {
		return Recording{}, fmt.Errorf("redis: read generation of %s: %w", p.Path, err)
	}
	p.Gen = gen
	doc, err := s.document(ctx, p.ID())
	if err != nil {
		return Recording{}, err
	}
	return decodeRecording(p.ID(), doc)
}
