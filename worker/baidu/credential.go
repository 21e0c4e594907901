package baidu

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Credential is how a client proves who it is: OAuth or Cookie.
type Credential interface{ credential() }

// OAuth is an application of Baidu's open platform. It writes below AppFolder only.
type OAuth struct {
	AppKey    string
	SecretKey string
	AppFolder string // /apps/<name of the application>
	AppID     string // only for share links of paying enterprises; usually empty
}

// Cookie is a browser's login: a credential for the whole account.
type Cookie struct {
	BDUSS  string
	STOKEN string // the one of pan.baidu.com
}

func (OAuth) credential()  {}
func (Cookie) credential() {}

const hidden = "(hidden)"

// String hides the secrets, as all of these do.
func (o OAuth) String() string { return "OAuth " + o.AppFolder + " " + hidden }

// GoString hides the secrets.
func (o OAuth) GoString() string { return o.String() }

// LogValue hides the secrets.
func (o OAuth) LogValue() slog.Value { return slog.StringValue(o.String()) }

// String hides the secrets.
func (Cookie) String() string { return "Cookie " + hidden }

// GoString hides the secrets.
func (c Cookie) GoString() string { return c.String() }

// LogValue hides the secrets.
func (c Cookie) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Pair is the two tokens of OAuth. The refresh token is good for one use: whoever uses it must make the new pair last before
// anything else.
type Pair struct {
	Access     string    `json:"access"`
	Refresh    string    `json:"refresh"`
	ExpiresAt  time.Time `json:"expires_at"`  // by this machine's clock; only a hint
	ObtainedAt time.Time `json:"obtained_at"` // by Baidu's clock; the newest pair wins
}

// String hides the tokens.
func (p Pair) String() string {
	return "token pair until " + p.ExpiresAt.Format(time.RFC3339) + " " + hidden
}

// GoString hides the tokens.
func (p Pair) GoString() string { return p.String() }

// LogValue hides the tokens.
func (p Pair) LogValue() slog.Value { return slog.StringValue(p.String()) }

// Tokens keeps an account's pair for all processes and machines that use it.
type Tokens interface {
	// Load is the newest pair; ErrNoTokens when the account was never authorised.
	Load(ctx context.Context) (Pair, error)
	// Renew replaces a pair that Baidu does not take any more, once for everybody: if the stored pair is not stale (compare
	// Access) it is returned and renew is not called; else renew is called by one process while the others wait. The new pair
	// is on disk, synced, before Renew returns it. An error of renew is returned as it is.
	Renew(ctx context.Context, stale Pair, renew func(context.Context, Pair) (Pair, error)) (Pair, error)
}

// MemoryTokens are Tokens of one process, for tests and for a login that stores the pair itself.
type MemoryTokens struct {
	mu   sync.Mutex
	pair Pair
}

// NewMemoryTokens starts with a pair.
func NewMemoryTokens(pair Pair) *MemoryTokens { return &MemoryTokens{pair: pair} }

// Load returns the newest pair.
func (m *MemoryTokens) Load(context.Context) (Pair, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pair.Access == "" {
		return Pair{}, ErrNoTokens
	}
	return m.pair, nil
}

// Renew lets one caller renew while the others wait.
func (m *MemoryTokens) Renew(ctx context.Context, stale Pair, renew func(context.Context, Pair) (Pair, error)) (Pair, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pair.Access != stale.Access {
		return m.pair, nil
	}
	fresh, err := renew(ctx, m.pair)
	if err == nil {
		m.pair = fresh
	}
	return fresh, err
}
