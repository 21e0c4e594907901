package handlers

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/ngworks/nglive/tasks"
)

func (s *site) put(path, body string) reply { s.t.Helper(); return s.do(http.MethodPut, path, body) }

func (s *site) delete(path string) reply { s.t.Helper(); return s.do(http.MethodDelete, path, "") }

const tidyFlow = `{"id":"tidy","name":"整理","match":{"rooms":[23058]},"steps":[{"id":"u","type":"upload"},{"id":"d","type":"delete","with":{"what":"source"}}]}`

func (s *site) flowIDs() []string {
	s.t.Helper()
	var got struct{ Flows []tasks.Flow }
	s.get("/api/flows").is(http.StatusOK).into(&got)
	var ids []string
	for _, f := range got.Flows {
		ids = append(ids, f.ID)
	}
	return ids
}

func TestFlows_areCreatedReadChangedAndDeleted(t *testing.T) {
	s := newSite(t)
	var got tasks.Flow
	s.post("/api/flows", tidyFlow).is(http.StatusCreated).into(&got)
	if got.Version != 1 || len(got.Steps) != 2 {
		t.Errorf("flow is %+v", got)
	}
	s.post("/api/flows", tidyFlow).is(http.StatusConflict).refusal()
	s.put("/api/flows/tidy", `{"version":9,"steps":[]}`).is(http.StatusOK).into(&got)
	if got.Version != 2 || got.ID != "tidy" {
		t.Errorf("flow is %+v", got)
	}
	s.get("/api/flows/tidy").is(http.StatusOK).into(&got)
	if got.Version != 2 || len(got.Steps) != 0 {
		t.Errorf("flow is %+v", got)
	}
	s.put("/api/flows/tidy", tidyFlow).is(http.StatusOK)
	s.put("/api/flows/tidy", with(tidyFlow, `"id":"tidy"`, `"id":"other"`)).is(http.StatusUnprocessableEntity).refusal()
	s.put("/api/flows/other", `{"steps":[]}`).is(http.StatusNotFound).refusal()
	s.delete("/api/flows/tidy").is(http.StatusNoContent)
	s.delete("/api/flows/tidy").is(http.StatusNotFound).refusal()
	s.get("/api/flows/tidy").is(http.StatusNotFound).refusal()
}

func TestFlows_theDefaultOneIsAlwaysThere(t *testing.T) {
	s := newSite(t)
	if got := s.flowIDs(); !slices.Equal(got, []string{"default"}) {
		t.Errorf("flows are %v", got)
	}
	s.post("/api/flows", `{"id":"default","steps":[]}`).is(http.StatusConflict).refusal()
	var got tasks.Flow
	s.put("/api/flows/default", `{"steps":[{"id":"u","type":"upload"}]}`).is(http.StatusOK).into(&got)
	if got.Version != 2 {
		t.Errorf("version is %d", got.Version)
	}
	s.send(fileClosed)
	if ids := s.pending("upload.nas"); len(ids) != 1 {
		t.Errorf("the changed default was not used: %v", ids)
	}
	s.delete("/api/flows/default").is(http.StatusNoContent)
	s.get("/api/flows/default").is(http.StatusOK).into(&got)
	if len(got.Steps) != 3 || !slices.Equal(s.flowIDs(), []string{"default"}) {
		t.Errorf("flow is %+v", got)
	}
}

func TestFlows_sayWhatIsWrongByStepAndField(t *testing.T) {
	s := newSite(t)
	for _, c := range []struct{ body, location, step, field string }{
		{`{"id":"x","steps":[{"id":"u","type":"upload"},{"id":"t","type":"transcode","with":{"mode":"hunter2"}}]}`, "steps[1].with.mode", "t", "with.mode"},
		{`{"id":"x","steps":[{"id":"d","type":"delete"}]}`, "steps[0].type", "d", "type"},
		{`{"id":"x","steps":[{"id":"n","type":"hunter2"}]}`, "steps[0].type", "n", "type"},
		{`{"id":"x","steps":[{"id":"n","type":"notify","with":{"chanels":["hunter2"]}}]}`, "steps[0].with.chanels", "n", "with.chanels"},
		{`{"id":"x","steps":[{"id":"n","type":"notify","onerror":"hunter2"}]}`, "steps[0].onerror", "#1", "onerror"},
		{`{"id":"x","steps":[{"id":"n","type":"notify"},{"id":"m","type":"notify","on_error":"hunter2"}]}`, "steps[1].on_error", "#2", "on_error"},
		{`{"id":"x","steps":[{"id":"n","type":"notify","when":{"min_size":3}}]}`, "steps[0].when.min_size", "#1", "when.min_size"},
		{`{"id":"x","steps":[{"id":"n"}]}`, "steps[0]", "#1", ""},
		{`{"id":"x","match":{"min_size_bytes":"hunter2"},"steps":[]}`, "match.min_size_bytes", "", ""},
		{`{"id":"a/b","steps":[]}`, "id", "", "id"},
		{`{"steps":[]}`, "id", "", "id"},
	} {
		r := s.post("/api/flows", c.body).is(http.StatusUnprocessableEntity)
		e := r.refusal()
		if len(e.Errors) == 0 || e.Errors[0].Location != c.location || e.Errors[0].Step != c.step || e.Errors[0].Field != c.field {
			t.Errorf("%s: refusal is %+v", c.body, e)
		}
		if strings.Contains(r.body, "hunter2") {
			t.Errorf("the refusal repeats what was sent: %s", r.body)
		}
	}
	if got := s.flowIDs(); len(got) != 1 {
		t.Errorf("flows are %v", got)
	}
}

func TestRooms_haveAFlowOfTheirOwnThatCannotBeDeletedUnderThem(t *testing.T) {
	s := newSite(t)
	s.post("/api/flows", `{"id":"mine","steps":[{"id":"n","type":"notify"}]}`).is(http.StatusCreated)
	s.put("/api/rooms/23058/flow", `{"flow":"nothing"}`).is(http.StatusUnprocessableEntity).refusal()
	s.put("/api/rooms/0/flow", `{"flow":"mine"}`).is(http.StatusUnprocessableEntity).refusal()
	s.put("/api/rooms/23058/flow", `{"flow":"mine"}`).is(http.StatusOK)
	s.put("/api/rooms/5/flow", `{"flow":"mine"}`).is(http.StatusOK)
	e := s.delete("/api/flows/mine").is(http.StatusConflict).refusal()
	if !strings.Contains(e.Message, "5, 23058") {
		t.Errorf("the refusal names no rooms: %s", e.Message)
	}
	s.send(fileClosed, versionOne)
	var got struct{ Rooms []listedRoom }
	s.get("/api/rooms").is(http.StatusOK).into(&got)
	want := []string{"5  mine none", "23058 3号直播间 mine none", "14846654 小司无常  none"}
	shown := make([]string, len(got.Rooms))
	for i, x := range got.Rooms {
		shown[i] = fmt.Sprintf("%d %s %s %s", x.RoomID, x.Name, x.Flow, x.Doing)
	}
	if !slices.Equal(shown, want) {
		t.Errorf("rooms are %q, want %q", shown, want)
	}
	if len(s.pending("notify")) != 1 {
		t.Error("the room's own flow was not used")
	}
	s.delete("/api/rooms/23058/flow").is(http.StatusNoContent)
	s.delete("/api/rooms/5/flow").is(http.StatusNoContent)
	s.delete("/api/flows/mine").is(http.StatusNoContent)
}

func TestNodes_targetsAndChannelsComeFromWhatWorkersTell(t *testing.T) {
	s := newSite(t)
	for _, name := range []string{"b", "a"} {
		s.beat(tasks.NodeInfo{Name: name, Host: "box", Targets: []string{"archive", "only-" + name}, Channels: []tasks.Channel{{Name: "hook", Host: "example.org", Events: []string{"*"}}}})
	}
	var got struct {
		Nodes    []tasks.NodeInfo
		Targets  []target
		Channels []channelEntry
	}
	for _, path := range []string{"/api/nodes", "/api/targets", "/api/channels"} {
		s.get(path).is(http.StatusOK).into(&got)
	}
	if len(got.Nodes) != 2 || got.Nodes[0].Name != "a" || !got.Nodes[0].Alive {
		t.Errorf("nodes are %+v", got.Nodes)
	}
	if len(got.Targets) != 3 || !slices.Equal(got.Targets[0].Nodes, []string{"a", "b"}) {
		t.Errorf("targets are %+v", got.Targets)
	}
	if len(got.Channels) != 1 || got.Channels[0].Host != "example.org" || len(got.Channels[0].Nodes) != 2 {
		t.Errorf("channels are %+v", got.Channels)
	}
}
