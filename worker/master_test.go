package worker

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker/recorder/rehearsal"
)

// quickly is a link that loses no time in a test.
func quickly(w *Worker) {
	w.master.pace = masterPace{ping: 20 * time.Millisecond, silent: 15 * time.Second, write: 15 * time.Second, first: 10 * time.Millisecond, most: 100 * time.Millisecond}
}

// linkedStation is a node with a master.
func linkedStation(t *testing.T) (*station, *masterDouble) {
	t.Helper()
	s, m := newStation(t), newMasterDouble(t)
	s.cfg.ReverseWS, s.prepare = m.url(), quickly
	return s, m
}

// happens tells of an event of a node, as web does.
func (s *station) happens(node, file string) {
	s.t.Helper()
	require.NoError(s.t, s.store.Publish(s.t.Context(), tasks.Event{
		CMD: tasks.FileOpening, ID: "0123456789abcdef", TS: tasks.Stamp(time.Now()), NODE: node, FILE: file, EVENT: uuid.NewString(),
	}))
}

// proved waits until the master proved everything that there is.
func (s *station) proved() {
	s.t.Helper()
	s.until("the master has everything, and the journal knows", func() bool {
		last, err := s.store.LastSeq(s.t.Context())
		at, err2 := s.worker.journal.mark(s.worker.master.mark())
		return err == nil && err2 == nil && !tasks.SeqLess(at, last)
	})
}

// TestMaster_getsThisNodesFramesAndHeartbeats, and those of no other node; what was before it was set is not sent.
func TestMaster_getsThisNodesFramesAndHeartbeats(t *testing.T) {
	t.Parallel()
	s, m := linkedStation(t)
	s.happens("test", "long ago")
	s.file("a.flv", "content")
	close(s.slow.gate)
	s.start()
	s.until("the link is there", func() bool { return m.linked() == 1 })
	s.happens("other", "not ours")
	r := s.closed("a.flv", slowFlow())
	s.reaches(r.ID, tasks.Finished)
	s.proved()
	require.NoError(t, s.store.PublishLive(t.Context(), tasks.Event{CMD: tasks.IsUp, ID: r.ID, NODE: "test", COMP: new(42)}))
	require.NoError(t, s.store.PublishLive(t.Context(), tasks.Event{CMD: tasks.IsUp, ID: r.ID, NODE: "other", COMP: new(42)}))
	s.until("progress and a heartbeat arrive", func() bool { return m.count(tasks.IsUp) > 0 && m.count(tasks.Heartbeat) > 0 })
	got := slices.DeleteFunc(m.heard(), func(s string) bool { return strings.HasPrefix(s, "Node") || strings.HasPrefix(s, "Recorder") })
	assert.Equal(t, []string{"FileClosed a.flv", "UpStarted a.flv", "UpEnded a.flv", "FlowFinished a.flv"}, got)
	assert.Equal(t, 1, m.linked())
}

// TestMaster_missesNothingWhileItIsAway: it dies without a word, much happens, the worker is started anew as well, and the master
// comes back.
func TestMaster_missesNothingWhileItIsAway(t *testing.T) {
	t.Parallel()
	s, m := linkedStation(t)
	s.start()
	s.until("the link is there", func() bool { return m.linked() == 1 })
	const n = 1500
	var want []string
	tell := func(from, to int) {
		for i := from; i < to; i++ {
			want = append(want, fmt.Sprintf("FileOpening %04d", i))
			s.happens("test", fmt.Sprintf("%04d", i))
		}
	}
	tell(0, 100)
	s.proved()
	m.stop()
	tell(100, 900)
	s.stopWorker()
	tell(900, 1200)
	s.start()
	tell(1200, 1400)
	m.start()
	tell(1400, n)
	s.within(time.Minute, "the master has them all", func() bool { return len(opened(m)) >= n })
	s.proved()
	assert.Equal(t, want, opened(m), "all of them, in order, and after a proof none twice")
}

func opened(m *masterDouble) []string {
	return slices.DeleteFunc(m.heard(), func(s string) bool { return !strings.HasPrefix(s, tasks.FileOpening) })
}

// TestMaster_getsAgainWhatItDidNotProve: what was sent into a line that broke is sent once more.
func TestMaster_getsAgainWhatItDidNotProve(t *testing.T) {
	t.Parallel()
	s, m := linkedStation(t)
	m.deaf = true
	s.start()
	s.until("the link is there", func() bool { return m.linked() == 1 })
	s.happens("test", "a")
	s.until("it arrives", func() bool { return len(opened(m)) == 1 })
	m.mu.Lock()
	m.deaf = false
	m.mu.Unlock()
	m.stop()
	m.start()
	s.until("it arrives once more", func() bool { return len(opened(m)) == 2 })
	s.proved()
}

// TestMaster_isLeftWhenItFallsSilent: a peer that neither answers nor closes is dialled anew.
func TestMaster_isLeftWhenItFallsSilent(t *testing.T) {
	t.Parallel()
	s, m := linkedStation(t)
	m.deaf = true
	s.prepare = func(w *Worker) {
		quickly(w)
		w.master.pace.silent = 300 * time.Millisecond
	}
	s.start()
	s.until("it is dialled again and again", func() bool { return m.linked() >= 3 })
}

// TestMaster_isToldOfAGap: what it missed is older than what is kept, or went with a Redis that was emptied.
func TestMaster_isToldOfAGap(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*station){
		"trimmed": func(s *station) {
			last, err := s.store.LastSeq(t.Context())
			require.NoError(t, err)
			require.NoError(t, s.rdb.XTrimMinID(t.Context(), "nglive:events", last).Err())
		},
		"emptied": func(s *station) {
			require.NoError(t, s.rdb.Del(t.Context(), "nglive:events").Err())
			require.NoError(t, s.rdb.XAdd(t.Context(), eventWithID("1-1", "older clock")).Err())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, m := linkedStation(t)
			s.start()
			s.until("the link is there", func() bool { return m.linked() == 1 })
			s.happens("test", "a")
			s.proved()
			s.stopWorker()
			m.mu.Lock()
			m.frames = nil
			m.mu.Unlock()
			s.happens("test", "b")
			s.happens("test", "c")
			lose(s)
			s.start()
			s.until("it is told", func() bool { return m.count(tasks.Gap) > 0 })
			s.until("and gets what is kept", func() bool { return len(opened(m)) > 0 })
			since := slices.DeleteFunc(m.heard(), func(h string) bool { return h == "FileOpening b" }) // the old link's last breath
			assert.Equal(t, tasks.Gap, since[0])
		})
	}
}

// linkedRooms is a node with a recorder double, at work and linked to a master.
func linkedRooms(t *testing.T) (*roomStation, *masterDouble) {
	t.Helper()
	s := newRoomStation(t, rehearsal.Config{})
	m := newMasterDouble(t)
	s.cfg.ReverseWS, s.prepare = m.url(), quickly
	s.start()
	s.fresh()
	s.until("the link is there", func() bool { return m.linked() == 1 })
	return s, m
}

// TestMaster_commandsRooms asks a real recorder double through the link.
func TestMaster_commandsRooms(t *testing.T) {
	t.Parallel()
	s, m := linkedRooms(t)
	assert.InDelta(t, 0, m.ask("1", "ping", "{}")["code"], 0)
	assert.Equal(t, "4031", m.ask("2", "addroom", `{"roomid":0}`)["code"], "a string, as ever")
	assert.InDelta(t, 4042, m.ask("3", "getroom", `{"roomid":3}`)["code"], 0)
	added := m.ask("4", "addroom", `{"roomid":"3"}`)
	assert.InDelta(t, 0, added["code"], 0, "%v", added)
	s.until("the room is told", func() bool { return len(s.rooms().Rooms) > 0 })
	all := m.ask(`"five"`, "allroom", "{}")
	assert.InDelta(t, 0, all["code"], 0)
	assert.Len(t, all["data"].(map[string]any)["rooms"], 1) //nolint:forcetypeassert // its shape is what is tested
	assert.InDelta(t, 0, m.ask("6", "getroom", `{"roomId":23058}`)["code"], 0)
	assert.InDelta(t, tasks.SeedExists, m.ask("7", "addroom", `{"room_id":3}`)["code"], 0)
	assert.InDelta(t, 0, m.ask("8", "removeroom", `{"roomid":3}`)["code"], 0)
	assert.InDelta(t, 0, m.ask("9", "blacklist", `{"rooms":[3,5]}`)["code"], 0)
	assert.InDelta(t, tasks.SeedBlacklisted, m.ask("10", "addroom", `{"roomid":3}`)["code"], 0)
	assert.Len(t, m.ask("11", "blacklist", `{}`)["data"], 2)
	assert.Equal(t, "4031", m.ask("12", "blacklist", `{"rooms":[-1]}`)["code"])
	assert.Empty(t, m.ask("13", "blacklist", `{"rooms":[]}`)["data"])
}

// TestMaster_questionsDoNotWaitForChanges: a recorder takes its time over a new room.
func TestMaster_questionsDoNotWaitForChanges(t *testing.T) {
	t.Parallel()
	s, m := linkedRooms(t)
	asked, goOn := make(chan struct{}), make(chan struct{})
	tell, release := sync.OnceFunc(func() { close(asked) }), sync.OnceFunc(func() { close(goOn) })
	defer release()
	s.double.Instead(func(_ http.ResponseWriter, q *http.Request) bool {
		if q.Method == http.MethodPost {
			tell()
			select {
			case <-goOn:
			case <-q.Context().Done():
			}
		}
		return false
	})
	m.say(websocket.TextMessage, `{"CMD":"addroom","REQ":1,"ARG":{"roomid":3}}`)
	<-asked
	assert.InDelta(t, 0, m.ask("2", "ping", "{}")["code"], 0)
	assert.InDelta(t, 4042, m.ask("3", "getroom", `{"roomid":3}`)["code"], 0)
	m.mu.Lock()
	early := m.replies["1"]
	m.mu.Unlock()
	assert.Nil(t, early, "it was answered before the recorder was done")
	release()
	s.until("the room is added", func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.replies["1"]["code"] == float64(0)
	})
}

// TestMaster_survivesFloodsGarbageAndHugeFrames on one and the same line.
func TestMaster_survivesFloodsGarbageAndHugeFrames(t *testing.T) {
	t.Parallel()
	s, m := linkedStation(t)
	s.start()
	s.until("the link is there", func() bool { return m.linked() == 1 })
	for n, huge := range []string{strings.Repeat("x", 10<<20), `{"CMD":"ping","REQ":"` + strings.Repeat("y", 10<<20) + `"}`} {
		m.say(websocket.TextMessage, huge)
		s.until("it is refused for its length", func() bool { return m.answers() == n+1 && m.withCode(linkTooLong) == 1 })
	}
	m.say(websocket.BinaryMessage, "\x00\xff\x00")
	for _, garbage := range []string{"", "null", "[]", "{", `"x"`, `{"CMD":7}`, `{"CMD":"rm -rf"}`, `{"CMD":"addroom","ARG":[]}`, strings.Repeat("[", 100_000)} {
		m.say(websocket.TextMessage, garbage)
	}
	s.until("garbage is refused", func() bool { return m.answers() >= 11 })
	const flood = 3000
	var sent sync.WaitGroup
	sent.Go(func() {
		for i := range flood {
			m.say(websocket.TextMessage, fmt.Sprintf(`{"CMD":"addroom","REQ":%d,"ARG":{"roomid":%d}}`, 1000+i, 1+i))
		}
	})
	sent.Wait()
	s.within(time.Minute, "every command is answered or refused", func() bool { return m.answers() >= flood+11 })
	assert.Positive(t, m.withCode(linkTooMany), "some were refused")
	assert.Positive(t, m.withCode(tasks.SeedAwayCode), "and some answered: there is no recorder")
	s.happens("test", "after it all")
	s.until("events go on", func() bool { return slices.Contains(opened(m), "FileOpening after it all") })
	assert.InDelta(t, 0, m.ask("1", "ping", "{}")["code"], 0)
	assert.Equal(t, 1, m.linked(), "the line was never lost")
}

func (m *masterDouble) answers() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.answered
}

func (m *masterDouble) withCode(code int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, r := range m.replies {
		if r["code"] == float64(code) {
			n++
		}
	}
	return n
}

// TestMaster_cannotProveWhatWasNotSent: a pong that nobody asked for moves nothing.
func TestMaster_cannotProveWhatWasNotSent(t *testing.T) {
	t.Parallel()
	s, m := linkedStation(t)
	s.start()
	s.until("the link is there", func() bool { return m.linked() == 1 })
	for _, seq := range []string{"99999999999999-0", "x", strings.Repeat("9", 100), "-", ""} {
		m.mu.Lock()
		require.NoError(t, m.line.WriteControl(websocket.PongMessage, []byte(seq), time.Now().Add(time.Second)))
		m.mu.Unlock()
	}
	s.happens("test", "a")
	s.until("it arrives", func() bool { return len(opened(m)) == 1 })
	s.proved()
	at, err := s.worker.journal.mark(s.worker.master.mark())
	require.NoError(t, err)
	assert.True(t, tasks.SeqLess(at, "99999999999999-0"), at)
}

// TestMaster_heartbeatsGoOnWithoutRedis, and events follow when it is back.
func TestMaster_heartbeatsGoOnWithoutRedis(t *testing.T) {
	t.Parallel()
	s, m := linkedStation(t)
	s.start()
	s.until("the link is there", func() bool { return m.linked() == 1 && m.count(tasks.Heartbeat) > 0 })
	s.redis.Stop()
	before := m.count(tasks.Heartbeat)
	s.within(time.Minute, "heartbeats go on", func() bool { return m.count(tasks.Heartbeat) >= before+2 })
	s.redis.Start()
	s.until("Redis is back", func() bool { return s.rdb.Ping(t.Context()).Err() == nil })
	s.happens("test", "a")
	s.until("events too", func() bool { return len(opened(m)) == 1 })
	assert.Equal(t, 1, m.linked())
}

// TestMaster_tokenIsNowhereToBeSeen: not in the log of a link that works, is refused, or finds nobody.
func TestMaster_tokenIsNowhereToBeSeen(t *testing.T) {
	t.Parallel()
	s, m := linkedStation(t)
	lines := &lockedBuffer{}
	s.cfg.Log = slog.New(slog.NewTextHandler(lines, &slog.HandlerOptions{Level: slog.LevelDebug}))
	m.closed = true
	s.start()
	s.until("it is refused in words", func() bool { return strings.Contains(lines.String(), "answered 401") })
	m.stop()
	s.until("it is not reached, in words", func() bool { return strings.Contains(lines.String(), "cannot be reached") })
	m.mu.Lock()
	m.closed = false
	m.mu.Unlock()
	m.start()
	s.until("the link is there", func() bool { return m.linked() > 0 })
	s.stopWorker()
	assert.NotContains(t, lines.String(), masterToken)
	assert.NotContains(t, lines.String(), "/nglive/node-1")
	info, err := s.rdb.HGetAll(t.Context(), "nglive:node:test").Result()
	require.NoError(t, err)
	assert.NotContains(t, fmt.Sprint(info), masterToken)
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p) //nolint:wrapcheck // it never fails
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestMaster_emptySettingIsOff: nobody is dialled, and nothing is noted.
func TestMaster_emptySettingIsOff(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	s.start()
	s.happens("test", "a")
	require.NoError(t, s.worker.master.run(t.Context()))
	at, err := s.worker.journal.mark(s.worker.master.mark())
	require.NoError(t, err)
	assert.Empty(t, at)
}
