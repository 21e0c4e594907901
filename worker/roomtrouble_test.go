package worker

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker/recorder"
	"github.com/ngworks/nglive/worker/recorder/rehearsal"
)

func command(action tasks.RoomAction, id int64) tasks.RoomReply {
	return tasks.RoomReply{ID: uuid.NewString(), Action: action, RoomID: id, Before: time.Now().Add(time.Minute)}
}

func TestRooms_areMarkedWhileTheRecorderIsAwayAndFreshAgainAfterwards(t *testing.T) {
	t.Parallel()
	s := newRoomStation(t, rehearsal.Config{})
	s.start()
	s.fresh()
	require.Equal(t, 0, s.code("addroom", 3))
	s.double.Kill()
	s.until("the mark is there", func() bool { return s.rooms().Away == tasks.RecorderAway })
	assert.Len(t, s.rooms().Rooms, 1, "as they were last seen")
	assert.NotEmpty(t, s.rooms().Why)
	for _, question := range []string{"allroom", "getroom", "addroom", "removeroom"} {
		assert.Equal(t, 5001, s.code(question, 3), question)
	}
	s.double.Again()
	s.fresh()
	assert.Equal(t, 0, s.code("getroom", 3))
	assert.Equal(t, 4032, s.code("addroom", 3))
}

func TestRooms_turnEveryNonsenseIntoWords(t *testing.T) {
	t.Parallel()
	s := newRoomStation(t, rehearsal.Config{})
	k := s.keeper()
	k.pace = pace{every: time.Hour, within: time.Second, look: time.Second}
	over := make(chan struct{})
	defer close(over)
	for name, answer := range map[string]func(http.ResponseWriter, *http.Request){
		"html": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("<!DOCTYPE html><html>router</html>"))
		},
		"garbage": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("\x00\xff[[[{")) },
		"nothing": func(http.ResponseWriter, *http.Request) {},
		"401":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) },
		"412":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusPreconditionFailed) },
		"500":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"cut":     func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"slow": func(_ http.ResponseWriter, q *http.Request) {
			select {
			case <-over:
			case <-q.Context().Done():
			}
		},
	} {
		s.double.Instead(func(w http.ResponseWriter, q *http.Request) bool { answer(w, q); return true })
		require.Error(t, k.refresh(t.Context()), name)
		n := s.rooms()
		assert.Equal(t, tasks.RecorderAway, n.Away, name)
		assert.NotEmpty(t, n.Why, name)
		for _, action := range []tasks.RoomAction{tasks.AddRoom, tasks.RemoveRoom, tasks.StopRoom} {
			r := k.execute(t.Context(), command(action, 3))
			assert.Equal(t, tasks.RoomAway, r.Outcome, "%s of %s", action, name)
			assert.NotEmpty(t, r.Message, name)
			assert.Equal(t, 5001, r.Seed().Code, name)
		}
	}
	s.double.Instead(nil)
	require.NoError(t, k.refresh(t.Context()))
	assert.Equal(t, tasks.NotAway, s.rooms().Away)
}

func TestRooms_addSurvivesARecorderThatRestartsInTheMiddle(t *testing.T) {
	t.Parallel()
	s := newRoomStation(t, rehearsal.Config{})
	k := s.keeper()
	var once sync.Once
	s.double.Instead(func(_ http.ResponseWriter, q *http.Request) bool {
		if q.Method == http.MethodPost && q.URL.Path != "/api/room" { // the room is added, its refresh is on its way
			once.Do(func() {
				s.double.Kill()
				s.double.Again()
			})
			panic(http.ErrAbortHandler)
		}
		return false
	})
	r := k.execute(s.t.Context(), command(tasks.AddRoom, 3))
	assert.Equal(t, tasks.RoomDone, r.Outcome, r.Message)
	assert.Equal(t, []int64{23058}, s.has())
}

func TestRooms_removeSurvivesARecorderThatRestartsInTheMiddle(t *testing.T) {
	t.Parallel()
	s := newRoomStation(t, rehearsal.Config{})
	k := s.keeper()
	require.Equal(t, tasks.RoomDone, k.execute(t.Context(), command(tasks.AddRoom, 3)).Outcome)
	var once sync.Once
	s.double.Instead(func(_ http.ResponseWriter, q *http.Request) bool {
		if q.Method == http.MethodDelete {
			once.Do(func() {
				s.double.Stop()
				s.double.Again()
			})
			panic(http.ErrAbortHandler)
		}
		return false
	})
	r := k.execute(t.Context(), command(tasks.RemoveRoom, 3))
	assert.Equal(t, tasks.RoomDone, r.Outcome, r.Message)
	assert.Equal(t, "3号直播间", r.Room.Name)
	assert.Empty(t, s.has())
}

// asked counts the changes that reach the recorder.
func (s *roomStation) asked() *atomic.Int32 {
	var n atomic.Int32
	s.double.Instead(func(_ http.ResponseWriter, q *http.Request) bool {
		if q.Method != http.MethodGet {
			n.Add(1)
		}
		return false
	})
	return &n
}

func TestRooms_aCommandThatIsDeliveredTwiceIsCarriedOutOnce(t *testing.T) {
	t.Parallel()
	s := newRoomStation(t, rehearsal.Config{})
	s.start()
	s.fresh()
	for _, action := range []tasks.RoomAction{tasks.AddRoom, tasks.StopRoom, tasks.RemoveRoom} {
		r, err := s.queue.AskRoom(t.Context(), "test", tasks.RoomCommand{Action: action, RoomID: 3}, 40*time.Second)
		require.NoError(t, err)
		require.Equal(t, tasks.RoomDone, r.Outcome, "%+v", r)
		n := s.asked()
		require.NoError(t, s.worker.room(t.Context(), commandTask(t, tasks.RoomCommand{ID: r.ID, Action: action, RoomID: 3, Before: r.Before})))
		assert.Zero(t, n.Load(), action)
		after, err := s.store.Command(t.Context(), r.ID)
		require.NoError(t, err)
		assert.Equal(t, r, after, "the answer stays")
	}
}

// A worker that died after the recorder did what it was asked, and before it could say so.
func TestRooms_aCommandThatIsDoneAgainAfterADeathAnswersAsIfOnce(t *testing.T) {
	t.Parallel()
	s := newRoomStation(t, rehearsal.Config{})
	k := s.keeper()
	add, remove := command(tasks.AddRoom, 3), command(tasks.RemoveRoom, 3)
	began := func(r tasks.RoomReply) tasks.RoomReply {
		before, err := s.store.Command(t.Context(), r.ID)
		require.NoError(t, err)
		require.Equal(t, tasks.CommandRunning, before.State, "its begin was written before the recorder was asked")
		return before
	}
	first := k.execute(t.Context(), add)
	again := k.execute(t.Context(), began(add))
	assert.Equal(t, tasks.RoomDone, again.Outcome, "it does not find its own room there already")
	assert.Equal(t, first.Room.RoomID, again.Room.RoomID)
	k.execute(t.Context(), remove)
	again = k.execute(t.Context(), began(remove))
	assert.Equal(t, tasks.RoomDone, again.Outcome, "it does not miss the room that it removed")
	assert.Equal(t, "3号直播间", again.Room.Name)
	assert.Equal(t, tasks.RoomMissing, k.execute(t.Context(), command(tasks.RemoveRoom, 3)).Outcome)
}

func TestRooms_refuseACommandThatCameTooLate(t *testing.T) {
	t.Parallel()
	s := newRoomStation(t, rehearsal.Config{})
	s.start()
	s.fresh()
	n := s.asked()
	now, err := s.store.Now(t.Context())
	require.NoError(t, err)
	late := tasks.RoomReply{ID: uuid.NewString(), Node: "test", Action: tasks.AddRoom, RoomID: 3, Before: now.Add(-time.Millisecond), State: tasks.CommandQueued}
	require.NoError(t, s.store.PutCommand(t.Context(), late))
	err = s.worker.room(t.Context(), commandTask(t, tasks.RoomCommand{ID: late.ID, Action: late.Action, RoomID: late.RoomID, Before: late.Before}))
	require.Error(t, err)
	assert.Zero(t, n.Load())
	r, err := s.store.Command(t.Context(), late.ID)
	require.NoError(t, err)
	assert.Equal(t, tasks.RoomExpired, r.Outcome)
	require.Error(t, s.worker.room(t.Context(), commandTask(t, tasks.RoomCommand{})), "no id")
}

func TestRooms_noOtherNodeAddsWhatOneRecords(t *testing.T) {
	t.Parallel()
	a := newRoomStation(t, rehearsal.Config{})
	b := a.beside("attic")
	a.start()
	b.start()
	a.fresh()
	b.fresh()
	require.Equal(t, 0, a.code("addroom", 3))
	for _, id := range []int64{23058, 3} {
		r, err := b.desk().AddRoom(t.Context(), "", id)
		require.NoError(t, err)
		assert.Equal(t, 4032, r.Code, "%+v", r)
		assert.Equal(t, "test", r.Node)
	}
	assert.Empty(t, b.has(), "what turned out to be recorded elsewhere was removed again")
	assert.Equal(t, 0, b.code("addroom", 1888544306))
	assert.Equal(t, 0, a.code("removeroom", 3))
	assert.Equal(t, 0, b.code("addroom", 3), "free again")
}

func TestRooms_twoNodesThatAddTheSameRoomAtOnceAddItOnce(t *testing.T) {
	t.Parallel()
	a := newRoomStation(t, rehearsal.Config{})
	b := a.beside("attic")
	ka, kb := a.keeper(), b.keeper()
	for range 10 {
		require.NoError(t, ka.refresh(t.Context()))
		require.NoError(t, kb.refresh(t.Context()))
		var ra, rb tasks.RoomReply
		var both sync.WaitGroup
		both.Go(func() { ra = ka.execute(t.Context(), command(tasks.AddRoom, 3)) })
		both.Go(func() { rb = kb.execute(t.Context(), command(tasks.AddRoom, 23058)) })
		both.Wait()
		outcomes := []tasks.RoomOutcome{ra.Outcome, rb.Outcome}
		require.ElementsMatch(t, []tasks.RoomOutcome{tasks.RoomDone, tasks.RoomExists}, outcomes, "%+v %+v", ra, rb)
		require.Len(t, append(a.has(), b.has()...), 1)
		ka.execute(t.Context(), command(tasks.RemoveRoom, 3))
		kb.execute(t.Context(), command(tasks.RemoveRoom, 3))
	}
}

func TestRooms_blacklistHoldsForTheIdThatNobodyNamed(t *testing.T) {
	t.Parallel()
	for banned, added := range map[int64]int64{23058: 3, 3: 23058} {
		s := newRoomStation(t, rehearsal.Config{})
		k := s.keeper()
		_, err := s.store.Ban(t.Context(), tasks.Banned{RoomID: banned, By: tasks.ByPeople})
		require.NoError(t, err)
		r := k.execute(t.Context(), command(tasks.AddRoom, added))
		assert.Equal(t, tasks.RoomBlacklisted, r.Outcome)
		assert.Equal(t, 4033, r.Seed().Code)
		assert.Empty(t, s.has())
	}
}

func TestRooms_withoutARecorderSaySo(t *testing.T) {
	t.Parallel()
	s := newRoomStation(t, rehearsal.Config{})
	s.cfg.Recorder = RecorderConfig{}
	s.start()
	s.until("it is told", func() bool { return s.rooms().Away == tasks.NoRecorder })
	assert.Equal(t, 5001, s.code("addroom", 3))
	assert.Equal(t, tasks.RoomAway, s.worker.rooms.execute(t.Context(), command(tasks.AddRoom, 3)).Outcome)
}

func TestRooms_aListFromBeforeACommandIsNotTold(t *testing.T) {
	t.Parallel()
	s := newRoomStation(t, rehearsal.Config{})
	k := s.keeper()
	old, asOf := []recorder.Room{}, k.changes
	require.Equal(t, tasks.RoomDone, k.execute(t.Context(), command(tasks.AddRoom, 3)).Outcome)
	assert.False(t, k.replace(old, asOf), "it would take the new room away again")
	require.NoError(t, k.tell(t.Context()))
	assert.Len(t, s.rooms().Rooms, 1)
}

func TestRooms_aNodeThatIsGoneOrRecordsNothingIsNoObstacle(t *testing.T) {
	t.Parallel()
	s := newRoomStation(t, rehearsal.Config{})
	k := s.keeper()
	other := s.store.RoomTeller("attic")
	require.NoError(t, s.store.Claim(t.Context(), "attic", tasks.Owner{Install: "i", Boot: "b"}, false))
	tell := func() { require.NoError(t, other.Tell(t.Context(), []tasks.Room{{RoomID: 23058, ShortID: 3}})) }
	add := func() tasks.RoomOutcome { return k.execute(t.Context(), command(tasks.AddRoom, 3)).Outcome }
	free := func() { require.Equal(t, tasks.RoomDone, k.execute(t.Context(), command(tasks.RemoveRoom, 3)).Outcome) }
	tell()
	assert.Equal(t, tasks.RoomExists, add())
	require.NoError(t, other.Away(t.Context(), tasks.RecorderAway, "why"))
	assert.Equal(t, tasks.RoomExists, add(), "its recorder will be back")
	require.NoError(t, other.Away(t.Context(), tasks.NoRecorder, ""))
	assert.Equal(t, tasks.RoomDone, add())
	free()
	tell()
	now, err := s.store.Now(t.Context())
	require.NoError(t, err)
	require.NoError(t, s.rdb.HSet(t.Context(), "nglive:rooms:attic", "at", now.Add(-2*time.Minute).UnixMilli()).Err())
	assert.Equal(t, tasks.RoomDone, add(), "a node that is gone records nothing")
}
