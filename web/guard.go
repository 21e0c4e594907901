package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/ngworks/nglive/tasks"
)

// access says what a path asks of whoever calls it.
type access int

const (
	needsToken access = iota
	takesURLToken
	takesWebhookToken
	isOpen
)

// accessOf judges the mux's pattern, not the path: what is not named here needs the token.
func accessOf(pattern string) access {
	_, path, found := strings.Cut(pattern, " ")
	if !found {
		path = pattern
	}
	switch {
	case path == "/{$}", path == "/ui/", path == "/favicon.ico", path == "/healthz", path == "/readyz", path == "/api/login":
		return isOpen
	case path == "/ws":
		return takesURLToken
	case path == "/webhook", strings.HasPrefix(path, "/webhook/"):
		return takesWebhookToken
	}
	return needsToken
}

// mutatesByGet holds for the original's GETs that change something.
func mutatesByGet(pattern string) bool {
	return strings.HasSuffix(pattern, "/addroom") || strings.HasSuffix(pattern, "/removeroom")
}

// guard decides who comes in. It serves nothing itself.
type guard struct {
	token   string // empty: this machine only
	webhook string
	session string // key of the sessions' seals
	listen  string
	tries   tries // wrong tokens at /api/login
	foreign *http.CrossOriginProtection
	pattern func(*http.Request) string
	next    http.Handler
}

func newGuard(cfg Config, mux *http.ServeMux, next http.Handler) *guard {
	return &guard{
		token:   cfg.Token,
		webhook: tasks.WebhookToken(cfg.Secret),
		session: tasks.Derive(cfg.Secret, "session"+cfg.Token),
		listen:  hostOf(cfg.Listen),
		foreign: http.NewCrossOriginProtection(),
		pattern: func(r *http.Request) string {
			_, pattern := mux.Handler(r)
			return pattern
		},
		next: next,
	}
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	pattern := g.pattern(r)
	switch {
	case g.token == "" && !g.ownHost(r.Host):
		refuse(w, http.StatusForbidden, "wrong_host", "Without NGLIVE_TOKEN, NGlive answers under this machine's own names only: "+
			"open http://127.0.0.1 or http://localhost with its port, or set NGLIVE_TOKEN to use another name.")
	case g.fromForeignPage(r, pattern):
		refuse(w, http.StatusForbidden, "cross_site", "This request came from another site's page, so it was refused.")
	case g.token != "" && !g.allowed(r, accessOf(pattern)):
		turnAway(w, r)
	case pattern == loginPattern:
		g.logIn(w, r)
	default:
		g.next.ServeHTTP(w, r)
	}
}

// ownHost keeps foreign names out that were made to point at this machine (DNS rebinding).
func (g *guard) ownHost(host string) bool {
	host = hostOf(host)
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback() || strings.EqualFold(host, "localhost") || host != "" && strings.EqualFold(host, g.listen)
}

// hostOf is a host without its port and brackets.
func hostOf(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return strings.Trim(address, "[]")
}

// fromForeignPage recognises what another site's page made a browser send.
func (g *guard) fromForeignPage(r *http.Request, pattern string) bool {
	if g.foreign.Check(r) != nil {
		return true
	}
	if !mutatesByGet(pattern) && accessOf(pattern) != takesURLToken {
		return false
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "cross-site", "same-site":
		return true
	case "": // over plain HTTP a browser does not say where a picture's address stood; only a browser shows the cookie
		if mutatesByGet(pattern) && r.Header.Get("Authorization") == "" && g.token != "" && g.hasSession(r) {
			return true
		}
	}
	return !sameOrigin(r)
}

// sameOrigin holds for a request without an Origin (no browser sent it) or with this server's own.
func sameOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && strings.EqualFold(u.Host, r.Host)
}

// allowed looks for any of the ways to show the token that the path takes.
func (g *guard) allowed(r *http.Request, a access) bool {
	if a == isOpen {
		return true
	}
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && same(bearer, g.token) {
		return true
	}
	if a == takesURLToken || a == takesWebhookToken {
		shown := r.URL.Query().Get("token")
		if same(shown, g.token) || a == takesWebhookToken && same(shown, g.webhook) {
			return true
		}
	}
	return g.hasSession(r)
}

// same compares in a time that tells nothing, not even the length.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// turnAway sends people to the page's login and tells programs what is missing.
func turnAway(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html") &&
		(strings.HasPrefix(r.URL.Path, "/docs") || strings.HasPrefix(r.URL.Path, "/asynq")) {
		http.Redirect(w, r, "/?login=1", http.StatusSeeOther)
		return
	}
	w.Header().Set("WWW-Authenticate", `Bearer realm="nglive"`)
	refuse(w, http.StatusUnauthorized, "unauthorized", "Show the token: as header Authorization: Bearer …, or log in on the page. "+
		"WebSocket and webhook addresses take ?token= too.")
}

// seal signs a session's value with the key that only this token and this installation have.
func (g *guard) seal(value string) []byte {
	mac := hmac.New(sha256.New, []byte(g.session))
	mac.Write([]byte(value))
	return mac.Sum(nil)
}
