//go:build chaos && linux

package main

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ngworks/nglive/tasks"
)

// recorderDouble writes files and posts webhooks as BililiveRecorder does: three tries at 0, +1 and +3 s, then silence.
type recorderDouble struct {
	plan   *plan
	films  *films
	bases  []string // the copies of web, before which something shares out what comes
	dir    string   // RECORDINGS_DIR
	client *http.Client

	wg    sync.WaitGroup
	mu    sync.Mutex
	made  map[int]*made
	free  func(context.Context, *made) bool // a finished take's path may be used again
	taken map[string]bool                   // ids of events that were answered 2xx

	sent, unheard atomic.Int64 // deliveries begun, and given up after three tries
}

// made is what became of a take.
type made struct {
	take     *take
	again    *made  // the one whose path it used again
	path     string // relative to RECORDINGS_DIR, as announced
	now      string // where it is now
	print    fingerprint
	opened   time.Time
	closedAt time.Time
}

func newRecorderDouble(p *plan, f *films, s *system) *recorderDouble {
	return &recorderDouble{
		plan: p, films: f, bases: s.bases(), dir: filepath.Join(s.dir, "recordings"),
		client: &http.Client{Timeout: 100 * time.Second}, made: map[int]*made{}, taken: map[string]bool{},
	}
}

// play does everything that the plan has, and returns when the last delivery is over.
func (d *recorderDouble) play(ctx context.Context) {
	began := time.Now()
	for _, t := range d.plan.takes {
		d.wg.Go(func() {
			pause(ctx, time.Until(began.Add(t.begin)))
			d.record(ctx, t)
		})
	}
	d.wg.Wait()
}

// record writes one file while its events go out.
func (d *recorderDouble) record(ctx context.Context, t *take) {
	m := &made{take: t, opened: time.Now()}
	if m.again = d.freed(ctx, t); m.again != nil {
		m.path, m.opened = m.again.path, time.Now()
	} else {
		m.path = filepath.Join(tasks.Slashed(t.streamerFolder()), t.stem(m.opened)+".flv")
	}
	m.now = m.path
	content := d.films.content(t, m.opened)
	m.print = fingerprintOfBytes(content)
	d.mu.Lock()
	d.made[t.n] = m
	d.mu.Unlock()
	for _, e := range t.posts {
		if !e.closed {
			d.announce(ctx, m, e, m.opened)
		}
	}
	d.write(ctx, filepath.Join(d.dir, m.path), content, t)
	d.mu.Lock()
	m.closedAt = time.Now()
	d.mu.Unlock()
	for _, e := range t.posts {
		if e.closed {
			d.announce(ctx, m, e, m.closedAt)
		}
	}
}

// freed waits for the path that a take is to use again, for a while.
func (d *recorderDouble) freed(ctx context.Context, t *take) *made {
	if t.again == nil {
		return nil
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); pause(ctx, 500*time.Millisecond) {
		d.mu.Lock()
		former := d.made[t.again.n]
		d.mu.Unlock()
		if former != nil && d.free(ctx, former) {
			return former
		}
	}
	return nil
}

// write grows a file: it stays open until it is whole, and a little comment file lies beside it.
func (d *recorderDouble) write(ctx context.Context, path string, content []byte, t *take) {
	f := d.create(path)
	const pieces = 5
	for i := range pieces {
		from, to := len(content)*i/pieces, len(content)*(i+1)/pieces
		if _, err := f.Write(content[from:to]); err != nil {
			panic(err)
		}
		pause(ctx, t.grow/pieces)
	}
	comments := path[:len(path)-len(".flv")] + ".xml"
	if err := os.WriteFile(comments, []byte(t.comments()), 0o600); err != nil {
		panic(err)
	}
	if err := f.Close(); err != nil {
		panic(err)
	}
}

func (d *recorderDouble) create(path string) *os.File {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		panic(err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	return f
}

func (t *take) streamerFolder() string { return t.streamer() }

// announce lets an event's deliveries go out, each at its time.
func (d *recorderDouble) announce(ctx context.Context, m *made, e post, from time.Time) {
	event := m.event(e)
	for n, delay := range e.delays {
		d.wg.Go(func() {
			pause(ctx, time.Until(from.Add(e.after+delay)))
			d.deliver(ctx, event, n)
		})
	}
}

// deliver tries three times, at one copy of web after the other; n is which delivery of the event it is.
func (d *recorderDouble) deliver(ctx context.Context, event recorderEvent, n int) {
	d.sent.Add(1)
	for try, wait := range []time.Duration{0, time.Second, 2 * time.Second} {
		pause(ctx, wait)
		c := &client{base: d.bases[(int(event.EventID[0])+n+try)%len(d.bases)], http: d.client}
		if c.call(ctx, http.MethodPost, "/webhook/?node="+chaosNode, event, nil) == nil {
			d.mu.Lock()
			d.taken[event.EventID] = true
			d.mu.Unlock()
			return
		}
	}
	d.unheard.Add(1)
}

// event is its body; all deliveries of one are the same.
func (m *made) event(e post) recorderEvent {
	t := m.take
	about := eventData{
		SessionID: t.session, RoomID: t.room, Name: t.streamer(), Title: t.title(), AreaNameParent: "生活", AreaNameChild: "影音馆",
		Recording: true, Streaming: true, DanmakuConnected: true,
	}
	switch e.kind {
	case tasks.StreamStarted, tasks.StreamEnded:
		about.SessionID = ""
	case tasks.FileOpening:
		about.RelativePath, about.FileOpenTime = m.path, recorderTime(m.opened)
	case tasks.FileClosed:
		length := m.closedAt.Sub(m.opened).Seconds()
		about.RelativePath, about.FileOpenTime, about.FileCloseTime = m.path, recorderTime(m.opened), recorderTime(m.closedAt)
		about.FileSize, about.Duration = &m.print.size, &length
	}
	return recorderEvent{EventType: e.kind, EventTimestamp: recorderTime(time.Now()), EventID: e.id, EventData: about}
}

// all returns what was made, by number.
func (d *recorderDouble) all() []*made {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := make([]*made, 0, len(d.made))
	for n := range d.plan.takes {
		if m := d.made[n]; m != nil {
			list = append(list, m)
		}
	}
	return list
}

// heard reports whether an event was answered 2xx.
func (d *recorderDouble) heard(event string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.taken[event]
}
