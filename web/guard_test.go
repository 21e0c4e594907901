package web

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ngworks/nglive/tasks"
)

// newGate is a guard before paths that all answer 200.
func newGate(token, listen string) *guard {
	mux := http.NewServeMux()
	ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	for _, pattern := range []string{
		"GET /{$}", "GET /ui/", "GET /healthz", "GET /readyz", "POST /api/login", "GET /api/recordings", "POST /api/recordings/{id}/retry",
		"POST /webhook", "POST /webhook/{$}", "POST /webhook/{source}", "GET /ws", "GET /docs/", "/asynq/", "GET /metrics",
		"GET /openapi.json", "GET /openapi.yaml", "GET /addroom", "GET /removeroom", "GET /allroom", "GET /favicon.ico",
	} {
		mux.Handle(pattern, ok)
	}
	return newGuard(Config{Listen: listen, Token: token, Secret: secretKey()}, mux, mux)
}

func secretKey() []byte { return []byte(strings.Repeat("s", 32)) }

func knock(g http.Handler, method, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://nas:8100"+path, nil) //nolint:noctx // a request that is not sent
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w
}

func TestGuard_opensOnlyTheNamedPathsWithoutToken(t *testing.T) {
	t.Parallel()
	g := newGate(testToken, "0.0.0.0:8100")
	for at, want := range map[string]int{
		"GET /": 200, "GET /ui/app.js": 200, "GET /healthz": 200, "GET /readyz": 200, "POST /api/login": 200, "GET /favicon.ico": 200,
		"GET /api/recordings": 401, "POST /api/recordings/x/retry": 401, "POST /webhook": 401, "POST /webhook/": 401, "POST /webhook/blrec": 401,
		"GET /ws": 401, "GET /docs/": 401, "GET /asynq/": 401, "POST /asynq/api/queues/x:pause": 401, "GET /metrics": 401,
		"GET /openapi.json": 401, "GET /openapi.yaml": 401, "GET /addroom": 401, "GET /allroom": 401, "GET /nothing": 401,
		"GET /ui/..%2fasynq/": 200, "GET /healthz/../metrics": 401, "GET //metrics": 401, "GET /api/login": 401,
	} {
		method, path, _ := strings.Cut(at, " ")
		if got := knock(g, method, path).Code; got != want {
			t.Errorf("%s without a token: %d, want %d", at, got, want)
		}
	}
}

func TestGuard_takesTheTokenOnlyInTheWaysThePathTakes(t *testing.T) {
	t.Parallel()
	g := newGate(testToken, "0.0.0.0:8100")
	hook := tasks.WebhookToken(secretKey())
	bearer := []string{"Authorization", "Bearer " + testToken}
	for _, c := range []struct {
		at     string
		header []string
		want   int
	}{
		{"GET /api/recordings", bearer, 200},
		{"GET /metrics", bearer, 200},
		{"GET /asynq/", bearer, 200},
		{"POST /webhook", bearer, 200},
		{"GET /api/recordings", []string{"Authorization", "Bearer " + testToken + "x"}, 401},
		{"GET /api/recordings", []string{"Authorization", "Bearer "}, 401},
		{"GET /api/recordings", []string{"Authorization", testToken}, 401},
		{"GET /api/recordings", []string{"Authorization", "Bearer " + hook}, 401},
		{"GET /api/recordings?token=" + testToken, nil, 401},
		{"GET /docs/?token=" + testToken, nil, 401},
		{"GET /asynq/?token=" + testToken, nil, 401},
		{"GET /addroom?token=" + testToken, nil, 401},
		{"GET /ws?token=" + testToken, nil, 200},
		{"GET /ws?token=", nil, 401},
		{"GET /ws?token=" + hook, nil, 401},
		{"POST /webhook?token=" + testToken, nil, 200},
		{"POST /webhook?token=" + hook, nil, 200},
		{"POST /webhook/?token=" + hook, nil, 200},
		{"POST /webhook/blrec?token=" + hook, nil, 200},
		{"POST /webhook?token=" + hook[1:], nil, 401},
		{"GET /api/recordings?token=" + hook, nil, 401},
		{"POST /webhook/../api/recordings/x/retry?token=" + hook, nil, 401},
	} {
		method, path, _ := strings.Cut(c.at, " ")
		if got := knock(g, method, path, c.header...).Code; got != c.want {
			t.Errorf("%s %v: %d, want %d", c.at, c.header, got, c.want)
		}
	}
}

func TestGuard_takesItsOwnSessionAndNoOther(t *testing.T) {
	t.Parallel()
	g, other := newGate(testToken, ""), newGate(testToken+"x", "")
	own := g.cookie(false, time.Hour)
	later := strconv.FormatInt(time.Now().Add(48*time.Hour).Unix(), 10)
	_, seal, _ := strings.Cut(own.Value, ".")
	for name, c := range map[string]struct {
		value string
		want  int
	}{
		"its own":              {own.Value, 200},
		"another token's":      {other.cookie(false, time.Hour).Value, 401},
		"one that is over":     {g.cookie(false, -time.Second).Value, 401},
		"one made longer":      {later + "." + seal, 401},
		"one without a seal":   {later + ".", 401},
		"the token itself":     {testToken, 401},
		"nothing":              {"", 401},
		"a seal of no base 64": {later + ".***", 401},
	} {
		for _, at := range []string{"/api/recordings", "/ws", "/asynq/", "/docs/", "/metrics"} {
			if got := knock(g, http.MethodGet, at, "Cookie", sessionCookie+"="+c.value).Code; got != c.want {
				t.Errorf("%s with the session %s: %d, want %d", at, name, got, c.want)
			}
		}
	}
	if !own.HttpOnly || own.SameSite != http.SameSiteStrictMode || own.Path != "/" || own.Secure {
		t.Errorf("the cookie is %v", own)
	}
}

func TestLogin_givesSecureCookiesOverHTTPSOnly(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *Config) { c.Token = testToken })
	for proto, secure := range map[string]bool{"": false, "http": false, "https": true, "HTTPS, http": true} {
		w := s.ask(t, http.MethodPost, "/api/login", func(r *http.Request) {
			r.Header.Set("X-Forwarded-Proto", proto)
			withBody(r, `{"token":"`+testToken+`"}`)
		})
		c, err := http.ParseSetCookie(w.Header().Get("Set-Cookie"))
		if err != nil {
			t.Fatalf("login by %q answered %d without a cookie: %v", proto, w.Code, err)
		}
		if c.Secure != secure {
			t.Errorf("login by %q gave Secure=%v", proto, c.Secure)
		}
		in := s.ask(t, http.MethodGet, "/metrics", func(r *http.Request) { r.AddCookie(c) })
		if in.Code != http.StatusOK {
			t.Errorf("the cookie was not taken: %d", in.Code)
		}
	}
}

func TestLogin_slowsWrongTokensDown(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *Config) { c.Token = testToken })
	codes := map[int]int{}
	for range 30 {
		w := s.ask(t, http.MethodPost, "/api/login", func(r *http.Request) { withBody(r, `{"token":"wrong"}`) })
		codes[w.Code]++
		if w.Header().Get("Set-Cookie") != "" {
			t.Fatal("a wrong token gave a cookie")
		}
	}
	if codes[http.StatusUnauthorized] > 12 || codes[http.StatusTooManyRequests] < 18 {
		t.Errorf("30 wrong tokens were answered %v", codes)
	}
}

func TestGuard_withoutTokenAnswersOnlyToThisMachinesNames(t *testing.T) {
	t.Parallel()
	g := newGate("", "127.0.0.5:8100")
	for host, want := range map[string]int{
		"localhost": 200, "localhost:8100": 200, "LOCALHOST:1": 200, "127.0.0.1:8100": 200, "127.9.9.9": 200, "[::1]:8100": 200, "::1": 200,
		"127.0.0.5:8100": 200, "evil.example:8100": 403, "localhost.evil.example": 403, "127.0.0.1.nip.io": 403, "192.168.1.2": 403, "": 403,
		"0.0.0.0:8100": 403,
	} {
		w := knock(g, http.MethodGet, "/api/recordings", "Host", host)
		if w.Code != want {
			t.Errorf("Host %q: %d, want %d", host, w.Code, want)
		}
		if w.Code == http.StatusForbidden {
			if _, message := refusalIn(t, w.Body); !strings.Contains(message, "NGLIVE_TOKEN") {
				t.Errorf("the refusal says %q", message)
			}
		}
	}
	if got := knock(newGate(testToken, ""), http.MethodGet, "/healthz", "Host", "nas.local").Code; got != 200 {
		t.Errorf("with a token another name is refused: %d", got)
	}
}

func TestGuard_refusesWhatAnotherSitesPageSends(t *testing.T) {
	t.Parallel()
	g := newGate("", "127.0.0.1:8100")
	foreign, own := []string{"Origin", "http://evil.example"}, []string{"Origin", "http://localhost:8100"}
	for _, c := range []struct {
		at     string
		header []string
		want   int
	}{
		{"POST /api/recordings/x/retry", nil, 200},
		{"POST /api/recordings/x/retry", own, 200},
		{"POST /api/recordings/x/retry", foreign, 403},
		{"POST /api/recordings/x/retry", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"POST /api/recordings/x/retry", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"POST /api/recordings/x/retry", []string{"Sec-Fetch-Site", "same-origin"}, 200},
		{"POST /api/recordings/x/retry", []string{"Origin", "null"}, 403},
		{"POST /webhook", foreign, 403},
		{"POST /api/login", foreign, 403},
		{"DELETE /asynq/api/queues/x", foreign, 403},
		{"GET /addroom", nil, 200},
		{"GET /addroom", []string{"Sec-Fetch-Site", "none"}, 200},
		{"GET /addroom", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"GET /removeroom", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"GET /removeroom", foreign, 403},
		{"GET /allroom", []string{"Sec-Fetch-Site", "cross-site"}, 200},
		{"GET /ws", own, 200},
		{"GET /ws", nil, 200},
		{"GET /ws", foreign, 403},
		{"GET /ws", []string{"Origin", "http://localhost:9999"}, 403},
		{"GET /ws", []string{"Sec-Fetch-Site", "cross-site"}, 403},
	} {
		method, path, _ := strings.Cut(c.at, " ")
		if got := knock(g, method, path, append([]string{"Host", "localhost:8100"}, c.header...)...).Code; got != c.want {
			t.Errorf("%s %v: %d, want %d", c.at, c.header, got, c.want)
		}
	}
}

func TestGuard_sendsPeopleToTheLogin(t *testing.T) {
	t.Parallel()
	g := newGate(testToken, "")
	for path, want := range map[string]int{"/docs/": 303, "/asynq/": 303, "/asynq/queues/x": 303, "/api/recordings": 401, "/metrics": 401} {
		w := knock(g, http.MethodGet, path, "Accept", "text/html,*/*")
		if w.Code != want || want == 303 && w.Header().Get("Location") != "/?login=1" {
			t.Errorf("%s: %d to %q, want %d", path, w.Code, w.Header().Get("Location"), want)
		}
	}
	if got := knock(g, http.MethodGet, "/asynq/api/queues", "Accept", "application/json").Code; got != 401 {
		t.Errorf("a program is answered %d", got)
	}
}
