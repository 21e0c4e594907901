package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"github.com/ngworks/nglive/tasks"
)

// masterLink is one connection to a master.
type masterLink struct {
	*master
	conn   *websocket.Conn
	proved atomic.Bool // the master answered a ping

	writing sync.Mutex // one message at a time

	mu      sync.Mutex
	sent    string // everything up to it was written, or concerns other nodes
	arrived string // everything up to it has arrived

	reads, changes chan masterCommand
}

// lane is how many commands may wait; what comes on top is refused.
const lane = 64

func newMasterLink(m *master, conn *websocket.Conn, cursor string) *masterLink {
	l := &masterLink{
		master: m, conn: conn, sent: cursor, arrived: cursor,
		reads: make(chan masterCommand, lane), changes: make(chan masterCommand, lane),
	}
	conn.SetPongHandler(l.pong)
	return l
}

// serve works until the connection breaks or ctx ends; all of its parts have ended then.
func (l *masterLink) serve(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var parts sync.WaitGroup
	for _, part := range []func(context.Context) error{
		l.tail, l.ping, l.beat, l.listen,
		func(ctx context.Context) error { return l.work(ctx, l.reads) },
		func(ctx context.Context) error { return l.work(ctx, l.changes) },
	} {
		parts.Go(func() { stop(guarded(ctx, part)) })
	}
	<-ctx.Done()
	bye := websocket.FormatCloseMessage(websocket.CloseGoingAway, "")
	_ = l.conn.WriteControl(websocket.CloseMessage, bye, time.Now().Add(time.Second))
	_ = l.conn.Close() // ends whoever reads or writes
	parts.Wait()
	return context.Cause(ctx)
}

func (l *masterLink) send(frame []byte) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	_ = l.conn.SetWriteDeadline(time.Now().Add(l.pace.write))
	if err := l.conn.WriteMessage(websocket.TextMessage, frame); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// tail sends what the master has not, then what comes.
func (l *masterLink) tail(ctx context.Context) error {
	since, err := l.from(ctx)
	if err != nil {
		return err
	}
	return l.store.TailSince(ctx, since, func(f tasks.Frame) error {
		var about struct {
			CMD  string `json:"CMD"`
			NODE string `json:"NODE"`
		}
		if err := json.Unmarshal(f.JSON, &about); err == nil && about.NODE == l.node && about.CMD != tasks.Heartbeat {
			if err := l.send(f.JSON); err != nil {
				return err
			}
		}
		if !f.Live {
			l.mu.Lock()
			l.sent = f.Seq
			l.mu.Unlock()
		}
		return nil
	})
}

// from is where to begin. The master is told when events are gone: because of their age, or with the Redis that had them.
func (l *masterLink) from(ctx context.Context) (since string, err error) {
	since = l.arrived
	for ctx.Err() == nil {
		gone, other, err := l.lost(ctx, since)
		if err != nil {
			pause(ctx, 500*time.Millisecond) // Redis is away, and heartbeats go on
			continue
		}
		if !gone && !other {
			return since, nil
		}
		if other {
			since = "0-0"
			l.mu.Lock()
			l.sent, l.arrived = since, since
			l.mu.Unlock()
		}
		return since, l.send([]byte(`{"CMD":"` + tasks.Gap + `","NODE":"` + l.node + `"}`))
	}
	return since, ctx.Err()
}

// lost says whether events after since are gone, and whether this is another Redis than the one that gave it, or one that was emptied:
// what arrived is an event of its own, which is kept unless its age has removed it.
func (l *masterLink) lost(ctx context.Context, since string) (gone, other bool, err error) {
	newest, err := l.store.LastSeq(ctx)
	if err != nil {
		return false, false, err
	}
	if tasks.SeqLess(newest, since) || since == "" || since == "0-0" {
		return false, tasks.SeqLess(newest, since), nil
	}
	there, err := l.store.Has(ctx, since)
	if err != nil || there {
		return false, false, err
	}
	oldest, err := l.store.FirstSeq(ctx)
	return true, tasks.SeqLess(oldest, since), err
}

// beat sends heartbeats past Redis, so that a master sees a node live whose Redis does not.
func (l *masterLink) beat(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case b := <-l.beats:
			if err := l.send(b); err != nil {
				return err
			}
		}
	}
}

// ping asks for the proof of what was sent.
func (l *masterLink) ping(ctx context.Context) error {
	tick := time.NewTicker(l.pace.ping)
	defer tick.Stop()
	for {
		l.mu.Lock()
		sent := l.sent
		l.mu.Unlock()
		if err := l.conn.WriteControl(websocket.PingMessage, []byte(sent), time.Now().Add(l.pace.write)); err != nil {
			return fmt.Errorf("ping: %w", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// pong keeps the proof. One for more than was sent is none.
func (l *masterLink) pong(seq string) error {
	l.hear()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !tasks.ValidSeq(seq) || tasks.SeqLess(l.sent, seq) {
		return nil
	}
	l.proved.Store(true)
	if seq == l.arrived || tasks.SeqLess(seq, l.arrived) {
		return nil
	}
	if err := l.journal.setMark(l.mark(), seq); err != nil {
		return err
	}
	l.arrived = seq
	return nil
}

// hear gives the master time to say the next thing.
func (l *masterLink) hear() { _ = l.conn.SetReadDeadline(time.Now().Add(l.pace.silent)) }

// listen takes what the master says until the connection breaks.
func (l *masterLink) listen(ctx context.Context) error {
	for {
		l.hear()
		kind, message, err := l.conn.NextReader()
		if err != nil {
			return lost(err)
		}
		text, whole, err := l.read(message)
		if err != nil {
			return lost(err)
		}
		switch {
		case !whole:
			err = l.refuse(nil, linkTooLong, "the message is longer than 256 KiB")
		case kind != websocket.TextMessage:
			err = l.refuse(nil, linkUnreadable, "commands are JSON in text messages")
		default:
			err = l.take(ctx, text)
		}
		if err != nil {
			return err
		}
	}
}

func lost(err error) error {
	if c, ok := errors.AsType[*websocket.CloseError](err); ok {
		return fmt.Errorf("the master closed the link (%d)", c.Code)
	}
	return fmt.Errorf("the link broke: %w", err)
}
