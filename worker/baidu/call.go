package baidu

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// call is one small request: everything but slices.
type call struct {
	at       step
	door     door
	url      string
	query    url.Values
	form     url.Values
	kind     string    // Content-Type of body
	body     []byte    // instead of a form
	by       authority // nil: the client's
	unsigned bool
	// unsafe: when it may have been done although no answer came, the caller looks first instead of repeating it.
	unsafe bool
	// lacks says what an answer that looks like a success is without; nil: nothing is needed.
	lacks func() error
}

// callDeadline bounds one request from first to last byte.
const callDeadline = 60 * time.Second

// failure is an answer or a broken connection, judged.
type failure struct {
	verdict
	err *Error
	// maybe: the request may have been carried out although it looks failed.
	maybe bool
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }
func (f *failure) kind() string  { return f.err.said }

// failureOf finds the judged failure in an error.
func failureOf(err error) *failure {
	f, _ := errors.AsType[*failure](err)
	return f
}

// bare hands an error on to a caller outside: an *Error, always.
func (c *Client) bare(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if cause := ended(ctx); cause != nil {
		return c.problem(ReasonStopped, "wait for Baidu", cause)
	}
	if f := failureOf(err); f != nil {
		return f.err
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return c.problem(ReasonNetwork, "ask Baidu", err)
}

// patienceOf says how long to wait before the n-th repetition of a reaction, and whether to repeat at all.
func patienceOf(do reaction, n int) (time.Duration, bool) {
	var waits []time.Duration
	switch do {
	case repeat:
		waits = []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 15 * time.Second}
	case repeatOnce:
		waits = []time.Duration{2 * time.Second}
	case slow:
		waits = []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second, 80 * time.Second, 160 * time.Second}
	case risk:
		waits = []time.Duration{3 * time.Second, 8 * time.Second, 20 * time.Second}
	case settle:
		waits = []time.Duration{10 * time.Minute}
	case fresh:
		waits = []time.Duration{time.Second, 2 * time.Second}
	default:
	}
	if n > len(waits) {
		return 0, false
	}
	return waits[n-1], true
}

// ask makes a request until it succeeds or the table says to stop; the document is read into out.
func (c *Client) ask(ctx context.Context, q call, out any) error {
	tries := map[reaction]int{}
	for {
		used, err := c.once(ctx, q, out)
		f := failureOf(err)
		if err == nil || f == nil || ctx.Err() != nil || (q.unsafe && f.maybe) {
			return err
		}
		tries[f.do]++
		if f.do == slow {
			c.cfg.Slots.Halve(ctx)
		}
		if f.do == renew && !q.unsigned && tries[renew] == 1 {
			if err := q.authority(c).renew(ctx, used); err != nil {
				return err
			}
			continue
		}
		wait, again := patienceOf(f.do, tries[f.do])
		if !again {
			return err
		}
		c.cfg.Log.Debug("request repeated", "account", c.cfg.Account, "step", string(q.at), "error", f.err)
		if err := c.pause(ctx, wait); err != nil {
			return err
		}
	}
}

func (q *call) authority(c *Client) authority {
	if q.by != nil {
		return q.by
	}
	return c.auth
}

// once makes a request once.
func (c *Client) once(ctx context.Context, q call, out any) (used string, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.deadline(callDeadline))
	defer cancel()
	req, err := q.build(ctx)
	if err != nil {
		return "", c.problem(ReasonRefused, string(q.at), plain(err))
	}
	if !q.unsigned {
		if used, err = q.authority(c).sign(ctx, req, q.door); err != nil {
			return "", err
		}
	}
	a, err := c.exchange(req)
	if err != nil {
		return used, c.broken(q.at, err)
	}
	if !a.good() {
		return used, c.failed(q.at, a, q.authority(c).oauth())
	}
	if err := a.into(out); err != nil {
		a.doc = nil
		return used, c.failed(q.at, a, q.authority(c).oauth())
	}
	if q.lacks != nil {
		if err := q.lacks(); err != nil {
			return used, c.garbled(q.at, err)
		}
	}
	return used, nil
}

func (q *call) build(ctx context.Context) (*http.Request, error) {
	target := q.url
	if len(q.query) > 0 {
		target += "?" + q.query.Encode()
	}
	method, body := http.MethodGet, io.Reader(nil)
	switch {
	case q.form != nil:
		method, body, q.kind = http.MethodPost, strings.NewReader(q.form.Encode()), "application/x-www-form-urlencoded"
	case q.body != nil:
		method, body = http.MethodPost, bytes.NewReader(q.body)
	}
	req, err := http.NewRequestWithContext(ctx, method, target, body)
	if err == nil && q.kind != "" {
		req.Header.Set("Content-Type", q.kind)
	}
	if err == nil {
		req.Header.Set("Accept-Encoding", "identity")
		req.Header.Set("User-Agent", agentOAuth) // the login's; who signs may name another
	}
	return req, err
}

func (c *Client) exchange(req *http.Request) (answer, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, plain(err)
	}
	defer func() { _ = resp.Body.Close() }()
	c.learnTime(resp.Header.Get("Date"))
	return readAnswer(resp)
}

// broken judges a connection that gave no answer.
func (c *Client) broken(at step, err error) *failure {
	if errors.Is(err, errRedirect) {
		return &failure{verdict: verdict{do: repeat, reason: ReasonNetwork}, err: c.problem(ReasonNetwork, string(at), errRedirect)}
	}
	v := verdict{do: repeat, reason: ReasonNetwork}
	return &failure{verdict: v, maybe: !isDial(err), err: c.problem(ReasonNetwork, string(at), errors.New(c.clean(err.Error())))}
}

// failed judges an answer that is no success.
func (c *Client) failed(at step, a answer, oauth bool) *failure {
	v := judge(at, oauth, a)
	e := c.problem(v.reason, string(at), nil)
	e.code, e.status, e.said = a.code, a.status, a.kind
	if said := strings.TrimSpace(a.kind + " " + a.text); said != "" {
		e.cause = fmt.Errorf("it says %q", c.clean(said))
	}
	if v.do == slow {
		e.retryAt = c.cfg.Now().Add(5 * time.Minute)
	}
	return &failure{verdict: v, maybe: a.code == 0 && a.status != http.StatusTooManyRequests, err: e}
}

func (c *Client) clean(text string) string {
	secrets := c.auth.secrets()
	if c.cfg.ShareBy != nil {
		secrets = append(secrets, c.cfg.ShareBy.BDUSS, c.cfg.ShareBy.STOKEN)
	}
	return redact(text, secrets)
}

// learnTime keeps how far our clock is off Baidu's, by which sessions age.
func (c *Client) learnTime(date string) {
	there, err := http.ParseTime(date)
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.skew = there.Sub(c.cfg.Now())
}

// baiduNow is the time by Baidu's clock, as far as we know it.
func (c *Client) baiduNow() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cfg.Now().Add(c.skew)
}
