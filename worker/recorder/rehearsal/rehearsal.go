// Package rehearsal plays a BililiveRecorder (录播姬) without a streamer: its HTTP API, its webhooks with their tries, its
// config.json, and real FLV files that grow. `nglive sample --live` records with it, and tests hold the rest of the program
// against it. It asks no host but the webhooks' addresses, and its world of streamers is the one it is given.
package rehearsal

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Streamer is somebody on the rehearsal's Bilibili.
type Streamer struct {
	RoomID  int64  `json:"room_id"`
	ShortID int64  `json:"short_id"`
	UID     int64  `json:"uid"`
	Name    string `json:"name"`
	Title   string `json:"title"`
	Parent  string `json:"parent"`
	Child   string `json:"child"`
	Live    bool   `json:"live"`
}

// Config is how one rehearsal goes. Times that are 0 are the original's.
type Config struct {
	Dir       string     `json:"-"` // the work folder
	Film      []byte     `json:"-"` // a whole FLV of some seconds, shown again and again
	Streamers []Streamer `json:"streamers"`
	Speed     float64    `json:"speed"` // seconds of media in a second; 0: 1
	Danmaku   bool       `json:"danmaku"`
	Forgetful bool       `json:"forgetful"` // neither reads nor writes config.json

	User       string `json:"-"`
	Password   string `json:"-"`
	OpenAccess bool   `json:"open_access"`
	Version    string `json:"version"` // empty: 2.17.3

	Tries      []time.Duration `json:"tries"`      // waits before the second and later tries of a webhook; nil: 1 s, 2 s
	Unresolved time.Duration   `json:"unresolved"` // until a new room has a name by itself; 0: 1.5 s, below 0: never
	Linger     time.Duration   `json:"linger"`     // between the last file and the end; 0: 3 s, below 0: none

	Say func(line string) `json:"-"` // the console; nil: nobody listens
}

// Recorder is one life of the recorder, from New to Stop or Kill.
type Recorder struct {
	cfg      Config
	hooks    *hooks
	film     *film
	handler  http.Handler
	instead  atomic.Pointer[func(http.ResponseWriter, *http.Request) bool]
	sessions sync.WaitGroup
	killed   chan struct{}

	end sync.Once

	mu      sync.Mutex
	stopped bool
	world   []Streamer
	rooms   []*room
	global  map[string]optional // by the REST name
	files   []string
}

// New reads the work folder's config.json and begins to watch its rooms.
func New(cfg Config) (*Recorder, error) {
	cfg.settle()
	f, err := newFilm(cfg.Film)
	if err != nil {
		return nil, err
	}
	r := &Recorder{cfg: cfg, film: f, killed: make(chan struct{}), world: append([]Streamer(nil), cfg.Streamers...), global: map[string]optional{}}
	r.hooks = newHooks(cfg, r.hookAddresses)
	r.handler = r.routes()
	if err := r.load(); err != nil {
		return nil, fmt.Errorf("Failed to load config: %w", err) //nolint:staticcheck // the original's words
	}
	return r, nil
}

func (c *Config) settle() {
	if c.Speed <= 0 {
		c.Speed = 1
	}
	if c.Version == "" {
		c.Version = "2.17.3"
	}
	if c.Tries == nil {
		c.Tries = []time.Duration{time.Second, 2 * time.Second}
	}
	for d, standard := range map[*time.Duration]time.Duration{&c.Unresolved: 1500 * time.Millisecond, &c.Linger: 3 * time.Second} {
		if *d == 0 {
			*d = standard
		}
	}
	if c.Say == nil {
		c.Say = func(string) {}
	}
}

// Stop is Ctrl-C: the files are closed and told of, the settings saved, and the webhooks have the linger's time to arrive.
func (r *Recorder) Stop() { r.end.Do(r.stop) }

func (r *Recorder) stop() {
	r.mu.Lock()
	r.stopped = true
	for _, m := range r.rooms {
		m.endSession()
	}
	r.mu.Unlock()
	r.sessions.Wait()
	r.mu.Lock()
	r.save()
	r.mu.Unlock()
	r.hooks.wait(r.cfg.Linger)
	close(r.killed)
}

// Kill is SIGKILL: nothing is closed, told or saved.
func (r *Recorder) Kill() { r.end.Do(r.kill) }

func (r *Recorder) kill() {
	r.mu.Lock()
	r.stopped = true
	r.mu.Unlock()
	r.hooks.stop()
	close(r.killed)
	r.sessions.Wait()
}

// Handler is the recorder's HTTP API.
func (r *Recorder) Handler() http.Handler { return r.handler }

// Instead puts an answer before the real ones, for what goes wrong: it returns true when it has answered. Nil ends it.
func (r *Recorder) Instead(answer func(http.ResponseWriter, *http.Request) bool) {
	if answer == nil {
		r.instead.Store(nil)
		return
	}
	r.instead.Store(&answer)
}

// Live says that a streamer goes on or off the air.
func (r *Recorder) Live(roomID int64, live bool) {
	r.change(roomID, func(s *Streamer) { s.Live = live })
}

// Retitle gives a streamer's broadcast another title.
func (r *Recorder) Retitle(roomID int64, title string) {
	r.change(roomID, func(s *Streamer) { s.Title = title })
}

func (r *Recorder) change(roomID int64, change func(*Streamer)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.world {
		if r.world[i].RoomID == roomID {
			change(&r.world[i])
		}
	}
	for _, m := range r.rooms {
		if m.id == roomID && m.named() {
			m.refresh()
		}
	}
}

// Reconnect breaks the stream of a room: its session ends, and the next begins.
func (r *Recorder) Reconnect(roomID int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.rooms {
		if m.id == roomID {
			m.endSession()
		}
	}
}

// Files are the paths of all files of this life, relative to the work folder, in the order in which they were begun.
func (r *Recorder) Files() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.files...)
}

func (r *Recorder) streamer(id int64) (Streamer, bool) {
	for _, s := range r.world {
		if s.RoomID == id || s.ShortID == id && id > 0 {
			return s, true
		}
	}
	return Streamer{}, false
}
