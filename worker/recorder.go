package worker

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker/recorder"
)

// RecorderConfig says which recorder is this node's. With URL it is one that runs by itself, with Path one that the worker
// runs; with neither the node has none.
type RecorderConfig struct {
	URL      string
	Path     string   // BililiveRecorder.Cli; its work folder is RecordingsDir
	Listen   string   // host:port for the API of one that the worker runs
	User     string   // of its API
	Password string   // empty with Path: a random one for each start of the worker
	Webhook  string   // our webhook as the recorder finds it, with node and token; empty: its list is left alone
	Environ  []string // what one that the worker runs inherits

	Times recorder.Times // empty: the usual ones
	Grace time.Duration  // for a recorder to end; 0: 15 s
}

// RecorderState is how it stands with the node's recorder.
type RecorderState = recorder.State

// recorderPost is the worker's side of its recorder.
type recorderPost struct {
	client *recorder.Client
	watch  *recorder.Watch
	keeper *recorder.Keeper // nil when the recorder runs by itself

	mu      sync.Mutex
	heard   []func(RecorderState)
	told    string // the last event of it
	trouble string // the last trouble in the log
}

// Recorder is the client of this node's recorder; nil when it has none.
func (w *Worker) Recorder() *recorder.Client {
	if w.recorder == nil {
		return nil
	}
	return w.recorder.client
}

// RecorderState is how it stands with the recorder now; the zero value when the node has none.
func (w *Worker) RecorderState() RecorderState {
	if w.recorder == nil {
		return RecorderState{}
	}
	return w.recorder.watch.State()
}

// OnRecorder asks to be told of each change of the recorder's state: it comes or goes, or was started again (Life). The calls
// come one at a time and must not block.
func (w *Worker) OnRecorder(f func(RecorderState)) {
	if w.recorder == nil {
		return
	}
	w.recorder.mu.Lock()
	defer w.recorder.mu.Unlock()
	w.recorder.heard = append(w.recorder.heard, f)
}

// openRecorder prepares the client, the watch and, for a recorder of ours, the keeper. Nothing is started.
func (w *Worker) openRecorder() error {
	cfg := w.cfg.Recorder
	at := cfg.URL
	if cfg.Path != "" {
		at = "http://" + reachable(cfg.Listen)
		if cfg.Password == "" {
			cfg.User, cfg.Password = "nglive", rand.Text()
		}
	}
	if at == "" {
		return nil
	}
	client, err := recorder.New(recorder.Config{URL: at, User: cfg.User, Password: cfg.Password})
	if err != nil {
		return err
	}
	p := &recorderPost{client: client}
	p.watch = recorder.NewWatch(client, cfg.Webhook, cfg.Times, w.recorderChanged)
	if cfg.Path != "" {
		p.keeper = recorder.NewKeeper(recorder.Program{
			Path: cfg.Path, Folder: w.cfg.RecordingsDir, Listen: cfg.Listen, User: cfg.User, Password: cfg.Password,
			Environ: cfg.Environ, Direct: hostsOf(cfg.Webhook), Grace: cfg.Grace, Hide: hiding(cfg.Password, tokenOf(cfg.Webhook)), Line: w.recorderSaid,
		}, p.watch, w.log)
	}
	w.recorder = p
	return nil
}

// reachable is where programs on this machine find a listener.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

func hostsOf(address string) []string {
	if u, err := url.Parse(address); err == nil && u.Hostname() != "" {
		return []string{u.Hostname()}
	}
	return nil
}

func tokenOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Query().Get("token")
}

// hiding takes secrets and the tokens in addresses out of the recorder's output.
func hiding(secrets ...string) func(string) string {
	token := regexp.MustCompile(`(?i)([?&]token=)[^&\s"']+`)
	return func(text string) string {
		for _, secret := range secrets {
			if secret != "" {
				text = strings.ReplaceAll(text, secret, "(secret)")
			}
		}
		return token.ReplaceAllString(text, "${1}(secret)")
	}
}

// recorderSaid brings the recorder's own lines into our log.
func (w *Worker) recorderSaid(line string) {
	switch {
	case strings.Contains(line, "ERR]"), strings.Contains(line, "FTL]"), strings.Contains(line, "WRN]"):
		w.log.Warn("recorder", "said", line)
	case strings.Contains(line, "DBG]"), strings.Contains(line, "VRB]"):
		w.log.Debug("recorder", "said", line)
	default:
		w.log.Info("recorder", "said", line)
	}
}

// startRecorder runs the recorder, if it is ours to run, and watches it. It needs no Redis: what is on the air now is gone
// later. When ctx ends the recorder is stopped at once, while this node's own work is still being put away; the function
// returned waits for its end. Web must outlive that: the recorder's last events come in its last seconds.
func (w *Worker) startRecorder(ctx context.Context) (stop func()) {
	p := w.recorder
	if p == nil {
		return func() {}
	}
	running, end := context.WithCancel(ctx)
	watching, unwatch := context.WithCancel(context.WithoutCancel(ctx))
	var both sync.WaitGroup
	both.Go(func() {
		_ = w.keep(watching, "recorder's watch", func(ctx context.Context) error { p.watch.Run(ctx); return ctx.Err() })
	})
	both.Go(func() {
		defer unwatch()
		if p.keeper == nil {
			<-running.Done()
			return
		}
		_ = w.keep(running, "recorder", func(ctx context.Context) error { p.keeper.Run(ctx); return ctx.Err() })
	})
	return func() {
		end()
		both.Wait()
	}
}

// recorderChanged is told by the watch, one change at a time.
func (w *Worker) recorderChanged(s RecorderState) {
	p := w.recorder
	p.mu.Lock()
	heard, trouble, told := p.heard, p.trouble, p.told
	p.trouble = s.Trouble
	cmd := ""
	switch {
	case s.Up && told != tasks.RecorderUp:
		cmd = tasks.RecorderUp
	case s.Alarm && !s.Up && told != tasks.RecorderDown:
		cmd = tasks.RecorderDown
	}
	if cmd != "" {
		p.told = cmd
	}
	p.mu.Unlock()
	if s.Trouble != "" && s.Trouble != trouble {
		w.log.Warn("trouble with the recorder", "trouble", s.Trouble)
	}
	if cmd != "" {
		w.tellOfRecorder(cmd, s)
	}
	for _, f := range heard {
		f(s)
	}
}

func (w *Worker) tellOfRecorder(cmd string, s RecorderState) {
	text := s.Trouble
	if cmd == tasks.RecorderUp {
		text = "BililiveRecorder " + s.Version
		w.log.Info("recorder answers", "at", w.recorder.client.Address(), "version", s.Version)
	}
	now := time.Now()
	err := w.journal.post(letter{Event: &tasks.Event{
		CMD: cmd, TS: tasks.Stamp(now), NODE: w.cfg.Node, MSG: text,
		EVENT: fmt.Sprintf("%s.%s.%d", strings.ToLower(cmd), w.cfg.Install, now.UnixNano()),
	}})
	if err != nil {
		w.log.Error("state of the recorder not journalled", "error", err)
	}
}

// recorderInfo is what the others learn of it; nil when the node has none.
func (w *Worker) recorderInfo() *tasks.RecorderInfo {
	if w.recorder == nil {
		return nil
	}
	s := w.recorder.watch.State()
	return &tasks.RecorderInfo{
		Address: w.recorder.client.Address(), Own: w.recorder.keeper != nil, Up: s.Up, Since: tasks.At(s.Since), Version: s.Version,
		Hooked: s.Hooked, Trouble: s.Trouble,
	}
}
