package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/olahol/melody"

	"github.com/ngworks/nglive/tasks"
)

const (
	listenerKey = "listener"
	// replayPage is how many events are read from Redis at once.
	replayPage = 500
	// lateAt is how many waiting frames make a listener late, long before it is dropped.
	lateAt = queueLength / 2
	// stillAfter is how long a late listener may send nothing before it counts as standing still.
	stillAfter = time.Second
)

// gapFrame tells a listener that events it asked for are gone: it has to load the state anew.
const gapFrame = `{"CMD":"gap"}`

// subject is what the filters look at; it is read once per frame, not once per listener.
type subject struct {
	CMD  string `json:"CMD"`
	ROOM int64  `json:"ROOM"`
}

func subjectOf(frame tasks.Frame) (subject, error) {
	var about subject
	if err := json.Unmarshal(frame.JSON, &about); err != nil {
		return about, fmt.Errorf("event %s is no JSON: %w", frame.Seq, err)
	}
	return about, nil
}

// listener is what one WebSocket asked for and how far it has come.
type listener struct {
	rooms      []int64  // empty: all
	cmds       []string // empty: all
	noProgress bool

	// since and from are sequence numbers: since is what the listener asked for (empty: only what comes), from what it has.
	since string
	// Under fanout.mu once the session is registered:
	joined bool
	from   string // frames up to it are passed over; empty: none

	waiting atomic.Int64 // frames in its queue
	movedAt atomic.Int64 // when one was last sent, Unix milliseconds
	out     atomic.Bool  // dropped
	gap     bool         // gapFrame is due
}

// newListener reads ?since=, ?room=, ?cmd= and ?live=.
func newListener(q url.Values) (*listener, error) {
	l := &listener{since: q.Get("since"), cmds: listed(q["cmd"]), noProgress: q.Get("live") == "0"}
	if q.Has("since") && !tasks.ValidSeq(l.since) {
		return nil, errors.New("since is no sequence number: pass the SEQ of the last event you have, such as 1763712000123-0")
	}
	for _, text := range listed(q["room"]) {
		room, err := strconv.ParseInt(text, 10, 64)
		if err != nil || room <= 0 {
			return nil, errors.New("room is no room number")
		}
		l.rooms = append(l.rooms, room)
	}
	l.from = l.since
	l.movedAt.Store(time.Now().UnixMilli())
	return l, nil
}

// listed splits a parameter that may be repeated and may hold commas.
func listed(values []string) []string {
	return slices.DeleteFunc(strings.Split(strings.Join(values, ","), ","), func(s string) bool { return s == "" })
}

func listenerOf(s *melody.Session) *listener {
	l, _ := s.Keys[listenerKey].(*listener) // set before the session was made, and never after
	return l
}

// begin finds out where to start, while an error can still be answered by HTTP. A since beyond the newest event comes from
// another Redis, or from one that lost its data: then nothing after it will ever come, and the listener is told.
func (l *listener) begin(ctx context.Context, store *tasks.Store) error {
	if l.since == "" {
		return nil
	}
	newest, err := store.LastSeq(ctx)
	if err != nil {
		return err
	}
	if tasks.SeqLess(newest, l.since) {
		l.gap, l.from = true, newest
	}
	return nil
}

// replay writes all events after from that the listener wants, and goes on until join takes it.
func (l *listener) replay(ctx context.Context, store *tasks.Store, write func([]byte) error, join func() bool) error {
	for ctx.Err() == nil {
		if err := l.page(ctx, store, write); err != nil || join() {
			return err
		}
	}
	return ctx.Err()
}

// page replays one page.
func (l *listener) page(ctx context.Context, store *tasks.Store, write func([]byte) error) error {
	var frames []tasks.Frame
	if l.since != "" {
		var err error
		if frames, err = store.Since(ctx, l.from, replayPage); err != nil {
			return err
		}
		if err = l.lookForGap(ctx, store); err != nil {
			return err
		}
	}
	if l.gap {
		if err := write([]byte(gapFrame)); err != nil {
			return err
		}
		l.gap = false
	}
	for _, frame := range frames {
		if about, err := subjectOf(frame); err == nil && l.wants(about) {
			if err := write(frame.JSON); err != nil {
				return err
			}
		}
		l.from = frame.Seq
	}
	return nil
}

// lookForGap is asked after reading, so that what was dropped in between counts as well. Whoever asks from 0 on wants what
// there is, and misses nothing.
func (l *listener) lookForGap(ctx context.Context, store *tasks.Store) error {
	if !tasks.SeqLess("0-0", l.from) {
		return nil
	}
	gone, err := store.Gone(ctx, l.from)
	l.gap = l.gap || gone
	return err
}

// gets reports whether a broadcast frame is for this listener, and counts it in. Frames come in order, so once one lies after from, all do.
func (l *listener) gets(frame tasks.Frame, about subject) bool {
	if !l.joined || l.out.Load() {
		return false
	}
	if !frame.Live && l.from != "" {
		if !tasks.SeqLess(l.from, frame.Seq) {
			return false
		}
		l.from = ""
	}
	if frame.Live && l.noProgress && about.CMD != tasks.Heartbeat || !l.wants(about) {
		return false
	}
	l.waiting.Add(1)
	return true
}

// wants applies the filters. Heartbeats belong to no room and pass the filter by room.
func (l *listener) wants(about subject) bool {
	return (len(l.rooms) == 0 || about.CMD == tasks.Heartbeat || slices.Contains(l.rooms, about.ROOM)) &&
		(len(l.cmds) == 0 || slices.Contains(l.cmds, about.CMD))
}

// late reports whether many frames wait for the listener.
func (l *listener) late() bool { return l.waiting.Load() > lateAt }

// moved counts a frame out.
func (l *listener) moved() {
	l.waiting.Add(-1)
	l.movedAt.Store(time.Now().UnixMilli())
}

// behind reports whether the listener is late and still reading.
func (l *listener) behind() bool {
	return l.late() && !l.out.Load() && time.Now().UnixMilli()-l.movedAt.Load() < stillAfter.Milliseconds()
}

// drop reports whether this call is the one that drops it.
func (l *listener) drop() bool { return l.out.CompareAndSwap(false, true) }
