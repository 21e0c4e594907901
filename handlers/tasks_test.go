package handlers

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/hibiken/asynq"

	"github.com/ngworks/nglive/tasks"
)

type handed struct {
	TaskID    string           `json:"task_id"`
	TaskIDs   []string         `json:"task_ids"`
	Recording *tasks.Recording `json:"recording"`
}

func TestTasks_areListedWithTheirQueues(t *testing.T) {
	s := newSite(t)
	s.failed()
	s.send(versionOne)
	var got struct {
		Tasks  []tasks.QueuedTask
		Queues []tasks.QueueStatus
	}
	s.get("/api/tasks").is(http.StatusOK).into(&got)
	if len(got.Tasks) != 2 || got.Tasks[0].State != "pending" || got.Tasks[1].State != "archived" || got.Tasks[1].File != flvPath {
		t.Errorf("tasks are %+v", got.Tasks)
	}
	if len(got.Queues) != 1 || got.Queues[0].Pending != 1 || got.Queues[0].Archived != 1 || got.Queues[0].Node != "nas" {
		t.Errorf("queues are %+v", got.Queues)
	}
	for query, want := range map[string]int{"?state=archived": 1, "?state=active,archived": 1, "?queue=upload.nas": 0, "?queue=remux.nas&limit=1": 1} {
		s.get("/api/tasks" + query).is(http.StatusOK).into(&got)
		if len(got.Tasks) != want {
			t.Errorf("%s: %d tasks, want %d", query, len(got.Tasks), want)
		}
	}
	s.get("/api/tasks?state=lost").is(http.StatusUnprocessableEntity).refusal()
}

func TestTask_ofAStepIsRetriedAndCancelledThroughItsRecording(t *testing.T) {
	s := newSite(t)
	rec := s.failed()
	var got handed
	s.post("/api/tasks/"+rec.ID+".1.transcode/retry", "").is(http.StatusAccepted).into(&got)
	if got.TaskID != rec.ID+".2.transcode" || got.Recording.Run != 2 {
		t.Errorf("answer is %+v", got)
	}
	s.post("/api/tasks/"+rec.ID+".1.transcode/cancel", "").is(http.StatusConflict).refusal() // a former run's
	s.post("/api/tasks/"+rec.ID+".2.transcode/cancel", "").is(http.StatusAccepted).into(&got)
	if got.Recording.State != tasks.Cancelled || len(s.pending("remux.nas")) != 0 {
		t.Errorf("answer is %+v", got)
	}
	s.post("/api/tasks/0123456789abcdef.1.transcode/retry", "").is(http.StatusNotFound).refusal()
}

func TestTask_ofANotificationIsRetriedAndCancelledInItsQueue(t *testing.T) {
	s := newSite(t)
	if err := s.queue.Notify(t.Context(), "brec2.x.0", tasks.NotifyTask{Channel: "hook", Event: json.RawMessage(`{}`)}); err != nil {
		t.Fatal(err)
	}
	const id = "brec2.x.0.hook"
	s.post("/api/tasks/"+id+"/retry", "").is(http.StatusConflict).refusal() // it waits already
	if err := s.queue.Inspector().ArchiveTask(tasks.QueueNotify, id); err != nil {
		t.Fatal(err)
	}
	s.post("/api/tasks/"+id+"/retry", "").is(http.StatusAccepted)
	if i := s.taskInfo(tasks.QueueNotify, id); i.State != asynq.TaskStatePending {
		t.Errorf("it is %s", i.State)
	}
	s.post("/api/tasks/"+id+"/cancel", "").is(http.StatusAccepted)
	s.post("/api/tasks/"+id+"/cancel", "").is(http.StatusNotFound).refusal()
	s.post("/api/tasks/no%20id/cancel", "").is(http.StatusUnprocessableEntity).refusal()
}

func TestByHand_runsOneStepOnAFile(t *testing.T) {
	s := newSite(t)
	s.beat(tasks.NodeInfo{
		Name: "nas", Recordings: "/rec", Output: "/out",
		Defaults: tasks.Defaults{Transcode: tasks.TranscodeWith{Mode: "COPY", Preset: "slow"}, Upload: tasks.UploadWith{Target: "archive"}},
	})
	for _, c := range []struct{ kind, body, root, path, queue string }{
		{"transcode", `{"path":"x/a.flv","with":{"mode":"CRF"}}`, "", "x/a.flv", "encode.nas"},
		{"upload", `{"path":"/out/a.mp4","node":"nas"}`, "output", "a.mp4", "upload.nas"},
		{"notify", `{"path":"/rec/b.flv","message":"hi"}`, "", "b.flv", "notify"},
	} {
		var got handed
		s.post("/api/tasks/"+c.kind, c.body).is(http.StatusAccepted).into(&got)
		r := got.Recording
		if r == nil || r.Root != c.root || r.Path != c.path || r.State != tasks.Running || r.FlowID != "by-hand-"+c.kind || r.Origin != "person" {
			t.Fatalf("%s: answer is %+v", c.kind, r)
		}
		if !slices.Equal(got.TaskIDs, []string{r.ID + ".1." + c.kind}) {
			t.Errorf("%s: tasks are %v", c.kind, got.TaskIDs)
		}
		s.taskInfo(c.queue, got.TaskIDs[0])
		s.post("/api/tasks/"+c.kind, c.body).is(http.StatusConflict).refusal() // it is at work
	}
	flow, err := s.store.PinnedFlow(t.Context(), s.recordings()[2].FlowKey)
	if err != nil || flow.Steps[0].With["mode"] != "CRF" || flow.Steps[0].With["preset"] != "slow" {
		t.Errorf("flow is %+v (%v)", flow, err)
	}
}

func TestByHand_worksOnTheRecordingThatThePathNamesNow(t *testing.T) {
	s := newSite(t)
	later := with(fileClosed, firstOpenTime, laterOpenTime, closedEventID, "1")
	s.send(fileClosed, later)
	for _, r := range s.recordings() {
		s.post("/api/recordings/"+r.ID+"/cancel", "").is(http.StatusOK)
	}
	var got handed
	s.post("/api/tasks/upload", `{"path":"`+flvPath+`"}`).is(http.StatusAccepted).into(&got)
	if got.Recording.Gen != 1 || got.Recording.Run != 2 {
		t.Errorf("recording is %+v", got.Recording)
	}
	if len(s.recordings()) != 2 {
		t.Error("another recording was made")
	}
}

func TestByHand_refusesWhatCannotBe(t *testing.T) {
	s := newSite(t)
	for _, c := range []struct{ kind, body, location string }{
		{"transcode", `{"path":"../a.flv"}`, "path"},
		{"transcode", `{"path":"/etc/passwd"}`, "path"},
		{"transcode", `{"path":"a.flv","node":"attic"}`, "node"},
		{"transcode", `{"path":"a.flv","with":{"mode":"FAST"}}`, "with.mode"},
		{"upload", `{"path":"a.flv","with":{"traget":"x"}}`, "with.traget"},
		{"upload", `{"path":"a.flv","extra":{}}`, "extra"},
		{"notify", `{}`, "path"},
	} {
		e := s.post("/api/tasks/"+c.kind, c.body).is(http.StatusUnprocessableEntity).refusal()
		if len(e.Errors) == 0 || e.Errors[0].Location != c.location {
			t.Errorf("%s %s: refusal is %+v", c.kind, c.body, e)
		}
	}
	s.post("/api/tasks/delete", `{"path":"a.flv"}`).is(http.StatusNotFound)
	if len(s.recordings()) != 0 {
		t.Error("a recording was made")
	}
}

func TestByHand_sendsATestMessageToChannels(t *testing.T) {
	s := newSite(t)
	s.post("/api/tasks/notify", `{"message":"hello"}`).is(http.StatusConflict).refusal() // no channel yet
	for _, node := range []string{"nas", "attic"} {
		s.beat(tasks.NodeInfo{Name: node, Channels: []tasks.Channel{{Name: "one", Events: []string{"errors"}}, {Name: "two-" + node}}})
	}
	var got handed
	s.post("/api/tasks/notify", `{"message":"hello"}`).is(http.StatusAccepted).into(&got)
	if len(got.TaskIDs) != 3 || got.Recording != nil || len(s.pending(tasks.QueueNotify)) != 3 {
		t.Fatalf("answer is %+v", got)
	}
	if payload := string(s.taskInfo(tasks.QueueNotify, got.TaskIDs[0]).Payload); !strings.Contains(payload, `"hello"`) || !strings.Contains(payload, tasks.TestMessage) {
		t.Errorf("payload is %s", payload)
	}
	s.post("/api/tasks/notify", `{"message":"hello","with":{"channels":["one"]}}`).is(http.StatusAccepted).into(&got)
	if len(got.TaskIDs) != 1 {
		t.Errorf("tasks are %v", got.TaskIDs)
	}
	s.post("/api/tasks/notify", `{"message":"hello","with":{"channels":["three"]}}`).is(http.StatusUnprocessableEntity).refusal()
}
