package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/ngworks/nglive/tasks"
)

// fakeNGlive is the web process at its border: what submit asks of it.
type fakeNGlive struct {
	*httptest.Server
	mu         sync.Mutex
	recordings map[string]tasks.Recording
	posted     []recorderEvent
	asked      []string                      // method and path of each request that changes something
	onEvent    func(recorderEvent, string)   // with the webhook's node
	feed       func(*websocket.Conn, string) // with its since
}

func newFakeNGlive(t *testing.T) *fakeNGlive {
	t.Helper()
	f := &fakeNGlive{recordings: map[string]tasks.Recording{}}
	f.onEvent = func(recorderEvent, string) {}
	f.feed = func(c *websocket.Conn, _ string) { _, _, _ = c.ReadMessage() }
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, "ok") })
	mux.HandleFunc("GET /api/events", func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, map[string]any{"next": "7-0"}) })
	mux.HandleFunc("GET /api/nodes", func(w http.ResponseWriter, _ *http.Request) {
		answerJSON(w, map[string]any{"nodes": []tasks.NodeInfo{{Name: "nas"}}})
	})
	mux.HandleFunc("GET /api/recordings/{id}", f.recording)
	mux.HandleFunc("POST /webhook", f.webhook)
	mux.HandleFunc("POST /api/", func(_ http.ResponseWriter, r *http.Request) { f.note(r) })
	mux.HandleFunc("GET /ws", func(w http.ResponseWriter, r *http.Request) {
		conn, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
		if err == nil {
			f.feed(conn, r.URL.Query().Get("since"))
			_ = conn.Close()
		}
	})
	f.Server = httptest.NewServer(mux)
	t.Cleanup(f.Close)
	return f
}

func answerJSON(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }

func (f *fakeNGlive) recording(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	rec, ok := f.recordings[r.PathValue("id")]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
	}
	answerJSON(w, rec)
}

func (f *fakeNGlive) webhook(_ http.ResponseWriter, r *http.Request) {
	var e recorderEvent
	_ = json.NewDecoder(r.Body).Decode(&e)
	f.mu.Lock()
	f.posted = append(f.posted, e)
	f.mu.Unlock()
	f.onEvent(e, r.URL.Query().Get("node"))
}

func (f *fakeNGlive) note(r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, r.Method+" "+r.URL.Path)
	for id, rec := range f.recordings { // any wish is granted
		rec.State = tasks.Finished
		f.recordings[id] = rec
	}
}

// knows makes a recording of path in the given state.
func (f *fakeNGlive) knows(path string, state tasks.State) string {
	id := tasks.Identity{Node: "nas", Path: path}.ID()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.recordings[id] = tasks.Recording{
		ID: id, Node: "nas", Path: path, State: state, Error: "no room on the disk",
		Steps: []tasks.StepInfo{{Type: tasks.StepUpload, State: tasks.StepDone, Output: &tasks.Output{Location: "/archive/" + filepath.Base(path)}}},
	}
	return id
}

// submits runs the command on a file of the recordings' folder.
func submits(t *testing.T, ctx context.Context, f *fakeNGlive, files ...string) (code int, stdout, stderr *screen) {
	t.Helper()
	dir, environ := home(t)
	args := []string{"submit", "--server", f.URL}
	for _, name := range files {
		fill(t, filepath.Join(dir, "recordings"), map[string]string{name: "video"})
		args = append(args, filepath.Join(dir, "recordings", name))
	}
	c, stdout, stderr := testConsole(environ...)
	return c.run(ctx, args), stdout, stderr
}

func TestSubmit_endsWithTheArchivedPaths(t *testing.T) {
	f := newFakeNGlive(t)
	f.onEvent = func(e recorderEvent, node string) {
		if node != "nas" || e.EventType != tasks.FileClosed || *e.EventData.FileSize != int64(len("video")) {
			t.Errorf("posted to %s: %+v", node, e)
		}
		f.knows(e.EventData.RelativePath, tasks.Finished)
	}
	code, stdout, stderr := submits(t, t.Context(), f, "1/a.flv", "1/b.flv")
	if code != exitDone || stdout.String() != "/archive/a.flv\n/archive/b.flv\n" {
		t.Errorf("exit code %d, stdout %q, stderr %s", code, stdout, stderr)
	}
}

func TestSubmit_saysWhyItFailed(t *testing.T) {
	f := newFakeNGlive(t)
	f.onEvent = func(e recorderEvent, _ string) { f.knows(e.EventData.RelativePath, tasks.Failed) }
	code, stdout, stderr := submits(t, t.Context(), f, "a.flv")
	if code != exitFailed || stdout.String() != "" || !strings.Contains(stderr.String(), "no room on the disk") {
		t.Errorf("exit code %d, stdout %q, stderr %s", code, stdout, stderr)
	}
}

func TestSubmit_triesAgainWhatFailedBefore(t *testing.T) {
	f := newFakeNGlive(t)
	id := f.knows("a.flv", tasks.Failed)
	code, stdout, stderr := submits(t, t.Context(), f, "a.flv")
	if code != exitDone || stdout.String() != "/archive/a.flv\n" {
		t.Errorf("exit code %d, stdout %q, stderr %s", code, stdout, stderr)
	}
	if len(f.asked) != 1 || f.asked[0] != "POST /api/recordings/"+id+"/retry" {
		t.Errorf("it asked for %v", f.asked)
	}
}

func TestSubmit_ctrlCStopsTheWatchingAlone(t *testing.T) {
	f := newFakeNGlive(t)
	ctx, stop := context.WithCancel(t.Context())
	f.onEvent = func(e recorderEvent, _ string) { f.knows(e.EventData.RelativePath, tasks.Running) }
	f.feed = func(c *websocket.Conn, _ string) { stop(); _, _, _ = c.ReadMessage() }
	code, stdout, stderr := submits(t, ctx, f, "a.flv")
	if code != exitStopped || stdout.String() != "" || !strings.Contains(stderr.String(), "goes on") {
		t.Errorf("exit code %d, stdout %q, stderr %s", code, stdout, stderr)
	}
	if len(f.asked) > 0 {
		t.Errorf("it asked for %v", f.asked)
	}
}

func TestSubmit_nobodyAnswers(t *testing.T) {
	f := newFakeNGlive(t)
	f.Close()
	code, stdout, stderr := submits(t, t.Context(), f, "a.flv")
	if code != exitNobody || stdout.String() != "" || !strings.Contains(stderr.String(), "make run") {
		t.Errorf("exit code %d, stdout %q, stderr %s", code, stdout, stderr)
	}
}

func TestSubmit_oneBadFileDoesNotStopTheRest(t *testing.T) {
	f := newFakeNGlive(t)
	f.onEvent = func(e recorderEvent, _ string) { f.knows(e.EventData.RelativePath, tasks.Finished) }
	dir, environ := home(t)
	fill(t, filepath.Join(dir, "recordings"), map[string]string{"b.flv": "video"})
	c, stdout, stderr := testConsole(environ...)
	code := c.run(t.Context(), []string{"submit", "--server", f.URL, filepath.Join(dir, "gone.flv"), filepath.Join(dir, "recordings", "b.flv")})
	if code != exitFailed || stdout.String() != "/archive/b.flv\n" || !strings.Contains(stderr.String(), "gone.flv") {
		t.Errorf("exit code %d, stdout %q, stderr %s", code, stdout, stderr)
	}
}

func TestSubmit_asksForTheTokenInWords(t *testing.T) {
	f := newFakeNGlive(t)
	f.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer 0123456789abcdef" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	if code, _, stderr := submits(t, t.Context(), f, "a.flv"); code != exitFailed || !strings.Contains(stderr.String(), "NGLIVE_TOKEN") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	c, err := newClient(f.URL, "0123456789abcdef")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.alive(t.Context()); err != nil {
		t.Errorf("with the token: %v", err)
	}
}

func TestWatch_goesOnAfterABreakWhereItWas(t *testing.T) {
	f := newFakeNGlive(t)
	id := f.knows("a.flv", tasks.Running)
	var mu sync.Mutex
	var sinces []string
	f.feed = func(c *websocket.Conn, since string) {
		mu.Lock()
		sinces = append(sinces, since)
		first := len(sinces) == 1
		mu.Unlock()
		if first {
			_ = c.WriteJSON(tasks.Event{CMD: tasks.TranscodeStarted, ID: id, SEQ: "9-0", STATE: tasks.Running})
			return // and the connection breaks
		}
		f.knows("a.flv", tasks.Finished)
		_ = c.WriteJSON(tasks.Event{CMD: tasks.FlowFinished, ID: id, SEQ: "10-0", STATE: tasks.Finished})
		_, _, _ = c.ReadMessage()
	}
	client, err := newClient(f.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	var out screen
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	w := &watched{name: "a.flv", id: id}
	if err := client.watch(ctx, []*watched{w}, "7-0", newDisplay(&out, 1)); err != nil {
		t.Fatal(err)
	}
	if strings.Join(sinces, " ") != "7-0 9-0" || w.last.State != tasks.Finished {
		t.Errorf("it asked since %v and ended with %s", sinces, w.last.State)
	}
	if !strings.Contains(out.String(), "transcode begins") || !strings.Contains(out.String(), "finished") {
		t.Errorf("it showed %s", &out)
	}
}

func TestWatch_outlivesARestartOfWeb(t *testing.T) {
	f := newFakeNGlive(t)
	id := f.knows("a.flv", tasks.Running)
	asked, handler := 0, f.Config.Handler
	f.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/recordings/") {
			if asked++; asked == 1 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			f.knows("a.flv", tasks.Finished)
		}
		handler.ServeHTTP(w, r)
	})
	client, err := newClient(f.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	w := &watched{name: "a.flv", id: id}
	if err := client.watch(t.Context(), []*watched{w}, "7-0", newDisplay(&screen{}, 1)); err != nil || w.last.State != tasks.Finished {
		t.Errorf("it ended with %v, %s", err, w.last.State)
	}
}

func TestResultOf_isTheLastPlaceOfTheVideo(t *testing.T) {
	cfg := Config{RecordingsDir: "/rec", OutputDir: "/out"}
	made := tasks.StepInfo{Type: tasks.StepTranscode, State: tasks.StepDone, Output: &tasks.Output{Path: "d/a.mp4"}}
	kept := tasks.StepInfo{Type: tasks.StepUpload, State: tasks.StepDone, Output: &tasks.Output{Location: "/archive/a.mp4"}}
	lost := tasks.StepInfo{Type: tasks.StepUpload, State: tasks.StepFailed}
	for want, steps := range map[string][]tasks.StepInfo{
		"/rec/d/a.flv": nil, "/out/d/a.mp4": {made, lost}, "/archive/a.mp4": {kept, made},
	} {
		if got := resultOf(tasks.Recording{Path: "d/a.flv", Steps: steps}, cfg); filepath.ToSlash(got) != want {
			t.Errorf("%v: %s, want %s", steps, got, want)
		}
	}
}
