package web

import (
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// withBody puts JSON into a request that was made without a body.
func withBody(r *http.Request, body string) {
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	r.Header.Set("Content-Type", "application/json")
}

func TestLog_neverHoldsATokenFromAURL(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *Config) { c.Token = testToken })
	for _, query := range []string{"token=", "%74oken=", "a=1&token=", "TOKEN=", "to%6ben=", "%zz=1&token="} {
		s.ask(t, http.MethodGet, "/ws?"+query+testToken, nil)
	}
	if text := s.log.String(); strings.Contains(text, testToken) || strings.Count(text, "request answered") != 6 || !strings.Contains(text, "/ws?token="+hidden) {
		t.Errorf("the log is\n%s", text)
	}
}

func TestRedacted_hidesTokensInAnyText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`Get "http://x/ws?room=1&token=abc&cmd=2": EOF`: `Get "http://x/ws?room=1&token=***&cmd=2": EOF`,
		"Authorization: Bearer abc":                     "Authorization: Bearer ***",
		"nothing to hide":                               "nothing to hide",
	} {
		if got := redacted(text); got != want {
			t.Errorf("%q became %q", text, got)
		}
	}
	u := &url.URL{Path: "/a b", RawQuery: "x=1&token=s3"}
	if got := redactedURL(u); got != "/a%20b?x=1&token=***" {
		t.Errorf("the URL became %q", got)
	}
}

func TestServerErrors_areRedacted(t *testing.T) {
	t.Parallel()
	var book logbook
	log.New(complaints{slog.New(slog.NewJSONHandler(&book, nil))}, "", 0).Print("bad request /ws?token=s3cret")
	if text := book.String(); strings.Contains(text, "s3cret") || !strings.Contains(text, "token="+hidden) {
		t.Errorf("the log is %s", text)
	}
}

func TestPanic_becomesAnAnswerThatTellsNothing(t *testing.T) {
	t.Parallel()
	var book logbook
	var status int
	h := watched(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("secret state, token=s3cret") }),
		slog.New(slog.NewJSONHandler(&book, nil)), func(_ string, s int, _ time.Duration) { status = s })
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	body := w.Body.String()
	if code, _ := refusalIn(t, strings.NewReader(body)); w.Code != 500 || status != 500 || code != "internal" || strings.Contains(body, "secret") {
		t.Errorf("answered %d %s", w.Code, body)
	}
	if text := book.String(); !strings.Contains(text, "access_test.go") || strings.Contains(text, "s3cret") {
		t.Errorf("the log is %s", text)
	}
}
