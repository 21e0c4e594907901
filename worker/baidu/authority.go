package baidu

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"
)

// door is which of Baidu's services a request goes to; they want different headers.
type door int

const (
	doorPan door = iota
	doorPCS
)

// How the two front ends call themselves. pcs.* hears no User-Agent at all from a cookie.
const (
	agentOAuth  = "pan.baidu.com"
	agentCookie = "netdisk;P2SP;3.0.0.8;netdisk;11.12.3;ANG-AN00;android-android;10.0;JSbridge4.4.0;jointBridge;1.1.0;"
)

// authority is a credential at work.
type authority interface {
	// sign puts the credential into a request; used names what it put in, so that renew can tell stale from fresh.
	sign(ctx context.Context, r *http.Request, at door) (used string, err error)
	// renew gets a credential other than used.
	renew(ctx context.Context, used string) error
	// secrets are what no text may contain.
	secrets() []string
	oauth() bool
}

func (c *Client) authorityOf(cred Credential) authority {
	switch cred := cred.(type) {
	case OAuth:
		return &tokenBearer{c: c, app: cred}
	case Cookie:
		return cookieBearer{c: c, cookie: cred}
	}
	return cookieBearer{c: c}
}

// cookieBearer is the cookie front end.
type cookieBearer struct {
	c      *Client
	cookie Cookie
}

var errNoCookie = errors.New("no BDUSS is set")

func (b cookieBearer) sign(_ context.Context, r *http.Request, at door) (string, error) {
	if b.cookie.BDUSS == "" {
		return "", b.c.problem(ReasonLogin, "sign a request", errNoCookie)
	}
	value := "BDUSS=" + b.cookie.BDUSS
	if b.cookie.STOKEN != "" { // exactly one: two of different domains count as not logged in
		value += "; STOKEN=" + b.cookie.STOKEN
	}
	r.Header.Set("Cookie", value)
	r.Header.Set("User-Agent", "")
	if at == doorPan {
		r.Header.Set("User-Agent", agentCookie)
	}
	return "cookie", nil
}

// renew: nothing but a person renews a cookie.
func (b cookieBearer) renew(context.Context, string) error {
	return b.c.problem(ReasonLogin, "log in by cookie", nil)
}

func (b cookieBearer) secrets() []string { return []string{b.cookie.BDUSS, b.cookie.STOKEN} }
func (b cookieBearer) oauth() bool       { return false }

// tokenBearer is the OAuth front end.
type tokenBearer struct {
	c   *Client
	app OAuth

	mu     sync.Mutex
	pair   Pair
	before Pair // the previous one, still a secret
	failed time.Time
}

const (
	renewAhead = 3 * 24 * time.Hour // a pair is renewed this long before it ends
	renewAgain = time.Hour          // and, when that did not work, so much later again
)

func (b *tokenBearer) sign(ctx context.Context, r *http.Request, _ door) (string, error) {
	pair, err := b.current(ctx)
	if err != nil {
		return "", err
	}
	q := r.URL.Query()
	q.Set("access_token", pair.Access)
	r.URL.RawQuery = q.Encode()
	r.Header.Set("User-Agent", agentOAuth)
	return pair.Access, nil
}

// current is the pair to use: the known one, or a new one if it ends soon. By our clock it ends only soon, never now: clocks are
// wrong, and Baidu says so itself when a token is over.
func (b *tokenBearer) current(ctx context.Context) (Pair, error) {
	b.mu.Lock()
	pair, failed := b.pair, b.failed
	b.mu.Unlock()
	if pair.Access == "" {
		loaded, err := b.load(ctx)
		if err != nil {
			return Pair{}, err
		}
		pair = loaded
	}
	now := b.c.cfg.Now()
	if pair.ExpiresAt.IsZero() || now.Before(pair.ExpiresAt.Add(-renewAhead)) || now.Sub(failed) < renewAgain {
		return pair, nil
	}
	fresh, err := b.replace(ctx, pair)
	if err != nil { // the old one may be good for some days yet
		b.mu.Lock()
		b.failed = now
		b.mu.Unlock()
		b.c.cfg.Log.Warn("token pair not renewed ahead of its end", "account", b.c.cfg.Account, "error", err)
		return pair, nil
	}
	return fresh, nil
}

func (b *tokenBearer) load(ctx context.Context) (Pair, error) {
	pair, err := b.c.cfg.Tokens.Load(ctx)
	if err != nil {
		return Pair{}, b.c.problem(ReasonLogin, "load the token pair", err)
	}
	b.keep(pair)
	return pair, nil
}

func (b *tokenBearer) keep(pair Pair) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pair.Access != pair.Access {
		b.before = b.pair
	}
	b.pair = pair
}

func (b *tokenBearer) renew(ctx context.Context, used string) error {
	b.mu.Lock()
	pair := b.pair
	b.mu.Unlock()
	if pair.Access != used && pair.Access != "" {
		return nil // somebody here was faster
	}
	_, err := b.replace(ctx, pair)
	return err
}

// replace has the pair renewed, once over all processes.
func (b *tokenBearer) replace(ctx context.Context, stale Pair) (Pair, error) {
	fresh, err := b.c.cfg.Tokens.Renew(ctx, stale, b.c.refresh)
	if err != nil {
		if _, ok := errors.AsType[*Error](err); ok || ctx.Err() != nil {
			return Pair{}, err
		}
		return Pair{}, b.c.problem(ReasonNetwork, string(stepToken), err)
	}
	b.keep(fresh)
	return fresh, nil
}

func (b *tokenBearer) secrets() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return []string{b.app.SecretKey, b.pair.Access, b.pair.Refresh, b.before.Access, b.before.Refresh}
}

func (b *tokenBearer) oauth() bool { return true }

// redact takes secrets out of a text of Baidu's.
func redact(text string, secrets []string) string {
	for _, s := range secrets {
		if len(s) >= 4 {
			text = strings.ReplaceAll(text, s, hidden)
		}
	}
	return text
}
