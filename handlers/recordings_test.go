package handlers

import (
	"net/http"
	"slices"
	"testing"

	"github.com/hibiken/asynq"

	"github.com/ngworks/nglive/tasks"
)

// failed is a recording whose transcode could not be done, with its dead letter in the queue.
func (s *site) failed() tasks.Recording {
	s.t.Helper()
	s.send(fileClosed)
	id := s.only().ID
	s.tell(tasks.Fact{ID: "began", Kind: tasks.StepBegan, Recording: id, Run: 1, Step: "transcode"})
	rec := s.tell(tasks.Fact{ID: "failed", Kind: tasks.StepGaveUp, Recording: id, Run: 1, Step: "transcode", Error: "no space left"})
	if err := s.queue.Inspector().ArchiveTask("remux.nas", id+".1.transcode"); err != nil {
		s.t.Fatal(err)
	}
	return rec
}

func TestRecordings_areListedWithCountsPageByPage(t *testing.T) {
	s := newSite(t)
	s.send(fileClosed, versionOne)
	var page struct {
		Recordings []tasks.Recording `json:"recordings"`
		NextCursor string            `json:"next_cursor"`
		Counts     map[string]int    `json:"counts"`
	}
	s.get("/api/recordings?limit=1").is(http.StatusOK).into(&page)
	if len(page.Recordings) != 1 || page.NextCursor == "" || page.Counts["closed"] != 2 {
		t.Fatalf("page is %+v", page)
	}
	first := page.Recordings[0].ID
	s.get("/api/recordings?limit=1&cursor=" + page.NextCursor).is(http.StatusOK).into(&page)
	if len(page.Recordings) != 1 || page.Recordings[0].ID == first {
		t.Errorf("the second page is %+v", page)
	}
	for query, want := range map[string]int{"?room=23058": 1, "?room=3": 1, "?node=attic": 0, "?state=closed,failed": 2, "?state=failed": 0} {
		s.get("/api/recordings" + query).is(http.StatusOK).into(&page)
		if len(page.Recordings) != want {
			t.Errorf("%s: %d recordings, want %d", query, len(page.Recordings), want)
		}
	}
	for _, query := range []string{"?state=lost", "?cursor=nonsense", "?limit=0", "?limit=501", "?limit=x", "?nodes=nas", "?room=-1"} {
		e := s.get("/api/recordings" + query).is(http.StatusUnprocessableEntity).refusal()
		if len(e.Errors) == 0 || e.Errors[0].Location == "" {
			t.Errorf("%s: the refusal names no place: %+v", query, e)
		}
	}
}

func TestRecording_comesWithTheFlowItCopied(t *testing.T) {
	s := newSite(t)
	s.send(fileClosed)
	var got struct {
		tasks.Recording
		Flow tasks.Flow `json:"flow"`
	}
	s.get("/api/recordings/" + s.only().ID).is(http.StatusOK).into(&got)
	if got.Path != flvPath || len(got.Flow.Steps) != 3 || got.Flow.Steps[0].With["mode"] != "COPY" || got.Steps[0].State != tasks.StepQueued {
		t.Errorf("recording is %+v", got)
	}
	s.get("/api/recordings/0123456789abcdef").is(http.StatusNotFound).refusal()
	s.get("/api/recordings/xyz").is(http.StatusUnprocessableEntity).refusal()
}

func TestRecording_isRetriedAsTheNextRunWithoutItsDeadLetter(t *testing.T) {
	s := newSite(t)
	rec := s.failed()
	var got tasks.Recording
	s.post("/api/recordings/"+rec.ID+"/retry", "").is(http.StatusOK).into(&got)
	if got.State != tasks.Running || got.Run != 2 {
		t.Errorf("recording is %+v", got)
	}
	if ids := s.pending("remux.nas"); !slices.Equal(ids, []string{rec.ID + ".2.transcode"}) {
		t.Errorf("tasks are %v", ids)
	}
	if left, err := s.queue.Tasks("remux.nas", "archived", 10); err != nil || len(left) != 0 {
		t.Errorf("dead letters are %v (%v)", left, err)
	}
	s.post("/api/recordings/"+rec.ID+"/retry", "").is(http.StatusConflict).refusal()
	s.post("/api/recordings/0123456789abcdef/retry", "").is(http.StatusNotFound).refusal()
}

func TestRecording_isCancelledWithItsTask(t *testing.T) {
	s := newSite(t)
	s.send(fileClosed)
	id := s.only().ID
	var got tasks.Recording
	s.post("/api/recordings/"+id+"/cancel", "").is(http.StatusOK).into(&got)
	if got.State != tasks.Cancelled || len(s.pending("remux.nas")) != 0 {
		t.Errorf("recording is %+v, tasks are %v", got, s.pending("remux.nas"))
	}
	s.post("/api/recordings/"+id+"/cancel", "").is(http.StatusConflict).refusal()
	s.post("/api/recordings/"+id+"/retry", "").is(http.StatusOK)
	if ids := s.pending("remux.nas"); !slices.Equal(ids, []string{id + ".2.transcode"}) {
		t.Errorf("tasks are %v", ids)
	}
}

func TestRecording_thatIsOnlyOpeningCannotBeCancelledOrRun(t *testing.T) {
	s := newSite(t)
	s.send(fileOpening)
	id := s.only().ID
	s.post("/api/recordings/"+id+"/cancel", "").is(http.StatusConflict).refusal()
	s.post("/api/recordings/"+id+"/run", `{"flow":"default"}`).is(http.StatusConflict).refusal()
}

func TestRecording_runsAnotherFlowWhenNobodyWorksOnIt(t *testing.T) {
	s := newSite(t)
	s.beat(tasks.NodeInfo{Name: "nas", Defaults: tasks.Defaults{Transcode: tasks.TranscodeWith{Mode: "CRF"}}})
	s.post("/api/flows", `{"id":"again","steps":[{"id":"t","type":"transcode"}]}`).is(http.StatusCreated)
	s.send(fileClosed)
	id := s.only().ID
	s.post("/api/recordings/"+id+"/run", `{"flow":"again"}`).is(http.StatusConflict).refusal()
	s.post("/api/recordings/"+id+"/cancel", "").is(http.StatusOK)
	s.post("/api/recordings/"+id+"/run", `{"flow":"nothing"}`).is(http.StatusUnprocessableEntity).refusal()
	s.post("/api/recordings/"+id+"/run", `{}`).is(http.StatusUnprocessableEntity).refusal()
	var got tasks.Recording
	s.post("/api/recordings/"+id+"/run", `{"flow":"again"}`).is(http.StatusOK).into(&got)
	if got.FlowID != "again" || got.Run != 2 || got.State != tasks.Running {
		t.Errorf("recording is %+v", got)
	}
	if i := s.taskInfo("encode.nas", id+".2.t"); i.State != asynq.TaskStatePending {
		t.Errorf("task is %s", i.State)
	}
}

func TestRecordings_sayThatRedisIsAway(t *testing.T) {
	s, server := realSite(t)
	server.Stop()
	r := s.get("/api/recordings").is(http.StatusServiceUnavailable)
	if e := r.refusal(); e.Code != "unavailable" || len(e.Errors) != 0 || r.header.Get("Retry-After") == "" {
		t.Errorf("refusal is %+v with %v", e, r.header)
	}
}
