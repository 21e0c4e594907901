package handlers

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ngworks/nglive/tasks"
)

// Bodies of other recorders, as their sources or users show them.
const (
	blrecCreated   = `{"type":"VideoFileCreatedEvent","id":"5f3c1a9c-c7a0-11f0-8de9-0242ac120002","date":"2026-11-22 14:59:59.925781+08:00","data":{"room_id":23058,"path":"/rec/23058 - 3号直播间/blive_23058_2026-11-22-145959.flv"}}`
	blrecCompleted = `{"type":"VideoFileCompletedEvent","id":"5f3c1a9c-c7a0-11f0-8de9-0242ac120003","date":"2026-11-22 15:50:00+08:00","data":{"room_id":23058,"path":"/rec/23058 - 3号直播间/blive_23058_2026-11-22-145959.flv"}}`
	blrecProcessed = `{"type":"VideoPostprocessingCompletedEvent","id":"6f3c1a9c-c7a0-11f0-8de9-0242ac120002","date":"2026-11-22 16:00:00+08:00","data":{"room_id":23058,"path":"/rec/23058 - 3号直播间/blive_23058_2026-11-22-145959.flv"}}`
	blrecWindows   = `{"type":"VideoPostprocessingCompletedEvent","id":"6f3c1a9c-c7a0-11f0-8de9-0242ac120002","date":"2026-11-22 16:00:00+08:00","data":{"room_id":23058,"path":"D:\\rec\\23058\\blive_23058_2026-11-22-145959.mp4"}}`
	blrecStarted   = `{"type":"RecordingStartedEvent","id":"7f3c1a9c-c7a0-11f0-8de9-0242ac120002","date":"2026-11-22 14:59:58.100000+08:00","data":{"room_info":{"uid":11153765,"room_id":23058,"short_room_id":3,"area_id":190,"area_name":"唱见电台","parent_area_id":5,"parent_area_name":"电台","live_status":1,"live_start_time":1763794798,"online":0,"title":"哔哩哔哩音悦台","cover":"https://i0.hdslb.com/x.jpg","tags":"","description":""}}}`
	blrecLive      = `{"type":"LiveBeganEvent","id":"7f3c1a9c-c7a0-11f0-8de9-0242ac120001","date":"2026-11-22 14:59:57+08:00","data":{"user_info":{"name":"3号直播间","gender":"保密","face":"","uid":11153765},"room_info":{"uid":11153765,"room_id":23058,"short_room_id":3,"area_name":"唱见电台","parent_area_name":"电台","live_status":1,"title":"哔哩哔哩音悦台"}}}`
	blrecAll       = `{"type":"PostprocessingCompletedEvent","id":"8f3c1a9c-c7a0-11f0-8de9-0242ac120002","date":"2026-11-22 16:00:01+08:00","data":{"room_id":23058,"files":["/rec/23058/a.flv","/rec/23058/a.mp4","/rec/23058/a.xml","/rec/23058/b.flv"]}}`
	ddtvEnd        = `{"cmd":"RecordingEnd","code":40105,"message":"3号直播间(23058)录制结束","data":{"Name":"3号直播间","RoomId":23058,"UID":11153765,"Title":{"Value":"哔哩哔哩音悦台"},"DownInfo":{"StartTime":"2026-11-22T14:59:59.1234567+08:00","LiveChatListener":{"File":"/rec/23058/a_original"},"DownloadFileList":{"VideoFile":["/rec/23058/a_original_fix.mp4"],"DanmuFile":["/rec/23058/a_original.xml"]}}}}`
	ddtvThree      = `{"id":"0d6b7a3e-1111-4222-8333-444455556666","type":3,"type_name":"RecComplete","uid":11153765,"hook_time":"2026-11-22T16:00:00.1234567+08:00","user_info":{"name":"3号直播间","uid":11153765},"room_Info":{"room_id":23058,"short_id":3,"title":"哔哩哔哩音悦台","uname":"3号直播间","DownloadedFileInfo":{"FlvFile":[{"Name":"a.flv","FullName":"/rec/23058/a.flv","Length":12}],"Mp4File":"/rec/23058/a.mp4","DanMuFile":null}}}`
	oneLiveRec     = `{"id":"01JABC","ts":"2026-11-22T07:00:00Z","type":"video_transmux_finish","data":{"platform":"bilibili","channel":"23058","input":"/rec/a.ts","output":"/rec/a.mp4"}}`
	customClosed   = `{"event":"FileClosed","filePath":"D:\\rec\\aa.mp4","coverPath":"D:\\aa.jpg","danmuPath":"D:\\aa.xml","roomId":93589,"time":"2021-05-14T17:52:54.946","title":"我是猪","username":"djw","platform":"bilibili","software":"录播姬","live_start_time":"2021-05-14T17:52:54.946","live_title":"直播标题"}`
)

// mappedSite has a recorder in a container and one on Windows beside its node.
func mappedSite(tb testing.TB) *site {
	tb.Helper()
	return newSite(tb, func(d *Deps) {
		d.Recordings = "/srv/recordings"
		d.PathMaps = []tasks.PathMap{{From: "/rec", To: "/srv/recordings"}, {From: `D:\rec`, To: "/srv/recordings/win"}, {From: "/rec/other", To: "/srv/elsewhere"}}
	})
}

func (s *site) tells(recorder string, events ...string) {
	s.t.Helper()
	for _, e := range events {
		if got := s.post("/webhook/"+recorder, e).is(http.StatusOK).body; strings.TrimSpace(got) != `"ok"` {
			s.t.Fatalf(`answered %q, want "ok"`, got)
		}
	}
}

func TestBililive_hasAnAddressOfItsOwn(t *testing.T) {
	s := newSite(t)
	s.tells("bililiverecorder", fileOpening, fileClosed, unknownEvent)
	s.send(fileClosed)
	if rec := s.only(); rec.State != tasks.Closed || rec.Origin != "bililiverecorder" {
		t.Errorf("recording is %+v", rec)
	}
}

func TestBlrec_waitsForTheEventAfterWhichTheFileIsFinal(t *testing.T) {
	s := mappedSite(t)
	s.tells("blrec", blrecLive, blrecStarted, blrecCreated, blrecCompleted)
	if rec := s.only(); rec.State != tasks.Opening || len(s.pending("remux.nas")) != 0 {
		t.Fatalf("work began on a file that blrec writes anew: %+v", rec)
	}
	s.tells("blrec", blrecProcessed, blrecProcessed)
	rec := s.only()
	if rec.State != tasks.Closed || rec.Path != "23058 - 3号直播间/blive_23058_2026-11-22-145959.flv" || rec.RoomID != 23058 {
		t.Errorf("recording is %+v", rec)
	}
	if rec.Name != "3号直播间" || rec.Title != "哔哩哔哩音悦台" || rec.Area != "电台/唱见电台" || rec.ShortID != 3 {
		t.Errorf("what blrec said of the room is missing: %+v", rec)
	}
	opened, closed := time.Date(2026, 11, 22, 6, 59, 59, 925e6, time.UTC), time.Date(2026, 11, 22, 7, 50, 0, 0, time.UTC)
	if !rec.OpenedAt.Equal(opened) || !rec.ClosedAt.Equal(closed) {
		t.Errorf("times are %s and %s", rec.OpenedAt, rec.ClosedAt)
	}
	if got := s.pending("remux.nas"); len(got) != 1 {
		t.Errorf("tasks are %v", got)
	}
	if want := []string{tasks.StreamStarted, tasks.FileOpening, tasks.FileClosed}; !slices.Equal(s.commands(), want) {
		t.Errorf("events are %v, want %v", s.commands(), want)
	}
}

func TestBlrec_remembersTheRoomInRedisForEveryWeb(t *testing.T) {
	s := mappedSite(t)
	s.tells("blrec", blrecLive)
	other := siteOn(t, s.rdb, func(d *Deps) {
		d.Recordings, d.PathMaps = "/srv/recordings", []tasks.PathMap{{From: "/rec", To: "/srv/recordings"}}
	})
	other.tells("blrec", with(blrecStarted, "哔哩哔哩音悦台", "新标题"), blrecProcessed)
	if rec := other.only(); rec.Name != "3号直播间" || rec.Title != "新标题" {
		t.Errorf("recording is %+v", rec)
	}
}

func TestBlrec_leavesTheFLVAloneThatBecameAnMP4(t *testing.T) {
	s := mappedSite(t)
	mp4 := with(blrecProcessed, ".flv", ".mp4")
	s.tells("blrec", blrecCreated, blrecCompleted, mp4, mp4, with(blrecAll, "/rec/23058/a.", "/rec/23058 - 3号直播间/blive_23058_2026-11-22-145959."))
	states := map[string]tasks.State{}
	for _, r := range s.recordings() {
		states[r.Path] = r.State
		if r.State == tasks.Closed && strings.HasSuffix(r.Path, ".mp4") && (r.OpenedAt.IsZero() || r.ClosedAt.Hour() != 7 || r.ClosedAt.Minute() != 50) {
			t.Errorf("it does not know when it was recorded: %+v", r)
		}
	}
	stem := "23058 - 3号直播间/blive_23058_2026-11-22-145959"
	if len(states) != 3 || states[stem+".flv"] != tasks.Skipped || states[stem+".mp4"] != tasks.Closed || states["23058/b.flv"] != tasks.Closed {
		t.Errorf("recordings are %v", states)
	}
	if got := s.pending("remux.nas"); len(got) != 2 {
		t.Errorf("tasks are %v", got)
	}
}

func TestBlrec_takesWhatItIsToldAtTheVeryEndAlone(t *testing.T) {
	s := mappedSite(t)
	s.tells("blrec", blrecAll)
	var paths []string
	for _, r := range s.recordings() {
		paths = append(paths, r.Path)
	}
	slices.Sort(paths)
	if !slices.Equal(paths, []string{"23058/a.mp4", "23058/b.flv"}) {
		t.Errorf("recordings are %v", paths)
	}
}

func TestDDTV_takesTheFilesOfARecordingThatEnded(t *testing.T) {
	s := mappedSite(t)
	// Nobody is logged in, so the code is another; the second event names the first file again and has another time.
	s.tells("ddtv", with(ddtvEnd, "40105", "-1"), ddtvEnd,
		with(ddtvEnd, "14:59:59", "15:59:59", `["/rec/23058/a_original_fix.mp4"]`, `["/rec/23058/a_original_fix.mp4","/rec/23058/b.mp4"]`))
	recs := s.recordings()
	if len(recs) != 2 || recs[0].Gen+recs[1].Gen != 0 {
		t.Fatalf("recordings are %+v", recs)
	}
	for _, r := range recs {
		if r.State != tasks.Closed || r.Name != "3号直播间" || r.Title != "哔哩哔哩音悦台" || r.OpenedAt.IsZero() || r.RoomID != 23058 {
			t.Errorf("recording is %+v", r)
		}
	}
}

func TestDDTV_takesVersionsThreeAndFour(t *testing.T) {
	s := mappedSite(t)
	s.tells("ddtv", with(ddtvThree, `"type":3`, `"type":0`, "444455556666", "000000000000"), ddtvThree, ddtvThree)
	if rec := s.only(); rec.Path != "23058/a.flv" || rec.Name != "3号直播间" || rec.ShortID != 3 || rec.ClosedAt.IsZero() {
		t.Errorf("recording is %+v", rec)
	}
	s.tells("ddtv", with(ddtvThree, `"type":3`, `"type":5`, "444455556666", "000000000001"))
	if recs := s.recordings(); len(recs) != 2 {
		t.Errorf("the converted file is missing: %+v", recs)
	}
	if got := s.commands(); got[0] != tasks.StreamStarted {
		t.Errorf("events are %v", got)
	}
}

func TestOneLiveRec_takesTheConvertedFile(t *testing.T) {
	s := mappedSite(t)
	s.tells("oneliverec", oneLiveRec, oneLiveRec)
	if rec := s.only(); rec.Path != "a.mp4" || rec.RoomID != 23058 || rec.ClosedAt.IsZero() || rec.State != tasks.Closed {
		t.Errorf("recording is %+v", rec)
	}
}

func TestCustom_takesAFileOfWindows(t *testing.T) {
	s := mappedSite(t)
	s.tells("custom", customClosed, customClosed, with(customClosed, "FileClosed", "FileError"))
	rec := s.only()
	if rec.Path != "win/aa.mp4" || rec.RoomID != 93589 || rec.Name != "djw" || rec.Title != "我是猪" {
		t.Errorf("recording is %+v", rec)
	}
	if want := time.Date(2021, 5, 14, 17, 52, 54, 946e6, time.Local); !rec.ClosedAt.Equal(want) {
		t.Errorf("closed at %s, want %s: a time without a zone is ours", rec.ClosedAt, want)
	}
}

func TestCustom_takesTheLeastThatCurlCanSend(t *testing.T) {
	s := mappedSite(t)
	s.tells("custom", `{"event":"FileClosed","filePath":"/srv/recordings/x/a.flv"}`, `{"event":"FileClosed","filePath":"x/a.flv","roomId":"7"}`)
	if rec := s.only(); rec.Path != "x/a.flv" {
		t.Errorf("recording is %+v", rec)
	}
}

func TestMadeIDs_areTheSameOnEveryTryAndEachNodesOwn(t *testing.T) {
	s := mappedSite(t)
	s.beat(tasks.NodeInfo{Name: "attic", Recordings: "/rec"})
	for range 2 {
		s.post("/webhook/ddtv", ddtvEnd).is(http.StatusOK)
		s.post("/webhook/ddtv?node=attic", ddtvEnd).is(http.StatusOK)
	}
	nodes := map[string]int{}
	for _, r := range s.recordings() {
		nodes[r.Node]++
	}
	if nodes["nas"] != 1 || nodes["attic"] != 1 {
		t.Errorf("recordings are on %v: one node's file was taken for the other's", nodes)
	}
	if n := strings.Count(strings.Join(s.commands(), " "), tasks.FileClosed); n != 2 {
		t.Errorf("%d FileClosed events, want 2", n)
	}
}

func TestOtherRecorders_acceptAndIgnoreWhatTheyDoNotAct(t *testing.T) {
	s := mappedSite(t)
	s.tells("blrec", `{"type":"SpaceNoEnoughEvent","id":"1","date":"2026-11-22 14:59:59+08:00","data":{"path":"/rec","threshold":1,"usage":{"total":1,"used":1,"free":0}}}`,
		`{"type":"Error","id":"2","date":"x","data":{"name":"a","detail":"b"}}`, `{"type":"CoverImageDownloadedEvent","data":[1]}`, `{"type":"SomethingNew"}`)
	s.tells("ddtv", `{"cmd":"HlsTaskStart","code":40108,"data":"whatever","message":""}`, `{"cmd":"Reconnect","data":{"DownInfo":[]}}`,
		`{"type":7,"room_Info":null}`, `{"type":2}`, with(ddtvEnd, `["/rec/23058/a_original_fix.mp4"]`, "null"))
	s.tells("oneliverec", with(oneLiveRec, "video_transmux_finish", "stream_start", `"data":{`, `"data":{"x":{},`))
	s.tells("custom", `{"event":"FileError","filePath":"/etc/passwd"}`)
	if len(s.events()) != 0 || len(s.recordings()) != 0 {
		t.Errorf("something was left behind: %v", s.commands())
	}
}

func TestOtherRecorders_refuseWhatIsNotTheirsInWords(t *testing.T) {
	s := mappedSite(t)
	const secret = "hunter2-secret"
	for _, recorder := range []string{"blrec", "ddtv", "oneliverec", "custom"} {
		for body, status := range map[string]int{
			secret: 400, "{}": 422, "[]": 422, "null": 422, `"` + secret + `"`: 422, "{}{}": 400, strings.Repeat("[", 100_000): 400, fileClosed: 422,
		} {
			r := s.post("/webhook/"+recorder, body).is(status)
			if r.refusal(); strings.Contains(r.body, secret) || strings.Contains(r.body, "json:") {
				t.Errorf("%s: the answer repeats what was sent or speaks of Go: %s", recorder, r.body)
			}
		}
	}
	s.post("/webhook/blrec", with(blrecProcessed, `"path":"`, `"path":5,"x":"`)).is(http.StatusUnprocessableEntity)
	s.post("/webhook/ddtv", with(ddtvEnd, `"RoomId":23058`, `"RoomId":23058,"DownInfo":7`)).is(http.StatusUnprocessableEntity)
	if len(s.recordings()) != 0 {
		t.Error("something was recorded")
	}
}

func TestHostedPaths_staySomewhereBelowTheRecordingsFolder(t *testing.T) {
	for given, want := range map[string]string{
		"/rec/a.flv":                  "a.flv",
		"/rec//x/a.flv":               "!",
		"/rec/x/../a.flv":             "!",
		"/rec/../etc/passwd":          "!",
		"/recordings/a.flv":           "!",
		"/rec":                        "!",
		"/rec/":                       "!",
		"/rec/other/a.flv":            "!", // the longest folder wins, and leads out
		"/rec/others/a.flv":           "others/a.flv",
		"/srv/recordings/b/a.flv":     "b/a.flv",
		"/srv/recordings/../a.flv":    "!",
		"/srv/recordings":             "!",
		"/etc/passwd":                 "!",
		`D:\rec\23058\a b.mp4`:        "win/23058/a b.mp4",
		`d:/REC/a.mp4`:                "win/a.mp4",
		`D:\recorded\a.mp4`:           "!",
		`D:\rec\..\a.mp4`:             "!",
		`E:\a.mp4`:                    "!",
		`\\nas\rec\a.mp4`:             "!",
		"x/a.flv":                     "x/a.flv",
		"./Rec/a.flv":                 "Rec/a.flv",
		"../a.flv":                    "!",
		".//etc/a.flv":                "!",
		"./C:/a.flv":                  "!",
		"./.nglive-trash/a.flv":       "!",
		`.\.nglive-trash\a.flv`:       "!",
		"":                            "!",
		"/rec/.nglive-trash/a.flv":    "!",
		"/rec/a\x00.flv":              "!",
		"/rec/-rf \"$(x)\" 录.flv":     "-rf \"$(x)\" 录.flv",
		`/rec/title with \ in it.flv`: `title with \ in it.flv`,
	} {
		node := tasks.NodeInfo{Recordings: "/srv/recordings", PathMaps: []tasks.PathMap{
			{From: "/rec/", To: "/srv/recordings/"}, {From: `D:\rec\`, To: "/srv/recordings/win"}, {From: "/rec/other", To: "/srv/elsewhere"},
		}}
		got, fault := hosted(given, node)
		if strings.HasSuffix(want, "!") != (fault != "") || fault == "" && got != want {
			t.Errorf("%q became %q (%s), want %q", given, got, fault, want)
		}
	}
}

func TestHostedPaths_areRefusedInWordsAndToldOnce(t *testing.T) {
	s := mappedSite(t)
	outside := with(blrecProcessed, "/rec/", "/etc/")
	for range 3 {
		if e := s.post("/webhook/blrec", outside).is(http.StatusUnprocessableEntity).refusal(); !strings.Contains(e.Message, "NGLIVE_PATH_MAPS") {
			t.Errorf("it does not say what to do: %s", e.Message)
		}
	}
	if e := s.events(); len(e) != 1 || e[0].CMD != tasks.Refused || !strings.HasPrefix(e[0].FILE, "/etc/") || e[0].ROOM != 23058 {
		t.Errorf("events are %+v", e)
	}
	// One of several files keeps no other back.
	s.post("/webhook/blrec", with(blrecAll, "/rec/23058/b.flv", "/etc/b.flv")).is(http.StatusUnprocessableEntity)
	if rec := s.only(); rec.Path != "23058/a.mp4" {
		t.Errorf("recording is %+v", rec)
	}
}

func TestHostedPaths_waitForANodeThatHasNotToldItsFolders(t *testing.T) {
	s := newSite(t)
	s.post("/webhook/blrec", blrecProcessed).is(http.StatusServiceUnavailable)
	s.beat(tasks.NodeInfo{Name: "nas", Recordings: "/srv", PathMaps: []tasks.PathMap{{From: "/rec", To: "/srv/a"}}})
	again := siteOn(t, s.rdb) // what was known of the node is kept for a second
	again.tells("blrec", blrecProcessed)
	if rec := again.only(); !strings.HasPrefix(rec.Path, "a/23058") {
		t.Errorf("recording is %+v", rec)
	}
}

func TestOtherRecorders_askToTryAgainWhileRedisIsAway(t *testing.T) {
	s, server := realSite(t)
	s.beat(tasks.NodeInfo{Name: "nas", Recordings: "/rec"})
	server.Stop()
	for recorder, body := range map[string]string{"blrec": blrecProcessed, "ddtv": ddtvEnd, "oneliverec": oneLiveRec, "custom": with(customClosed, `D:\\rec`, "/rec")} {
		s.post("/webhook/"+recorder, body).is(http.StatusServiceUnavailable)
	}
	server.Start()
	s.tells("blrec", blrecProcessed)
	s.only()
}

// fuzzReader holds what is true of every recorder's reader, whatever it is sent.
func fuzzReader(f *testing.F, read reader, seeds ...string) {
	f.Helper()
	for _, body := range append(seeds, "{}", "[]", "null", fileClosed, strings.Repeat("[", 40)) {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		all, err := read(body)
		if err != nil {
			if e, ok := err.(*Error); !ok || e.Status < 400 || e.Status > 499 || e.Message == "" { //nolint:errorlint // it is no wrapper
				t.Fatalf("refused with %#v", err)
			}
			return
		}
		again, _ := read(body)
		for i, n := range all {
			one, other := n.of("nas"), again[i].of("nas")
			if one.id != other.id || len(one.id) > 100 || strings.ContainsAny(strings.TrimSuffix(one.id, "."), "/ \x00\n") || strings.Count(one.id, ".") != 1 {
				t.Errorf("id %q, then %q", one.id, other.id)
			}
			if s := n.seen; s.Size < 0 || s.Duration < 0 || s.RoomID < 0 || s.ShortID < 0 || len(s.Title) > 1000 || len(s.Name) > 1000 || s.Origin == "" {
				t.Errorf("seen %+v", s)
			}
			if !n.hosted {
				t.Error("its path would be taken for one of ours")
			}
			fact := tasks.Fact{ID: one.id, Kind: tasks.FileWasClosed, At: time.Now(), Recording: "0", Seen: one.seen}
			rec, _, _ := tasks.Follow(tasks.Recording{}, tasks.DefaultFlow(), fact)
			if _, err := json.Marshal(rec); err != nil {
				t.Errorf("it does not go into JSON: %v", err)
			}
		}
	})
}

func FuzzBlrec(f *testing.F) {
	fuzzReader(f, readBlrec, blrecCreated, blrecCompleted, blrecProcessed, blrecWindows, blrecStarted, blrecLive, blrecAll)
}
func FuzzDDTV(f *testing.F)       { fuzzReader(f, readDDTV, ddtvEnd, ddtvThree, `{"type":"3"}`) }
func FuzzOneLiveRec(f *testing.F) { fuzzReader(f, readOneLiveRec, oneLiveRec) }
func FuzzCustom(f *testing.F)     { fuzzReader(f, readCustom, customClosed) }

func FuzzHostedPath(f *testing.F) {
	for _, p := range []string{"/rec/a.flv", `D:\rec\a`, "../x", "//rec/a", "/rec/..", "a/b"} {
		f.Add(p)
	}
	node := tasks.NodeInfo{Recordings: "/srv/recordings", PathMaps: []tasks.PathMap{{From: "/rec", To: "/srv/recordings"}, {From: `D:\rec`, To: "/srv/recordings/w"}}}
	f.Fuzz(func(t *testing.T, given string) {
		got, fault := hosted(given, node)
		if fault != "" {
			return
		}
		if again := pathFault(got); again != "" {
			t.Errorf("%q became %q: %s", given, got, again)
		}
	})
}
