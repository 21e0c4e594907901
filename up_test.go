//go:build unix

package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ngworks/nglive/tasks"
)

// fakePart is a web or a worker that does what the test says.
type fakePart struct {
	life      func(ctx context.Context) error
	listening chan struct{}
}

func newFakePart(life func(ctx context.Context) error) *fakePart {
	p := &fakePart{life: life, listening: make(chan struct{})}
	close(p.listening)
	return p
}

func (p *fakePart) Run(ctx context.Context) error { return p.life(ctx) }
func (p *fakePart) Listening() <-chan struct{}    { return p.listening }
func (p *fakePart) Addr() string                  { return "127.0.0.1:4711" }
func (p *fakePart) Close() error                  { return nil }
func (p *fakePart) Handler() http.Handler         { return http.NotFoundHandler() }
func (p *fakePart) Healthy() bool                 { return true }

func untilStopped(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// testHousehold runs on a real redis-server and fake parts.
func testHousehold(t *testing.T, environ ...string) (h *household, out, log *screen) {
	t.Helper()
	_, all := home(t)
	c, out, log := testConsole(append(all, environ...)...)
	i, err := c.open(t.Context())
	if err != nil {
		t.Fatal(err, log)
	}
	h = newHousehold(i)
	h.out, h.restartBreak = out, time.Millisecond
	h.makeWeb = func(*bus) (webPart, error) { return newFakePart(untilStopped), nil }
	h.makeWorker = func(*bus) (workerPart, error) { return newFakePart(untilStopped), nil }
	return h, out, log
}

// inTheBackground runs the household until the returned function is called.
func inTheBackground(t *testing.T, h *household, out *screen) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.run(ctx) }()
	stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { _ = stop() })
	until(t, 20*time.Second, "the lines that say where everything is", func() bool { return strings.Contains(out.String(), "Ctrl-C") })
	return stop
}

func TestUp_stopsWorkerThenWebThenRedis(t *testing.T) {
	h, out, log := testHousehold(t)
	var mu sync.Mutex
	var order []string
	lastWords := func(name string) func(context.Context) error {
		return func(ctx context.Context) error {
			<-ctx.Done()
			err := ping(context.WithoutCancel(ctx), h.bus.rdb)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				order = append(order, name+" without Redis: "+err.Error())
			} else {
				order = append(order, name)
			}
			return ctx.Err()
		}
	}
	h.makeWeb = func(*bus) (webPart, error) { return newFakePart(lastWords("web")), nil }
	h.makeWorker = func(*bus) (workerPart, error) { return newFakePart(lastWords("worker")), nil }
	stop := inTheBackground(t, h, out)
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
	if !slices.Equal(order, []string{"worker", "web"}) {
		t.Errorf("the order was %v", order)
	}
	if !strings.Contains(log.String(), "redis-server stopped") {
		t.Errorf("Redis was not stopped: %s", log)
	}
}

func TestUp_startsAPartAgainThatPanics(t *testing.T) {
	h, out, log := testHousehold(t)
	var lives atomic.Int32
	h.makeWorker = func(*bus) (workerPart, error) {
		return newFakePart(func(ctx context.Context) error {
			if lives.Add(1) < 3 {
				panic("out of luck")
			}
			return untilStopped(ctx)
		}), nil
	}
	inTheBackground(t, h, out)
	until(t, 10*time.Second, "a third life", func() bool { return lives.Load() == 3 })
	if !strings.Contains(log.String(), "out of luck") {
		t.Errorf("nobody said it: %s", log)
	}
}

func TestUp_endsWhenAnotherInstallationHasTheName(t *testing.T) {
	h, _, log := testHousehold(t)
	h.makeWorker = func(*bus) (workerPart, error) {
		return newFakePart(func(context.Context) error { return &tasks.TakenError{Node: "nas"} }), nil
	}
	var taken *tasks.TakenError
	if err := h.run(t.Context()); !errors.As(err, &taken) {
		t.Errorf("it ended with %v", err)
	}
	if !strings.Contains(log.String(), "redis-server stopped") {
		t.Errorf("Redis was not stopped: %s", log)
	}
}

func TestUp_saysWhereEverythingIsAndNoSecret(t *testing.T) {
	const token = "0123456789abcdef-token"
	h, out, log := testHousehold(t, "NGLIVE_TOKEN="+token)
	inTheBackground(t, h, out)
	for _, want := range []string{
		"http://127.0.0.1:4711/", "/docs/", "/asynq/", "/webhook/", "录播姬", h.cfg.RecordingsDir, h.cfg.ArchiveDir, "doctor --show-webhook",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not said:\n%s", want, out)
		}
	}
	for _, secret := range []string{token, tasks.WebhookToken(h.secret), "token="} {
		if strings.Contains(out.String()+log.String(), secret) {
			t.Errorf("a secret is said:\n%s\n%s", out, log)
		}
	}
	noted, err := os.ReadFile(filepath.Join(h.cfg.DataDir, webAddressFile))
	if err != nil || strings.TrimSpace(string(noted)) != "http://127.0.0.1:4711" {
		t.Errorf("the address for submit is %q, %v", noted, err)
	}
}

func TestUp_runsWithoutTheWorkersPort(t *testing.T) {
	h, out, log := testHousehold(t)
	l, err := h.listenForWorker(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	h.cfg.WorkerListen = l.Addr().String()
	inTheBackground(t, h, out)
	if !strings.Contains(log.String(), "runs without its own") {
		t.Errorf("nobody was told: %s", log)
	}
}

func TestUp_refusesASecondOneInTheSameFolder(t *testing.T) {
	dir, environ := home(t)
	if err := os.MkdirAll(filepath.Join(dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	release, _, err := lockFile(filepath.Join(dir, "data", "up.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	c, _, stderr := testConsole(environ...)
	if code := c.run(t.Context(), []string{"up"}); code != exitFailed || !strings.Contains(stderr.String(), "runs already") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func TestUp_refusesAPortThatIsTaken(t *testing.T) {
	h, _, _ := testHousehold(t)
	l, err := h.listenForWorker(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, environ := home(t)
	c, _, stderr := testConsole(append(environ, "NGLIVE_LISTEN="+l.Addr().String())...)
	if code := c.run(t.Context(), []string{"up"}); code != exitFailed || !strings.Contains(stderr.String(), "NGLIVE_LISTEN") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func TestTokenGuard_letsNobodyPastHealthz(t *testing.T) {
	const token = "0123456789abcdef"
	for _, test := range []struct {
		path, given, needs string
		status             int
	}{
		{"/healthz", "", token, 204},
		{"/metrics", "", token, 401},
		{"/metrics", "Bearer wrong", token, 401},
		{"/metrics", "Bearer " + token, token, 204},
		{"/metrics", "", "", 204},
	} {
		next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, test.path, http.NoBody)
		req.Header.Set("Authorization", test.given)
		answer := httptest.NewRecorder()
		tokenGuard(next, test.needs).ServeHTTP(answer, req)
		if answer.Code != test.status {
			t.Errorf("%s with %q where %q is needed: %d", test.path, test.given, test.needs, answer.Code)
		}
	}
}
