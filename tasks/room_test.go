package tasks

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ngworks/nglive/tasks/taskstest"
)

func realStore(t *testing.T) *Store {
	t.Helper()
	return NewStore(taskstest.Redis(t).Client(), time.Hour)
}

func rooms(ids ...int64) []Room {
	list := make([]Room, len(ids))
	for i, id := range ids {
		list[i] = Room{RoomID: id, Name: "n"}
	}
	return list
}

func TestRoomTeller_marksOnlyWhatChanged(t *testing.T) {
	t.Parallel()
	s := realStore(t)
	require.NoError(t, s.Claim(t.Context(), "a", Owner{Install: "i", Boot: "b"}, false))
	teller := s.RoomTeller("a")
	mark := func() string { return s.rdb.HGet(t.Context(), keyRooms("a"), fieldMark).Val() }
	require.NoError(t, teller.Tell(t.Context(), rooms(1, 2, 3)))
	first := mark()
	require.NoError(t, teller.Tell(t.Context(), rooms(1, 2, 3)))
	assert.Equal(t, first, mark(), "nothing changed")
	require.NoError(t, s.rdb.HSet(t.Context(), keyRooms("a"), "2", `{"room_id":2,"name":"kept"}`).Err())
	require.NoError(t, teller.Tell(t.Context(), rooms(1, 2, 4)))
	assert.NotEqual(t, first, mark())
	n, told, err := s.NodeRooms(t.Context(), "a")
	require.NoError(t, err)
	require.True(t, told)
	require.Len(t, n.Rooms, 3)
	assert.Equal(t, "kept", n.Rooms[1].Name, "what did not change is not written again")
	assert.Equal(t, []int64{1, 2, 4}, []int64{n.Rooms[0].RoomID, n.Rooms[1].RoomID, n.Rooms[2].RoomID})

	require.NoError(t, teller.Away(t.Context(), RecorderAway, "why"))
	n, _, err = s.NodeRooms(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, RecorderAway, n.Away)
	assert.Equal(t, "why", n.Why)
	assert.Len(t, n.Rooms, 3)

	another := s.RoomTeller("a") // the worker was started again
	require.NoError(t, another.Tell(t.Context(), rooms(9)))
	require.NoError(t, teller.Tell(t.Context(), rooms(8, 7)), "a teller whose mark is old begins anew")
	all, err := s.AllRooms(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1)
	assert.Len(t, all[0].Rooms, 2)
	assert.Empty(t, all[0].Away)
}

func TestNodeRooms_areSilentAndThenDeadWhenNobodyTells(t *testing.T) {
	t.Parallel()
	s := realStore(t)
	require.NoError(t, s.RoomTeller("a").Tell(t.Context(), rooms(1)))
	for ago, want := range map[time.Duration]NodeRooms{
		10 * time.Second: {}, 40 * time.Second: {Away: WorkerSilent}, 2 * time.Minute: {Away: WorkerSilent, Dead: true},
	} {
		now, err := s.Now(t.Context())
		require.NoError(t, err)
		require.NoError(t, s.rdb.HSet(t.Context(), keyRooms("a"), fieldAt, now.Add(-ago).UnixMilli()).Err())
		n, _, err := s.NodeRooms(t.Context(), "a")
		require.NoError(t, err)
		assert.Equal(t, want.Away, n.Away, ago)
		assert.Equal(t, want.Dead, n.Dead, ago)
	}
}

func TestFind_takesEitherIdTheRealOneFirstAndNeverZero(t *testing.T) {
	t.Parallel()
	n := NodeRooms{Rooms: []Room{{RoomID: 3}, {RoomID: 50, ShortID: 70}, {RoomID: 55, ShortID: 3}, {RoomID: 60, ShortID: 7}, {RoomID: 70}}}
	for id, want := range map[int64]int64{3: 3, 50: 50, 55: 55, 7: 60, 70: 70} {
		r, ok := n.Find(id)
		assert.True(t, ok, id)
		assert.Equal(t, want, r.RoomID, id)
	}
	for _, id := range []int64{0, -1, 4} {
		_, ok := n.Find(id)
		assert.False(t, ok, id)
	}
	assert.False(t, Blacklist{{RoomID: 5}}.Has(0, 6))
	assert.True(t, Blacklist{{RoomID: 5}}.Has(6, 5))
}

func TestCommand_expiresWhenNobodyTookItAndIsLostWhenItsWorkerDied(t *testing.T) {
	t.Parallel()
	s := realStore(t)
	now, err := s.Now(t.Context())
	require.NoError(t, err)
	for _, c := range []struct {
		state string
		late  time.Duration
		want  RoomOutcome
	}{
		{CommandQueued, -time.Minute, ""},
		{CommandQueued, time.Second, RoomExpired},
		{CommandRunning, time.Second, ""},
		{CommandRunning, time.Minute, RoomFailed},
	} {
		require.NoError(t, s.PutCommand(t.Context(), RoomReply{ID: "c", State: c.state, Before: now.Add(-c.late)}))
		r, err := s.Command(t.Context(), "c")
		require.NoError(t, err)
		assert.Equal(t, c.want, r.Outcome, "%+v", c)
		assert.Equal(t, c.want != "", r.Over(), "%+v", c)
	}
	_, err = s.Command(t.Context(), "unknown")
	assert.True(t, errors.Is(err, ErrNoCommand))
}

func TestReplies_areHeardByEverybodyWhoWaitsAndByNobodyElse(t *testing.T) {
	t.Parallel()
	s := realStore(t)
	one, leaveOne := s.replies.wait("a")
	two, leaveTwo := s.replies.wait("a")
	other, leaveOther := s.replies.wait("b")

	for heard := false; !heard; { // the line may not be open yet
		require.NoError(t, s.PutCommand(t.Context(), RoomReply{ID: "a", State: CommandDone}))
		select {
		case <-one:
			heard = true
		case <-time.After(10 * time.Millisecond):
		}
	}
	<-two
	select {
	case <-other:
		t.Error("b was not over")
	default:
	}
	leaveOne()
	leaveTwo()
	leaveOther()
	s.replies.mu.Lock()
	defer s.replies.mu.Unlock()
	assert.Empty(t, s.replies.waiting)
	assert.Nil(t, s.replies.hang, "the line is open only while somebody waits")
}

func TestClaimRoom_isForOneCommandAtATime(t *testing.T) {
	t.Parallel()
	s := realStore(t)
	claim := func(id int64, command string) bool {
		ok, err := s.ClaimRoom(t.Context(), id, command)
		require.NoError(t, err)
		return ok
	}
	assert.True(t, claim(3, "x"))
	assert.True(t, claim(3, "x"), "its repeat has it too")
	assert.False(t, claim(3, "y"))
	assert.True(t, claim(4, "y"))
	s.ReleaseRoom(t.Context(), 3, "y") // not its own
	assert.False(t, claim(3, "y"))
	s.ReleaseRoom(t.Context(), 3, "x")
	assert.True(t, claim(3, "y"))
}
