package tasks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

func (b *bench) publish(id string) {
	b.t.Helper()
	if err := b.store.Publish(b.ctx, Event{CMD: SessionStarted, EVENT: id, TS: Stamp(morning())}); err != nil {
		b.t.Fatal(err)
	}
}

func TestPublish_dropsAnEventItKnows(t *testing.T) {
	b := newBench(t)
	b.publish("x")
	b.publish("x")
	b.publish("y")
	if got := b.commands(); len(got) != 2 {
		t.Errorf("events are %v", got)
	}
}

func TestSince_givesWhatCameAfter(t *testing.T) {
	b, _ := realBench(t)
	if seq, err := b.store.LastSeq(b.ctx); seq != "0-0" || err != nil {
		t.Errorf("an empty stream ends at %q (%v)", seq, err)
	}
	for i := range 5 {
		b.publish(fmt.Sprint(i))
	}
	all, err := b.store.Since(b.ctx, "0-0", 100)
	if err != nil || len(all) != 5 {
		t.Fatalf("%d events (%v)", len(all), err)
	}
	rest, err := b.store.Since(b.ctx, all[1].Seq, 2)
	if err != nil || len(rest) != 2 || rest[0].Seq != all[2].Seq {
		t.Errorf("after the second come %+v (%v)", rest, err)
	}
	e, err := all[0].Decode()
	if err != nil || e.SEQ != all[0].Seq || e.EVENT != "0" {
		t.Errorf("event is %+v (%v)", e, err)
	}
	if last, _ := b.store.LastSeq(b.ctx); last != all[4].Seq {
		t.Errorf("the last is %s, want %s", last, all[4].Seq)
	}
}

func TestGone_tellsWhetherEventsWereDropped(t *testing.T) {
	b, _ := realBench(t)
	if gone, err := b.store.Gone(b.ctx, "5-0"); gone || err != nil {
		t.Errorf("in an empty stream something is gone (%v)", err)
	}
	for i := range 5 {
		b.publish(fmt.Sprint(i))
	}
	all, _ := b.store.Since(b.ctx, "0-0", 100)
	if gone, err := b.store.Gone(b.ctx, "1-0"); gone || err != nil {
		t.Errorf("nothing was dropped, but something is gone (%v)", err)
	}
	b.rdb.XTrimMinID(b.ctx, keyEvents, all[2].Seq)
	for i, want := range []bool{true, true, false, false, false} {
		if gone, err := b.store.Gone(b.ctx, all[i].Seq); gone != want || err != nil {
			t.Errorf("since event %d: gone is %v, want %v (%v)", i, gone, want, err)
		}
	}
}

func TestTail_handsOverEveryEventAcrossAnOutage(t *testing.T) {
	b, server := realBench(t)
	b.publish("before")
	ctx, stop := context.WithCancel(b.ctx)
	ready, frames, ended := make(chan string, 1), make(chan Frame, 1000), make(chan error, 1)
	go func() { ended <- b.store.Tail(ctx, func(seq string) { ready <- seq }, func(f Frame) { frames <- f }) }()
	if seq := <-ready; seq == "0-0" {
		t.Error("it does not know where it begins")
	}
	var want []string
	for i := range 30 {
		if i == 10 {
			server.Stop()
			server.Start()
		}
		id := fmt.Sprint(i)
		b.publish(id)
		want = append(want, id)
	}
	if err := b.store.PublishLive(b.ctx, Event{CMD: IsTranscode, TS: Stamp(morning())}); err != nil {
		t.Fatal(err)
	}
	var got []string
	live := 0
	for len(got) < len(want) || live == 0 {
		select {
		case f := <-frames:
			e, err := f.Decode()
			if err != nil {
				t.Fatal(err)
			}
			if f.Live {
				live++
				continue
			}
			got = append(got, e.EVENT)
		case <-time.After(15 * time.Second):
			t.Fatalf("got %v and %d live frames", got, live)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	stop()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("it ended with %v", err)
		}
	case <-time.After(15 * time.Second):
		t.Error("it does not end with its context")
	}
}

func TestSeq_isComparedAsAStreamOrdersIt(t *testing.T) {
	for _, c := range []struct {
		a, b string
		less bool
	}{
		{"1-0", "2-0", true}, {"2-0", "1-0", false}, {"9-0", "10-0", true}, {"5-9", "5-10", true}, {"5-1", "5-1", false}, {"5", "5-1", true},
	} {
		if SeqLess(c.a, c.b) != c.less {
			t.Errorf("SeqLess(%s, %s) is %v", c.a, c.b, !c.less)
		}
	}
	for seq, want := range map[string]bool{
		"0": true, "1700000000000-0": true, "1700000000000": true, "": false, "-1": false, "a-b": false, "1-": false, "+": false, "1-2-3": false, "$": false,
	} {
		if ValidSeq(seq) != want {
			t.Errorf("ValidSeq(%q) is %v", seq, !want)
		}
	}
}
