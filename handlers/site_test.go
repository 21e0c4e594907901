package handlers

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/tasks/taskstest"
)

// site is the API on its mux, with its Redis.
type site struct {
	t     testing.TB
	mux   *http.ServeMux
	rdb   *redis.Client
	store *tasks.Store
	queue *tasks.Queue
}

// newSite runs on a Redis inside the test.
func newSite(tb testing.TB, change ...func(*Deps)) *site {
	tb.Helper()
	m := miniredis.RunT(tb)
	rdb := redis.NewClient(&redis.Options{Addr: m.Addr(), Protocol: 2})
	tb.Cleanup(func() { _ = rdb.Close() })
	return siteOn(tb, rdb, change...)
}

// realSite runs on a redis-server of its own.
func realSite(tb testing.TB) (*site, *taskstest.Server) {
	tb.Helper()
	server := taskstest.Redis(tb)
	options := server.Options()
	options.MaxRetries, options.DialTimeout, options.ReadTimeout = 1, time.Second, time.Second
	rdb := redis.NewClient(options)
	tb.Cleanup(func() { _ = rdb.Close() })
	return siteOn(tb, rdb), server
}

func siteOn(tb testing.TB, rdb *redis.Client, change ...func(*Deps)) *site {
	tb.Helper()
	store := tasks.NewStore(rdb, time.Hour)
	s := &site{t: tb, mux: http.NewServeMux(), rdb: rdb, store: store, queue: tasks.NewQueue(rdb, store)}
	d := Deps{
		Store: store, Queue: s.queue, Vault: tasks.NewVault(rdb, []byte("0123456789abcdef0123456789abcdef")), Node: "nas",
		Defaults: tasks.Defaults{Transcode: tasks.TranscodeWith{Mode: "COPY"}, Upload: tasks.UploadWith{Target: "archive"}},
	}
	for _, f := range change {
		f(&d)
	}
	Register(s.mux, d)
	return s
}

// reply is an answer of the API.
type reply struct {
	t      testing.TB
	status int
	header http.Header
	body   string
}

func (s *site) do(method, path, body string) reply {
	s.t.Helper()
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	r := httptest.NewRequestWithContext(s.t.Context(), method, path, content)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r)
	return reply{s.t, w.Code, w.Header(), w.Body.String()}
}

func (s *site) get(path string) reply        { s.t.Helper(); return s.do(http.MethodGet, path, "") }
func (s *site) post(path, body string) reply { s.t.Helper(); return s.do(http.MethodPost, path, body) }

// is checks the status and returns the reply.
func (r reply) is(status int) reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("answered %d, want %d: %s", r.status, status, r.body)
	}
	return r
}

// into reads the JSON.
func (r reply) into(v any) {
	r.t.Helper()
	if err := json.Unmarshal([]byte(r.body), v); err != nil {
		r.t.Fatalf("answer %q: %v", r.body, err)
	}
}

// refusal reads the error model.
func (r reply) refusal() Error {
	r.t.Helper()
	var e Error
	r.into(&e)
	if e.Status != r.status || e.Code == "" || e.Message == "" {
		r.t.Fatalf("not the error model: %s", r.body)
	}
	return e
}

// recordings lists all there are, newest first.
func (s *site) recordings() []tasks.Recording {
	s.t.Helper()
	list, _, err := s.store.List(s.t.Context(), tasks.Query{Limit: 10_000})
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

// only returns the one recording there is.
func (s *site) only() tasks.Recording {
	s.t.Helper()
	list := s.recordings()
	if len(list) != 1 {
		s.t.Fatalf("%d recordings, want 1: %+v", len(list), list)
	}
	return list[0]
}

// tasks lists the ids that wait in a queue.
func (s *site) pending(queue string) []string {
	s.t.Helper()
	list, err := s.queue.Tasks(queue, "pending", 1000)
	if err != nil {
		s.t.Fatal(err)
	}
	ids := make([]string, len(list))
	for i, x := range list {
		ids[i] = x.ID
	}
	return ids
}

// commands lists what the event stream tells, oldest first.
func (s *site) commands() []string {
	s.t.Helper()
	var cmds []string
	for _, e := range s.events() {
		cmds = append(cmds, e.CMD)
	}
	return cmds
}

func (s *site) events() []tasks.Event {
	s.t.Helper()
	frames, err := s.store.Since(s.t.Context(), "0-0", 10_000)
	if err != nil {
		s.t.Fatal(err)
	}
	events := make([]tasks.Event, len(frames))
	for i, f := range frames {
		if events[i], err = f.Decode(); err != nil {
			s.t.Fatal(err)
		}
	}
	return events
}

// tell hands the store a fact about a recording's step, as a worker does.
func (s *site) tell(f tasks.Fact) tasks.Recording {
	s.t.Helper()
	f.At = time.Now()
	rec, err := s.store.Apply(s.t.Context(), f)
	if err != nil {
		s.t.Fatal(err)
	}
	return rec
}

// beat makes a node known.
func (s *site) beat(n tasks.NodeInfo) {
	s.t.Helper()
	ctx, owner := s.t.Context(), tasks.Owner{Install: "i-" + n.Name, Boot: "b"}
	if err := s.store.Claim(ctx, n.Name, owner, false); err != nil {
		s.t.Fatal(err)
	}
	if err := s.store.Beat(ctx, owner, n); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) taskInfo(queue, id string) *asynq.TaskInfo {
	s.t.Helper()
	i, err := s.queue.Inspector().GetTaskInfo(queue, id)
	if err != nil {
		s.t.Fatalf("task %s in %s: %v", id, queue, err)
	}
	return i
}
