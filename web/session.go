package web

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

// sessionCookie lets a browser reach what takes no header: /asynq/, /docs/ and /ws.
const (
	sessionCookie   = "nglive_session"
	sessionLifetime = 30 * 24 * time.Hour
)

const loginPattern = "POST /api/login"

// loginTries lets ten wrong tokens pass, and then one every five seconds.
func loginTries() *rate.Limiter { return rate.NewLimiter(rate.Every(5*time.Second), 10) }

// overTLS says in a login's context whether its browser came by https, so that the cookie is never sent without.
type overTLS struct{}

// logIn lets a login through, unless too many wrong tokens were tried lately: then even the right one has to wait.
func (g *guard) logIn(w http.ResponseWriter, r *http.Request) {
	if g.tries.Tokens() < 1 {
		w.Header().Set("Retry-After", "5")
		refuse(w, http.StatusTooManyRequests, "too_many_requests", "Too many wrong tokens were tried. Wait a few seconds and try again.")
		return
	}
	safe := r.TLS != nil || strings.HasPrefix(strings.ToLower(r.Header.Get("X-Forwarded-Proto")), "https")
	inner := r.WithContext(context.WithValue(r.Context(), overTLS{}, safe))
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
		g.tries.Allow()
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
