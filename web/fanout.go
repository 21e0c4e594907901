package web

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/olahol/melody"

	"github.com/ngworks/nglive/tasks"
)

// fanout is one run of the feed.
type fanout struct {
	feed    *feed
	hub     *melody.Melody
	ctx     context.Context //nolint:containedctx // Melody's callbacks have none, and a replay must end with the run
	serving sync.WaitGroup

	// mu makes joining and broadcasting exclude each other. Under it: the rest, and a listener's joined and from.
	mu     sync.Mutex
	at     string // the newest lifecycle event that was broadcast
	closed bool
}

func newFanout(ctx context.Context, f *feed) *fanout {
	hub := melody.New()
	hub.Config.PingPeriod, hub.Config.PongWait, hub.Config.WriteWait = pingEvery, pongWithin, writeWithin
	hub.Config.MaxMessageSize, hub.Config.MessageBufferSize = largestMessage, queueLength
	hub.Upgrader.CheckOrigin = sameOrigin
	out := &fanout{feed: f, hub: hub, ctx: ctx}
	hub.HandleConnect(func(s *melody.Session) { out.connected(s) })
	hub.HandleDisconnect(func(*melody.Session) { f.listeners.Add(-1) })
	hub.HandleSentMessage(func(s *melody.Session, _ []byte) {
		listenerOf(s).moved()
		f.sent.Add(1)
	})
	hub.HandleError(out.failed)
	return out
}

func (o *fanout) serve(w http.ResponseWriter, r *http.Request, l *listener) {
	if !o.enter() {
		feedAway(w)
		return
	}
	defer o.serving.Done()
	if err := o.hub.HandleRequestWithKeys(w, r, map[string]any{listenerKey: l}); err != nil {
		o.feed.log.Debug("listener not joined", "error", redacted(err.Error()))
	}
}

// enter counts a listener in, unless the run is over.
func (o *fanout) enter() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.closed {
		o.serving.Add(1)
	}
	return !o.closed
}

// connected replays what the listener missed and joins it. Melody has registered the session, but its write pump does not run
// yet, so writing to the connection is ours.
func (o *fanout) connected(s *melody.Session) {
	o.feed.listeners.Add(1)
	l := listenerOf(s)
	conn := s.WebsocketConnection()
	err := l.replay(o.ctx, o.feed.store, func(frame []byte) error {
		_ = conn.SetWriteDeadline(time.Now().Add(writeWithin))
		o.feed.sent.Add(1)
		return conn.WriteMessage(websocket.TextMessage, frame)
	}, func() bool { return o.join(l) })
	if err != nil {
		o.feed.log.Debug("listener lost during its replay", "error", err)
		code := websocket.CloseTryAgainLater
		if o.ctx.Err() != nil {
			code = websocket.CloseServiceRestart
		}
		_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, "come again"), time.Now().Add(time.Second))
		_ = conn.NetConn().Close()
	}
}

// join lets the broadcasts reach a listener, unless one has gone past it in the meantime: then it must read on first.
func (o *fanout) join(l *listener) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if l.from != "" && tasks.SeqLess(l.from, o.at) {
		return false
	}
	l.joined = true
	return true
}

// take broadcasts one frame to everyone it concerns.
func (o *fanout) take(frame tasks.Frame) {
	about, err := subjectOf(frame)
	if err != nil {
		o.feed.log.Error("event left out", "error", err)
		return
	}
	o.mu.Lock()
	if !frame.Live {
		o.at = frame.Seq
		o.feed.count(about.CMD)
	}
	crowd, late := 0, 0
	_ = o.hub.BroadcastFilter(frame.JSON, func(s *melody.Session) bool {
		l := listenerOf(s)
		crowd++
		if l.late() {
			late++
		}
		return l.gets(frame, about)
	})
	o.mu.Unlock()
	if late*2 > crowd {
		o.breathe()
	}
}

// breathe waits while most listeners are behind though they read on: then it is not they who are slow, but a burst that is
// faster than this machine can send. The few that stand still are not waited for.
func (o *fanout) breathe() {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(stillAfter); o.mostAreBehind() && time.Now().Before(deadline); {
		select {
		case <-o.ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (o *fanout) mostAreBehind() bool {
	sessions, err := o.hub.Sessions()
	if err != nil {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	crowd, late := 0, 0
	for _, s := range sessions {
		if l := listenerOf(s); l.joined {
			crowd++
			if l.behind() {
				late++
			}
		}
	}
	return late*2 > crowd
}

// failed drops a listener whose queue is full, or that took or sent nothing for too long. Melody calls it while it holds its
// lock, and s.Close would come back here without end: only the raw connection may be closed, and then the pumps end by themselves.
func (o *fanout) failed(s *melody.Session, err error) {
	slow, ok := errors.AsType[net.Error](err) // gorilla hides os.ErrDeadlineExceeded
	if !errors.Is(err, melody.ErrMessageBufferFull) && (!ok || !slow.Timeout()) {
		return
	}
	if listenerOf(s).drop() {
		o.feed.dropped.Add(1)
		o.feed.log.Debug("listener dropped", "from", s.RemoteAddr().String(), "cause", err)
		_ = s.WebsocketConnection().NetConn().Close()
	}
}

// close sends everybody away with 1012 (service restart) and waits until they are gone, but not for long.
func (o *fanout) close() {
	o.feed.on.CompareAndSwap(o, nil)
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
	_ = o.hub.CloseWithMsg(melody.FormatCloseMessage(melody.CloseServiceRestart, "restart"))
	gone := make(chan struct{})
	go func() {
		o.serving.Wait()
		close(gone)
	}()
	select {
	case <-gone:
	case <-time.After(goodbye):
	}
}
