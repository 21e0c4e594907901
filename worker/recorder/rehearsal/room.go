package rehearsal

import (
	"time"

	"github.com/google/uuid"
)

// room is one room of the recorder. Everything in it is guarded by the recorder's mutex.
type room struct {
	recorder *Recorder
	object   string // new in each life
	id       int64  // the short id until the room is resolved
	known    Streamer
	auto     bool // record by itself
	thisTime bool // … for the rest of this stream
	config   map[string]optional
	live     bool
	session  *session
	removed  bool
}

func (r *Recorder) newRoom(id int64, auto bool) *room {
	m := &room{recorder: r, object: uuid.NewString(), id: id, known: Streamer{RoomID: id}, auto: auto, thisTime: true, config: map[string]optional{}}
	r.rooms = append(r.rooms, m)
	if r.cfg.Unresolved > 0 {
		time.AfterFunc(r.cfg.Unresolved, func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			m.refresh()
		})
	}
	return m
}

func (m *room) named() bool { return m.known.Name != "" }

// refresh asks Bilibili. A room that does not exist stays as it was, without a word.
func (m *room) refresh() {
	s, ok := m.recorder.streamer(m.id)
	if !ok || m.removed || m.recorder.stopped {
		return
	}
	began, ended := s.Live && !m.live, !s.Live && m.live
	m.live = s.Live
	if began {
		m.recorder.hooks.post("StreamStarted", m.event()) // still without a name when the room is new
	}
	m.known, m.id = s, s.RoomID
	if ended {
		m.recorder.hooks.post("StreamEnded", m.event())
		m.thisTime = true
		m.endSession()
	}
	if m.live && m.auto && m.thisTime {
		m.startSession()
	}
}

// start asks for a recording; it is no error when the streamer is away.
func (m *room) start() {
	m.thisTime = true
	if m.live {
		m.startSession()
	}
}

func (m *room) stop() {
	m.thisTime = false
	m.endSession()
}

func (m *room) split() {
	if m.session != nil {
		select {
		case m.session.cut <- struct{}{}:
		default:
		}
	}
}

// common is what every event of version 2 tells.
type common struct {
	RoomID           int64  `json:"RoomId"`
	ShortID          int64  `json:"ShortId"`
	Name             string `json:"Name"`
	Title            string `json:"Title"`
	AreaNameParent   string `json:"AreaNameParent"`
	AreaNameChild    string `json:"AreaNameChild"`
	Recording        bool   `json:"Recording"`
	Streaming        bool   `json:"Streaming"`
	DanmakuConnected bool   `json:"DanmakuConnected"`
}

type sessionEvent struct {
	SessionID string `json:"SessionId"`
	common
}

// fileEvent has the concrete fields first, as the original serialises them.
type fileEvent struct {
	RelativePath  string
	FileSize      *int64   `json:",omitempty"`
	Duration      *float64 `json:",omitempty"`
	FileOpenTime  string
	FileCloseTime string `json:",omitempty"`
	SessionID     string `json:"SessionId"`
	common
}

func (e fileEvent) size() int64 {
	if e.FileSize == nil {
		return 0
	}
	return *e.FileSize
}

func (m *room) event() common {
	k := m.known
	return common{k.RoomID, k.ShortID, k.Name, k.Title, k.Parent, k.Child, m.session != nil, m.live, m.live}
}
