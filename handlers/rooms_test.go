package handlers

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/ngworks/nglive/tasks"
)

func TestRooms_tellWhatEachOneDoesNow(t *testing.T) {
	s := newSite(t)
	live, rec, off := roomF20(), roomF20(), roomF20()
	live.RoomID, live.ShortID, rec.RoomID, rec.Recording, rec.ShortID = 40, 0, 50, true, 0
	off.RoomID, off.ShortID, off.Streaming, off.AutoRecord = 60, 0, false, false
	waits := roomF20()
	waits.Streaming = false
	s.rooms("nas", waits, live, rec, off)
	if err := s.rooms("attic", tasks.Room{RoomID: 70}).Away(t.Context(), tasks.RecorderAway, "nobody answers"); err != nil {
		t.Fatal(err)
	}
	s.send(fileClosed, versionOne) // of 23058, which the recorder has, and of a room that nobody has
	s.put("/api/rooms/3/flow", `{"flow":"default"}`).is(http.StatusOK)
	var got struct {
		Rooms     []listedRoom
		Recorders []recorderStatus
	}
	s.get("/api/rooms").is(http.StatusOK).into(&got)
	want := map[int64]string{40: "live", 50: "recording", 60: "off", 70: "unknown", 23058: "waiting", 14846654: "none"}
	if len(got.Rooms) != len(want) {
		t.Errorf("%d rooms: %+v", len(got.Rooms), got.Rooms)
	}
	for _, x := range got.Rooms {
		if x.Doing != want[x.RoomID] {
			t.Errorf("room %d does %q, want %q", x.RoomID, x.Doing, want[x.RoomID])
		}
	}
	if len(got.Recorders) != 2 || got.Recorders[0].Why != "nobody answers" || got.Recorders[1].Away != "" || got.Recorders[1].Rooms != 4 {
		t.Errorf("recorders are %+v", got.Recorders)
	}
	var one listedRoom
	s.get("/api/rooms/3").is(http.StatusOK).into(&one)
	if one.RoomID != 23058 || one.Flow != "default" || one.Node != "nas" || len(one.Recordings) != 1 || one.Recorder == nil {
		t.Errorf("the room is %+v", one)
	}
	s.get("/api/rooms/14846654").is(http.StatusOK)
	s.get("/api/rooms/99").is(http.StatusNotFound).refusal()
	s.get("/api/rooms?node=attic").is(http.StatusOK).into(&got)
	if len(got.Rooms) != 1 {
		t.Errorf("of attic: %+v", got.Rooms)
	}
}

func TestRooms_changeThroughTheNodeThatHasThem(t *testing.T) {
	s := newSite(t)
	s.rooms("nas")
	s.rooms("attic", roomF20())
	var asked []tasks.RoomReply
	answer := func(r tasks.RoomReply) tasks.RoomReply {
		asked = append(asked, r)
		r.Outcome = tasks.RoomDone
		return r
	}
	s.worker("nas", answer)
	s.worker("attic", answer)
	s.post("/api/rooms", `{"room_id":9}`).is(http.StatusCreated)
	s.post("/api/rooms", `{"room_id":9,"node":"attic"}`).is(http.StatusCreated)
	for _, action := range []string{"start", "stop", "split", "refresh"} {
		s.post("/api/rooms/3/"+action, "").is(http.StatusOK)
	}
	s.delete("/api/rooms/23058").is(http.StatusOK)
	s.delete("/api/rooms/5").is(http.StatusOK) // nobody has it: this node's recorder says so
	want := []string{"add nas", "add attic", "start attic", "stop attic", "split attic", "refresh attic", "remove attic", "remove nas"}
	for i, r := range asked {
		if got := string(r.Action) + " " + r.Node; i >= len(want) || got != want[i] {
			t.Errorf("command %d is %s", i, got)
		}
	}
	if len(asked) != len(want) {
		t.Errorf("%d commands, want %d", len(asked), len(want))
	}
	s.post("/api/rooms", `{"room_id":0}`).is(http.StatusUnprocessableEntity).refusal()
	s.post("/api/rooms", `{"room_id":9,"node":"nope"}`).is(http.StatusNotFound).refusal()
	s.delete("/api/rooms/0").is(http.StatusUnprocessableEntity).refusal()
}

func TestRooms_changeOnOurOwnNodeFirstWhereSeveralHaveThem(t *testing.T) {
	s := newSite(t)
	var nodes []string
	for _, node := range []string{"attic", "nas", "zoo"} {
		s.rooms(node, roomF20())
		s.worker(node, func(r tasks.RoomReply) tasks.RoomReply {
			nodes = append(nodes, r.Node)
			r.Outcome = tasks.RoomDone
			return r
		})
	}
	s.post("/api/rooms/3/stop", "").is(http.StatusOK)
	s.post("/api/rooms/3/stop?node=zoo", "").is(http.StatusOK)
	if len(nodes) != 2 || nodes[0] != "nas" || nodes[1] != "zoo" {
		t.Errorf("asked %v", nodes)
	}
}

func TestRooms_giveEachOutcomeItsStatus(t *testing.T) {
	s := newSite(t)
	s.rooms("nas")
	outcomes := map[int64]tasks.RoomOutcome{
		200: tasks.RoomDone, 409: tasks.RoomExists, 404: tasks.RoomMissing, 403: tasks.RoomBlacklisted, 502: tasks.RoomAway,
		504: tasks.RoomExpired, 422: tasks.RoomFailed,
	}
	s.worker("nas", func(r tasks.RoomReply) tasks.RoomReply {
		r.Outcome, r.Message = outcomes[r.RoomID], "because"
		return r
	})
	for status := range outcomes {
		r := s.post("/api/rooms/"+strconv.FormatInt(status, 10)+"/refresh", "").is(int(status))
		if status != 200 && r.refusal().Message != "because" {
			t.Errorf("%d: %s", status, r.body)
		}
	}
	s.post("/api/rooms/3/start?wait=0", "").is(http.StatusAccepted)
}

func TestRooms_answer502WithoutARecorder(t *testing.T) {
	s := newSite(t)
	s.post("/api/rooms", `{"room_id":9}`).is(http.StatusBadGateway).refusal()
	if err := s.rooms("nas").Away(t.Context(), tasks.NoRecorder, ""); err != nil {
		t.Fatal(err)
	}
	s.post("/api/rooms", `{"room_id":9}`).is(http.StatusBadGateway).refusal()
	s.post("/api/rooms/9/stop", "").is(http.StatusBadGateway).refusal()
	s.rooms("attic", roomF20())
	s.silent("attic", 40*time.Second)
	s.post("/api/rooms/3/stop?wait=0", "").is(http.StatusBadGateway).refusal()
	if got := s.pending("room.attic"); len(got) != 0 {
		t.Errorf("commands were left for whoever comes: %v", got)
	}
}
