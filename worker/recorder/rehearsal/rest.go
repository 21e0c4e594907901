package rehearsal

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
)

// The recorder's own error codes.
const (
	codeRange    = -2
	codeNotFound = -4
)

func (r *Recorder) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/version", r.version)
	mux.HandleFunc("GET /api/config/global", r.readGlobal)
	mux.HandleFunc("POST /api/config/global", r.changeGlobal)
	mux.HandleFunc("GET /api/room", r.list)
	mux.HandleFunc("POST /api/room", r.add)
	mux.HandleFunc("GET /api/room/{id}", r.about(func(m *room) any { return m.dto() }))
	mux.HandleFunc("DELETE /api/room/{id}", r.about(func(m *room) any { r.remove(m); return m.dto() }))
	mux.HandleFunc("GET /api/room/{id}/stats", r.about(func(m *room) any { return m.stats() }))
	mux.HandleFunc("GET /api/room/{id}/iostats", r.about(func(m *room) any { return m.ioStats() }))
	mux.HandleFunc("GET /api/room/{id}/config", r.about(func(m *room) any { return m.settings() }))
	mux.HandleFunc("POST /api/room/{id}/start", r.about(func(m *room) any { m.start(); return m.dto() }))
	mux.HandleFunc("POST /api/room/{id}/stop", r.about(func(m *room) any { m.stop(); return m.dto() }))
	mux.HandleFunc("POST /api/room/{id}/split", r.about(func(m *room) any { m.split(); return m.dto() }))
	mux.HandleFunc("POST /api/room/{id}/refresh", r.about(func(m *room) any { m.refresh(); return m.dto() }))
	mux.HandleFunc("POST /graphql", r.graphQL)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { page(w, http.StatusNotFound, "Not Found") })
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if instead := r.instead.Load(); instead != nil && (*instead)(w, q) {
			return
		}
		if r.lets(w, q) {
			mux.ServeHTTP(w, q)
		}
	})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func page(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "<!DOCTYPE html><html><body>"+text+"</body></html>")
}

func fault(w http.ResponseWriter, status, code int, message string) {
	answer(w, status, map[string]any{"code": code, "message": message})
}

func (r *Recorder) version(w http.ResponseWriter, _ *http.Request) {
	v := r.cfg.Version
	answer(w, http.StatusOK, map[string]string{"semVer": v, "fullSemVer": v, "informationalVersion": v + "+Branch.rehearsal"})
}

// read takes a JSON body; ASP.NET answers for it when it is none.
func read(w http.ResponseWriter, q *http.Request, into any) bool {
	content, err := io.ReadAll(http.MaxBytesReader(w, q.Body, 1<<20))
	if err != nil || json.Unmarshal(content, into) != nil {
		answer(w, http.StatusBadRequest, map[string]any{"title": "One or more validation errors occurred.", "status": http.StatusBadRequest})
		return false
	}
	return true
}

func (r *Recorder) list(w http.ResponseWriter, _ *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rooms := make([]roomDTO, 0, len(r.rooms))
	for _, m := range r.rooms {
		rooms = append(rooms, m.dto())
	}
	answer(w, http.StatusOK, rooms)
}

func (r *Recorder) add(w http.ResponseWriter, q *http.Request) {
	var in struct {
		RoomID     int32 `json:"roomId"`
		AutoRecord bool  `json:"autoRecord"`
	}
	if !read(w, q, &in) {
		return
	}
	if in.RoomID <= 0 {
		fault(w, http.StatusBadRequest, codeRange, "Roomid must be greater than 0.")
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.find(int64(in.RoomID))
	if m != nil {
		m.auto = in.AutoRecord // 200, and not saved
	} else {
		m = r.newRoom(int64(in.RoomID), in.AutoRecord)
		r.save()
	}
	answer(w, http.StatusOK, m.dto())
}

// find is the original's: the first room whose short or real id it is. So 0 finds the first one that has no short id.
func (r *Recorder) find(id int64) *room {
	for _, m := range r.rooms {
		if m.known.ShortID == id || m.id == id {
			return m
		}
	}
	return nil
}

// about answers for one room, by real id, short id or object id, under the mutex.
func (r *Recorder) about(do func(*room) any) http.HandlerFunc {
	return func(w http.ResponseWriter, q *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		m, route := r.named(q.PathValue("id"))
		if !route {
			page(w, http.StatusNotFound, "Not Found")
			return
		}
		if m == nil {
			fault(w, http.StatusNotFound, codeNotFound, "Room not found")
			return
		}
		answer(w, http.StatusOK, do(m))
	}
}

// named finds a room by an id or an object id; false for what the original has no route for.
func (r *Recorder) named(id string) (m *room, route bool) {
	if n, err := strconv.ParseInt(id, 10, 32); err == nil {
		return r.find(n), true
	}
	if i := slices.IndexFunc(r.rooms, func(m *room) bool { return m.object == id }); i >= 0 {
		return r.rooms[i], true
	}
	return nil, len(id) == len("00000000-0000-0000-0000-000000000000")
}

func (r *Recorder) remove(m *room) {
	m.endSession()
	m.removed, m.auto = true, false
	r.rooms = slices.DeleteFunc(r.rooms, func(other *room) bool { return other == m })
	r.save()
}

func (r *Recorder) readGlobal(w http.ResponseWriter, _ *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	answer(w, http.StatusOK, r.globalDTO())
}

// changeGlobal takes the fields it is given and saves at once.
func (r *Recorder) changeGlobal(w http.ResponseWriter, q *http.Request) {
	change := map[string]optional{}
	if !read(w, q, &change) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.take(change)
	r.save()
	answer(w, http.StatusOK, r.globalDTO())
}

func (r *Recorder) take(change map[string]optional) {
	known := globalDefaults()
	for name, o := range change {
		if _, ok := known[name]; ok {
			r.global[name] = o
		}
	}
}

func globalDefaults() map[string]optional {
	return map[string]optional{
		"optionalWebHookUrls": {}, "optionalWebHookUrlsV2": {}, "optionalFileNameRecordTemplate": {},
		"optionalCuttingMode": {Value: 0}, "optionalCuttingNumber": {Value: 0}, "optionalRecordMode": {Value: 0},
		"optionalRecordDanmaku": {Value: false},
	}
}

func (r *Recorder) globalDTO() map[string]optional {
	all := globalDefaults()
	maps.Copy(all, r.global)
	return all
}
