package handlers

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ngworks/nglive/tasks"
)

// send posts events in turn; each must be taken.
func (s *site) send(events ...string) {
	s.t.Helper()
	for _, e := range events {
		if got := s.post("/webhook/", e).is(http.StatusOK).body; strings.TrimSpace(got) != `"ok"` {
			s.t.Fatalf(`answered %q, want "ok"`, got)
		}
	}
}

func TestWebhook_answersOnBothPathsWithoutRedirect(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{"/webhook", "/webhook/", "/webhook?token=x&node=", "/webhook/?whatever=1"} {
		s.post(path, fileClosed).is(http.StatusOK)
	}
	s.post("/webhook/other", fileClosed).is(http.StatusNotFound)
	s.only()
}

func TestWebhook_takesEventsInAnyOrderAndAnyNumber(t *testing.T) {
	for name, events := range map[string][]string{
		"normal":     {sessionStarted, fileOpening, fileClosed, sessionEnded},
		"reversed":   {sessionEnded, fileClosed, fileOpening, sessionStarted},
		"close only": {fileClosed},
		"repeated":   {fileClosed, fileClosed, fileClosed},
		"both forms": {fileOpening, fileClosed, sameFileInV1},
		"V1 first":   {sameFileInV1, fileClosed, fileOpening},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.send(events...)
			rec := s.only()
			if rec.State != tasks.Closed || rec.Path != flvPath || rec.RoomID != 23058 || rec.SizeBytes != 816412 || rec.Node != "nas" {
				t.Errorf("recording is %+v", rec)
			}
			if got, want := s.pending("remux.nas"), []string{rec.ID + ".1.transcode"}; !slices.Equal(got, want) {
				t.Errorf("tasks are %v, want %v", got, want)
			}
			if n := strings.Count(strings.Join(s.commands(), " "), tasks.FileClosed); n != 1 {
				t.Errorf("%d FileClosed events, want 1: %v", n, s.commands())
			}
		})
	}
}

func TestWebhook_keepsWhatTheEventsTell(t *testing.T) {
	s := newSite(t)
	s.send(fileOpening, fileClosed)
	rec := s.only()
	if rec.Name != "3号直播间" || rec.Title != "哔哩哔哩音悦台" || rec.Area != "生活/影音馆" || rec.ShortID != 3 ||
		rec.DurationSeconds != 4.992 || rec.Session != "7c7f3672-70ce-405a-aa12-886702ced6e5" || rec.Origin != "bililiverecorder" {
		t.Errorf("recording is %+v", rec)
	}
	if want := time.Date(2021, 5, 14, 9, 52, 50, 524_000_000, time.UTC); !rec.OpenedAt.Equal(want) {
		t.Errorf("opened at %s, want %s", rec.OpenedAt, want)
	}
}

func TestWebhook_keepsNoShortIdWhereThereIsNone(t *testing.T) {
	s := newSite(t)
	s.send(with(fileClosed, `"ShortId":3`, `"ShortId":0`))
	if body := s.get("/api/recordings/" + s.only().ID).is(http.StatusOK).body; strings.Contains(body, "short_id") {
		t.Errorf("a short id of 0 is one that others may look for: %s", body)
	}
}

func TestWebhook_takesVersionOne(t *testing.T) {
	s := newSite(t)
	s.send(versionOne, versionOne)
	rec := s.only()
	if rec.SizeBytes != 3749098123 || rec.Origin != "bililiverecorder-v1" || rec.RoomID != 14846654 || rec.DurationSeconds != 0 {
		t.Errorf("recording is %+v", rec)
	}
	if len(s.pending("remux.nas")) != 1 {
		t.Error("no task, or more than one")
	}
}

func TestWebhook_publishesWhatConcernsNoFileOnce(t *testing.T) {
	s := newSite(t)
	s.send(sessionStarted, sessionStarted, streamStarted, sessionEnded, streamEnded)
	want := []string{tasks.SessionStarted, tasks.StreamStarted, tasks.SessionEnded, tasks.StreamEnded}
	if got := s.commands(); !slices.Equal(got, want) {
		t.Fatalf("events are %v, want %v", got, want)
	}
	e := s.events()[0]
	if e.ID != "7c7f3672-70ce-405a-aa12-886702ced6e5" || e.ROOM != 23058 || e.NAME != "3号直播间" || e.TITLE != "哔哩哔哩音悦台" || e.NODE != "nas" {
		t.Errorf("event is %+v", e)
	}
}

func TestWebhook_acceptsWhatItDoesNotKnow(t *testing.T) {
	s := newSite(t)
	s.send(unknownEvent, with(unknownEvent, `"RoomId":1888544306`, `"RoomId":"as a string"`))
	if len(s.events()) != 0 || len(s.recordings()) != 0 {
		t.Error("an unknown event left something behind")
	}
	s.send(with(fileClosed, `"Recording":true`, `"Recording":true,"New":{"Deep":[1,{"x":null}]}`))
	s.only()
}

func TestWebhook_isTolerantWhereItIsHarmless(t *testing.T) {
	for name, body := range map[string]string{
		"null texts":       with(fileClosed, `"Name":"3号直播间"`, `"Name":null`, `"Title":"哔哩哔哩音悦台"`, `"Title":null`),
		"no zone":          with(fileClosed, firstOpenTime, "2021-05-14T17:52:50"),
		"empty time":       with(fileClosed, firstOpenTime, "0001-01-01T00:00:00+00:00"),
		"year 9999":        with(fileClosed, firstOpenTime, "9999-12-31T23:59:59.9999999-08:00"),
		"NaN":              with(fileClosed, "4.992", `"NaN"`),
		"endless duration": with(fileClosed, "4.992", "1e300"),
		"negative numbers": with(fileClosed, "816412", "-1", `"RoomId":23058`, `"RoomId":-5`),
		"no event id":      with(fileClosed, `"EventId":"`+closedEventID+`",`, ""),
		"odd event id":     with(fileClosed, closedEventID, `a/b\u0000 c`),
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.send(body, body)
			rec := s.only()
			if rec.State != tasks.Closed || rec.SizeBytes < 0 || rec.DurationSeconds < 0 || rec.RoomID < 0 {
				t.Errorf("recording is %+v", rec)
			}
		})
	}
}

func TestWebhook_readsEveryTimeOfDotNet(t *testing.T) {
	want := time.Date(2021, 5, 14, 9, 52, 50, 0, time.UTC)
	for _, given := range []string{
		"2021-05-14T17:52:50+08:00", "2021-05-14T17:52:50.0000001+08:00", "2021-05-14T09:52:50+00:00", "2021-05-14T09:52:50Z",
		"2021-05-14T04:52:50.0001-05:00",
	} {
		n, err := readNotice([]byte(with(fileClosed, firstOpenTime, given)))
		if got := n.seen.OpenedAt; err != nil || got.Sub(want).Abs() >= time.Millisecond {
			t.Errorf("%s was read as %s (%v)", given, got, err)
		}
	}
}

func TestWebhook_refusesWhatIsNoEvent(t *testing.T) {
	const secret = "hunter2-secret"
	for name, c := range map[string]struct {
		body   string
		status int
		says   string
	}{
		"empty":               {"", 400, "body"},
		"not JSON":            {secret, 400, "not JSON"},
		"cut off":             {fileClosed[:200], 400, "not JSON"},
		"two values":          {"{}{}", 400, "not JSON"},
		"a list":              {"[]", 422, "object"},
		"a text":              {`"` + secret + `"`, 422, "object"},
		"null":                {"null", 422, "EventType"},
		"nothing in it":       {"{}", 422, "EventType"},
		"deeply nested":       {strings.Repeat("[", 100_000), 400, "nests"},
		"nested in a field":   {`{"EventType":"FileClosed","EventData":` + strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5001), 400, "nests"},
		"text for a number":   {with(fileClosed, `"RoomId":23058`, `"RoomId":"`+secret+`"`), 422, "EventData.RoomId"},
		"number for a text":   {with(fileClosed, `"Name":"3号直播间"`, `"Name":12345`), 422, "EventData.Name"},
		"number for a time":   {with(fileClosed, `"`+firstOpenTime+`"`, "1620985970"), 422, "EventData.FileOpenTime"},
		"text for a duration": {with(fileClosed, "4.992", `"`+secret+`"`), 422, "EventData.Duration"},
		"fraction of a byte":  {with(fileClosed, "816412", "1.5"), 422, "EventData.FileSize"},
		"too large a number":  {with(fileClosed, "816412", "99999999999999999999999"), 422, "EventData.FileSize"},
		"list for the data":   {`{"EventType":"FileClosed","EventData":[]}`, 422, "EventData"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			r := s.post("/webhook", c.body).is(c.status)
			r.refusal()
			if !strings.Contains(r.body, c.says) {
				t.Errorf("the answer does not say %q: %s", c.says, r.body)
			}
			if strings.Contains(r.body, secret) || strings.Contains(r.body, "Go ") || strings.Contains(r.body, "json:") {
				t.Errorf("the answer repeats what was sent or speaks of Go: %s", r.body)
			}
			if len(s.recordings()) != 0 {
				t.Error("something was recorded")
			}
		})
	}
}

func TestWebhook_refusesABodyOverOneMiB(t *testing.T) {
	s := newSite(t)
	fill := func(n int) string {
		return with(fileClosed, `"Title":"哔哩哔哩音悦台"`, `"Title":"`+strings.Repeat("x", n)+`"`)
	}
	s.post("/webhook", fill(1<<20)).is(http.StatusRequestEntityTooLarge).refusal()
	s.post("/webhook", fill(1<<19)).is(http.StatusOK)
	if rec := s.only(); len(rec.Title) > 1000 {
		t.Errorf("a title of %d bytes was kept", len(rec.Title))
	}
}

func TestWebhook_refusesPathsThatLeaveTheFolderAndTellsItOnce(t *testing.T) {
	s := newSite(t)
	s.post("/webhook", pathEscape).is(http.StatusUnprocessableEntity).refusal()
	s.post("/webhook", pathEscape).is(http.StatusUnprocessableEntity)
	if len(s.recordings()) != 0 {
		t.Error("something was recorded")
	}
	events := s.events()
	if len(events) != 1 || events[0].CMD != tasks.Refused || events[0].ROOM != 23058 || events[0].FILE != "../../etc/passwd.flv" ||
		!strings.Contains(events[0].MSG, "..") {
		t.Errorf("events are %+v", events)
	}
}

func TestWebhook_refusesUnknownNodesUntilTheyAreKnown(t *testing.T) {
	s := newSite(t)
	r := s.post("/webhook?node=attic", fileClosed).is(http.StatusUnprocessableEntity)
	if strings.Contains(r.body, "attic") {
		t.Errorf("the answer repeats what was sent: %s", r.body)
	}
	if e := s.events(); len(e) != 1 || e[0].CMD != tasks.Refused || e[0].NODE != "attic" || e[0].FILE != flvPath || e[0].ROOM != 23058 {
		t.Errorf("events are %+v", e)
	}
	s.beat(tasks.NodeInfo{Name: "attic", Defaults: tasks.Defaults{Transcode: tasks.TranscodeWith{Mode: "CRF"}}})
	s.post("/webhook?node=attic", fileClosed).is(http.StatusOK) // the same event: it was not taken before
	if rec := s.only(); rec.Node != "attic" {
		t.Errorf("recording is on %s", rec.Node)
	}
	if len(s.pending("encode.attic")) != 1 {
		t.Error("the node's own settings were not used")
	}
}

func TestWebhook_enqueuesAgainAfterACrashBetweenStateAndTask(t *testing.T) {
	for name, before := range map[string][]string{
		"first file":    nil,
		"path was used": {with(fileClosed, firstOpenTime, "2021-05-01T00:00:00+08:00", closedEventID, "0")},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.send(before...)
			n, err := readNotice([]byte(fileClosed))
			if err != nil {
				t.Fatal(err)
			}
			n.seen.Node = "nas"
			flow := tasks.DefaultFlow().Resolve(tasks.Defaults{Transcode: tasks.TranscodeWith{Mode: "COPY"}})
			rec, err := s.store.Ingest(t.Context(), tasks.Fact{ID: n.id, Kind: tasks.FileWasClosed, At: time.Now(), Seen: n.seen},
				func(tasks.Recording) (tasks.Flow, error) { return flow, nil })
			if err != nil {
				t.Fatal(err)
			}
			id := rec.ID + ".1.transcode"
			if slices.Contains(s.pending("remux.nas"), id) {
				t.Fatal("there is a task already")
			}
			s.send(fileClosed)
			if !slices.Contains(s.pending("remux.nas"), id) {
				t.Errorf("tasks are %v, want %s among them", s.pending("remux.nas"), id)
			}
		})
	}
}

func TestWebhook_makesANewGenerationWhenAPathIsUsedAgain(t *testing.T) {
	s := newSite(t)
	later := with(fileClosed, firstOpenTime, laterOpenTime, closedEventID, "11111111-0000-4000-8000-000000000001")
	s.send(fileOpening, fileClosed, later, fileClosed, later)
	if got := s.recordings(); len(got) != 2 || got[0].Gen+got[1].Gen != 1 {
		t.Fatalf("recordings are %+v", got)
	}
	// Late news of either one finds its own.
	s.send(with(fileOpening, openingEventID, "22222222-0000-4000-8000-000000000002"), sameFileInV1)
	if got := s.recordings(); len(got) != 2 {
		t.Fatalf("late news of the first file made a recording: %+v", got)
	}
	if got := s.pending("remux.nas"); len(got) != 2 {
		t.Errorf("tasks are %v", got)
	}
}

func TestWebhook_keepsFilesOfOneNameInTwoFoldersApart(t *testing.T) {
	s := newSite(t)
	other := with(fileClosed, "23058-3号直播间/", "7-another/", `"RoomId":23058`, `"RoomId":7`, closedEventID, "11111111-0000-4000-8000-000000000001")
	s.send(fileOpening, other, fileClosed)
	rooms := map[string]int64{}
	for _, r := range s.recordings() {
		if r.State == tasks.Closed && r.Gen == 0 {
			rooms[r.Path] = r.RoomID
		}
	}
	if want := strings.Replace(flvPath, "23058-3号直播间/", "7-another/", 1); len(rooms) != 2 || rooms[flvPath] != 23058 || rooms[want] != 7 {
		t.Errorf("recordings are of %v", rooms)
	}
	if got := s.pending("remux.nas"); len(got) != 2 {
		t.Errorf("tasks are %v", got)
	}
}

func TestWebhook_changesNothingForALateFileOpening(t *testing.T) {
	s := newSite(t)
	s.send(fileClosed)
	before, events := s.only(), len(s.events())
	s.send(fileOpening)
	if after := s.only(); fmt.Sprintf("%+v", after) != fmt.Sprintf("%+v", before) || len(s.events()) != events {
		t.Errorf("was %+v, is %+v, events %v", before, after, s.commands())
	}
}

func TestWebhook_takesFiveHundredAtOnce(t *testing.T) {
	s, _ := realSite(t)
	const n = 500
	var all sync.WaitGroup
	codes := make([]int, 2*n)
	for i := range 2 * n { // each one twice
		all.Go(func() {
			body := with(fileClosed, closedEventID, fmt.Sprintf("%08d-0000-4000-8000-000000000001", i/2), "175250", fmt.Sprintf("%06d", i/2))
			for range 3 { // as often as a recorder tries: an overloaded machine may ask for it
				if codes[i] = s.post("/webhook", body).status; codes[i] != http.StatusServiceUnavailable {
					return
				}
			}
		})
	}
	all.Wait()
	for i, c := range codes {
		if c != http.StatusOK {
			t.Fatalf("post %d was answered %d", i, c)
		}
	}
	if got := len(s.recordings()); got != n {
		t.Errorf("%d recordings, want %d", got, n)
	}
	if got := len(s.pending("remux.nas")); got != n {
		t.Errorf("%d tasks, want %d", got, n)
	}
}

func TestWebhook_answersBothFormsOfOneFileAtOnceWithOneTask(t *testing.T) {
	s, _ := realSite(t)
	var all sync.WaitGroup
	for _, body := range []string{fileClosed, sameFileInV1, fileOpening, fileClosed, sameFileInV1} {
		all.Go(func() { s.post("/webhook", body).is(http.StatusOK) })
	}
	all.Wait()
	s.only()
	if got := s.pending("remux.nas"); len(got) != 1 {
		t.Errorf("tasks are %v", got)
	}
}

func TestWebhook_asksToTryAgainWhileRedisIsAway(t *testing.T) {
	s, server := realSite(t)
	s.send(sessionStarted)
	server.Stop()
	r := s.post("/webhook", fileClosed).is(http.StatusServiceUnavailable)
	r.refusal()
	if r.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	if strings.Contains(r.body, "sock") || strings.Contains(r.body, "dial") {
		t.Errorf("the answer shows what is inside: %s", r.body)
	}
	server.Start()
	s.send(fileClosed, fileClosed)
	s.only()
	if got := s.pending("remux.nas"); len(got) != 1 {
		t.Errorf("tasks are %v", got)
	}
}

func TestWebhook_givesUpOnARedisThatHangs(t *testing.T) {
	s, server := realSite(t)
	s.send(sessionStarted)
	server.Pause()
	defer server.Resume()
	start := time.Now()
	s.post("/webhook", fileClosed).is(http.StatusServiceUnavailable)
	if took := time.Since(start); took > 2*ingestWithin {
		t.Errorf("it took %s", took)
	}
	server.Resume()
	s.send(fileClosed)
	if got := s.pending("remux.nas"); len(got) != 1 {
		t.Errorf("tasks are %v", got)
	}
	s.only()
}

func FuzzWebhook(f *testing.F) {
	for _, body := range []string{
		sessionStarted, fileOpening, fileClosed, sessionEnded, streamStarted, streamEnded, versionOne, unknownEvent, pathEscape, sameFileInV1,
		"{}", "[]", "null", `{"EventType":"FileClosed","EventData":null}`, strings.Repeat("[", 40),
		with(fileClosed, closedEventID, strings.Repeat("a", 100)), with(fileClosed, closedEventID, "a/b"),
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		n, err := readNotice(body)
		if err != nil {
			if e, ok := err.(*Error); !ok || e.Status < 400 || e.Status > 499 || e.Message == "" { //nolint:errorlint // it is no wrapper
				t.Fatalf("refused with %#v", err)
			}
			return
		}
		if n.cmd == "" {
			return
		}
		if id := strings.TrimPrefix(strings.TrimPrefix(n.id, "brec2."), "brec1."); len(n.id) > 70 || strings.ContainsAny(id, "/. \x00\n") {
			t.Errorf("id %q", n.id)
		}
		if s := n.seen; s.Size < 0 || s.Duration < 0 || s.RoomID < 0 || len(s.Title) > 1000 {
			t.Errorf("seen %+v", s)
		}
		fact := tasks.Fact{ID: n.id, Kind: tasks.FileWasClosed, At: time.Now(), Recording: "0", Seen: n.seen}
		rec, _, _ := tasks.Follow(tasks.Recording{}, tasks.DefaultFlow(), fact)
		if _, err := json.Marshal(rec); err != nil {
			t.Errorf("it does not go into JSON: %v", err)
		}
	})
}
