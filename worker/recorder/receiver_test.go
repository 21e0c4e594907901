package recorder_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// received is one event as it came in.
type received struct {
	Kind string `json:"EventType"`
	ID   string `json:"EventId"`
	V1   string `json:"EventRandomId"`
	Data struct {
		SessionID    string `json:"SessionId"`
		RelativePath string
		FileSize     int64
		Duration     float64
		FileOpenTime string
		Name         string
	} `json:"EventData"`
	at    time.Time
	agent string
	body  string
}

// receiver takes webhooks.
type receiver struct {
	URL string

	mu     sync.Mutex
	events []received
	answer func(received) int
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{answer: func(received) int { return http.StatusOK }}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		e := received{at: time.Now(), agent: q.UserAgent(), body: string(body)}
		_ = json.Unmarshal(body, &e)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.events = append(r.events, e)
		w.WriteHeader(r.answer(e))
	}))
	t.Cleanup(s.Close)
	r.URL = s.URL
	return r
}

func (r *receiver) all() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]received(nil), r.events...)
}

func (r *receiver) kinds() []string {
	var list []string
	for _, e := range r.all() {
		list = append(list, e.Kind)
	}
	return list
}

func (r *receiver) of(kind string) []received {
	var list []received
	for _, e := range r.all() {
		if e.Kind == kind {
			list = append(list, e)
		}
	}
	return list
}

func (r *receiver) only(t *testing.T, kind string) received {
	t.Helper()
	list := r.of(kind)
	require.Len(t, list, 1, kind)
	return list[0]
}
