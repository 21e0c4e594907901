package tasks

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// all pages through a query.
func (b *bench) all(q Query) []string {
	b.t.Helper()
	var ids []string
	for range 1000 {
		list, next, err := b.store.List(b.ctx, q)
		if err != nil {
			b.t.Fatal(err)
		}
		if len(list) > q.Limit {
			b.t.Fatalf("%d on a page of %d", len(list), q.Limit)
		}
		for _, r := range list {
			ids = append(ids, r.ID)
		}
		if next == "" {
			return ids
		}
		q.Before = next
	}
	b.t.Fatal("the pages have no end")
	return nil
}

func TestList_pagesThroughEverythingOnceNewestFirst(t *testing.T) {
	b := newBench(t)
	var want []string
	for i := range 25 {
		r := b.closed(fmt.Sprintf("%d.flv", i))
		want = append(want, r.ID)
		if i%3 == 0 {
			b.apply(Fact{ID: "c" + r.ID, Kind: PersonCancels, At: morning(), Recording: r.ID})
		}
	}
	slices.Reverse(want)
	for _, limit := range []int{1, 7, 25, 100} {
		if got := b.all(Query{Limit: limit}); !slices.Equal(got, want) {
			t.Errorf("limit %d: %v, want %v", limit, got, want)
		}
	}
	if got := b.all(Query{Limit: 4, States: []State{Cancelled}}); len(got) != 9 {
		t.Errorf("%d cancelled ones, want 9", len(got))
	}
}

func TestList_pagesThroughThousandsOfOneMillisecond(t *testing.T) {
	b := newBench(t)
	const n = 700
	for i := range n {
		f := Fact{ID: fmt.Sprint(i), Kind: FileWasOpened, At: morning(), Seen: Sighting{Node: "nas", Path: fmt.Sprintf("%d.flv", i)}}
		b.ingest(f)
	}
	got := b.all(Query{Limit: 33})
	slices.Sort(got)
	if got = slices.Compact(got); len(got) != n {
		t.Errorf("%d of %d recordings", len(got), n)
	}
}

func TestList_filters(t *testing.T) {
	b := newBench(t)
	for i := range 250 {
		node := "nas"
		if i%50 == 0 {
			node = "attic"
		}
		b.ingest(b.fact(FileWasClosed, Sighting{Node: node, Path: fmt.Sprintf("%d.flv", i), RoomID: int64(i % 10), ShortID: int64(1000 + i%5)}))
	}
	for _, c := range []struct {
		q    Query
		want int
	}{
		{Query{Node: "attic", Limit: 2}, 5},
		{Query{RoomID: 3, Limit: 10}, 25},
		{Query{RoomID: 1003, Limit: 10}, 50}, // a short id is a room's name too
		{Query{Node: "attic", RoomID: 3, Limit: 10}, 0},
		{Query{States: []State{Finished}, Limit: 10}, 0},
	} {
		if got := b.all(c.q); len(got) != c.want {
			t.Errorf("%+v: %d, want %d", c.q, len(got), c.want)
		}
	}
}

func TestList_leavesOutWhatIsGoneAndEnds(t *testing.T) {
	b := newBench(t)
	for i := range 150 {
		if r := b.closed(fmt.Sprintf("%d.flv", i)); i > 10 {
			b.rdb.Del(b.ctx, keyRecording(r.ID)) // the index still has it
		}
	}
	done := make(chan int, 1)
	go func() {
		list, _, _ := b.store.List(b.ctx, Query{Limit: 50})
		done <- len(list)
	}()
	select {
	case n := <-done:
		if n != 11 {
			t.Errorf("%d recordings, want 11", n)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the list has no end")
	}
}

func TestList_countsAndNamesWhatIsUnfinished(t *testing.T) {
	b := newBench(t)
	b.ingest(b.fact(FileWasOpened, Sighting{Node: "nas", Path: "open.flv"}))
	closed, cancelled := b.closed("a.flv"), b.closed("b.flv")
	b.apply(Fact{ID: "c", Kind: PersonCancels, At: morning(), Recording: cancelled.ID})
	n, err := b.store.Counts(b.ctx)
	if err != nil || n[Opening] != 1 || n[Closed] != 1 || n[Cancelled] != 1 || n[Finished] != 0 {
		t.Errorf("counts are %v (%v)", n, err)
	}
	ids, err := b.store.Unfinished(b.ctx)
	if err != nil || !slices.Equal(ids, []string{closed.ID}) {
		t.Errorf("unfinished are %v (%v)", ids, err)
	}
}
