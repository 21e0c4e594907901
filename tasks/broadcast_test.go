package tasks

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// evening is a room's recordings, told by their events.
type evening struct {
	*bench
	room  int64
	facts []Fact
}

func (e *evening) file(name string, from, long time.Duration) {
	seen := Sighting{Node: "nas", Path: name + ".flv", RoomID: e.room, Session: name, OpenedAt: morning().Add(from)}
	closed := seen
	closed.ClosedAt, closed.Duration = morning().Add(from+long), long.Seconds()
	e.facts = append(e.facts, e.fact(FileWasOpened, seen), e.fact(FileWasClosed, closed))
}

// tell ingests all facts in any order, some twice.
func (e *evening) tell(order []int) {
	e.t.Helper()
	for _, i := range order {
		e.ingest(e.facts[i])
	}
}

// broadcasts groups the recordings' paths by their broadcast, oldest first.
func (b *bench) broadcasts() [][]string {
	b.t.Helper()
	recs, _, err := b.store.List(b.ctx, Query{Limit: 10_000})
	if err != nil {
		b.t.Fatal(err)
	}
	groups := map[string][]string{}
	for _, r := range recs {
		groups[r.Broadcast] = append(groups[r.Broadcast], r.Path)
	}
	var all [][]string
	for _, g := range groups {
		slices.Sort(g)
		all = append(all, g)
	}
	slices.SortFunc(all, slices.Compare)
	return all
}

func (b *bench) listed(room int64) []Broadcast {
	b.t.Helper()
	all, err := b.store.Broadcasts(b.ctx, room, time.Time{}, 500)
	if err != nil {
		b.t.Fatal(err)
	}
	return all
}

func straight(n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	return order
}

func TestBroadcast_reconnectsAreOneAndLongPausesTwo(t *testing.T) {
	for pause, want := range map[time.Duration]int{6 * time.Second: 1, 10 * time.Minute: 1, 11 * time.Minute: 2} {
		e := &evening{bench: newBench(t), room: 7}
		e.file("a", 0, time.Hour)
		e.file("b", time.Hour+pause, time.Hour)
		e.tell(straight(4))
		if got := e.listed(7); len(got) != want {
			t.Errorf("after a pause of %s there are %d broadcasts, want %d: %+v", pause, len(got), want, got)
		}
		if got := e.broadcasts(); len(got) != want {
			t.Errorf("after a pause of %s the recordings say %v", pause, got)
		}
	}
}

func TestBroadcast_doesNotDependOnOrderOrRepeats(t *testing.T) {
	for seed := range uint64(12) {
		dice := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // the same in every run
		e, at, want := &evening{bench: newBench(t), room: 7}, time.Duration(0), 0
		for i := range 25 {
			pause := time.Duration(dice.IntN(10*60+1)) * time.Second
			if i == 0 || dice.IntN(4) == 0 {
				pause, want = 10*time.Minute+time.Second+pause, want+1
			}
			at += pause
			long := time.Duration(1+dice.IntN(5000)) * time.Second
			e.file(fmt.Sprintf("%02d", i), at, long)
			at += long
		}
		order := append(dice.Perm(len(e.facts)), dice.Perm(len(e.facts))...)
		e.tell(order)
		if got := e.listed(7); len(got) != want {
			t.Fatalf("seed %d: %d broadcasts, want %d", seed, len(got), want)
		}
		if got := e.broadcasts(); len(got) != want {
			t.Fatalf("seed %d: the recordings say %v", seed, got)
		}
	}
}

func TestBroadcast_aLateFileJoinsWhatItBridges(t *testing.T) {
	e := &evening{bench: newBench(t), room: 7}
	e.file("a", 0, time.Minute)
	e.file("c", 20*time.Minute, time.Minute)
	e.file("b", 9*time.Minute, 5*time.Minute)
	e.tell([]int{0, 1, 2, 3})
	former := e.listed(7)
	if len(former) != 2 {
		t.Fatalf("broadcasts are %+v", former)
	}
	e.tell([]int{5, 4})
	got := e.listed(7)
	if len(got) != 1 || got[0].ID != former[1].ID || !got[0].LastAt.Equal(morning().Add(21*time.Minute)) {
		t.Errorf("broadcasts are %+v; the older name should have stayed", got)
	}
	recs, next, err := e.store.List(e.ctx, Query{Broadcast: got[0].ID, Limit: 10})
	if err != nil || len(recs) != 3 || next != "" {
		t.Errorf("it has %+v, %q, %v", recs, next, err)
	}
	if recs, _, err := e.store.List(e.ctx, Query{Broadcast: former[0].ID, Limit: 10}); err != nil || len(recs) != 0 {
		t.Errorf("the name that is gone has %+v, %v", recs, err)
	}
}

// TestBroadcast_anEveningOfTwoHundredSessions: a stream that breaks every few seconds is one broadcast for two web processes that
// hear of it in any order, and what Redis keeps of it stays small.
func TestBroadcast_anEveningOfTwoHundredSessions(t *testing.T) {
	b, server := realBench(t)
	e := &evening{bench: b, room: 23058}
	for i := range 200 {
		e.file(fmt.Sprintf("%03d", i), time.Duration(i)*time.Minute, 3*time.Second)
	}
	webs := []*Store{b.store, NewStore(server.Client(), time.Hour)}
	var all sync.WaitGroup
	for w, web := range webs {
		all.Go(func() {
			for _, i := range rand.Perm(len(e.facts)) { //nolint:gosec // any order
				if _, err := web.Ingest(b.ctx, e.facts[i], resolved); err != nil {
					t.Errorf("web %d: %v", w, err)
				}
			}
		})
	}
	all.Wait()
	got := e.listed(23058)
	if len(got) != 1 || len(got[0].Open) != 0 {
		t.Fatalf("broadcasts are %+v", got)
	}
	recs, _, err := b.store.List(b.ctx, Query{Broadcast: got[0].ID, Limit: 500})
	if err != nil || len(recs) != 200 {
		t.Fatalf("%d recordings in it, %v", len(recs), err)
	}
	for _, key := range []string{keyRoom(23058), keyRoomEnds(23058), keyRoomOpen(23058), keyBroadcasts, keyRecording(recs[0].ID)} {
		if used, err := b.rdb.MemoryUsage(b.ctx, key).Result(); err == nil && used > 1500 {
			t.Errorf("%s takes %d bytes", key, used)
		}
	}
}

func TestBroadcast_roomsAndClocksDoNotMix(t *testing.T) {
	b := newBench(t)
	told := func(path string, room int64, opened, closed time.Time) {
		b.ingest(b.fact(FileWasClosed, Sighting{Node: "nas", Path: path, RoomID: room, OpenedAt: opened, ClosedAt: closed}))
	}
	m := morning()
	told("a", 7, m, m.Add(time.Minute))
	told("b", 8, m, m.Add(time.Minute))
	told("ahead", 7, m.Add(time.Hour), m.AddDate(5000, 0, 0))
	told("ancient", 7, m.AddDate(-20, 0, 0), m.Add(3*time.Hour))
	told("backwards", 7, m.Add(30*time.Hour), m.Add(5*time.Hour))
	told("nowhere", 0, m, m.Add(time.Minute))
	told("later", 7, m.AddDate(0, 1, 0), m.AddDate(0, 1, 0).Add(time.Minute))
	for _, x := range b.listed(7) {
		if x.LastAt.Sub(x.StartedAt) > 8*24*time.Hour || x.LastAt.After(m.AddDate(0, 2, 0)) {
			t.Errorf("a wrong clock made %+v", x)
		}
	}
	if len(b.listed(8)) != 1 || len(b.listed(0)) != len(b.listed(7))+1 {
		t.Errorf("all broadcasts are %+v", b.listed(0))
	}
	recs, _, _ := b.store.List(b.ctx, Query{Limit: 100})
	for _, r := range recs {
		if (r.Broadcast == "") != (r.RoomID == 0) {
			t.Errorf("%s is in %q", r.Path, r.Broadcast)
		}
	}
}

// clocked is a store whose Redis has a clock of ours.
func clocked(t *testing.T) (*bench, func(time.Duration)) {
	t.Helper()
	m := miniredis.RunT(t)
	at := morning()
	m.SetTime(at)
	rdb := redis.NewClient(&redis.Options{Addr: m.Addr(), Protocol: 2})
	t.Cleanup(func() { _ = rdb.Close() })
	b := benchOn(t, rdb)
	return b, func(d time.Duration) {
		at = at.Add(d)
		m.SetTime(at)
	}
}

func (b *bench) over(r Recording) bool {
	b.t.Helper()
	x, err := b.store.BroadcastOf(b.ctx, r)
	if err != nil {
		b.t.Fatal(err)
	}
	return x.Over
}

func TestBroadcast_isOverAfterTheGapOfSilence(t *testing.T) {
	b, later := clocked(t)
	e := &evening{bench: b, room: 7}
	e.file("a", 0, time.Minute)
	e.file("b", 5*time.Minute, 4*time.Hour)
	e.tell([]int{0})
	later(3 * time.Hour)
	a := e.ingest(e.facts[1])
	for _, step := range []struct {
		what string
		do   func()
		over bool
	}{
		{"just closed", func() {}, false},
		{"the gap passed", func() { later(defaultGap + time.Second) }, true},
		{"a new file stops the clock", func() { e.tell([]int{2}) }, false},
		{"for as long as it is written", func() { later(4 * time.Hour) }, false},
		{"until it closes", func() { e.tell([]int{3}) }, false},
		{"nine minutes", func() { later(9 * time.Minute) }, false},
		{"the stream ended", func() { _ = b.store.StreamEnded(b.ctx, 7) }, false},
		{"which started the clock anew", func() { later(9 * time.Minute) }, false},
		{"and now it is over", func() { later(2 * time.Minute) }, true},
		{"a repeat changes nothing", func() { e.tell([]int{0, 1, 2, 3}) }, true},
	} {
		step.do()
		if got := b.over(a); got != step.over {
			t.Fatalf("%s: over is %v", step.what, got)
		}
	}
}

func TestBroadcast_isOverWhenTheNextOneBegins(t *testing.T) {
	b, _ := clocked(t)
	e := &evening{bench: b, room: 7}
	e.file("a", 0, time.Minute)
	e.file("b", time.Hour, time.Minute)
	e.tell([]int{0})
	a := e.ingest(e.facts[1])
	e.tell([]int{2})
	if !b.over(a) {
		t.Error("it goes on though the next one began")
	}
	if !b.over(Recording{ID: "x"}) || !b.over(Recording{ID: "x", RoomID: 99, CreatedAt: morning()}) {
		t.Error("what belongs to no broadcast waits for the end of one")
	}
}

// TestBroadcast_isNamedByEveryEventOfItsRecordings: by those that move no stretch too, under the name it has at that moment.
func TestBroadcast_isNamedByEveryEventOfItsRecordings(t *testing.T) {
	b, _ := realBench(t)
	e := &evening{bench: b, room: 7}
	e.file("a", 0, time.Minute)
	e.file("c", 20*time.Minute, time.Minute)
	e.file("b", 9*time.Minute, 5*time.Minute)
	first, second := fmt.Sprintf("7-%d", morning().UnixMilli()), fmt.Sprintf("7-%d", morning().Add(20*time.Minute).UnixMilli())
	began := func(r Recording) {
		f := b.fact(StepBegan, Sighting{})
		f.Recording, f.Run, f.Step = r.ID, 1, "transcode"
		b.apply(f)
	}
	e.tell([]int{0})
	a := e.ingest(e.facts[1])
	began(a)
	e.tell([]int{2})
	c := e.ingest(e.facts[3])
	e.tell([]int{4, 5}) // b bridges them
	began(c)
	b.ingest(b.fact(FileWasClosed, Sighting{Node: "nas", Path: "nowhere.flv"}))
	frames, err := b.store.Since(b.ctx, "0-0", 100)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	ids := map[string]bool{}
	for _, f := range frames {
		x, err := f.Decode()
		if err != nil {
			t.Fatalf("%s: %v", f.JSON, err)
		}
		got = append(got, x.FILE+" "+x.CMD+" "+x.BROADCAST)
		ids[x.EVENT] = true
	}
	want := []string{
		"a.flv FileOpening " + first, "a.flv FileClosed " + first, "a.flv TranscodeStarted " + first,
		"c.flv FileOpening " + second, "c.flv FileClosed " + second,
		"b.flv FileOpening " + first, "b.flv FileClosed " + first, "c.flv TranscodeStarted " + first,
		"nowhere.flv FileClosed ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("events are %q, want %q", got, want)
	}
	if !ids[e.facts[0].ID+".0"] || !ids[e.facts[5].ID+".0"] {
		t.Errorf("ids do not follow from the facts alone: %v", ids)
	}
}

// TestBroadcast_livesInRedisAlone: nothing of it lives in a process.
func TestBroadcast_livesInRedisAlone(t *testing.T) {
	b, server := realBench(t)
	e := &evening{bench: b, room: 7}
	e.file("a", 0, time.Minute)
	e.file("b", 5*time.Minute, time.Minute)
	e.tell([]int{0, 1})
	server.Stop()
	server.Start()
	b.store = NewStore(server.Client(), time.Hour)
	e.tell([]int{2, 3})
	if got := e.listed(7); len(got) != 1 {
		t.Errorf("broadcasts are %+v", got)
	}
}

func TestBroadcast_isNotKeptInTheDocument(t *testing.T) {
	b := newBench(t)
	r := b.closed("a.flv")
	r.Broadcast = "7-1"
	if again, err := decodeRecording(r.ID, string(encodeRecording(r))); err != nil || again.Broadcast != "" {
		t.Errorf("it came back as %q, %v", again.Broadcast, err)
	}
	if err := b.store.Placed(context.Background(), nil); err != nil {
		t.Error(err)
	}
}
