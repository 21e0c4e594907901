package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/ngworks/nglive/tasks"
)

// client is a listener of the feed.
type client struct {
	t    *testing.T
	conn *websocket.Conn
}

// listen joins the feed with a query such as "since=0".
func listen(t *testing.T, s *site, query string) *client {
	t.Helper()
	conn, resp, err := websocket.DefaultDialer.DialContext(t.Context(), "ws://"+s.Addr()+"/ws?"+query, nil)
	if err != nil {
		t.Fatalf("join the feed with %q: %v", query, err)
	}
	_ = resp.Body.Close()
	t.Cleanup(func() { _ = conn.Close() })
	return &client{t, conn}
}

// next is the next frame.
func (c *client) next() (tasks.Event, error) {
	var e tasks.Event
	_ = c.conn.SetReadDeadline(time.Now().Add(patience))
	_, b, err := c.conn.ReadMessage()
	if err != nil {
		return e, err
	}
	return e, json.Unmarshal(b, &e)
}

// until reads up to a frame with that MSG and returns all before it.
func (c *client) until(msg string) ([]tasks.Event, error) {
	var all []tasks.Event
	for {
		e, err := c.next()
		if err != nil {
			return all, fmt.Errorf("after %d frames: %w", len(all), err)
		}
		if e.MSG == msg {
			return all, nil
		}
		all = append(all, e)
	}
}

func (c *client) expectNothingWrong() {
	c.t.Helper()
	if err := c.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(patience)); err != nil {
		c.t.Error(err)
	}
}

// tell publishes a lifecycle event.
func (s *site) tell(t *testing.T, e tasks.Event) {
	t.Helper()
	if err := s.store.Publish(context.Background(), e); err != nil {
		t.Error(err)
	}
}

func event(n int) tasks.Event {
	return tasks.Event{CMD: tasks.FileClosed, EVENT: "test." + strconv.Itoa(n), MSG: "m" + strconv.Itoa(n), ROOM: 1}
}

func TestFeed_replaysExactlyWhileEventsArrive(t *testing.T) {
	const events, joiners, publishers = 4000, 50, 4
	s := newSite(t, nil).run(t)
	gates := make([]chan struct{}, joiners)
	at := map[int64]chan struct{}{}
	for i := range gates {
		gates[i] = make(chan struct{})
	}
	var joined sync.WaitGroup
	for i := range joiners {
		joined.Go(func() {
			<-gates[i]
			checkReplay(t, s, i)
		})
	}
	for i := range gates {
		n := rand.Int64N(events)
		for at[n] != nil {
			n = rand.Int64N(events)
		}
		at[n] = gates[i]
	}
	var published atomic.Int64
	var publishing sync.WaitGroup
	for range publishers {
		publishing.Go(func() {
			for n := published.Add(1) - 1; n < events; n = published.Add(1) - 1 {
				s.tell(t, event(int(n)))
				if gate := at[n]; gate != nil {
					close(gate)
				}
			}
		})
	}
	publishing.Wait()
	eventually(t, "all joined", func() bool { return s.feed.listeners.Load()+s.feed.dropped.Load() >= joiners })
	s.tell(t, tasks.Event{CMD: tasks.FlowFinished, EVENT: "end", MSG: "end"})
	joined.Wait()
}

// checkReplay joins with a since that some moment in the past had and compares what comes with what the stream holds.
func checkReplay(t *testing.T, s *site, i int) {
	t.Helper()
	past, err := s.store.Since(context.Background(), "0", rand.Int64N(4000)+1)
	if err != nil {
		t.Error(err)
		return
	}
	since := "0"
	if i%5 > 0 && len(past) > 0 { // every fifth wants all
		since = past[len(past)-1].Seq
	}
	got := replayed(t, s, since)
	want, err := s.store.Since(context.Background(), since, 1<<20)
	if err != nil || len(got) != len(want)-1 {
		t.Errorf("joiner %d since %s got %d events, the stream has %d (%v)", i, since, len(got), len(want)-1, err)
		return
	}
	for n, e := range got {
		if e.SEQ != want[n].Seq {
			t.Errorf("joiner %d: event %d is %s, want %s", i, n, e.SEQ, want[n].Seq)
			return
		}
	}
}

// replayed hears everything after since up to the end. A machine that is busy with other things may be too slow for the feed, which
// then drops it: it comes again with what it heard last, as a listener should.
func replayed(t *testing.T, s *site, since string) (got []tasks.Event) {
	t.Helper()
	for range 20 {
		some, err := listen(t, s, "since="+since).until("end")
		got = append(got, some...)
		if err == nil {
			return got
		}
		if len(some) > 0 {
			since = some[len(some)-1].SEQ
		}
	}
	t.Errorf("dropped again and again after %d frames", len(got))
	return got
}

func TestFeed_dropsAStalledListenerAndDelaysNobody(t *testing.T) {
	const healthy, events = 1000, 40
	s := newSite(t, nil).run(t)
	stalled := stall(t, s, "room=2")
	var worst, received atomic.Int64
	var listening sync.WaitGroup
	for range healthy {
		c := listen(t, s, "room=1")
		listening.Go(func() {
			for range events {
				_ = c.conn.SetReadDeadline(time.Now().Add(10 * patience)) // the last of a thousand joins long after the first
				_, frame, err := c.conn.ReadMessage()
				if err != nil {
					t.Errorf("a healthy listener was cut off: %v", err)
					return
				}
				_, name, _ := strings.Cut(string(frame), `"NAME":"`) // a decoder for each of a thousand would be what is measured
				stamp, _, _ := strings.Cut(name, `"`)
				sent, _ := strconv.ParseInt(stamp, 10, 64)
				for late := time.Now().UnixMilli() - sent; ; {
					if was := worst.Load(); late <= was || worst.CompareAndSwap(was, late) {
						break
					}
				}
				received.Add(1)
			}
		})
	}
	flood := strings.Repeat("x", 8<<10)
	for n := range events { // what only the stalled one hears, and between it what only the healthy ones hear
		for i := range 60 {
			e := event(n*1000 + i + 1)
			e.ROOM, e.TITLE = 2, flood
			s.tell(t, e)
		}
		e := event(n * 1000)
		e.NAME = strconv.FormatInt(time.Now().UnixMilli(), 10)
		s.tell(t, e)
		eventually(t, "all healthy ones heard it", func() bool { return received.Load() == int64(healthy*(n+1)) })
	}
	eventually(t, "the stalled listener is dropped", func() bool { return s.feed.dropped.Load() == 1 })
	listening.Wait()
	if worst.Load() > (writeWithin - 2*time.Second).Milliseconds() { // a feed that waits for it waits that long
		t.Errorf("a healthy listener heard an event %d ms late", worst.Load())
	}
	t.Logf("worst delay beside a stalled listener: %d ms", worst.Load())
	began := time.Now()
	eventually(t, "only the healthy ones are left", func() bool { return s.feed.listeners.Load() == healthy })
	if took := time.Since(began); took > writeWithin/2 {
		t.Errorf("the dropped listener stayed for %s", took)
	}
	_ = stalled.Close()
}

// stall joins a listener that never reads and has hardly any room for what it is sent.
func stall(t *testing.T, s *site, query string) *websocket.Conn {
	t.Helper()
	dialer := websocket.Dialer{NetDialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetReadBuffer(4096)
		}
		return conn, err
	}}
	conn, resp, err := dialer.DialContext(t.Context(), "ws://"+s.Addr()+"/ws?"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return conn
}

func TestFeed_dropsAListenerThatFellSilent(t *testing.T) {
	s := newSite(t, nil).run(t)
	if pongWithin > 30*time.Second || pingEvery >= pongWithin {
		t.Errorf("pings every %s and pongs within %s notice a dead listener too late", pingEvery, pongWithin)
	}
	s.feed.on.Load().hub.Config.PongWait = 50 * time.Millisecond
	_ = listen(t, s, "") // it never reads, so it never answers a ping
	eventually(t, "it is dropped", func() bool { return s.feed.dropped.Load() == 1 && s.feed.listeners.Load() == 0 })
}

func TestFeed_filters(t *testing.T) {
	s := newSite(t, nil).run(t)
	percent := 42
	frames := []tasks.Event{
		{CMD: tasks.FileClosed, EVENT: "1", ROOM: 1, MSG: "closed in 1"},
		{CMD: tasks.UpEnded, EVENT: "2", ROOM: 2, MSG: "uploaded in 2"},
		{CMD: tasks.UpEnded, EVENT: "3", ROOM: 3, MSG: "uploaded in 3"},
		{CMD: tasks.NodeUp, EVENT: "4", MSG: "node up"},
		{CMD: tasks.IsTranscode, ROOM: 1, COMP: &percent, MSG: "progress in 1"},
		{CMD: tasks.Heartbeat, MSG: "beat"},
	}
	want := map[string]string{
		"":                             "closed in 1,uploaded in 2,uploaded in 3,node up,progress in 1,beat",
		"room=1":                       "closed in 1,progress in 1,beat",
		"room=2&room=3":                "uploaded in 2,uploaded in 3,beat",
		"room=1,3":                     "closed in 1,uploaded in 3,progress in 1,beat",
		"cmd=UpEnded":                  "uploaded in 2,uploaded in 3",
		"cmd=UpEnded,heartbeat&room=3": "uploaded in 3,beat",
		"live=0":                       "closed in 1,uploaded in 2,uploaded in 3,node up,beat",
	}
	got := map[string]*client{}
	for query := range want {
		got[query] = listen(t, s, query)
		got[query+"&since=0"] = listen(t, s, query+"&since=0")
	}
	joinedAll(t, s, int64(2*len(want)))
	for _, e := range frames {
		if e.EVENT != "" {
			s.tell(t, e)
		}
	}
	eventually(t, "the lifecycle events went out first", func() bool { return s.feed.sent.Load() == 2*16 })
	for _, e := range frames {
		if e.EVENT == "" {
			if err := s.store.PublishLive(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
	}
	eventually(t, "the live frames went out too", func() bool { return s.feed.sent.Load() >= 2*(16+9) })
	s.stop()
	for query, c := range got {
		heard, err := c.heard()
		if expected := want[strings.TrimSuffix(query, "&since=0")]; heard != expected || err != nil {
			t.Errorf("?%s heard %q, want %q (%v)", query, heard, expected, err)
		}
	}
}

// joinedAll waits until so many listeners are not only connected but joined.
func joinedAll(t *testing.T, s *site, n int64) {
	t.Helper()
	eventually(t, "listeners joined", func() bool {
		out := s.feed.on.Load()
		sessions, err := out.hub.Sessions()
		if err != nil {
			return false
		}
		out.mu.Lock()
		defer out.mu.Unlock()
		joined := int64(0)
		for _, session := range sessions {
			if listenerOf(session).joined {
				joined++
			}
		}
		return joined == n
	})
}

// heard reads to the end of the connection and joins the messages.
func (c *client) heard() (string, error) {
	var said []string
	for {
		e, err := c.next()
		if closed := new(websocket.CloseError); errors.As(err, &closed) && closed.Code == websocket.CloseServiceRestart {
			return strings.Join(said, ","), nil
		}
		if err != nil {
			return strings.Join(said, ","), err
		}
		said = append(said, e.MSG)
	}
}

func TestFeed_tellsAGapFirst(t *testing.T) {
	s := newSite(t, nil).run(t)
	for n := range 10 {
		s.tell(t, event(n))
	}
	all, err := s.store.Since(t.Context(), "0", 100)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.rdb.XTrimMinID(t.Context(), "nglive:events", all[5].Seq).Err(); err != nil {
		t.Fatal(err)
	}
	far := strconv.FormatInt(time.Now().Add(time.Hour).UnixMilli(), 10) + "-0"
	for since, want := range map[string][]string{
		all[2].Seq: {"gap ", "FileClosed m5"},
		all[6].Seq: {"FileClosed m7", "FileClosed m8"},
		"0":        {"FileClosed m5", "FileClosed m6"},
		far:        {"gap ", "FileClosed m10"}, // from another Redis, or one that lost its data
	} {
		c := listen(t, s, "since="+since)
		if since == far {
			joinedAll(t, s, s.feed.listeners.Load())
			s.tell(t, event(10))
		}
		for _, w := range want {
			e, err := c.next()
			if got := e.CMD + " " + e.MSG; err != nil || got != w {
				t.Errorf("since %s: got %q (%v), want %q", since, got, err, w)
			}
		}
		_ = c.conn.Close()
		eventually(t, "it left", func() bool { return s.feed.listeners.Load() == 0 })
	}
}

func TestFeed_refusesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for _, query := range []string{"since=", "since=abc", "since=1-x", "since=-1", "room=x", "room=1,-2"} {
		if w := s.ask(t, http.MethodGet, "/ws?"+query, nil); w.Code != http.StatusBadRequest || strings.Contains(w.Body.String(), "abc") {
			t.Errorf("?%s: %d %s", query, w.Code, w.Body)
		}
	}
	if w := s.ask(t, http.MethodGet, "/ws", nil); w.Code != http.StatusServiceUnavailable {
		t.Errorf("before Run: %d", w.Code)
	}
}

func TestFeed_losesNothingWhenRedisRestarts(t *testing.T) {
	s := newSite(t, nil).run(t)
	c := listen(t, s, "since=0")
	for n := range 200 {
		s.tell(t, event(n))
	}
	s.redis.Stop()
	var publishing sync.WaitGroup
	publishing.Go(func() {
		for n := 200; n < 400; n++ {
			eventually(t, "Redis takes events again", func() bool { return s.store.Publish(context.Background(), event(n)) == nil })
		}
		s.tell(t, tasks.Event{CMD: tasks.FlowFinished, EVENT: "end", MSG: "end"})
	})
	s.redis.Start()
	publishing.Wait()
	got, err := c.until("end")
	if err != nil || len(got) != 400 {
		t.Fatalf("got %d of 400 events: %v", len(got), err)
	}
	for n, e := range got {
		if e.MSG != event(n).MSG {
			t.Fatalf("event %d is %s", n, e.MSG)
		}
	}
}

func TestFeed_closesWith1012AndLeavesNoGoroutine(t *testing.T) {
	s := newSite(t, nil)
	_, _ = s.store.LastSeq(t.Context()) // opens a connection to Redis
	before := runtime.NumGoroutine()
	s.run(t)
	clients := make([]*client, 50)
	for i := range clients {
		clients[i] = listen(t, s, url.Values{"since": {"0"}}.Encode())
	}
	s.stop()
	for i, c := range clients {
		if said, err := c.heard(); err != nil || said != "" {
			t.Errorf("listener %d heard %q and ended with %v, want 1012", i, said, err)
		}
		_ = c.conn.Close()
	}
	http.DefaultClient.CloseIdleConnections()
	eventually(t, "all goroutines are gone", func() bool { return runtime.NumGoroutine() <= before })
}

func TestFeed_letsNoForeignPageListen(t *testing.T) {
	s := newSite(t, nil).run(t)
	for origin, welcome := range map[string]bool{"http://evil.example": false, "http://" + s.Addr(): true} {
		conn, resp, err := websocket.DefaultDialer.DialContext(t.Context(), "ws://"+s.Addr()+"/ws", http.Header{"Origin": {origin}})
		if (err == nil) != welcome {
			t.Errorf("from %s: %v", origin, err)
		}
		_ = resp.Body.Close()
		if conn != nil {
			_ = conn.Close()
		}
	}
}
