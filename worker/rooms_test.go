package worker

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/hibiken/asynq"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker/recorder"
	"github.com/ngworks/nglive/worker/recorder/recordertest"
	"github.com/ngworks/nglive/worker/recorder/rehearsal"
)

// roomStation is a node with a recorder: a double of it, behind its own HTTP.
type roomStation struct {
	*station
	double *recordertest.Double
}

func newRoomStation(t *testing.T, cfg rehearsal.Config) *roomStation {
	t.Helper()
	s := &roomStation{station: newStation(t), double: recordertest.Start(t, recordertest.Quick(cfg))}
	s.cfg.Recorder = RecorderConfig{URL: s.double.URL, User: recordertest.User, Password: recordertest.Password}
	return s
}

// beside is a second node on the same Redis, with a recorder of its own.
func (s *roomStation) beside(node string) *roomStation {
	s.t.Helper()
	other := &roomStation{
		station: &station{t: s.t, redis: s.redis, rdb: s.rdb, store: s.store, queue: s.queue, slow: s.slow, cfg: testConfig(s.t, s.t.TempDir())},
		double:  recordertest.Start(s.t, recordertest.Quick(rehearsal.Config{})),
	}
	other.cfg.Node, other.cfg.Install = node, "install-"+node
	other.cfg.Recorder = RecorderConfig{URL: other.double.URL, User: recordertest.User, Password: recordertest.Password}
	return other
}

// keeper is a room keeper without the rest of a worker.
func (s *roomStation) keeper() *roomKeeper {
	s.t.Helper()
	c, err := recorder.New(recorder.Config{
		URL: s.double.URL, User: recordertest.User, Password: recordertest.Password,
		RefreshWaits: []time.Duration{0, 5 * time.Millisecond},
	})
	require.NoError(s.t, err)
	require.NoError(s.t, s.store.Claim(s.t.Context(), s.cfg.Node, tasks.Owner{Install: s.cfg.Install, Boot: "b"}, false))
	return newRoomKeeper(s.cfg, c, s.store)
}

func (s *roomStation) desk() tasks.SeedDesk {
	return tasks.SeedDesk{Store: s.store, Queue: s.queue, Node: s.cfg.Node, Within: 40 * time.Second}
}

// fresh waits until the worker told of its recorder's rooms.
func (s *roomStation) fresh() {
	s.t.Helper()
	s.until("the rooms are told", func() bool { return s.rooms().Away == tasks.NotAway })
}

// rooms are what Redis has of this node's.
func (s *roomStation) rooms() tasks.NodeRooms {
	n, told, err := s.store.NodeRooms(context.Background(), s.cfg.Node)
	if err != nil || !told {
		return tasks.NodeRooms{Away: "unknown"}
	}
	return n
}

// code asks one of the original's questions and returns the code of the answer.
func (s *roomStation) code(question string, id int64) any {
	s.t.Helper()
	d, ctx := s.desk(), s.t.Context()
	var a tasks.SeedAnswer
	var err error
	switch question {
	case "allroom":
		a, err = d.AllRoom(ctx, s.cfg.Node)
	case "getroom":
		a, err = d.GetRoom(ctx, "", id)
	case "addroom":
		a, err = d.AddRoom(ctx, "", id)
	case "removeroom":
		a, err = d.RemoveRoom(ctx, "", id)
	}
	require.NoError(s.t, err)
	return a.Code
}

// has are the rooms that the recorder itself has.
func (s *roomStation) has() []int64 {
	s.t.Helper()
	rooms, err := s.keeperClient().Rooms(s.t.Context())
	require.NoError(s.t, err)
	ids := []int64{}
	for _, r := range rooms {
		ids = append(ids, r.RoomID)
	}
	return ids
}

func (s *roomStation) keeperClient() *recorder.Client {
	s.t.Helper()
	c, err := recorder.New(recorder.Config{URL: s.double.URL, User: recordertest.User, Password: recordertest.Password})
	require.NoError(s.t, err)
	return c
}

func TestRooms_answerTheOriginalsQuestionsFromTheRecorder(t *testing.T) {
	t.Parallel()
	s := newRoomStation(t, rehearsal.Config{})
	s.start()
	s.fresh()
	assert.Equal(t, 4042, s.code("getroom", 3))
	assert.Equal(t, 4042, s.code("removeroom", 3))
	a, err := s.desk().AddRoom(t.Context(), "", 3)
	require.NoError(t, err)
	added, ok := a.Data.(tasks.SeedRoom)
	require.True(t, ok, "answered %+v", a)
	assert.Equal(t, "3号直播间", added.Name, "the room that is returned was refreshed")
	assert.Equal(t, int64(23058), added.Config.RoomID)
	assert.True(t, added.Config.AutoRecord)
	assert.Nil(t, added.Stats)
	for _, id := range []int64{3, 23058} {
		assert.Equal(t, 0, s.code("getroom", id), "at once, under either id")
		assert.Equal(t, 4032, s.code("addroom", id))
	}
	assert.Equal(t, "4031", s.code("addroom", 0))
	assert.Equal(t, "4031", s.code("removeroom", 0))
	assert.Equal(t, 0, s.code("removeroom", 3))
	assert.Equal(t, 4042, s.code("getroom", 23058), "at once")
	assert.Empty(t, s.has())
}

func TestRooms_sayThatARoomIsUnverified(t *testing.T) {
	t.Parallel()
	s := newRoomStation(t, rehearsal.Config{})
	k := s.keeper()
	r := k.execute(t.Context(), tasks.RoomReply{ID: uuid.NewString(), Action: tasks.AddRoom, RoomID: 404})
	assert.Equal(t, tasks.RoomUnverified, r.Outcome)
	assert.Equal(t, tasks.SeedUnverified, r.Seed().Code)
	assert.Equal(t, []int64{404}, s.has(), "it may be right all the same, so it stays")
}

// hookReceiver keeps the webhooks' events.
func hookReceiver(t *testing.T) (address string, told func(kind string) bool) {
	t.Helper()
	var mu sync.Mutex
	var bodies strings.Builder
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
		b, _ := io.ReadAll(q.Body)
		mu.Lock()
		defer mu.Unlock()
		bodies.Write(b)
	}))
	t.Cleanup(srv.Close)
	return srv.URL, func(kind string) bool {
		mu.Lock()
		defer mu.Unlock()
		return strings.Contains(bodies.String(), `"EventType":"`+kind+`"`)
	}
}

func TestRooms_removeWhileRecordingStillClosesTheFile(t *testing.T) {
	t.Parallel()
	s := newRoomStation(t, rehearsal.Config{})
	address, told := hookReceiver(t)
	s.cfg.Recorder.Webhook = address
	s.start()
	s.fresh()
	s.until("the webhook is set", func() bool { return s.worker.RecorderState().Hooked })
	require.Equal(t, 0, s.code("addroom", 3))
	s.double.Live(23058, true)
	s.until("a file is open", func() bool { return told(tasks.FileOpening) })
	require.Equal(t, 0, s.code("removeroom", 23058))
	s.until("the file is closed", func() bool { return told(tasks.FileClosed) && told(tasks.SessionEnded) })
}

func TestRooms_startStopSplitAndRefreshReachTheRecorder(t *testing.T) {
	t.Parallel()
	s := newRoomStation(t, rehearsal.Config{})
	k := s.keeper()
	do := func(action tasks.RoomAction, id int64) tasks.RoomReply {
		return k.execute(t.Context(), tasks.RoomReply{ID: uuid.NewString(), Action: action, RoomID: id})
	}
	require.Equal(t, tasks.RoomDone, do(tasks.AddRoom, 3).Outcome)
	s.double.Live(23058, true)
	s.until("it records", func() bool { r, err := k.recorder.Room(t.Context(), 3); return err == nil && r.Recording })
	assert.Equal(t, tasks.RoomDone, do(tasks.SplitRoom, 3).Outcome)
	r := do(tasks.StopRoom, 3)
	assert.Equal(t, tasks.RoomDone, r.Outcome)
	assert.False(t, r.Room.ThisSession)
	r = do(tasks.StartRoom, 3)
	assert.Equal(t, tasks.RoomDone, r.Outcome)
	s.double.Retitle(23058, "another title")
	r = do(tasks.RefreshRoom, 3)
	assert.Equal(t, "another title", r.Room.Title)
	for _, action := range []tasks.RoomAction{tasks.StartRoom, tasks.StopRoom, tasks.SplitRoom, tasks.RefreshRoom, tasks.RemoveRoom} {
		assert.Equal(t, tasks.RoomMissing, do(action, 99).Outcome, action)
		assert.Equal(t, tasks.RoomFailed, do(action, 0).Outcome, "id 0 is any room to a recorder")
	}
	assert.Equal(t, tasks.RoomFailed, do("explode", 3).Outcome)
}

func TestRooms_areToldAsTheyAreWithTheirSettings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"version":3,"global":{},"rooms":[{"RoomId":{"HasValue":true,"Value":23058},
		"AutoRecord":{"HasValue":true,"Value":false},"RecordMode":{"HasValue":true,"Value":1},"CuttingMode":{"HasValue":true,"Value":2},
		"CuttingNumber":{"HasValue":true,"Value":500}}]}`), 0o600))
	s := newRoomStation(t, rehearsal.Config{Dir: dir})
	k := s.keeper()
	require.NoError(t, k.refresh(t.Context()))
	n := s.rooms()
	require.Len(t, n.Rooms, 1)
	assert.Equal(t, tasks.RoomOption[string]{HasValue: true, Value: "RAW_DATA"}, n.Rooms[0].Options.RecordMode)
	assert.Equal(t, tasks.RoomOption[string]{HasValue: true, Value: "BY_SIZE"}, n.Rooms[0].Options.CuttingMode)
	assert.Equal(t, tasks.RoomOption[int64]{HasValue: true, Value: 500}, n.Rooms[0].Options.CuttingNumber)
	assert.Zero(t, n.Rooms[0].Stats.DurationRatio, "the recorder says NaN of an idle room")
}

func TestRooms_areLookedAtWhenAWebhookGivesAReason(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{tasks.SessionStarted, tasks.SessionEnded, tasks.StreamStarted, tasks.StreamEnded} {
		s := newRoomStation(t, rehearsal.Config{})
		k := s.keeper()
		k.pace.every = time.Hour
		ctx, stop := context.WithCancel(t.Context())
		go func() { _ = k.run(ctx) }()
		go func() { _ = k.hints(ctx) }()
		s.fresh()
		_, err := k.recorder.Add(t.Context(), 3, true)
		require.NoError(t, err)
		s.until("the room is told of", func() bool { // the hint may come before anybody listens
			event := tasks.Event{CMD: kind, NODE: s.cfg.Node, EVENT: uuid.NewString()}
			require.NoError(t, s.store.Publish(t.Context(), event))
			return len(s.rooms().Rooms) == 1
		})
		stop()
	}
}

func TestRooms_areToldAnewToARedisThatForgot(t *testing.T) {
	t.Parallel()
	s := newRoomStation(t, rehearsal.Config{})
	k := s.keeper()
	_, err := k.recorder.Add(t.Context(), 3, true)
	require.NoError(t, err)
	require.NoError(t, k.refresh(t.Context()))
	require.NoError(t, s.rdb.FlushAll(t.Context()).Err())
	require.NoError(t, k.refresh(t.Context()))
	assert.Len(t, s.rooms().Rooms, 1)
}

// commandTask is a command as it comes from the queue.
func commandTask(t *testing.T, c tasks.RoomCommand) *asynq.Task {
	t.Helper()
	b, err := json.Marshal(c)
	require.NoError(t, err)
	return asynq.NewTask(tasks.TypeRoom, b)
}
