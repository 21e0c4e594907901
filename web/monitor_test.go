package web

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/hibiken/asynq"

	"github.com/ngworks/nglive/tasks"
)

func TestMonitor_asksNoOtherHost(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for _, path := range []string{"/asynq/", "/asynq/queues/encode.n1"} {
		w := s.ask(t, http.MethodGet, path, nil)
		body := w.Body.String()
		if w.Code != http.StatusOK || !strings.Contains(body, `<div id="root">`) || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
			t.Fatalf("%s: %d %s %.80s", path, w.Code, w.Header().Get("Content-Type"), body)
		}
		if found := regexp.MustCompile(`(href|src)="(https?:)?//[^"]*`).FindString(body); found != "" {
			t.Errorf("%s loads %s", path, found)
		}
	}
}

func TestMonitor_givesAssetsTheirTypes(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	index := s.ask(t, http.MethodGet, "/asynq/", nil).Body.String()
	scripts := regexp.MustCompile(`src="(/asynq/static/[^"]*)"`).FindAllStringSubmatch(index, -1)
	if len(scripts) == 0 {
		t.Fatal("the dashboard has no scripts")
	}
	want := map[string]string{"/asynq/manifest.json": "application/json", "/asynq/favicon-32x32.png": "image/png"}
	for _, m := range scripts {
		want[m[1]] = "text/javascript"
	}
	for path, kind := range want {
		w := s.ask(t, http.MethodGet, path, nil)
		if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), kind) {
			t.Errorf("%s: %d %s, want %s", path, w.Code, w.Header().Get("Content-Type"), kind)
		}
	}
}

func TestMonitor_keepsQueuesAndSaysNoToWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	if err := s.queue.Register(t.Context(), s.rdb, "encode.n1"); err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]int{
		"DELETE /asynq/api/queues/encode.n1":             405,
		"DELETE /asynq/api/queues/encode.n1/":            405,
		"DELETE /asynq/api/queues/encode%2En1":           405,
		"DELETE /asynq/api//queues/encode.n1":            307,
		"POST /asynq/api/queues/encode.n1/nothing/x:run": 404,
		"GET /asynq/api/queues":                          200,
	} {
		method, path, _ := strings.Cut(at, " ")
		if w := s.ask(t, method, path, nil); w.Code != want {
			t.Errorf("%s: %d %s, want %d", at, w.Code, w.Body, want)
		}
	}
	if queues, err := s.queue.Inspector().Queues(); err != nil || len(queues) != 1 {
		t.Errorf("the queues are now %v (%v)", queues, err)
	}
}

func TestMonitor_showsWorkingActionsOnTasks(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	payload, _ := json.Marshal(tasks.StepTask{Recording: "00112233445566aa", Run: 1, Step: "transcode", Node: "n1", Room: 23058, File: "23058-小明/a.flv"})
	client := asynq.NewClientFromRedisClient(s.rdb)
	if _, err := client.Enqueue(asynq.NewTask(tasks.TypeTranscode, payload), asynq.Queue("encode.n1"), asynq.TaskID("00112233445566aa.1.transcode")); err != nil {
		t.Fatal(err)
	}
	w := s.ask(t, http.MethodGet, "/asynq/api/queues/encode.n1/pending_tasks", nil)
	if body := w.Body.String(); !strings.Contains(body, "23058-小明/a.flv · step transcode, run 1") || strings.Contains(body, `\"recording\"`) {
		t.Errorf("the list shows %s", body)
	}
	if w = s.ask(t, http.MethodPost, "/asynq/api/queues/encode.n1/pending_tasks/00112233445566aa.1.transcode:archive", nil); w.Code != http.StatusNoContent {
		t.Errorf("archive: %d %s", w.Code, w.Body)
	}
	if info, err := s.queue.Inspector().GetTaskInfo("encode.n1", "00112233445566aa.1.transcode"); err != nil || info.State != asynq.TaskStateArchived {
		t.Errorf("the task is %v (%v)", info, err)
	}
}

func TestDescribePayload_showsNoAddressAndNoSecret(t *testing.T) {
	t.Parallel()
	notify := `{"channel":"phone","event":{"CMD":"UpEnded","ID":"00aa","MSG":"see https://pan.example/s/1?pwd=abcd now","FILE":"a.flv"}}`
	for payload, want := range map[string]string{
		notify:                             "UpEnded to channel phone · 00aa see (address) now",
		`{"action":"add","room_id":23058}`: "add room 23058",
		`{"channel":"x","event":"odd"}`:    "an event to channel x",
		`not json`:                         "some:type, 8 bytes",
		`{"password":"hunter2"}`:           "some:type, 22 bytes",
	} {
		if got := describePayload("some:type", []byte(payload)); got != want {
			t.Errorf("%s is shown as %q, want %q", payload, got, want)
		}
	}
	if got := printable("a\x00b\xff" + strings.Repeat("长", 1000)); len([]rune(got)) > longestText+1 || strings.ContainsRune(got, 0) {
		t.Errorf("printable gave %d runes", len([]rune(got)))
	}
}
