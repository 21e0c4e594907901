//go:build chaos && linux

package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ngworks/nglive/tasks"
)

// chaos is one run of `make chaos`: a real installation of real processes, whose recorder, network, disk and power are as bad as they
// get. In the end everything must be as if nothing had happened.
type chaos struct {
	t        *testing.T
	plan     *plan
	films    *films
	expected map[int]fingerprint // the archived file of each take, from a run without chaos
	peace    *system             // where that one happens, meanwhile
	sys      *system
	killer   *killer
	recorder *recorderDouble
	receiver *receiver
	listener *chaosListener
	disk     fullDisk
	retried  map[string]int // dead letters that were retried, by reason
}

// TestChaos is `make chaos`, and with CHAOS=short `make chaos-short`.
func TestChaos(t *testing.T) {
	s := fullScale()
	if os.Getenv("CHAOS") == "short" {
		s = shortScale()
	}
	if n := given(t, "CHAOS_RECORDINGS"); n > 0 {
		s = s.with(int(n)) //nolint:gosec // as many as somebody typed
	}
	seed := given(t, "CHAOS_SEED")
	if seed == 0 {
		seed = 1 + uint64(time.Now().UnixNano()%1_000_000) //nolint:gosec // small
	}
	fmt.Printf("chaos: seed %d (CHAOS_SEED=%d runs the same schedule again)\n", seed, seed)
	began := time.Now()
	c := newChaos(t, newPlan(seed, s))
	c.run()
	v := c.verdict()
	c.report(v, time.Since(began))
	line := fmt.Sprintf("chaos: %d events, %d kills, %d recordings, %d lost, %d doubled, seed %d",
		c.recorder.sent.Load(), c.killer.total(), len(c.plan.takes), v.lost, v.doubled, seed)
	if to := os.Getenv("CHAOS_LINE"); to != "" {
		if err := os.WriteFile(to, []byte(line+"\n"), 0o600); err != nil {
			t.Error(err)
		}
	}
	for _, f := range v.faults {
		t.Error(f)
	}
	if v.lost > 0 || v.doubled > 0 {
		t.Errorf("%d lost, %d doubled", v.lost, v.doubled)
	}
	fmt.Println(line)
}

// given reads a number from the environment; 0 = none.
func given(t *testing.T, name string) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return 0
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		t.Fatalf("%s=%s: %v", name, text, err)
	}
	return n
}

func newChaos(t *testing.T, p *plan) *chaos {
	t.Helper()
	dir := chaosFolder(t)
	binary := filepath.Join(dir, "nglive")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-tags", "failpoints", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build nglive with failpoints: %v\n%s", err, out)
	}
	c := &chaos{t: t, plan: p, films: newFilms(t, dir), retried: map[string]int{}}
	c.peace = newSystem(t, binary, filepath.Join(dir, "peace"), "NGLIVE_DISK_WARN=0", "NGLIVE_DISK_HOLD=0",
		"NGLIVE_REMUX_CONCURRENCY=4", "NGLIVE_ENCODE_CONCURRENCY=2", "NGLIVE_UPLOAD_CONCURRENCY=4")
	home := filepath.Join(dir, "chaos")
	c.disk = newFullDisk(t, home)
	c.receiver = newReceiver(t, p.seed)
	c.sys = newSystem(t, binary, home, append(c.disk.settings(),
		"NGLIVE_SWEEP_INTERVAL=2s", "NGLIVE_SWEEP_SETTLE=3s", "NGLIVE_NOTIFY_URLS="+c.receiver.URL, "NGLIVE_NOTIFY_SECRET="+c.receiver.secret,
		"NGLIVE_NOTIFY_EVENTS=errors,StepHeld,FileClosed,FlowFinished,SessionStarted")...)
	c.sys.webs[otherWeb] = freeAddress(t)
	c.killer = newKiller(t, c.sys, p, c.disk)
	c.recorder = newRecorderDouble(p, c.films, c.sys)
	c.recorder.free = c.letGo
	c.listener = &chaosListener{bases: c.sys.bases()}
	return c
}

// chaosFolder is a folder with a short name (it holds a socket); it stays when the run failed.
func chaosFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ngc") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("everything is still there to be looked at: %s", dir)
			return
		}
		_ = os.RemoveAll(dir)
	})
	return dir
}

// letGo reports whether a take is finished, its opening known, and its file gone.
func (c *chaos) letGo(ctx context.Context, m *made) bool {
	list, err := c.sys.recordings(ctx)
	if err != nil {
		return false
	}
	finished := slices.ContainsFunc(list, func(r tasks.Recording) bool {
		return r.Path == m.path && r.State == tasks.Finished && !r.OpenedAt.IsZero()
	})
	_, err = os.Stat(filepath.Join(c.recorder.dir, m.path))
	return finished && os.IsNotExist(err)
}

// prepare gives the rooms their flows.
func (s *system) prepare() {
	s.t.Helper()
	for room, f := range flows() {
		draft := map[string]any{"id": f.ID, "name": f.Name, "steps": f.Steps}
		if err := s.client.call(s.t.Context(), "POST", "/api/flows", draft, nil); err != nil {
			s.t.Fatal(err)
		}
		path := fmt.Sprintf("/api/rooms/%d/flow", firstRoom+room)
		if err := s.client.call(s.t.Context(), "PUT", path, map[string]string{"flow": f.ID}, nil); err != nil {
			s.t.Fatal(err)
		}
	}
}

// reference takes every recording through the same pipeline in peace, and keeps the checksums of what it archived.
func (c *chaos) reference(ctx context.Context) error {
	calm := newRecorderDouble(&plan{scale: c.plan.scale}, c.films, c.peace)
	for _, k := range c.plan.takes {
		quiet := &take{n: k.n, room: k.room, session: k.session, flaw: k.flaw}
		quiet.posts = []post{{kind: tasks.FileClosed, id: k.posts[3].id, closed: true, delays: []time.Duration{0}}}
		calm.record(ctx, quiet)
	}
	calm.wg.Wait()
	byPath := map[string]tasks.Recording{}
	for over := 0; over < len(c.plan.takes); pause(ctx, time.Second) {
		if ctx.Err() != nil {
			return fmt.Errorf("the run in peace came to %d of %d recordings: %w", over, len(c.plan.takes), ctx.Err())
		}
		list, _ := c.peace.recordings(ctx)
		over = 0
		for _, r := range list {
			if byPath[r.Path] = r; r.State.Over() {
				over++
			}
		}
	}
	c.expected = map[int]fingerprint{}
	for n, m := range maps.All(calm.made) {
		r := byPath[m.path]
		switch {
		case r.State == tasks.Finished:
			c.expected[n] = must(fingerprintOf(r.Step("upload").Output.Location))
		case m.take.flaw == sound:
			return fmt.Errorf("take %d came to nothing in peace: %s %s", n, r.State, r.Error)
		}
	}
	return nil
}

// run is the bad time, and then the wait for everything to come to its end.
func (c *chaos) run() {
	c.t.Helper()
	for _, s := range []*system{c.peace, c.sys} {
		s.open()
		s.prepare()
	}
	ctx, stop := context.WithCancel(c.t.Context())
	defer stop()
	go c.listener.listen(ctx)
	go c.move(ctx)
	compared := make(chan error, 1)
	go func() {
		within, stop := context.WithTimeout(ctx, c.plan.scale.play+2*c.plan.scale.settle)
		defer stop()
		compared <- c.reference(within)
	}()
	for _, k := range slices.Backward(c.sys.components()) { // from now on the killer starts them
		p := c.sys.current(k)
		_ = p.cmd.Process.Kill()
		<-p.gone
	}
	bad, better := context.WithCancel(ctx)
	var killing sync.WaitGroup
	for _, k := range c.sys.components() {
		killing.Go(func() { c.killer.keep(bad, k) })
	}
	killing.Go(func() { c.killer.hunt(bad) })
	killing.Go(func() { c.killer.shake(bad) })
	killing.Go(func() { c.killer.fill(bad) })
	began := time.Now()
	c.recorder.play(ctx)
	for c.killer.total() < c.plan.scale.kills && pause(ctx, 100*time.Millisecond) {
	}
	better()
	killing.Wait()
	fmt.Printf("chaos: %d events sent and %d kills in %s; now it may come to its end\n",
		c.recorder.sent.Load(), c.killer.total(), time.Since(began).Round(time.Second))
	c.disk.free()
	c.calm()
	c.settle(ctx)
	if err := <-compared; err != nil {
		c.t.Fatal(err)
	}
	for k, fault := range c.peace.stop() {
		c.t.Errorf("%s %s, in peace", k, fault)
	}
}

// calm gives every component a last life without failpoints.
func (c *chaos) calm() {
	c.t.Helper()
	last, asleep := map[component]*process{}, map[component]bool{}
	for _, k := range c.sys.components()[1:] {
		_, err := os.Stat(c.sys.awake(k))
		last[k], asleep[k] = c.sys.current(k), err != nil
	}
	for k, fault := range c.sys.stop() {
		p := last[k]
		switch {
		case p != nil && p.killedBy(syscall.SIGKILL): // it reached its failpoint on the way out
		case p != nil && asleep[k] && p.killedBy(syscall.SIGTERM): // its life was younger than its signal handler
		default:
			c.killer.fault("%s %s", k, fault)
		}
	}
	for _, k := range c.sys.components() {
		c.sys.start(k)
	}
}

// move renames sources of finished recordings, as people do. NGlive must not take them for new ones.
func (c *chaos) move(ctx context.Context) {
	for pause(ctx, time.Second) {
		list, err := c.sys.recordings(ctx)
		if err != nil {
			continue
		}
		finished := map[string]bool{}
		for _, r := range list {
			finished[r.Path] = r.State == tasks.Finished
		}
		for _, m := range c.recorder.all() {
			if m.take.moved && !m.take.clearsSource() && finished[m.path] && m.now == m.path {
				to := filepath.Join(filepath.Dir(m.path), "moved "+filepath.Base(m.path))
				if os.Rename(filepath.Join(c.recorder.dir, m.path), filepath.Join(c.recorder.dir, to)) == nil {
					c.recorder.mu.Lock()
					m.now = to
					c.recorder.mu.Unlock()
				}
			}
		}
	}
}
