package baidu

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	headerTimeout = 40 * time.Second // until an answer begins, once a request is sent
	dialTimeout   = 15 * time.Second
	writeBuffer   = 256 << 10
)

var errRedirect = errors.New("the netdisk sends the request elsewhere, which it never does: is there a proxy or a login page in between?")

// newHTTP speaks HTTP/1.1 alone: many slices want many connections, not one of HTTP/2. There is no timeout over all: the
// watchdog of a slice and the deadline of a small request know better.
func newHTTP(answer time.Duration) *http.Client {
	t := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
		TLSNextProto:          map[string]func(string, *tls.Conn) http.RoundTripper{},
		TLSHandshakeTimeout:   dialTimeout,
		MaxIdleConnsPerHost:   2 * SlotsMax,
		MaxConnsPerHost:       4 * SlotsMax,
		IdleConnTimeout:       30 * time.Second,
		ResponseHeaderTimeout: answer,
		WriteBufferSize:       writeBuffer,
		DisableCompression:    true,
	}
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return errRedirect }}
}

// plain is a transport's error without the URL, which holds a token.
func plain(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// isDial: the request never left, so that repeating it cannot do anything twice.
func isDial(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	_, dns := errors.AsType[*net.DNSError](err)
	return dns || (ok && op.Op == "dial")
}

// trusted tells whether a host that locateupload proposes may hear our credential: one of Baidu's, or, when Baidu itself is
// somewhere else (a fake), whatever that one says.
func (c *Client) trusted(u *url.URL) bool {
	own, err := url.Parse(c.ends.PCS)
	if err != nil || u.Host == "" || u.User != nil {
		return false
	}
	if !strings.HasSuffix(own.Hostname(), ".baidu.com") {
		return u.Scheme == own.Scheme
	}
	return u.Scheme == "https" && (strings.HasSuffix(u.Hostname(), ".baidu.com") || strings.HasSuffix(u.Hostname(), ".baidupcs.com"))
}

// jitter spreads a duration by a fifth either way, so that many do not come at once.
func jitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return d - d/5 + rand.N(2*(d/5)+1)
}

// ended turns the end of a caller's context into its cause.
func ended(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return context.Cause(ctx)
}
