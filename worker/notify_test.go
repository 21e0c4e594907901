package worker

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ngworks/nglive/tasks"
)

// receiver is somebody's endpoint: it checks signatures and keeps what it took.
type receiver struct {
	mu     sync.Mutex
	answer int
	asked  int
	got    map[string][]tasks.Event // by webhook-id
	server *httptest.Server
}

func newReceiver(t *testing.T, secret string) *receiver {
	t.Helper()
	check, err := standardwebhooks.NewWebhook(secret)
	require.NoError(t, err)
	r := &receiver{answer: http.StatusNoContent, got: map[string][]tasks.Event{}}
	r.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.asked++
		var e tasks.Event
		if check.Verify(body, req.Header) != nil || json.Unmarshal(body, &e) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if r.answer/100 == 2 {
			id := req.Header.Get("Webhook-Id")
			r.got[id] = append(r.got[id], e)
		}
		w.WriteHeader(r.answer)
	}))
	t.Cleanup(r.server.Close)
	return r
}

func (r *receiver) say(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = status
}

// count returns how many different messages of one command arrived.
func (r *receiver) count(cmd string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, es := range r.got {
		if es[0].CMD == cmd {
			n++
		}
	}
	return n
}

func (r *receiver) asks() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked
}

func notifyingStation(t *testing.T, events ...string) (*station, *receiver) {
	t.Helper()
	s := newStation(t)
	r := newReceiver(t, NotifySecret(s.cfg.NotifySecret, s.cfg.Secret))
	s.cfg.NotifyURLs, s.cfg.NotifyEvents = []string{r.server.URL + "/hook?token=secret"}, events
	close(s.slow.gate)
	return s, r
}

// TestNotify_deliversChosenEventsSigned and each once, with an id that a receiver can tell repeats by.
func TestNotify_deliversChosenEventsSigned(t *testing.T) {
	t.Parallel()
	s, hook := notifyingStation(t, tasks.FlowFinished, "errors")
	s.start()
	s.until("the relay begins", func() bool { return s.rdb.Exists(t.Context(), keyRelayCursor).Val() == 1 })
	s.file("a.flv", "content")
	r := s.closed("a.flv", slowFlow())
	s.reaches(r.ID, tasks.Finished)
	s.until("the end was told", func() bool { return hook.count(tasks.FlowFinished) == 1 })
	s.slow.failWith(problemf(never, "no"))
	s.file("b.flv", "content")
	r = s.closed("b.flv", slowFlow())
	s.reaches(r.ID, tasks.Failed)
	s.until("the failure was told", func() bool { return hook.count(tasks.UpError) == 1 && hook.count(tasks.FlowFinished) == 2 })
	assert.Zero(t, hook.count(tasks.UpStarted), "it did not ask for that")
}

// TestNotify_aReceiverThatIsAwayBlocksNobody: the flow finishes, the delivery waits and is tried again.
func TestNotify_aReceiverThatIsAwayBlocksNobody(t *testing.T) {
	t.Parallel()
	s, hook := notifyingStation(t, "*")
	hook.say(http.StatusServiceUnavailable)
	s.start()
	s.until("the relay begins", func() bool { return s.rdb.Exists(t.Context(), keyRelayCursor).Val() == 1 })
	s.file("a.flv", "content")
	r := s.closed("a.flv", slowFlow())
	s.reaches(r.ID, tasks.Finished)
	s.until("it was tried", func() bool { return hook.asks() > 0 })
	hook.say(http.StatusOK)
	s.within(90e9, "all of it arrives", func() bool {
		return hook.count(tasks.FileClosed) == 1 && hook.count(tasks.UpEnded) == 1 && hook.count(tasks.FlowFinished) == 1
	})
}

// TestNotify_aReceiverThatIsGoneIsADeadLetter, and the feed says so without its address.
func TestNotify_aReceiverThatIsGoneIsADeadLetter(t *testing.T) {
	t.Parallel()
	s, hook := notifyingStation(t, tasks.FlowFinished)
	hook.say(http.StatusGone)
	s.start()
	s.until("the relay begins", func() bool { return s.rdb.Exists(t.Context(), keyRelayCursor).Val() == 1 })
	s.file("a.flv", "content")
	r := s.closed("a.flv", slowFlow())
	s.reaches(r.ID, tasks.Finished)
	s.until("the feed tells", func() bool { return slices.Contains(s.events(r.ID), tasks.NotifyError) })
	archived, err := s.queue.Inspector().ListArchivedTasks(tasks.QueueNotify)
	require.NoError(t, err)
	require.Len(t, archived, 1)
	assert.NotContains(t, archived[0].LastErr+string(archived[0].Payload), "token=secret")
	hook.say(http.StatusOK)
	require.NoError(t, s.queue.Inspector().RunTask(tasks.QueueNotify, archived[0].ID))
	s.until("a person's Run delivers it", func() bool { return hook.count(tasks.FlowFinished) == 1 })
}

// TestNotifyStep_bringsTheSummary of a recording to the channels, once.
func TestNotifyStep_bringsTheSummary(t *testing.T) {
	t.Parallel()
	s, hook := notifyingStation(t)
	s.start()
	flow := slowFlow()
	flow.Steps = append(flow.Steps, tasks.Step{ID: "tell", Type: tasks.StepNotify})
	s.file("a.flv", "content")
	r := s.closed("a.flv", flow)
	s.reaches(r.ID, tasks.Finished)
	assert.Equal(t, 1, hook.count(tasks.FlowFinished))
	assert.Equal(t, tasks.StepDone, s.step(r.ID, "tell").State)
	all, err := s.store.Broadcasts(t.Context(), r.RoomID, time.Time{}, 10)
	require.NoError(t, err)
	require.Len(t, all, 1)
	hook.mu.Lock()
	defer hook.mu.Unlock()
	for _, told := range hook.got {
		assert.Equal(t, all[0].ID, told[0].BROADCAST)
	}
}

// TestStart_takesUpNotificationsThatNoJournalKnows: a worker died between Asynq's handing over and its journal. While no other node lives,
// nobody can be at work on that; Asynq would wait for a minute and more.
func TestStart_takesUpNotificationsThatNoJournalKnows(t *testing.T) {
	t.Parallel()
	for name, neighbour := range map[string]bool{"alone": false, "beside another node": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, hook := notifyingStation(t, tasks.FlowFinished)
			channels, err := openChannels(s.cfg)
			require.NoError(t, err)
			event, err := json.Marshal(tasks.Event{CMD: tasks.FlowFinished, EVENT: "e"})
			require.NoError(t, err)
			require.NoError(t, s.queue.Notify(t.Context(), "e", tasks.NotifyTask{Channel: channels[0].name, Event: event}))
			id, base := tasks.NotifyID("e", channels[0].name), "asynq:{"+tasks.QueueNotify+"}:"
			require.NoError(t, s.rdb.LMove(t.Context(), base+"pending", base+"active", "RIGHT", "LEFT").Err())
			require.NoError(t, s.rdb.HSet(t.Context(), base+"t:"+id, "state", "active").Err())
			lease := redis.Z{Score: float64(time.Now().Add(30 * time.Second).Unix()), Member: id}
			require.NoError(t, s.rdb.ZAdd(t.Context(), base+"lease", lease).Err())
			if neighbour {
				require.NoError(t, s.store.Claim(t.Context(), "other", tasks.Owner{Install: "other", Boot: "b"}, false))
			}
			s.start()
			if neighbour {
				s.rounds(3)
				assert.Equal(t, []string{id}, s.rdb.LRange(t.Context(), base+"active", 0, -1).Val(), "it may be the other node's")
				assert.Zero(t, hook.asks())
				return
			}
			s.within(20*time.Second, "it is brought before its lease is over", func() bool { return hook.count(tasks.FlowFinished) == 1 })
		})
	}
}
