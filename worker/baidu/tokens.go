package baidu

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"
)

// granted is what the token endpoint gives.
type granted struct {
	Access  text   `json:"access_token"`
	Refresh text   `json:"refresh_token"`
	Expires number `json:"expires_in"`
}

var errNoToken = errors.New("the netdisk gave no tokens")

// refresh spends a refresh token. It is good for one use, and a request that failed may have used it up: then Baidu says so at
// the next, and a person must authorise again.
func (c *Client) refresh(ctx context.Context, old Pair) (Pair, error) {
	q := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {old.Refresh}}
	for tries := 1; ; tries++ {
		pair, err := c.token(ctx, q, old.Refresh)
		if err == nil {
			c.cfg.Log.Info("token pair renewed", "account", c.cfg.Account)
			return pair, nil
		}
		f := failureOf(err)
		if f == nil || ctx.Err() != nil {
			return Pair{}, err
		}
		if slices.Contains([]string{"invalid_grant", "expired_token", "invalid_client", "invalid_scope"}, f.kind()) {
			return Pair{}, f.err
		}
		wait, again := patienceOf(f.do, tries)
		if !again {
			return Pair{}, f.err
		}
		if err := c.pause(ctx, wait); err != nil {
			return Pair{}, err
		}
	}
}

// token asks the token endpoint once. A failure's kind is the OAuth dialect's word.
func (c *Client) token(ctx context.Context, q url.Values, secret string) (Pair, error) {
	app, ok := c.cfg.Credential.(OAuth)
	if !ok {
		return Pair{}, c.problem(ReasonLogin, string(stepToken), errNoToken)
	}
	q.Set("client_id", app.AppKey)
	q.Set("client_secret", app.SecretKey)
	asked := c.cfg.Now()
	var g granted
	_, err := c.once(ctx, call{at: stepToken, url: c.ends.OpenAPI + "/oauth/2.0/token", query: q, unsigned: true}, &g)
	if f := failureOf(err); f != nil {
		c.judgeToken(f, secret)
	}
	if err != nil {
		return Pair{}, err
	}
	if g.Access == "" || g.Refresh == "" {
		return Pair{}, c.problem(ReasonServer, string(stepToken), errNoToken)
	}
	return Pair{
		Access: string(g.Access), Refresh: string(g.Refresh),
		ExpiresAt: asked.Add(time.Duration(g.Expires) * time.Second), ObtainedAt: c.baiduNow(),
	}, nil
}

// judgeToken gives the token endpoint's words their meaning; secret is what the answer must not repeat.
func (c *Client) judgeToken(f *failure, secret string) {
	if f.err.cause != nil {
		f.err.cause = errors.New(redact(f.err.cause.Error(), []string{secret}))
	}
	reason, do := f.reason, f.do
	switch f.kind() {
	case "invalid_grant", "expired_token", "invalid_client", "invalid_scope":
		reason, do = ReasonLogin, stop
	case "authorization_declined", "access_denied":
		reason, do = ReasonDeclined, stop
	case "slow_down", "authorization_pending":
		do = stop
	case "": // not Baidu's word, but a proxy's or a gateway's: no reason to give the login up
		if reason == ReasonLogin {
			reason, do = ReasonServer, repeat
		}
	}
	if strings.Contains(f.Error(), "security policy") || strings.Contains(f.Error(), "try again later") {
		reason, do = ReasonRate, slow
	}
	if reason != f.reason {
		e := c.problem(reason, f.err.tried, f.err.cause)
		e.status, e.code, e.said = f.err.status, f.err.code, f.err.said
		f.err = e
	}
	f.verdict = verdict{do: do, reason: reason}
}

// Device begins the device flow: show the code, then AwaitToken or PollToken.
func (c *Client) Device(ctx context.Context) (DeviceCode, error) {
	app, ok := c.cfg.Credential.(OAuth)
	if !ok {
		return DeviceCode{}, c.problem(ReasonLogin, string(stepDevice), errNoToken)
	}
	var d struct {
		Device   text   `json:"device_code"`
		User     text   `json:"user_code"`
		URL      text   `json:"verification_url"`
		QR       text   `json:"qrcode_url"`
		Expires  number `json:"expires_in"`
		Interval number `json:"interval"`
	}
	q := url.Values{"response_type": {"device_code"}, "client_id": {app.AppKey}, "scope": {"basic,netdisk"}}
	err := c.ask(ctx, call{at: stepDevice, url: c.ends.OpenAPI + "/oauth/2.0/device/code", query: q, unsigned: true}, &d)
	if err != nil {
		return DeviceCode{}, c.bare(ctx, err)
	}
	if d.Device == "" || d.User == "" {
		return DeviceCode{}, c.problem(ReasonServer, string(stepDevice), errNoToken)
	}
	scan := string(d.URL) + "?" + url.Values{"code": {string(d.User)}, "display": {"mobile"}}.Encode()
	return DeviceCode{
		UserCode: string(d.User), URL: string(d.URL), QRCodeURL: string(d.QR), ScanURL: scan,
		ExpiresAt: c.cfg.Now().Add(time.Duration(max(d.Expires, 60)) * time.Second),
		Interval:  time.Duration(max(d.Interval, 5)) * time.Second, code: string(d.Device),
	}, nil
}

// PollToken asks once whether the person has confirmed; ErrPending until then (wait d.Interval before each try; it may grow). The
// pair is the caller's to keep, before anything else.
func (c *Client) PollToken(ctx context.Context, d *DeviceCode) (Pair, error) {
	pair, err := c.token(ctx, url.Values{"grant_type": {"device_token"}, "code": {d.code}}, d.code)
	f := failureOf(err)
	if f == nil || ctx.Err() != nil {
		return pair, c.bare(ctx, err)
	}
	switch f.kind() {
	case "authorization_pending":
		return Pair{}, ErrPending
	case "slow_down":
		d.Interval += 5 * time.Second
		return Pair{}, ErrPending
	case "expired_token", "invalid_grant":
		return Pair{}, c.problem(ReasonExpired, "wait for the confirmation", f.err.cause)
	}
	if f.do == repeat || f.do == slow {
		return Pair{}, ErrPending // the network will be back before the code is too old
	}
	return Pair{}, f.err
}

// AwaitToken polls until the person has confirmed, declined, or the code is too old.
func (c *Client) AwaitToken(ctx context.Context, d DeviceCode) (Pair, error) {
	for {
		if err := c.pause(ctx, d.Interval+d.Interval/4); err != nil { // jitter takes up to a fifth away
			return Pair{}, c.bare(ctx, err)
		}
		pair, err := c.PollToken(ctx, &d)
		if !errors.Is(err, ErrPending) {
			return pair, err
		}
		if c.cfg.Now().After(d.ExpiresAt) {
			return Pair{}, c.problem(ReasonExpired, "wait for the confirmation", nil)
		}
	}
}
