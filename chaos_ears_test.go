//go:build chaos && linux

package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/ngworks/nglive/tasks"
)

// receiver takes notifications as a stranger's program would: it checks the signature and remembers by webhook-id.
type receiver struct {
	*httptest.Server
	secret string

	mu     sync.Mutex
	moods  *rand.Rand
	first  map[string]string // webhook-id → what the first message said
	times  map[string]int
	faults []string
}

func newReceiver(t *testing.T, seed uint64) *receiver {
	t.Helper()
	r := &receiver{
		secret: "whsec_" + base64.StdEncoding.EncodeToString([]byte("chaos has no secrets, only seeds")),
		moods:  draws(seed, "receiver"), first: map[string]string{}, times: map[string]int{},
	}
	check, err := standardwebhooks.NewWebhook(r.secret)
	if err != nil {
		t.Fatal(err)
	}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return // its sender was killed
		}
		w.WriteHeader(r.take(req.Header, body, check))
	}))
	t.Cleanup(r.Close)
	return r
}

// take remembers a message and answers in one of its moods: mostly well, sometimes with an error, before or after it remembered.
func (r *receiver) take(h http.Header, body []byte, check *standardwebhooks.Webhook) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := check.Verify(body, h); err != nil {
		r.faults = append(r.faults, fmt.Sprintf("a notification with a wrong signature: %v", err))
		return http.StatusUnauthorized
	}
	mood := r.moods.IntN(40)
	if mood == 0 {
		return http.StatusServiceUnavailable
	}
	id, said := h.Get("Webhook-Id"), gist(body)
	if before, ok := r.first[id]; ok && before != said {
		r.faults = append(r.faults, fmt.Sprintf("webhook-id %s said %s first and %s later", id, before, said))
	}
	r.first[id], r.times[id] = said, r.times[id]+1
	if mood == 1 {
		return http.StatusInternalServerError
	}
	return http.StatusOK
}

// gist is what makes a message recognisably the same.
func gist(body []byte) string {
	var e tasks.Event
	if err := json.Unmarshal(body, &e); err != nil {
		return "no JSON: " + err.Error()
	}
	return strings.Join([]string{e.CMD, e.EVENT, e.ID, e.STEP}, " ")
}

// has tells what a webhook-id said, and how often it came.
func (r *receiver) has(id string) (said string, times int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.first[id], r.times[id]
}

// listener hears the feed and comes back with since= whenever it is cut off.
type chaosListener struct {
	bases []string // the copies of web; it comes back to another one than it left

	mu     sync.Mutex
	seqs   []string
	comes  int
	faults []string
}

func (l *chaosListener) last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.seqs) == 0 {
		return "0-0"
	}
	return l.seqs[len(l.seqs)-1]
}

// listen goes on until ctx ends.
func (l *chaosListener) listen(ctx context.Context) {
	for n := 0; ctx.Err() == nil; n++ {
		base := "ws" + strings.TrimPrefix(l.bases[n%len(l.bases)], "http")
		conn, res, err := websocket.DefaultDialer.DialContext(ctx, base+"/ws?live=0&since="+l.last(), nil)
		if err != nil {
			pause(ctx, 100*time.Millisecond)
			continue
		}
		_ = res.Body.Close()
		l.mu.Lock()
		l.comes++
		l.mu.Unlock()
		stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
		for {
			_ = conn.SetReadDeadline(time.Now().Add(40 * time.Second)) // web pings every 10 s
			_, frame, err := conn.ReadMessage()
			if err != nil {
				break
			}
			l.hear(frame)
		}
		stop()
		_ = conn.Close()
	}
}

func (l *chaosListener) hear(frame []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(string(frame)) {
		var e tasks.Event
		switch err := json.Unmarshal([]byte(line), &e); {
		case err != nil:
			l.faults = append(l.faults, "a frame is no JSON: "+err.Error())
		case e.CMD == tasks.Gap:
			l.faults = append(l.faults, "the feed told of a gap")
		case e.SEQ == "": // live
		case len(l.seqs) > 0 && !tasks.SeqLess(l.seqs[len(l.seqs)-1], e.SEQ):
			l.faults = append(l.faults, fmt.Sprintf("the feed went from %s to %s", l.seqs[len(l.seqs)-1], e.SEQ))
		default:
			l.seqs = append(l.seqs, e.SEQ)
		}
	}
}

// compare says where the feed differs from what is stored.
func (l *chaosListener) compare(stored []tasks.Event) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	faults := append([]string{}, l.faults...)
	for i, e := range stored {
		if i >= len(l.seqs) || l.seqs[i] != e.SEQ {
			return append(faults, fmt.Sprintf("the feed has a gap: event %d of %d, %s %s, was not heard in its place", i+1, len(stored), e.CMD, e.SEQ))
		}
	}
	if len(l.seqs) > len(stored) {
		faults = append(faults, fmt.Sprintf("the feed had %d events that are not stored", len(l.seqs)-len(stored)))
	}
	return faults
}
