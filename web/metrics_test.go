package web

import (
	"net/http"
	"strings"
	"testing"

	"github.com/ngworks/nglive/tasks"
)

func TestMetrics_coverQueuesRecordingsRequestsAndFeed(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	rec := finished(t, s, "video.mp4")
	if err := s.queue.Follow(t.Context(), another(t, s)); err != nil {
		t.Fatal(err)
	}
	s.ask(t, http.MethodGet, "/api/recordings/"+rec.ID+"/video", nil)
	s.ask(t, http.MethodGet, "/secret-room-23058", nil)
	body := s.ask(t, http.MethodGet, "/metrics", nil).Body.String()
	for _, line := range []string{
		`asynq_queue_size{queue="remux.n1"} 1`,
		`asynq_tasks_enqueued_total{queue="remux.n1",state="pending"} 1`,
		`nglive_recordings{state="finished"} 1`,
		`nglive_recordings{state="closed"} 1`,
		`nglive_redis_up 1`,
		`nglive_feed_listeners 0`, `nglive_feed_dropped_total 0`, `nglive_feed_sent_total 0`,
		`nglive_http_request_duration_seconds_count{operation="GET /api/recordings/{id}/video",status="4xx"} 1`,
		`nglive_http_request_duration_seconds_count{operation="refused",status="4xx"} 1`,
		`nglive_build_info{go="go`, `go_goroutines `,
	} {
		if !strings.Contains(body, line) {
			t.Errorf("/metrics lacks %s", line)
		}
	}
	if strings.Contains(body, "23058") || strings.Contains(body, rec.ID) {
		t.Error("a label holds a room or a recording")
	}
}

func TestMetrics_sayWhenRedisIsAway(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.redis.Stop()
	w := s.ask(t, http.MethodGet, "/metrics", nil)
	if body := w.Body.String(); w.Code != http.StatusOK || !strings.Contains(body, "nglive_redis_up 0") || !strings.Contains(body, "go_goroutines") {
		t.Errorf("/metrics answers %d %.200s", w.Code, body)
	}
}

// another is a recording whose first step waits in a queue.
func another(t *testing.T, s *site) tasks.Recording {
	t.Helper()
	rec, err := s.store.Ingest(t.Context(), tasks.Fact{ID: "t.closed", Kind: tasks.FileWasClosed, Seen: tasks.Sighting{Node: "n1", Path: "b.flv"}},
		func(tasks.Recording) (tasks.Flow, error) {
			return tasks.DefaultFlow().Resolve(tasks.Defaults{Transcode: tasks.TranscodeWith{Mode: "COPY"}}), nil
		})
	if err != nil {
		t.Fatal(err)
	}
	return rec
}
