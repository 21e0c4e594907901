package web

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// sessionCookie lets a browser reach what takes no header: /asynq/, /docs/ and /ws.
const (
	sessionCookie   = "nglive_session"
	sessionLifetime = 30 * 24 * time.Hour
)

const loginPattern = "POST /api/login"

// tries counts wrong tokens by the address they come from: whoever guesses locks out nobody else.
type tries struct {
	mu sync.Mutex
	by map[string]*rate.Limiter
}

// mostAddresses bounds what guessing from many addresses can make us remember.
const mostAddresses = 10_000

// of gives an address's limiter: ten wrong tokens pass, and then one every five seconds.
func (t *tries) of(remote string) *rate.Limiter {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.by == nil || len(t.by) > mostAddresses {
		t.by = map[string]*rate.Limiter{}
	}
	l, ok := t.by[host]
	if !ok {
		l = rate.NewLimiter(rate.Every(5*time.Second), 10)
		t.by[host] = l
	}
	return l
}

// overTLS says in a login's context whether its browser came by https, so that the cookie is never sent without; guesses holds the
// limiter of its address.
type (
	overTLS struct{}
	guesses struct{}
)

// logIn lets a login through, unless too many wrong tokens were tried lately: then even the right one has to wait.
func (g *guard) logIn(w http.ResponseWriter, r *http.Request) {
	limiter := g.tries.of(r.RemoteAddr)
	if limiter.Tokens() < 1 {
		w.Header().Set("Retry-After", "5")
		refuse(w, http.StatusTooManyRequests, "too_many_requests", "Too many wrong tokens were tried. Wait a few seconds and try again.")
		return
	}
	safe := r.TLS != nil || strings.HasPrefix(strings.ToLower(r.Header.Get("X-Forwarded-Proto")), "https")
	inner := r.WithContext(context.WithValue(context.WithValue(r.Context(), overTLS{}, safe), guesses{}, limiter))
	g.next.ServeHTTP(w, inner)
	r.Pattern = inner.Pattern
}

// Login gives the cookie of a new session for the right token, or false. Without a token on this installation there is nothing
// to log in to: no cookie, and true.
func (g *guard) Login(ctx context.Context, token string) (*http.Cookie, bool) {
	if g.token == "" {
		return nil, true
	}
	if !same(token, g.token) {
		if limiter, ok := ctx.Value(guesses{}).(*rate.Limiter); ok {
			limiter.Allow()
		}
		return nil, false
	}
	safe, _ := ctx.Value(overTLS{}).(bool)
	return g.cookie(safe, sessionLifetime), true
}

// cookie makes a session that ends after a lifetime.
func (g *guard) cookie(secure bool, lifetime time.Duration) *http.Cookie {
	expiry := strconv.FormatInt(time.Now().Add(lifetime).Unix(), 10)
	return &http.Cookie{
		Name: sessionCookie, Value: expiry + "." + base64.RawURLEncoding.EncodeToString(g.seal(expiry)), Path: "/",
		MaxAge: int(lifetime.Seconds()), HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: secure,
	}
}

// hasSession checks the cookie's seal and its expiry.
func (g *guard) hasSession(r *http.Request) bool {
	for _, c := range r.CookiesNamed(sessionCookie) {
		expiry, seal, _ := strings.Cut(c.Value, ".")
		given, err := base64.RawURLEncoding.DecodeString(seal)
		if err != nil || !hmac.Equal(given, g.seal(expiry)) {
			continue
		}
		ends, err := strconv.ParseInt(expiry, 10, 64)
		if err == nil && time.Now().Unix() < ends {
			return true
		}
	}
	return false
}
