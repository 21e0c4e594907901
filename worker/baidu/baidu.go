// Package baidu brings files to Baidu Netdisk (百度网盘): it resumes after any death of the process, compares every slice's md5,
// proves the finished file, and never sends what is there already. It never decides when a failed upload is tried again, never
// reports an upload that it could not prove, and never puts a secret into a log or an error.
package baidu

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// Endpoints are the base URLs of Baidu's services, without a final slash. Empty ones are the real ones.
type Endpoints struct {
	Pan     string // https://pan.baidu.com
	PCS     string // https://pcs.baidu.com
	Locate  string // where locateupload is asked: https://d.pcs.baidu.com; with another PCS, that one
	OpenAPI string // https://openapi.baidu.com
}

func (e Endpoints) filled() Endpoints {
	if e.Locate == "" && e.PCS != "" {
		e.Locate = e.PCS
	}
	def := func(s *string, real string) {
		if *s == "" {
			*s = real
		}
	}
	def(&e.Pan, "https://pan.baidu.com")
	def(&e.PCS, "https://pcs.baidu.com")
	def(&e.Locate, "https://d.pcs.baidu.com")
	def(&e.OpenAPI, "https://openapi.baidu.com")
	return e
}

// Config is one account, and what the client needs of its surroundings.
type Config struct {
	Account    string // a name for logs, errors and the journal; never a secret
	Endpoints  Endpoints
	Credential Credential // OAuth or Cookie
	Tokens     Tokens     // the token pair of OAuth; unused with Cookie
	ShareBy    *Cookie    // share links need a cookie; nil: Credential, if it is one
	Sessions   Sessions   // the journal; nil: memory, which resumes nothing after a death
	Slots      Slots      // the account's connections; nil: NewSlots
	RateLimit  int64      // bytes a second over all this client's uploads; 0: none
	PinnedHost string     // upload to this host (say c3.pcs.baidu.com) instead of the one Baidu proposes
	Log        *slog.Logger
	Now        func() time.Time // nil: time.Now
	// Patience multiplies every pause, and five times it, within 0.1 and 1, every deadline; 0 is 1. Tests against a fake make it small;
	// nobody else does.
	Patience float64
}

// Client is one account. It may be used by many goroutines.
type Client struct {
	cfg  Config
	ends Endpoints
	http *http.Client
	auth authority
	rate *throttle

	mu   sync.Mutex
	skew time.Duration // Baidu's clock minus ours, by its last answer
	user *User         // of the last look, for the size of slices
}

// New makes a client; it asks nothing yet.
func New(cfg Config) *Client {
	if cfg.Sessions == nil {
		cfg.Sessions = NewMemorySessions()
	}
	if cfg.Slots == nil {
		cfg.Slots = NewSlots()
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Patience <= 0 {
		cfg.Patience = 1
	}
	c := &Client{cfg: cfg, ends: cfg.Endpoints.filled(), rate: newThrottle(cfg.RateLimit)}
	c.http = newHTTP(c.deadline(headerTimeout))
	c.auth = c.authorityOf(cfg.Credential)
	return c
}

// Close gives back idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// deadline scales a deadline or a watchdog: less than pauses, since a busy machine is slow and not broken.
func (c *Client) deadline(d time.Duration) time.Duration {
	return time.Duration(float64(d) * min(max(5*c.cfg.Patience, 0.1), 1))
}

// patient scales a pause.
func (c *Client) patient(d time.Duration) time.Duration {
	return time.Duration(float64(d) * c.cfg.Patience)
}

// pause waits a duration, scaled and with a fifth of jitter either way.
func (c *Client) pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(jitter(c.patient(d)))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
