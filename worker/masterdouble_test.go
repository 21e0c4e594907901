package worker

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/ngworks/nglive/tasks"
)

// masterToken is written into the address as a user would, and must never be seen again.
const masterToken = "t0k-hunter2"

// masterDouble is a master: a WebSocket server that knows nothing of pings beyond what every WebSocket library does, and that
// takes only frames of the original's shape.
type masterDouble struct {
	t       *testing.T
	address string

	mu       sync.Mutex
	server   *http.Server
	line     *websocket.Conn
	lines    int // connections so far
	refused  int // dials that were not let in
	closed   bool
	deaf     bool // it answers no pings
	frames   []tasks.Event
	replies  map[string]map[string]any
	answered int
	faults   []string
}

func newMasterDouble(t *testing.T) *masterDouble {
	t.Helper()
	m := &masterDouble{t: t, replies: map[string]map[string]any{}}
	m.start()
	t.Cleanup(func() {
		m.stop()
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, f := range m.faults {
			t.Error(f)
		}
	})
	return m
}

// url is what a user writes into NGLIVE_REVERSE_WS_URL.
func (m *masterDouble) url() string {
	return "ws://" + m.address + "/nglive/node-1/ws?token=" + masterToken + "&x=%2F1"
}

// start listens, on the same address as before.
func (m *masterDouble) start() {
	m.t.Helper()
	address := m.address
	if address == "" {
		address = "127.0.0.1:0"
	}
	var l net.Listener
	require.Eventually(m.t, func() bool {
		var err error
		l, err = (&net.ListenConfig{}).Listen(m.t.Context(), "tcp", address)
		return err == nil
	}, 10*time.Second, 20*time.Millisecond)
	server := &http.Server{Handler: m, ReadHeaderTimeout: time.Second}
	m.mu.Lock()
	m.address, m.server = l.Addr().String(), server
	m.mu.Unlock()
	go func() { _ = server.Serve(l) }()
}

// stop is a master that dies: nobody listens, and the line is cut without a word.
func (m *masterDouble) stop() {
	m.mu.Lock()
	server, line := m.server, m.line
	m.mu.Unlock()
	_ = server.Close()
	if line != nil {
		_ = line.NetConn().Close()
	}
}

func (m *masterDouble) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/nglive/node-1/ws" || r.URL.RawQuery != "token="+masterToken+"&x=%2F1" || m.isClosed() {
		m.mu.Lock()
		m.refused++
		m.mu.Unlock()
		http.Error(w, "no", http.StatusUnauthorized)
		return
	}
	conn, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	m.mu.Lock()
	m.line, m.lines = conn, m.lines+1
	if m.deaf {
		conn.SetPingHandler(func(string) error { return nil })
	}
	m.mu.Unlock()
	for {
		kind, text, err := conn.ReadMessage()
		if err != nil {
			return
		}
		m.take(kind, text)
	}
}

func (m *masterDouble) isClosed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.closed
}

// take is as strict as the original's master would have to be.
func (m *masterDouble) take(kind int, text []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var raw map[string]any
	if err := json.Unmarshal(text, &raw); err != nil || kind != websocket.TextMessage {
		m.faults = append(m.faults, "no JSON in a text frame: "+string(text))
		return
	}
	if raw["CMD"] == "reply" {
		m.answered++
		req, _ := json.Marshal(raw["REQ"])
		m.replies[string(req)] = raw
		return
	}
	if why := wrongFrame(raw); why != nil {
		m.faults = append(m.faults, why.Error()+": "+string(text))
	}
	var e tasks.Event
	_ = json.Unmarshal(text, &e)
	m.frames = append(m.frames, e)
}

// wrongFrame compares a frame with the shapes that the original sent.
func wrongFrame(raw map[string]any) error {
	number := func(in any, keys ...string) bool {
		o, ok := in.(map[string]any)
		return ok && !slices.ContainsFunc(keys, func(k string) bool { _, is := o[k].(float64); return !is })
	}
	text := func(key string) bool { s, ok := raw[key].(string); return ok && s != "" }
	switch raw["CMD"] {
	case "heartbeat":
		if !text("UUID") || !text("name") || !number(raw["cpu"], "cpu", "cpu_logical", "percent") ||
			!number(raw["memory"], "total", "used", "percent") || !number(raw["disk"], "total", "used", "free", "percent") {
			return errors.New("a heartbeat of another shape")
		}
	case "IsTranscode", "IsUp":
		if comp, ok := raw["COMP"].(float64); !text("ID") || !ok || comp != float64(int(comp)) || comp < 0 || comp > 100 {
			return errors.New("progress of another shape")
		}
	case "gap", "NodeUp", "NodeDown", "Refused", "StreamStarted", "StreamEnded", "RecorderUp", "RecorderDown":
	default:
		if !text("CMD") || !text("ID") {
			return errors.New("an event without CMD or ID")
		}
	}
	return nil
}

// say sends a message down the line, whatever it is.
func (m *masterDouble) say(kind int, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.line != nil {
		_ = m.line.SetWriteDeadline(time.Now().Add(20 * time.Second))
		_ = m.line.WriteMessage(kind, []byte(text))
	}
}

// ask sends a command and returns the reply to it.
func (m *masterDouble) ask(req, cmd, arg string) map[string]any {
	m.t.Helper()
	m.say(websocket.TextMessage, `{"CMD":"`+cmd+`","REQ":`+req+`,"ARG":`+arg+`}`)
	var reply map[string]any
	require.Eventually(m.t, func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		reply = m.replies[req]
		return reply != nil
	}, 60*time.Second, 10*time.Millisecond, "a reply to "+cmd)
	return reply
}

// linked counts the connections so far.
func (m *masterDouble) linked() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lines
}

// heard lists the events so far that are no heartbeats and no progress, by their FILE where they have one.
func (m *masterDouble) heard() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []string
	for _, e := range m.frames {
		if e.CMD != tasks.Heartbeat && e.CMD != tasks.IsUp && e.CMD != tasks.IsTranscode {
			all = append(all, strings.TrimSuffix(e.CMD+" "+e.FILE, " "))
		}
	}
	return all
}

// count counts the frames of one kind.
func (m *masterDouble) count(cmd string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, e := range m.frames {
		if e.CMD == cmd {
			n++
		}
	}
	return n
}

// eventWithID is an event with a number of its own, as an emptied Redis with another clock would give it.
func eventWithID(id, file string) *redis.XAddArgs {
	e, _ := json.Marshal(tasks.Event{CMD: tasks.FileOpening, ID: "0123456789abcdef", NODE: "test", FILE: file})
	return &redis.XAddArgs{Stream: "nglive:events", ID: id, Values: []any{"e", string(e)}}
}
