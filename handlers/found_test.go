package handlers

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/ngworks/nglive/tasks"
)

// older are files that the sweep found.
func (s *site) older(paths ...string) {
	s.t.Helper()
	for i, p := range paths {
		_, err := s.store.Ingest(s.t.Context(), tasks.Fact{
			ID: fmt.Sprint("older-", p), Kind: tasks.FileWasFound, At: time.Now(),
			Seen: tasks.Sighting{Node: "nas", Path: p, RoomID: int64(1 + i%2), Origin: tasks.OriginSweep},
		}, nil)
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *site) inState(state tasks.State) int {
	s.t.Helper()
	counts, err := s.store.Counts(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return int(counts[state])
}

func TestFound_areWorkedOnWhenAPersonSaysSo(t *testing.T) {
	s := newSite(t)
	s.older("a/1.flv", "a/2.flv", `b\1.flv`, "b/2.flv", "c.flv", "d.flv")
	if n := s.inState(tasks.Found); n != 6 {
		t.Fatalf("%d files are found, want 6", n)
	}
	var got struct {
		Started int
		More    bool
	}
	for _, c := range []struct {
		body    string
		started int
	}{
		{`{"path_prefix":"b/"}`, 2},
		{`{"path_prefix":"b/"}`, 0},
		{`{"room_id":2,"node":"attic"}`, 0},
		{`{"room_id":2}`, 2},
		{`{"all":true}`, 2},
		{`{"all":true}`, 0},
	} {
		s.do(http.MethodPost, "/api/recordings/found/run", c.body).is(http.StatusOK).into(&got)
		if got.Started != c.started || got.More {
			t.Errorf("%s: %+v, want %d started", c.body, got, c.started)
		}
	}
	if n := s.inState(tasks.Running); n != 6 {
		t.Errorf("%d recordings run, want 6", n)
	}
	for _, body := range []string{`{}`, `{"all":true,"flow":"nonsense"}`, `{"all":false}`} {
		s.do(http.MethodPost, "/api/recordings/found/run", body).is(http.StatusUnprocessableEntity)
	}
}

func TestFound_areStartedSomeAtATime(t *testing.T) {
	s := newSite(t)
	for i := range foundAtOnce + 1 {
		s.older(fmt.Sprintf("%04d.flv", i))
	}
	var got struct {
		Started int
		More    bool
	}
	s.do(http.MethodPost, "/api/recordings/found/run", `{"all":true}`).is(http.StatusOK).into(&got)
	if got.Started != foundAtOnce || !got.More {
		t.Errorf("%+v, want %d and more", got, foundAtOnce)
	}
	s.do(http.MethodPost, "/api/recordings/found/run", `{"all":true}`).is(http.StatusOK).into(&got)
	if got.Started != 1 || got.More {
		t.Errorf("%+v, want the last one", got)
	}
}
