// Package recordertest gives tests a recorder: rehearsal's, behind a real listener, with real films. It is for tests only and
// never part of the program. recordertest/cmd is the same as a program that understands BililiveRecorder.Cli's command line.
package recordertest

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ngworks/nglive/worker/flv/flvtest"
	"github.com/ngworks/nglive/worker/recorder/rehearsal"
)

// User and Password open every double that has a password.
const (
	User     = "nglive"
	Password = "for-tests-only"
)

// Double is a recorder that can be restarted at the same address, as the real one is.
type Double struct {
	*rehearsal.Recorder
	URL string
	Dir string

	tb     testing.TB
	cfg    rehearsal.Config
	mu     sync.Mutex
	server *http.Server
}

// Streamers are the world of a double that is given none: one with a short id and one without.
func Streamers() []rehearsal.Streamer {
	return []rehearsal.Streamer{
		{RoomID: 23058, ShortID: 3, UID: 11153765, Name: "3号直播间", Title: "哔哩哔哩音悦台", Parent: "电台", Child: "唱见电台"},
		{RoomID: 1888544306, UID: 2, Name: "长号 long", Title: "a \"title\" with: *strange* 字符 ?", Parent: "生活", Child: "影音馆"},
	}
}

// Quick makes the times short: webhook tries after 10 and 20 ms, names at once when refreshed and never by themselves, no linger.
func Quick(cfg rehearsal.Config) rehearsal.Config {
	cfg.Tries = []time.Duration{10 * time.Millisecond, 20 * time.Millisecond}
	if cfg.Unresolved == 0 {
		cfg.Unresolved = -1
	}
	if cfg.Linger == 0 {
		cfg.Linger = 50 * time.Millisecond
	}
	return cfg
}

// Start runs a double until the test ends. What cfg leaves out gets a folder of its own, Streamers, a film of 2 s and, unless
// it has open access, User and Password.
func Start(tb testing.TB, cfg rehearsal.Config) *Double {
	tb.Helper()
	if cfg.Dir == "" {
		cfg.Dir = tb.TempDir()
	}
	if cfg.Streamers == nil {
		cfg.Streamers = Streamers()
	}
	if cfg.Film == nil {
		cfg.Film = Film(tb)
	}
	if !cfg.OpenAccess && cfg.User == "" && cfg.Password == "" {
		cfg.User, cfg.Password = User, Password
	}
	d := &Double{tb: tb, cfg: cfg, Dir: cfg.Dir}
	d.begin("127.0.0.1:0")
	tb.Cleanup(d.Kill)
	return d
}

// Film is a short real FLV.
func Film(tb testing.TB) []byte {
	tb.Helper()
	return flvtest.Read(tb, flvtest.Clip(tb, tb.TempDir(), 2))
}

func (d *Double) begin(address string) {
	d.tb.Helper()
	l := Listen(d.tb, address)
	r, err := rehearsal.New(d.cfg)
	if err != nil {
		d.tb.Fatal(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.Recorder, d.URL = r, "http://"+l.Addr().String()
	d.server = &http.Server{Handler: r.Handler()}
	go func() { _ = d.server.Serve(l) }()
}

// Stop is Ctrl-C: it returns when the recorder has ended.
func (d *Double) Stop() {
	d.Recorder.Stop()
	d.shut()
}

// Kill is SIGKILL.
func (d *Double) Kill() {
	d.Recorder.Kill()
	d.shut()
}

func (d *Double) shut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	_ = d.server.Close()
}

// Again starts the next life at the same address and on the same folder; the world is as it was at the first one.
func (d *Double) Again() {
	d.tb.Helper()
	d.begin(d.URL[len("http://"):])
}

// Listen listens at an address, and waits a moment for whoever had it before.
func Listen(tb testing.TB, address string) net.Listener {
	tb.Helper()
	var config net.ListenConfig
	for end := time.Now().Add(20 * time.Second); ; {
		l, err := config.Listen(context.Background(), "tcp", address)
		if err == nil {
			return l
		}
		if time.Now().After(end) {
			tb.Fatal(err)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// FreeAddress is an address where nobody listens.
func FreeAddress(tb testing.TB) string {
	tb.Helper()
	l := Listen(tb, "127.0.0.1:0")
	if err := l.Close(); err != nil {
		tb.Fatal(err)
	}
	return l.Addr().String()
}

// Reply is a server that gives everybody the same answer: what a wrong address may lead to.
func Reply(tb testing.TB, status int, contentType, body string) *httptest.Server {
	tb.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	tb.Cleanup(s.Close)
	return s
}

// Role is the variable that makes a test binary play the recorder's program: see BeRecorder.
const Role = "NGTEST_BE_RECORDER"

// BeRecorder plays the recorder's program and ends the process when Role is set and the command line is a recorder's; else it
// returns. A TestMain calls it first, so that RECORDER_PATH can be the test binary itself.
func BeRecorder() {
	if os.Getenv(Role) != "" && len(os.Args) > 1 && os.Args[1] == "run" {
		os.Exit(Main())
	}
}

// Main is the recorder's program.
func Main() int {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	return rehearsal.Program{Args: os.Args[1:], Environ: os.Environ(), Stdout: os.Stdout, Stop: stop}.Main()
}
