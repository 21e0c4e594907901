package ui_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/web/ui"
)

// server plays the rest of NGlive for the page: canned JSON, a scripted feed, and the policy that web sends.
type server struct {
	*httptest.Server
	posts  chan string // "<path> <body>" of every POST
	joined chan string // the since of every listener that joined

	mu         sync.Mutex
	recordings []tasks.Recording // newest first
	events     []tasks.Event     // oldest first
	nodes      []tasks.NodeInfo
	rooms      []map[string]any // as /api/rooms lists them; nil = no node has a recorder
	accounts   []tasks.Account  // of Baidu Netdisk
	baidu      map[string]any   // the login there that is under way, as the API answers it
	token      string           // "" = nobody has to log in
	refusal    string           // what a POST to a recording is refused with
	away       bool             // nothing answers
	listeners  map[*websocket.Conn]bool
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{posts: make(chan string, 100), joined: make(chan string, 100), listeners: map[*websocket.Conn]bool{}}
	mux := http.NewServeMux()
	mux.Handle("/", ui.Handler())
	mux.HandleFunc("GET /ws", s.feed)
	mux.HandleFunc("POST /api/login", s.login)
	mux.HandleFunc("GET /api/recordings", s.guarded(s.list))
	mux.HandleFunc("GET /api/recordings/{id}", s.guarded(s.recording))
	mux.HandleFunc("POST /api/recordings/found/run", s.guarded(s.runFound))
	mux.HandleFunc("POST /api/recordings/{id}/{action}", s.guarded(s.act))
	mux.HandleFunc("GET /api/events", s.guarded(s.listEvents))
	mux.HandleFunc("GET /api/rooms", s.guarded(s.listRooms))
	mux.HandleFunc("POST /api/rooms", s.guarded(s.changeRoom))
	mux.HandleFunc("POST /api/rooms/{room}/{action}", s.guarded(s.changeRoom))
	mux.HandleFunc("DELETE /api/rooms/{room}", s.guarded(s.changeRoom))
	mux.HandleFunc("GET /api/targets/baidu/accounts", s.guarded(s.listAccounts))
	mux.HandleFunc("DELETE /api/targets/baidu/accounts/{account}", s.guarded(s.logAccountOut))
	mux.HandleFunc("POST /api/targets/baidu/login", s.guarded(s.startBaiduLogin))
	mux.HandleFunc("GET /api/targets/baidu/login", s.guarded(s.readBaiduLogin))
	mux.HandleFunc("GET /api/nodes", s.guarded(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]any{"nodes": s.nodes})
	}))
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.is(func() bool { return s.away }) {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		w.Header().Set("Content-Security-Policy", ui.Policy())
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		s.drop()
		s.Close()
	})
	return s
}

func (s *server) is(question func() bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return question()
}

func (s *server) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *server) guarded(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if c, err := r.Cookie("nglive"); s.token != "" && (err != nil || c.Value != s.token) {
			refuse(w, http.StatusUnauthorized, "unauthorized", "log in first")
			return
		}
		next(w, r)
	}
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	answer(w, status, map[string]any{"status": status, "code": code, "message": message})
}

func (s *server) login(w http.ResponseWriter, r *http.Request) {
	var in struct{ Token string }
	if json.NewDecoder(r.Body).Decode(&in) != nil || in.Token != s.token {
		refuse(w, http.StatusUnauthorized, "unauthorized", "that is not the token")
		return
	}
	http.SetCookie(w, &http.Cookie{Name: "nglive", Value: s.token, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	w.WriteHeader(http.StatusNoContent)
}

func (s *server) list(w http.ResponseWriter, r *http.Request) {
	counts := map[tasks.State]int{}
	for _, x := range s.recordings {
		counts[x.State]++
	}
	q := r.URL.Query()
	limit, _ := strconv.Atoi(cmp.Or(q.Get("limit"), "50"))
	from, _ := strconv.Atoi(q.Get("cursor"))
	page := []tasks.Recording{}
	next := ""
	for i := from; i < len(s.recordings); i++ {
		if len(page) == limit {
			next = strconv.Itoa(i)
			break
		}
		if state := q.Get("state"); state == "" || state == string(s.recordings[i].State) {
			page = append(page, s.recordings[i])
		}
	}
	answer(w, http.StatusOK, map[string]any{"recordings": page, "next_cursor": next, "counts": counts})
}

func (s *server) find(id string) int {
	return slices.IndexFunc(s.recordings, func(x tasks.Recording) bool { return x.ID == id })
}

func (s *server) recording(w http.ResponseWriter, r *http.Request) {
	if i := s.find(r.PathValue("id")); i >= 0 {
		answer(w, http.StatusOK, s.recordings[i])
		return
	}
	refuse(w, http.StatusNotFound, "not_found", "there is no such recording")
}

func (s *server) act(w http.ResponseWriter, r *http.Request) {
	var in map[string]any
	_ = json.NewDecoder(r.Body).Decode(&in)
	s.posts <- strings.TrimSpace(fmt.Sprintf("%s %v", r.URL.Path, in["flow"]))
	i := s.find(r.PathValue("id"))
	if s.refusal != "" || i < 0 {
		refuse(w, http.StatusConflict, "conflict", s.refusal)
		return
	}
	x := &s.recordings[i]
	x.State, x.Error, x.UpdatedAt = tasks.Running, "", tasks.At(time.Now())
	answer(w, http.StatusOK, *x)
}

func (s *server) runFound(w http.ResponseWriter, r *http.Request) {
	var in map[string]any
	_ = json.NewDecoder(r.Body).Decode(&in)
	s.posts <- fmt.Sprintf("%s %v", r.URL.Path, in["all"])
	answer(w, http.StatusOK, map[string]any{"started": 1, "more": false})
}

func (s *server) listEvents(w http.ResponseWriter, r *http.Request) {
	since, next := r.URL.Query().Get("since"), ""
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	page := []tasks.Event{}
	for _, e := range s.events {
		if tasks.SeqLess(since, e.SEQ) && len(page) < limit {
			page = append(page, e)
			next = e.SEQ
		}
	}
	answer(w, http.StatusOK, map[string]any{"events": page, "next": cmp.Or(next, since), "gap": false})
}

func (s *server) feed(w http.ResponseWriter, r *http.Request) {
	up := websocket.Upgrader{}
	conn, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	s.set(func() { s.listeners[conn] = true })
	s.joined <- r.URL.Query().Get("since")
	for {
		if _, _, err := conn.ReadMessage(); err != nil {
			s.set(func() { delete(s.listeners, conn) })
			_ = conn.Close()
			return
		}
	}
}

// say sends frames to every listener, in order.
func (s *server) say(t *testing.T, events ...tasks.Event) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range events {
		e.TS = cmp.Or(e.TS, tasks.Stamp(time.Now()))
		for conn := range s.listeners {
			if err := conn.WriteJSON(e); err != nil {
				t.Errorf("send %s: %v", e.CMD, err)
			}
		}
	}
}

// drop cuts every listener's connection.
func (s *server) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.listeners {
		_ = conn.Close()
	}
}

// next waits for something the page does.
func next(t *testing.T, from <-chan string, what string) string {
	t.Helper()
	select {
	case got := <-from:
		return got
	case <-time.After(15 * time.Second):
		t.Fatalf("the page did not %s within 15 s", what)
		return ""
	}
}
