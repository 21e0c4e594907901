//go:build bench

package main

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/tasks/taskstest"
)

const (
	crowd       = 1000 // listeners on each side
	feedEvents  = 40   // a round and side
	betweenThem = 125 * time.Millisecond
)

// measureFeed sends events to 1,000 WebSocket listeners: in turn, one by one,
// through Redis and a real `nglive web`, stamped before the event is given to
// Redis, and from a bare loop over prepared messages in a process of its own,
// stamped before the loop. One process holds both crowds and measures at each
// listener when the frame is read. Filters, replay and slow listeners are left
// out.
func measureFeed(t *testing.T, b *bench) {
	t.Helper()
	redis := taskstest.Redis(t)
	web := b.open(t, "web", "NGLIVE_REDIS_URL="+redis.URL())
	store := tasks.NewStore(redis.Client(), time.Hour)
	prepared, listeners := startChild(t, "prepared"), startChild(t, "listeners")
	var bare string
	prepared.ask(nil, &bare)
	for side, url := range []string{"ws://" + web.address() + "/ws", "ws://" + bare + "/ws"} {
		joinCrowd(listeners, side, url)
	}
	var ours, theirs []float64
	for n := range rounds + 1 {
		for range feedEvents {
			if err := store.Publish(t.Context(), stampedEvent()); err != nil {
				t.Fatal(err)
			}
			<-time.After(betweenThem)
			var told bool
			prepared.ask(true, &told)
			<-time.After(betweenThem)
		}
		a, z := heardBy(listeners, 0), heardBy(listeners, 1)
		if n > 0 { // before, buffers and heaps come to be
			ours, theirs = append(ours, a), append(theirs, z)
		}
	}
	b.report.add("feed_ratio", "event → 1,000 listeners, p99, against a bare prepared-message loop", "×", atMost(1.3), compared(ours, theirs, ratio))
	b.report.note("ours", "ms", middle(ours))
	b.report.note("bare loop", "ms", middle(theirs))
}

// stampMark is what stands before the stamp in a frame.
const stampMark = `"MSG":"`

// stampedEvent carries the moment it was made.
func stampedEvent() tasks.Event {
	return tasks.Event{
		CMD: tasks.TranscodeEnded, ID: "0123456789abcdef", TS: tasks.Stamp(time.Now()), NODE: "bench", ROOM: 23058, STEP: "transcode",
		STATE: tasks.Running, NAME: "3号直播间", TITLE: "哔哩哔哩音悦台", EVENT: uuid.NewString(), MSG: strconv.FormatInt(time.Now().UnixNano(), 10),
	}
}

// joinCrowd connects a crowd.
func joinCrowd(listeners *child, side int, url string) {
	listeners.t.Helper()
	var joined listenerAnswer
	listeners.ask(listenerOrder{Join: url, Side: side, Count: crowd}, &joined)
	if joined.Failure != "" {
		listeners.t.Fatalf("join %s: %s", url, joined.Failure)
	}
}

// heardBy is the p99 of one round in milliseconds, once every listener of a side
// has every event.
func heardBy(listeners *child, side int) float64 {
	listeners.t.Helper()
	var a listenerAnswer
	listeners.ask(listenerOrder{Side: side, Count: crowd * feedEvents}, &a)
	if a.Failure != "" {
		listeners.t.Fatalf("side %d: %s", side, a.Failure)
	}
	return a.P99
}
