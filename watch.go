package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"github.com/ngworks/nglive/tasks"
)

const (
	// lookAgain is how often the recordings themselves are asked: they are the
	// truth, and the feed is only faster.
	lookAgain   = 2 * time.Second
	feedSilence = 30 * time.Second // heartbeats come every five
	feedRetry   = time.Second
	// longestBreak is how long NGlive may be away before nobody waits any more.
	longestBreak = time.Minute
)

// watched is one recording that somebody waits for.
type watched struct {
	name string // for people
	id   string
	last tasks.Recording
	told bool // its end was shown
}

// tellEnd shows the end of a recording that we saw over before the feed told of it.
func (w *watched) tellEnd(show display) {
	if !w.told {
		w.told = true
		show.event(w.name, tasks.Event{CMD: tasks.FlowFinished, ID: w.id, STATE: w.last.State, MSG: w.last.Error})
	}
}

// watch shows what happens to the recordings until each of them is over, or
// ctx ends.
func (c *client) watch(ctx context.Context, list []*watched, since string, show display) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	events := make(chan tasks.Event, 256)
	go c.listen(ctx, since, events)
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	defer show.close()
	heard := time.Now()
	for {
		open, err := c.look(ctx, list)
		switch {
		case err == nil && open == 0:
			for _, w := range list {
				w.tellEnd(show)
			}
			return nil
		case err == nil:
			heard = time.Now()
		case !passes(err) || time.Since(heard) > longestBreak:
			return err
		}
		if err := c.showUntilTurn(ctx, list, events, tick.C, show); err != nil {
			return err
		}
	}
}

// passes says that web is being started again, or that its Redis is away.
func passes(err error) bool {
	return errors.Is(err, errNobody) || refused(err, http.StatusServiceUnavailable)
}

// look reads the recordings that are not over, and counts those that stay so.
func (c *client) look(ctx context.Context, list []*watched) (open int, err error) {
	for _, w := range list {
		if w.last.State != "" && w.last.State.Over() {
			continue
		}
		r, err := c.recording(ctx, w.id)
		if err != nil {
			return 0, err
		}
		if w.last = r; !r.State.Over() {
			open++
		}
	}
	return open, nil
}

// showUntilTurn shows events until one may have ended a recording, or until it
// is time to look for oneself.
func (c *client) showUntilTurn(ctx context.Context, list []*watched, events <-chan tasks.Event, tick <-chan time.Time, show display) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick:
			return nil
		case e := <-events:
			for _, w := range list {
				if e.ID == w.id {
					w.told = w.told || e.CMD == tasks.FlowFinished
					show.event(w.name, e)
				}
			}
			if e.CMD == tasks.Gap || e.STATE.Over() {
				return nil
			}
		}
	}
}

// listen hands every frame of the feed to events until ctx ends; after a break
// it goes on from the last one it had.
func (c *client) listen(ctx context.Context, since string, events chan<- tasks.Event) {
	for {
		since = c.listenOnce(ctx, since, events)
		if !pause(ctx, feedRetry) {
			return
		}
	}
}

func (c *client) listenOnce(ctx context.Context, since string, events chan<- tasks.Event) string {
	address := "ws" + strings.TrimPrefix(c.base, "http") + "/ws"
	if since != "" {
		address += "?since=" + url.QueryEscape(since)
	}
	conn, res, err := websocket.DefaultDialer.DialContext(ctx, address, c.header())
	if res != nil {
		_ = res.Body.Close()
	}
	if err != nil {
		return since
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	defer func() { _ = conn.Close() }()
	for {
		_ = conn.SetReadDeadline(time.Now().Add(feedSilence))
		_, frame, err := conn.ReadMessage()
		if err != nil {
			return since
		}
		var e tasks.Event
		if json.Unmarshal(frame, &e) != nil || e.CMD == tasks.Heartbeat {
			continue
		}
		if e.SEQ != "" {
			since = e.SEQ
		}
		select {
		case events <- e:
		case <-ctx.Done():
			return since
		}
	}
}

// newestSeq is the feed's last number, so that nothing after it is missed.
func (c *client) newestSeq(ctx context.Context) (string, error) {
	var answer struct {
		Next string `json:"next"`
	}
	err := c.call(ctx, http.MethodGet, "/api/events?since=now&limit=1", nil, &answer)
	return answer.Next, err
}

// outcome puts the end of a recording on stdout and stderr; true when it is done.
func (c *console) outcome(w *watched, cfg Config) bool {
	switch r := w.last; r.State {
	case tasks.Finished, tasks.Skipped:
		if r.State == tasks.Skipped {
			c.complain("%s: its flow leaves it alone / 流程设定为不处理\n", w.name)
		}
		_, _ = fmt.Fprintln(c.stdout, resultOf(r, cfg))
		return true
	case tasks.Failed, tasks.Cancelled, tasks.Missing, tasks.Found, tasks.Opening, tasks.Closed, tasks.Running, tasks.Waiting:
		c.complain("%s: %s / %s: %s\n", w.name, r.State, stateInChinese(r.State), reasonOf(r))
	}
	return false
}

// resultOf is where the recording ended up: in the archive, else as the
// transcoded file, else where it was.
func resultOf(r tasks.Recording, cfg Config) string {
	result := filepath.Join(cfg.RecordingsDir, filepath.FromSlash(r.Path))
	for _, s := range r.Steps {
		if s.State == tasks.StepDone && s.Type == tasks.StepTranscode && s.Output != nil && s.Output.Path != "" {
			result = filepath.Join(cfg.OutputDir, filepath.FromSlash(s.Output.Path))
		}
	}
	for _, s := range r.Steps {
		if s.State == tasks.StepDone && s.Type == tasks.StepUpload && s.Output != nil && s.Output.Location != "" {
			result = s.Output.Location
		}
	}
	return result
}

func reasonOf(r tasks.Recording) string {
	if r.Error != "" {
		return r.Error
	}
	for _, s := range r.Steps {
		if s.Error != "" {
			return s.ID + ": " + s.Error
		}
	}
	return "no reason was given"
}

func stateInChinese(s tasks.State) string {
	switch s {
	case tasks.Failed:
		return "失败"
	case tasks.Cancelled:
		return "已取消"
	case tasks.Missing:
		return "文件不见了"
	case tasks.Found, tasks.Opening, tasks.Closed, tasks.Running, tasks.Waiting, tasks.Finished, tasks.Skipped:
	}
	return "未完成"
}
