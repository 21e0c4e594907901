package rehearsal

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// hookWithin is .NET's own limit of one try.
const hookWithin = 100 * time.Second

// hooks tell the webhooks' addresses what happens, each event on its own way and three times at most. Nothing keeps their
// order, and what nobody takes is gone.
type hooks struct {
	tries     []time.Duration
	agent     string
	say       func(string)
	addresses func() (v1, v2 []string)
	client    *http.Client
	ctx       context.Context //nolint:containedctx // a delivery outlives whoever caused it
	cancel    context.CancelFunc
	under     sync.WaitGroup
}

func newHooks(cfg Config, addresses func() (v1, v2 []string)) *hooks {
	ctx, cancel := context.WithCancel(context.Background())
	return &hooks{
		tries: cfg.Tries, agent: "BililiveRecorder/" + cfg.Version, say: cfg.Say, addresses: addresses, ctx: ctx, cancel: cancel,
		client: &http.Client{Timeout: hookWithin},
	}
}

// envelope is a webhook of version 2.
type envelope struct {
	EventType      string
	EventTimestamp string
	EventID        string `json:"EventId"`
	EventData      any
}

// stamp writes a time as .NET does: up to seven digits, zeros at the end left out, and an offset that is never Z.
func stamp(t time.Time) string {
	digits := strings.TrimRight(t.Format(".0000000"), "0")
	if digits == "." {
		digits = ""
	}
	return t.Format("2006-01-02T15:04:05") + digits + t.Format("-07:00")
}

// post tells of an event. Its caller holds the recorder's mutex.
func (h *hooks) post(kind string, data any) {
	_, v2 := h.addresses()
	h.spread(v2, func() any {
		return envelope{EventType: kind, EventTimestamp: stamp(time.Now()), EventID: uuid.NewString(), EventData: data}
	})
}

// postV1 tells the deprecated addresses of a closed file.
func (h *hooks) postV1(e fileEvent) {
	v1, _ := h.addresses()
	h.spread(v1, func() any {
		return struct {
			EventRandomID                  string `json:"EventRandomId"`
			RoomID                         int64  `json:"RoomId"`
			Name, Title, RelativePath      string
			FileSize                       int64
			StartRecordTime, EndRecordTime string
		}{uuid.NewString(), e.RoomID, e.Name, e.Title, e.RelativePath, e.size(), e.FileOpenTime, e.FileCloseTime}
	})
}

func (h *hooks) spread(addresses []string, event func() any) {
	if len(addresses) == 0 {
		return
	}
	h.under.Go(func() {
		var body bytes.Buffer
		encoder := json.NewEncoder(&body)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(event()); err != nil {
			panic("rehearsal: an event does not go into JSON: " + err.Error())
		}
		content := bytes.TrimSpace(body.Bytes())
		var all sync.WaitGroup
		for _, address := range addresses {
			all.Go(func() { h.deliver(address, content) })
		}
		all.Wait()
	})
}

func (h *hooks) deliver(address string, body []byte) {
	for try := 0; ; try++ {
		err := h.try(address, body)
		if err == nil || h.ctx.Err() != nil {
			return
		}
		h.say(fmt.Sprintf("[WRN] Webhook %s failed: %v", address, err))
		if try >= len(h.tries) || !pause(h.ctx, h.tries[try]) {
			return
		}
	}
}

func (h *hooks) try(address string, body []byte) error {
	req, err := http.NewRequestWithContext(h.ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", h.agent)
	res, err := h.client.Do(req)
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20))
	_ = res.Body.Close()
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("HTTP %d", res.StatusCode)
	}
	return nil
}

// wait is the end of a recorder: a fixed time, whether anything is under way or not.
func (h *hooks) wait(linger time.Duration) {
	pause(h.ctx, linger)
	h.stop()
}

func (h *hooks) stop() {
	h.cancel()
	h.under.Wait()
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
