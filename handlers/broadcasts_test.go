package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ngworks/nglive/tasks"
)

// session is what BililiveRecorder tells of the n-th connection to a stream that breaks once a minute: a file of 3 s.
func session(n int) []string {
	at := time.Date(2026, 11, 22, 20, 0, 0, 0, time.FixedZone("", 8*3600)).Add(time.Duration(n) * time.Minute)
	closed := with(fileClosed, firstOpenTime, at.Format(time.RFC3339Nano), "2021-05-14T17:52:54.9461101+08:00", at.Add(3*time.Second).Format(time.RFC3339Nano),
		"175250", at.Format("150405"), "4.992", "3.0", closedEventID, fmt.Sprintf("%08d-0000-4000-8000-000000000001", n),
		"7c7f3672-70ce-405a-aa12-886702ced6e5", fmt.Sprintf("%08d-0000-4000-8000-00000000000f", n))
	opening := with(fileOpening, firstOpenTime, at.Format(time.RFC3339Nano), "175250", at.Format("150405"),
		openingEventID, fmt.Sprintf("%08d-0000-4000-8000-000000000002", n))
	return []string{opening, closed}
}

type broadcastsBody struct {
	Broadcasts []tasks.Broadcast `json:"broadcasts"`
}

// TestBroadcasts_twoHundredTinySessionsAreOneAndLeftAlone: a flow without steps takes what is tiny, and the evening is one broadcast.
func TestBroadcasts_twoHundredTinySessionsAreOneAndLeftAlone(t *testing.T) {
	s := newSite(t)
	s.post("/api/flows", `{"id":"tiny","match":{"max_duration_seconds":5},"steps":[]}`).is(http.StatusCreated)
	for n := range 200 {
		events := session(n)
		if n%2 == 1 {
			slices.Reverse(events)
		}
		s.send(append(events, events...)...)
	}
	var all broadcastsBody
	s.get("/api/broadcasts?room=23058").is(http.StatusOK).into(&all)
	if len(all.Broadcasts) != 1 || all.Broadcasts[0].RoomID != 23058 || all.Broadcasts[0].Over {
		t.Fatalf("broadcasts are %+v", all.Broadcasts)
	}
	var list struct {
		Recordings []tasks.Recording `json:"recordings"`
		Next       string            `json:"next_cursor"`
	}
	s.get("/api/recordings?limit=500&broadcast=" + all.Broadcasts[0].ID).is(http.StatusOK).into(&list)
	if len(list.Recordings) != 200 || list.Next != "" {
		t.Fatalf("%d recordings, next %q", len(list.Recordings), list.Next)
	}
	for _, r := range list.Recordings {
		if r.State != tasks.Skipped || r.Broadcast != all.Broadcasts[0].ID {
			t.Fatalf("recording is %+v", r)
		}
	}
	if got := s.pending("remux.nas"); len(got) != 0 {
		t.Errorf("tasks are %v", got)
	}
	if body := s.get("/api/recordings/" + list.Recordings[0].ID).is(http.StatusOK).body; !strings.Contains(body, all.Broadcasts[0].ID) {
		t.Errorf("a recording by itself does not say it: %s", body)
	}
}

func TestBroadcasts_areListedNewestFirst(t *testing.T) {
	s := newSite(t)
	s.send(session(0)...)
	s.send(session(60)...)
	s.send(with(session(0)[1], "23058", "7", "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-00000000abcd"))
	var all, older, one broadcastsBody
	s.get("/api/broadcasts").is(http.StatusOK).into(&all)
	if len(all.Broadcasts) != 3 || !all.Broadcasts[0].StartedAt.After(all.Broadcasts[1].StartedAt) {
		t.Fatalf("broadcasts are %+v", all.Broadcasts)
	}
	s.get("/api/broadcasts?limit=5&before=" + url.QueryEscape(all.Broadcasts[0].StartedAt.Format(time.RFC3339Nano))).is(http.StatusOK).into(&older)
	s.get("/api/broadcasts?room=7").is(http.StatusOK).into(&one)
	if len(older.Broadcasts) != 2 || len(one.Broadcasts) != 1 {
		t.Errorf("older are %+v, those of one room %+v", older.Broadcasts, one.Broadcasts)
	}
	s.get("/api/broadcasts?before=yesterday").is(http.StatusUnprocessableEntity).refusal()
	s.get("/api/recordings?broadcast=x").is(http.StatusUnprocessableEntity).refusal()
	var none struct{ Recordings []tasks.Recording }
	s.get("/api/recordings?broadcast=7-1").is(http.StatusOK).into(&none)
	if len(none.Recordings) != 0 {
		t.Errorf("a broadcast that does not exist has %+v", none.Recordings)
	}
}

// TestStream_hintsMayComeTwice: StreamStarted comes again at every start of a recorder, and StreamEnded starts the gap's clock.
func TestStream_hintsMayComeTwice(t *testing.T) {
	s := newSite(t)
	s.send(session(0)...)
	again := with(streamStarted, "2aafd4be-4a6d-44f6-9178-5b04d1929140", "2aafd4be-4a6d-44f6-9178-5b04d1929141")
	s.send(streamStarted, again, streamEnded, streamEnded)
	if got := s.commands()[2:]; len(got) < 3 {
		t.Errorf("events are %v", got)
	}
	if n, err := s.rdb.HExists(t.Context(), "nglive:b:23058:ends", "stream").Result(); err != nil || !n {
		t.Errorf("the stream's end is not kept: %v", err)
	}
	var all broadcastsBody
	s.get("/api/broadcasts").is(http.StatusOK).into(&all)
	if len(all.Broadcasts) != 1 || all.Broadcasts[0].Over {
		t.Errorf("broadcasts are %+v", all.Broadcasts)
	}
}
