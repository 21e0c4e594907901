package handlers

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ngworks/nglive/tasks"
)

// seedCode reads the code of an answer that is HTTP 200.
func (s *site) seedCode(at string) any {
	s.t.Helper()
	var got struct{ Code any }
	s.get(at).is(http.StatusOK).into(&got)
	return got.Code
}

func (s *site) wantCode(want any, paths ...string) {
	s.t.Helper()
	for _, at := range paths {
		if got := s.seedCode(at); got != want {
			s.t.Errorf("%s: code %v, want %v", at, got, want)
		}
	}
}

const code5001 = float64(tasks.SeedAwayCode)

func everyRoute() []string {
	return []string{"/allroom", "/getroom?roomid=3", "/addroom?roomid=3", "/removeroom?roomid=3"}
}

func TestSeed_answers5001WhenNobodyWouldAnswer(t *testing.T) {
	t.Run("before its worker ever ran", func(t *testing.T) {
		newSite(t).wantCode(code5001, everyRoute()...)
	})
	t.Run("without a recorder", func(t *testing.T) {
		s := newSite(t)
		if err := s.rooms("nas").Away(t.Context(), tasks.NoRecorder, ""); err != nil {
			t.Fatal(err)
		}
		s.wantCode(code5001, everyRoute()...)
	})
	t.Run("after its worker fell silent", func(t *testing.T) {
		s := newSite(t)
		s.rooms("nas", roomF20())
		s.silent("nas", 40*time.Second)
		s.wantCode(code5001, everyRoute()...)
		if got := s.pending("room.nas"); len(got) != 0 {
			t.Errorf("commands were left for whoever comes: %v", got)
		}
	})
	t.Run("while the recorder is away", func(t *testing.T) {
		s := newSite(t)
		if err := s.rooms("nas", roomF20()).Away(t.Context(), tasks.RecorderAway, "nobody answers"); err != nil {
			t.Fatal(err)
		}
		s.wantCode(code5001, "/allroom", "/getroom?roomid=3")
		if got := s.get("/allroom").body; !strings.Contains(got, "nobody answers") {
			t.Error(got)
		}
	})
}

// silent makes a node's worker have told so long ago.
func (s *site) silent(node string, ago time.Duration) {
	s.t.Helper()
	now, err := s.store.Now(s.t.Context())
	if err == nil {
		err = s.rdb.HSet(s.t.Context(), "nglive:rooms:"+node, "at", now.Add(-ago).UnixMilli()).Err()
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func TestSeed_tellsEachOutcomeApart(t *testing.T) {
	s := newSite(t)
	s.rooms("nas")
	room := roomF20()
	s.worker("nas", func(r tasks.RoomReply) tasks.RoomReply {
		r.Outcome = map[int64]tasks.RoomOutcome{
			1: tasks.RoomUnverified, 2: tasks.RoomAway, 3: tasks.RoomExpired, 4: tasks.RoomFailed, 5: tasks.RoomBlacklisted, 6: tasks.RoomExists,
		}[r.RoomID]
		if r.Outcome == tasks.RoomUnverified {
			r.Room = &room
		}
		if r.RoomID == 6 {
			r.Other = "attic"
		}
		return r
	})
	s.wantCode(float64(5003), "/addroom?roomid=1")
	s.wantCode(code5001, "/addroom?roomid=2", "/addroom?roomid=3", "/removeroom?roomid=2")
	s.wantCode(float64(5004), "/addroom?roomid=4")
	s.wantCode(float64(4033), "/addroom?roomid=5")
	if got := s.get("/addroom?roomid=6").body; got != `{"code":4032,"msg":"房间已经存在","node":"attic"}` {
		t.Error(got)
	}
}

func TestSeed_answers202WithAWayToFollowWhenTheRecorderTakesLong(t *testing.T) {
	s := newSite(t)
	s.rooms("nas")
	desk := tasks.SeedDesk{Store: s.store, Queue: s.queue, Node: "nas", Within: time.Millisecond}
	a, err := desk.AddRoom(t.Context(), "", 3)
	if err != nil || a.Code != tasks.SeedPending || a.Command == "" {
		t.Fatalf("answered %+v, %v", a, err)
	}
	h := &handlers{Deps: Deps{}}
	out, err := h.seed(t.Context(), a, nil)
	if err != nil || out.Status != http.StatusAccepted || out.Location != "/api/rooms/commands/"+a.Command {
		t.Fatalf("answered %+v, %v", out, err)
	}
	var r tasks.RoomReply
	s.get(out.Location).is(http.StatusOK).into(&r)
	if r.State != tasks.CommandQueued || r.RoomID != 3 || r.Action != tasks.AddRoom {
		t.Errorf("follows as %+v", r)
	}
	s.worker("nas", func(r tasks.RoomReply) tasks.RoomReply { r.Outcome = tasks.RoomDone; return r })
	s.get(out.Location + "?wait=35").is(http.StatusOK).into(&r)
	if r.State != tasks.CommandDone || r.Outcome != tasks.RoomDone {
		t.Errorf("ended as %+v", r)
	}
	s.get("/api/rooms/commands/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee").is(http.StatusNotFound).refusal()
}

func TestSeed_mergesAllNodesAndNamesEachRooms(t *testing.T) {
	s := newSite(t)
	other := tasks.Room{RoomID: 1888544306, Name: "b", AutoRecord: true}
	s.rooms("nas", roomF20())
	s.rooms("attic", other)
	away := s.rooms("cellar", other)
	if err := away.Away(t.Context(), tasks.RecorderAway, "nobody answers"); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Code int
		Data tasks.SeedRooms
	}
	s.get("/allroom").is(http.StatusOK).into(&got)
	if len(got.Data.Rooms) != 2 || got.Data.Rooms[0].Node != "attic" || got.Data.Rooms[1].Node != "nas" || got.Code != 0 {
		t.Errorf("rooms are %+v", got)
	}
	if len(got.Data.Away) != 1 || got.Data.Away[0].Node != "cellar" {
		t.Errorf("away are %+v", got.Data.Away)
	}
	s.wantCode(float64(0), "/getroom?roomid=1888544306&node=attic", "/getroom?roomid=3&node=nas", "/getroom?roomid=3", "/allroom?node=attic")
	s.wantCode(float64(4042), "/getroom?roomid=1888544306", "/getroom?roomid=3&node=attic")
	s.wantCode(code5001, "/getroom?roomid=3&node=cellar", "/allroom?node=cellar")
}

func TestSeed_refusesWhatIsOnTheBlacklist(t *testing.T) {
	s := newSite(t) // not even a worker: the list is enough
	s.post("/api/blacklist", `{"room_id":3,"reason":"loud"}`).is(http.StatusCreated)
	s.put("/api/blacklist", `{"rooms":[5,6]}`).is(http.StatusOK)
	if got := s.get("/addroom?roomid=3").body; got != `{"code":4033,"msg":"房间在黑名单中"}` {
		t.Error(got)
	}
	s.wantCode(float64(4033), "/addroom?roomid=5", "/addroom?roomid=6")
	s.post("/api/rooms", `{"room_id":3}`).is(http.StatusForbidden).refusal()
	s.delete("/api/blacklist/3").is(http.StatusNoContent)
	s.delete("/api/blacklist/3").is(http.StatusNotFound).refusal()
	s.delete("/api/blacklist/5").is(http.StatusNotFound).refusal() // not by people
	s.delete("/api/blacklist/5?by=master").is(http.StatusNoContent)
	s.wantCode(code5001, "/addroom?roomid=3", "/addroom?roomid=5")
	s.put("/api/blacklist", `{"rooms":[0]}`).is(http.StatusUnprocessableEntity).refusal()
	s.post("/api/blacklist", `{"room_id":0}`).is(http.StatusUnprocessableEntity).refusal()
	var got struct{ Rooms tasks.Blacklist }
	s.get("/api/blacklist").is(http.StatusOK).into(&got)
	if len(got.Rooms) != 1 || got.Rooms[0].RoomID != 6 || got.Rooms[0].By != tasks.ByMaster {
		t.Errorf("the list is %+v", got.Rooms)
	}
	s.put("/api/blacklist", `{"rooms":[]}`).is(http.StatusOK).into(&got)
	if len(got.Rooms) != 0 {
		t.Errorf("the list is %+v", got.Rooms)
	}
}

func TestBlacklist_saysWhichNodesHaveTheRoomAtPresent(t *testing.T) {
	s := newSite(t)
	s.rooms("nas", roomF20())
	s.rooms("attic")
	var got struct {
		RoomID int64 `json:"room_id"`
		Nodes  []string
	}
	s.post("/api/blacklist", `{"room_id":3}`).is(http.StatusCreated).into(&got)
	if got.RoomID != 3 || len(got.Nodes) != 1 || got.Nodes[0] != "nas" {
		t.Errorf("answered %+v", got)
	}
}
