package tasks

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/ngworks/nglive/tasks/taskstest"
)

// bench is a store and a queue on a Redis inside the test.
type bench struct {
	t     *testing.T
	ctx   context.Context
	rdb   *redis.Client
	store *Store
	queue *Queue
	facts int
}

func newBench(t *testing.T) *bench {
	t.Helper()
	m := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: m.Addr(), Protocol: 2})
	t.Cleanup(func() { _ = rdb.Close() })
	return benchOn(t, rdb)
}

// realBench is for what the one inside the test does not have: trimmed streams, blocking reads, outages.
func realBench(t *testing.T) (*bench, *taskstest.Server) {
	t.Helper()
	server := taskstest.Redis(t)
	return benchOn(t, server.Client()), server
}

func benchOn(t *testing.T, rdb *redis.Client) *bench {
	t.Helper()
	store := NewStore(rdb, time.Hour)
	return &bench{t: t, ctx: t.Context(), rdb: rdb, store: store, queue: NewQueue(rdb, store)}
}

// fact makes one with an id of its own.
func (b *bench) fact(kind FactKind, seen Sighting) Fact {
	b.facts++
	return Fact{ID: fmt.Sprintf("f%d", b.facts), Kind: kind, At: morning().Add(time.Duration(b.facts) * time.Second), Seen: seen}
}

func (b *bench) ingest(f Fact) Recording {
	b.t.Helper()
	r, err := b.store.Ingest(b.ctx, f, resolved)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// closed ingests a file that closed.
func (b *bench) closed(path string) Recording {
	b.t.Helper()
	return b.ingest(b.fact(FileWasClosed, Sighting{Node: "nas", Path: path, RoomID: 7}))
}

func (b *bench) apply(f Fact) Recording {
	b.t.Helper()
	r, err := b.store.Apply(b.ctx, f)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *bench) commands() []string {
	b.t.Helper()
	frames, err := b.store.Since(b.ctx, "0-0", 10_000)
	if err != nil {
		b.t.Fatal(err)
	}
	var cmds []string
	for _, f := range frames {
		e, err := f.Decode()
		if err != nil {
			b.t.Fatal(err)
		}
		cmds = append(cmds, e.CMD)
	}
	return cmds
}

// morning is when all tests happen.
func morning() time.Time { return time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC) }

func resolved(Recording) (Flow, error) {
	return DefaultFlow().Resolve(Defaults{Transcode: TranscodeWith{Mode: "COPY"}}), nil
}
