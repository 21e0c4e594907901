package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ngworks/nglive/tasks"
)

type eventsAnswer struct {
	Events []tasks.Event
	Next   string
	Gap    bool
}

func (s *site) read(query string) eventsAnswer {
	s.t.Helper()
	var got eventsAnswer
	s.get("/api/events" + query).is(http.StatusOK).into(&got)
	return got
}

func TestEvents_areReadInPagesWithoutLossOrDouble(t *testing.T) {
	s := newSite(t)
	for i := range 25 {
		s.send(with(sessionStarted, "e3e1c9ec", fmt.Sprintf("%08d", i)))
	}
	seen := map[string]bool{}
	for since := ""; ; {
		got := s.read("?limit=10&since=" + since)
		for _, e := range got.Events {
			if seen[e.EVENT] || e.SEQ == "" {
				t.Errorf("event %+v came twice, or has no number", e)
			}
			seen[e.EVENT] = true
		}
		if since = got.Next; len(got.Events) == 0 {
			break
		}
	}
	if len(seen) != 25 {
		t.Errorf("%d events, want 25", len(seen))
	}
}

func TestEvents_areFiltered(t *testing.T) {
	s := newSite(t)
	s.send(sessionStarted, fileClosed, versionOne)
	last := s.read("").Next
	for query, want := range map[string]int{"?room=23058": 2, "?cmd=FileClosed": 2, "?cmd=FileClosed,SessionStarted&room=23058": 2, "?cmd=UpEnded": 0, "?since=now": 0} {
		got := s.read(query)
		if len(got.Events) != want || got.Next != last {
			t.Errorf("%s: %+v, want %d events", query, got, want)
		}
	}
	for _, since := range []string{"yesterday", "1-2-3", "-", "+", "("} {
		s.get("/api/events?since=" + url.QueryEscape(since)).is(http.StatusUnprocessableEntity).refusal()
	}
	s.get("/api/events?wait=31").is(http.StatusUnprocessableEntity).refusal()
}

func TestEvents_waitForTheNextOne(t *testing.T) {
	s, _ := realSite(t)
	s.send(sessionStarted)
	since := s.read("").Next
	answer := make(chan eventsAnswer, 1)
	go func() { answer <- s.read("?wait=30&cmd=SessionEnded&since=" + since) }()
	s.send(streamStarted, sessionEnded)
	select {
	case got := <-answer:
		if len(got.Events) != 1 || got.Events[0].CMD != tasks.SessionEnded {
			t.Errorf("got %+v", got)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it did not answer")
	}
	if got := s.read("?wait=1&since=now"); len(got.Events) != 0 || got.Next == "" {
		t.Errorf("got %+v", got)
	}
}

func TestEvents_tellOfAGap(t *testing.T) {
	s, _ := realSite(t)
	s.send(sessionStarted, streamStarted, sessionEnded, streamEnded)
	all := s.read("").Events
	s.rdb.XTrimMinID(t.Context(), "nglive:events", all[2].SEQ)
	if got := s.read("?wait=5&since=" + all[0].SEQ); !got.Gap || len(got.Events) != 2 {
		t.Errorf("got %+v", got)
	}
	if got := s.read("?since=" + all[2].SEQ); got.Gap || len(got.Events) != 1 {
		t.Errorf("got %+v", got)
	}
	if got := s.read(""); got.Gap {
		t.Error("from the beginning nothing is missing")
	}
}

func TestHealth_namesEachCheck(t *testing.T) {
	var broken error
	s := newSite(t, func(d *Deps) {
		d.Checks = []Check{
			{"disk", func(context.Context) error { return broken }},
			{"clock", func(context.Context) error { return nil }},
		}
	})
	var got struct {
		Ready  bool
		Checks []checkResult
	}
	s.get("/readyz").is(http.StatusOK).into(&got)
	if !got.Ready || len(got.Checks) != 3 || got.Checks[0].Name != "redis" {
		t.Errorf("got %+v", got)
	}
	broken = errors.New("the disk is full: make room")
	s.get("/readyz").is(http.StatusServiceUnavailable).into(&got)
	if got.Ready || got.Checks[1].OK || got.Checks[1].Message != "the disk is full: make room" || !got.Checks[2].OK {
		t.Errorf("got %+v", got)
	}
	if r := s.get("/healthz").is(http.StatusOK); strings.TrimSpace(r.body) != "ok" {
		t.Errorf("body is %q", r.body)
	}
}

func TestHealth_isNotReadyWithoutRedis(t *testing.T) {
	s, server := realSite(t)
	s.get("/readyz").is(http.StatusOK)
	server.Pause()
	defer server.Resume()
	r := s.get("/readyz").is(http.StatusServiceUnavailable)
	if strings.Contains(r.body, "sock") {
		t.Errorf("the answer shows what is inside: %s", r.body)
	}
	s.get("/healthz").is(http.StatusOK)
}

func TestLogin_setsTheCookieForTheRightToken(t *testing.T) {
	s := newSite(t, func(d *Deps) {
		d.Login = func(_ context.Context, token string) (*http.Cookie, bool) {
			return &http.Cookie{Name: "nglive_session", Value: "v", HttpOnly: true, SameSite: http.SameSiteStrictMode}, token == "right"
		}
	})
	r := s.post("/api/login", `{"token":"right"}`).is(http.StatusOK)
	if got := r.header.Get("Set-Cookie"); !strings.Contains(got, "nglive_session=v") || !strings.Contains(got, "HttpOnly") || !strings.Contains(got, "SameSite=Strict") {
		t.Errorf("cookie is %q", got)
	}
	r = s.post("/api/login", `{"token":"hunter2"}`).is(http.StatusUnauthorized)
	if r.refusal(); r.header.Get("Set-Cookie") != "" || strings.Contains(r.body, "hunter2") {
		t.Errorf("answer is %s with %v", r.body, r.header)
	}
	s.post("/api/login", `{"token":12345,"hunter2":1}`).is(http.StatusUnprocessableEntity).refusal()
	open := newSite(t, func(d *Deps) { d.Login = func(context.Context, string) (*http.Cookie, bool) { return nil, true } })
	if r := open.post("/api/login", `{"token":"any"}`).is(http.StatusOK); r.header.Get("Set-Cookie") != "" {
		t.Errorf("cookie is %q", r.header.Get("Set-Cookie"))
	}
}
