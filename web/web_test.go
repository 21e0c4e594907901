package web

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/tasks/taskstest"
)

// patience is how long a test waits for what should happen at once, on a machine that is busy with other things too.
const patience = time.Minute

const testToken = "a-token-of-a-test-0123456789"

// site is a whole web process on a Redis of its own.
type site struct {
	*Web
	redis *taskstest.Server
	store *tasks.Store
	queue *tasks.Queue
	rdb   *redis.Client
	log   *logbook
	dir   string // OUTPUT_DIR
	stop  func() // ends Run and waits for it
}

// newSite makes a site; change may change its settings.
func newSite(t *testing.T, change func(*Config)) *site {
	t.Helper()
	s := &site{redis: taskstest.Redis(t), log: &logbook{}, dir: t.TempDir()}
	s.rdb = s.redis.Client()
	s.store = tasks.NewStore(s.rdb, time.Hour)
	s.queue = tasks.NewQueue(s.rdb, s.store)
	cfg := Config{
		Listen: "127.0.0.1:0", Secret: []byte(strings.Repeat("k", 32)), Node: "n1", OutputDir: s.dir, Version: "test",
		Monitor: tasks.MonitorOptions(s.redis.Options()), Log: slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&cfg)
	}
	var err error
	if s.Web, err = New(cfg, s.rdb, s.store, s.queue); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// run starts the site and waits until its feed runs.
func (s *site) run(t *testing.T) *site {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	s.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Run ended with %v", err)
			}
		case <-time.After(patience):
			t.Error("Run does not end")
		}
	})
	t.Cleanup(s.stop)
	<-s.Listening()
	eventually(t, "the feed runs", func() bool { return s.feed.on.Load() != nil })
	return s
}

func (s *site) url(path string) string { return "http://" + s.Addr() + path }

// ask sends a request into the site without a network.
func (s *site) ask(t *testing.T, method, path string, change func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "http://127.0.0.1"+path, nil)
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

// eventually waits for a condition, looking every millisecond.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain: %s", patience, what)
		}
	}
}

// refusalIn reads the error model out of an answer.
func refusalIn(t *testing.T, body io.Reader) (code, message string) {
	t.Helper()
	var e struct{ Code, Message string }
	if err := json.NewDecoder(body).Decode(&e); err != nil {
		t.Fatalf("the answer is not in the error model: %v", err)
	}
	return e.Code, e.Message
}

// logbook is a log that a test can read while it is written.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func TestNew_refusesOtherMachinesWithoutToken(t *testing.T) {
	t.Parallel()
	for listen, welcome := range map[string]bool{
		"127.0.0.1:0": true, "127.1.2.3:80": true, "[::1]:80": true, "localhost:80": true,
		"0.0.0.0:80": false, ":80": false, "192.168.1.2:80": false, "nas:80": false, "[::]:80": false, "": false,
	} {
		_, err := New(Config{Listen: listen}, nil, nil, nil) // what is welcome stumbles over the key that is missing too
		if want := map[bool]string{true: "NGLIVE_SECRET_KEY", false: "NGLIVE_TOKEN"}[welcome]; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("listen on %q without a token: %v, want a word about %s", listen, err, want)
		}
	}
}

func TestHandler_answers404And405InTheErrorModel(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.ask(t, http.MethodGet, "/api/nothing", nil)
	if code, _ := refusalIn(t, w.Body); w.Code != http.StatusNotFound || code != "not_found" {
		t.Errorf("unknown path: %d %s", w.Code, code)
	}
	w = s.ask(t, http.MethodDelete, "/api/recordings", nil)
	if code, _ := refusalIn(t, w.Body); w.Code != http.StatusMethodNotAllowed || code != "method_not_allowed" || w.Header().Get("Allow") == "" {
		t.Errorf("wrong method: %d %s, Allow %q", w.Code, code, w.Header().Get("Allow"))
	}
}

func TestHandler_setsStrictHeadersEverywhere(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for path, inline := range map[string]bool{"/": false, "/api/nothing": false, "/docs/": true, "/asynq/": true} {
		h := s.ask(t, http.MethodGet, path, nil).Header()
		policy := h.Get("Content-Security-Policy")
		if strings.Contains(policy, "script-src 'self' 'unsafe-inline'") != inline || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("%s has the policy %q", path, policy)
		}
		if h.Get("X-Frame-Options") != "DENY" || h.Get("Referrer-Policy") == "" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s lacks headers: %v", path, h)
		}
	}
}

func TestRun_endsWithinFiveSecondsAndStillAnswersALongPoll(t *testing.T) {
	s := newSite(t, nil)
	entered := make(chan struct{})
	s.handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
	})
	s.run(t)
	answered := make(chan error, 1)
	go func() {
		req, _ := http.NewRequestWithContext(context.Background(), http.MethodGet, s.url("/"), nil)
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		answered <- err
	}()
	<-entered
	began := time.Now()
	s.stop()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("Run took %s to end", took)
	}
	if err := <-answered; err != nil {
		t.Errorf("the long poll was cut off: %v", err)
	}
}

func TestRun_canRunAgain(t *testing.T) {
	s := newSite(t, nil).run(t)
	s.stop()
	s.run(t)
	listen(t, s, "").expectNothingWrong()
}

func TestRun_registersTheQueuesOfAllNodes(t *testing.T) {
	s := newSite(t, nil)
	if err := s.store.Claim(t.Context(), "attic", tasks.Owner{Install: "i", Boot: "b"}, false); err != nil {
		t.Fatal(err)
	}
	s.run(t)
	eventually(t, "the dashboard knows the node's queues", func() bool {
		queues, err := s.queue.Inspector().Queues()
		return err == nil && strings.Contains(strings.Join(queues, " "), "encode.attic") && strings.Contains(strings.Join(queues, " "), "notify")
	})
}
