// Package recorder speaks to a BililiveRecorder (录播姬): its REST API, its webhook list, and its process when it is ours to
// run. It never keeps an objectId, never asks about room 0 and never decides whether to try a command again later.
package recorder

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Config says where a recorder is and how to get in.
type Config struct {
	URL            string // http://127.0.0.1:8200; a path in front of /api is kept
	User, Password string // Basic auth, sent when either is set

	Timeout      time.Duration   // of one question; 0: 10 s
	LongTimeout  time.Duration   // of one that makes the recorder ask Bilibili; 0: 25 s
	RefreshWaits []time.Duration // between the refreshes of a new room; nil: 0, 1.5 s, 3 s
}

const (
	askWithin     = 10 * time.Second
	longAskWithin = 25 * time.Second // the recorder gives Bilibili 10 s a question
)

func refreshWaits() []time.Duration {
	return []time.Duration{0, 1500 * time.Millisecond, 3 * time.Second}
}

// Client asks one recorder. It keeps no state of the recorder, so it outlives the recorder's restarts. It is safe for
// concurrent use.
type Client struct {
	base           string
	user, password string
	timeout, long  time.Duration
	waits          []time.Duration
	http           *http.Client
}

// New checks the address; it asks nobody.
func New(cfg Config) (*Client, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return nil, errors.New("the recorder's address must be like http://127.0.0.1:2356, without user or password in it / 录播姬地址应形如 http://127.0.0.1:2356，不含用户名和密码")
	}
	c := &Client{
		base: u.Scheme + "://" + u.Host + strings.TrimRight(u.EscapedPath(), "/"), user: cfg.User, password: cfg.Password,
		timeout: cfg.Timeout, long: cfg.LongTimeout, waits: cfg.RefreshWaits,
		http: &http.Client{
			// A proxy is for the internet; an answer from elsewhere is not the recorder's.
			Transport:     &http.Transport{Proxy: nil, MaxIdleConnsPerHost: 4, IdleConnTimeout: 30 * time.Second},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	if c.timeout <= 0 {
		c.timeout = askWithin
	}
	if c.long <= 0 {
		c.long = max(longAskWithin, c.timeout)
	}
	if c.waits == nil {
		c.waits = refreshWaits()
	}
	return c, nil
}

// Address is where the recorder is; it holds no secret.
func (c *Client) Address() string { return c.base }

// Version tells which recorder answers; it is also the cheapest sign of life.
func (c *Client) Version(ctx context.Context) (Version, error) {
	var v Version
	err := c.ask(ctx, question{op: "ask its version", path: "/api/version"}, &v)
	if err == nil && v.FullSemVer == "" && v.SemVer == "" && v.InformationalVersion == "" {
		err = c.foreign("ask its version", "the answer names no version")
	}
	return v, err
}

// GlobalConfig reads the recorder's own settings, as far as NGlive knows them.
func (c *Client) GlobalConfig(ctx context.Context) (GlobalConfig, error) {
	var g GlobalConfig
	err := c.ask(ctx, question{op: "read its settings", path: "/api/config/global"}, &g)
	return g, err
}

// SetGlobalConfig changes the fields that are set and no others; the recorder saves them at once.
func (c *Client) SetGlobalConfig(ctx context.Context, change GlobalConfig) (GlobalConfig, error) {
	var g GlobalConfig
	err := c.ask(ctx, question{op: "change its settings", method: http.MethodPost, path: "/api/config/global", body: change}, &g)
	return g, err
}

// pause waits; false when the context ended first.
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

func op(format string, args ...any) string { return fmt.Sprintf(format, args...) }
