//go:build linux

package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker/flv/flvtest"
)

// recorderAt posts events as BililiveRecorder does about a room that it began to record then.
type recorderAt struct {
	t     *testing.T
	base  string
	began time.Time
}

// tells posts one event, and once more as a recorder does whose first try was answered too late.
func (r recorderAt) tells(kind string, part int, data string) {
	r.t.Helper()
	body := fmt.Sprintf(`{"EventType":%q,"EventTimestamp":%q,"EventId":"%08d-0000-4000-8000-%012d","EventData":{`+
		`"SessionId":"7c7f3672-70ce-405a-aa12-886702ced6e5","RoomId":23058,"ShortId":3,"Name":"3号直播间","Title":"哔哩哔哩音悦台",`+
		`"AreaNameParent":"生活","AreaNameChild":"影音馆","Recording":true,"Streaming":true,"DanmakuConnected":true%s}}`,
		kind, time.Now().Format(time.RFC3339Nano), part, len(kind), data)
	for range 2 {
		req := must(http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.base+"/webhook/", strings.NewReader(body)))
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			r.t.Fatal(err)
		}
		if _ = res.Body.Close(); res.StatusCode != http.StatusOK {
			r.t.Fatalf("%s of part %d was answered %d", kind, part, res.StatusCode)
		}
	}
}

func partName(part int) string {
	return fmt.Sprintf("23058-3号直播间/录制-23058-part%d.flv", part)
}

func (r recorderAt) file(part int) string {
	opened := r.began.Add(time.Duration(part) * 2 * time.Second)
	return fmt.Sprintf(`,"RelativePath":%q,"FileOpenTime":%q`, partName(part), opened.Format(time.RFC3339Nano))
}

func (r recorderAt) opens(part int) { r.t.Helper(); r.tells("FileOpening", part, r.file(part)) }

func (r recorderAt) closes(part, size int) {
	r.t.Helper()
	closed := r.began.Add(time.Duration(part)*2*time.Second + 3*time.Second) // a second after the next one was opened
	r.tells("FileClosed", part, r.file(part)+fmt.Sprintf(`,"FileSize":%d,"Duration":3.0,"FileCloseTime":%q`, size, closed.Format(time.RFC3339Nano)))
}

// TestNGlive_worksOnEachPartOfASessionOnce: five files of one session, each opened before the former one closes and everything told
// twice, are five recordings of one broadcast, and each is in the archive once.
func TestNGlive_worksOnEachPartOfASessionOnce(t *testing.T) {
	const n = 5
	dir, environ := home(t)
	environ = append(environ, "NGLIVE_NODE=nas")
	startUp(t, environ)
	c := must(newClient(localServer(must(LoadConfig(environ, ""))), ""))
	film := flvtest.Read(t, flvtest.Clip(t, t.TempDir(), 2))
	if err := os.MkdirAll(filepath.Join(dir, "recordings", filepath.Dir(partName(0))), 0o755); err != nil {
		t.Fatal(err)
	}
	r := recorderAt{t, c.base, time.Now()}
	r.tells("SessionStarted", 0, "")
	for part := range n {
		r.opens(part)
		flvtest.Write(t, filepath.Join(dir, "recordings"), partName(part), film)
		if part > 0 {
			r.closes(part-1, len(film))
		}
	}
	r.closes(n-1, len(film))
	r.tells("SessionEnded", 0, "")
	until(t, 2*time.Minute, "all parts are finished", func() bool { list := recordingsOf(t, environ); return len(list) == n && settled(list) })
	if got := archived(t, dir); len(got) != n {
		t.Errorf("the archive has %v", got)
	}
	isOneBroadcast(t, c, n)
}

// isOneBroadcast asks the API about the parts.
func isOneBroadcast(t *testing.T, c *client, n int) {
	t.Helper()
	var all struct {
		Broadcasts []tasks.Broadcast `json:"broadcasts"`
		Events     []tasks.Event     `json:"events"`
		Recordings []tasks.Recording `json:"recordings"`
	}
	ask := func(path string) {
		t.Helper()
		if err := c.call(t.Context(), http.MethodGet, path, nil, &all); err != nil {
			t.Fatal(err)
		}
	}
	ask("/api/broadcasts")
	if len(all.Broadcasts) != 1 {
		t.Fatalf("broadcasts are %+v", all.Broadcasts)
	}
	ask("/api/recordings?broadcast=" + all.Broadcasts[0].ID)
	if len(all.Recordings) != n {
		t.Errorf("%d recordings are in it", len(all.Recordings))
	}
	ask("/api/events?limit=1000")
	count := map[string]int{}
	for _, e := range all.Events {
		count[e.CMD]++
		if e.FILE != "" && e.CMD != tasks.Repaired && e.BROADCAST != all.Broadcasts[0].ID {
			t.Errorf("%s of %s names the broadcast %q", e.CMD, e.FILE, e.BROADCAST)
		}
	}
	for _, cmd := range []string{
		tasks.FileOpening, tasks.FileClosed, tasks.TranscodeStarted, tasks.TranscodeEnded, tasks.UpStarted, tasks.UpEnded, tasks.FlowFinished,
	} {
		if count[cmd] != n {
			t.Errorf("%s was told %d times, want %d", cmd, count[cmd], n)
		}
	}
	if count[tasks.SessionStarted] != 1 || count[tasks.SessionEnded] != 1 {
		t.Errorf("the session was told %d and %d times", count[tasks.SessionStarted], count[tasks.SessionEnded])
	}
}
