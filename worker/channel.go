package worker

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/ngworks/nglive/tasks"
)

// deliverWithin is how long a receiver may take to answer.
const deliverWithin = 15 * time.Second

// channel is a place to notify: a URL that gets signed JSON (Standard Webhooks, https://www.standardwebhooks.com).
type channel struct {
	name   string
	url    string
	events []string // "errors" stands for all that failed for good, "*" for every event
	signer *standardwebhooks.Webhook
	client *http.Client
}

func openChannels(cfg Config) ([]channel, error) {
	signer, err := openSigner(cfg)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Timeout: deliverWithin, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	var out []channel
	for _, u := range cfg.NotifyURLs {
		out = append(out, channel{name: channelName("hook", u), url: u, events: cfg.NotifyEvents, signer: signer, client: client})
	}
	if cfg.ReverseHTTP != "" {
		out = append(out, channel{name: channelName("master", cfg.ReverseHTTP), url: cfg.ReverseHTTP, events: []string{"*"}, signer: signer, client: client})
	}
	return out, nil
}

// channelName tells one address from another without telling the address: it may carry a token.
func channelName(kind, address string) string {
	sum := sha256.Sum256([]byte(address))
	return kind + "-" + hex.EncodeToString(sum[:4])
}

// openSigner takes the setting as Standard Webhooks writes secrets ("whsec_…"), or any other text as raw bytes; without one the
// secret is derived from the installation's key.
func openSigner(cfg Config) (*standardwebhooks.Webhook, error) {
	raw := []byte(cfg.NotifySecret)
	if len(raw) == 0 {
		raw = []byte(tasks.Derive(cfg.Secret, "notify"))
	}
	if coded, ok := strings.CutPrefix(cfg.NotifySecret, "whsec_"); ok {
		var err error
		if raw, err = base64.StdEncoding.DecodeString(coded); err != nil {
			return nil, errors.New("NGLIVE_NOTIFY_SECRET begins with whsec_ but is not base64 after it")
		}
	}
	signer, err := standardwebhooks.NewWebhookRaw(raw)
	if err != nil {
		return nil, fmt.Errorf("NGLIVE_NOTIFY_SECRET: %w", err)
	}
	return signer, nil
}

// NotifySecret is what a receiver needs to check our signatures.
func NotifySecret(configured string, secret []byte) string {
	if strings.HasPrefix(configured, "whsec_") {
		return configured
	}
	if configured == "" {
		configured = tasks.Derive(secret, "notify")
	}
	return "whsec_" + base64.StdEncoding.EncodeToString([]byte(configured))
}

// host is the channel's address without anything secret.
func (c *channel) host() string {
	u, err := url.Parse(c.url)
	if err != nil {
		return ""
	}
	return u.Host
}

// public is what the others may know of the channel.
func (c *channel) public() tasks.Channel {
	return tasks.Channel{Name: c.name, Host: c.host(), Events: c.events}
}

// wants reports whether a channel asked for the event. News about notifications never becomes a notification.
func wants(events []string, e tasks.Event) bool {
	switch e.CMD {
	case tasks.NotifyEnded, tasks.NotifyError:
		return false
	case tasks.StepHeld:
		if e.TARGET != "" { // TargetStopped tells it once for all that wait
			return slices.Contains(events, "*")
		}
	}
	return slices.Contains(events, "*") || slices.Contains(events, e.CMD) || (e.Failing() && slices.Contains(events, "errors"))
}

// send posts one message. id is the idempotency key (webhook-id): the same on every try.
func (c *channel) send(ctx context.Context, id string, body []byte) error {
	now := time.Now()
	signature, err := c.signer.Sign(id, now, body)
	if err != nil {
		return fmt.Errorf("sign for channel %s: %w", c.name, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return problemf(never, "the address of channel %s is not a URL", c.name)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "NGlive")
	req.Header.Set("Webhook-Id", id)
	req.Header.Set("Webhook-Timestamp", fmt.Sprint(now.Unix()))
	req.Header.Set("Webhook-Signature", signature)
	tasks.Failpoint("notify.send.before")
	res, err := c.client.Do(req)
	tasks.Failpoint("notify.send.after")
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok { // it repeats the whole address
			err = u.Err
		}
		return problemf(again, "channel %s (%s) did not answer: %v", c.name, c.host(), err)
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10))
	return c.judge(res.StatusCode)
}

func (c *channel) judge(status int) error {
	switch {
	case status/100 == 2:
		return nil
	case status == http.StatusGone:
		return problemf(tell, "channel %s (%s) answered 410 Gone: it wants no more notifications; take it out of NGLIVE_NOTIFY_URLS", c.name, c.host())
	}
	return problemf(again, "channel %s (%s) answered %d", c.name, c.host(), status)
}
