package ui_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func (s *server) listRooms(w http.ResponseWriter, _ *http.Request) {
	recorders := []map[string]any{{"node": "nas", "away": "no_recorder"}}
	if s.rooms != nil {
		recorders = []map[string]any{{"node": "nas", "rooms": len(s.rooms)}}
	}
	answer(w, http.StatusOK, map[string]any{"rooms": append([]map[string]any{}, s.rooms...), "recorders": recorders})
}

// changeRoom does at once what a recorder would do.
func (s *server) changeRoom(w http.ResponseWriter, r *http.Request) {
	var in map[string]any
	_ = json.NewDecoder(r.Body).Decode(&in)
	s.posts <- strings.TrimSpace(fmt.Sprintf("%s %s %v", r.Method, r.URL.RequestURI(), in["room_id"]))
	if s.refusal != "" {
		refuse(w, http.StatusBadGateway, "bad_gateway", s.refusal)
		return
	}
	switch r.Method + r.PathValue("action") {
	case "DELETE":
		s.rooms = s.rooms[:0]
	case "POSTstop":
		s.rooms[0]["doing"] = "live"
	case "POSTstart":
		s.rooms[0]["doing"] = "recording"
	default:
		s.rooms = append(s.rooms, map[string]any{"room_id": in["room_id"], "name": "新主播", "node": "nas", "doing": "waiting", "flow": ""})
	}
	answer(w, http.StatusOK, map[string]any{"state": "done", "outcome": "done"})
}

func TestPage_showsRoomsAndHasThemDoWhatItsButtonsSay(t *testing.T) {
	s := newServer(t)
	s.recordings, s.events, s.nodes = evening()
	s.rooms = []map[string]any{{"room_id": 23058, "name": "3号直播间", "node": "nas", "doing": "recording", "flow": ""}}
	p := openPage(t, s, "zh-CN")
	next(t, s.joined, "join the feed")
	p.waitText(".room.recording", "录制中")
	pressed := func(selector, want string) {
		t.Helper()
		p.click(selector)
		if got := next(t, s.posts, "press "+selector); got != want {
			t.Errorf("the button asked for %q, want %q", got, want)
		}
	}
	pressed(".room button", "POST /api/rooms/23058/stop?node=nas <nil>")
	p.waitText(".room.live", "直播中，未录制")
	pressed(".room button", "POST /api/rooms/23058/start?node=nas <nil>")
	p.waitText(".room.recording", "停止本场录制")
	p.fill(".room-add input", "https://live.bilibili.com/3?from=x")
	pressed(".room-add button", "POST /api/rooms 3")
	p.waitText(".room.waiting", "新主播")
	p.click(".room button:last-child")
	p.waitText(".room button:last-child", "确定移除？")
	pressed(".room button:last-child", "DELETE /api/rooms/23058?node=nas <nil>")
	p.wait(`document.querySelectorAll('.room').length === 0`)
	p.fill(".room-add input", "abc")
	p.click(".room-add button")
	p.waitText(".banner", "房间号是一个正整数")
	p.expect("502")
	s.set(func() { s.refusal = "the recorder is away" })
	p.fill(".room-add input", "7")
	pressed(".room-add button", "POST /api/rooms 7")
	p.waitText(".banner", "the recorder is away")
}

func TestPage_showsNoRoomsWithoutARecorder(t *testing.T) {
	_, p := openEvening(t, "en")
	p.wait(`document.querySelectorAll('.node').length > 0`)
	p.waitNone(".rooms")
}

func roomsOfTheEvening() []map[string]any {
	room := func(id int, name, doing string) map[string]any {
		return map[string]any{"room_id": id, "name": name, "node": "nas", "doing": doing, "flow": ""}
	}
	return []map[string]any{room(23058, "3号直播间", "recording"), room(14846654, "小司无常", "waiting"), room(1888544306, "长号 long", "live")}
}
