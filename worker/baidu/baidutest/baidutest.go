// Package baidutest is a Baidu Netdisk in one process, for tests and for trying clients: it refuses whatever the real one is known
// to refuse, fails as it is told to, and says what it was sent. It never forwards a request, and listens on loopback unless told
// otherwise.
package baidutest

import (
	"crypto/tls"
	"net/http"
	"sync"
	"testing"
	"time"
)

// Sizes of the protocol.
const (
	MiB = int64(1) << 20
	GiB = int64(1) << 30
	// BlockSize is the smallest slice; only the last one may be smaller.
	BlockSize = 4 * MiB
	// HardParts is where the real server stops counting.
	HardParts = 2048
	// StrictParts is what its documents say.
	StrictParts = 1024
)

// Hash says what the fake computes of the slices it gets.
type Hash string

// HashOn computes the md5 of every slice; HashOff discards the bytes and answers with the md5 that precreate declared or Expect
// told; HashSampled computes that of one slice in eight. A slice whose md5 nobody told is always computed.
const (
	HashOn      Hash = "on"
	HashOff     Hash = "off"
	HashSampled Hash = "sampled"
)

// Options are how this Baidu behaves. The zero value is one that works: one account of the highest tier, plain http on loopback.
type Options struct {
	// Accounts that exist; none means DefaultAccount.
	Accounts []Account
	// App is the registered application; its zero value means DefaultApp.
	App App
	// Listen is the host to listen on, 127.0.0.1 when empty.
	Listen string
	// ProxyPort is the proxy's port; 0 takes a free one.
	ProxyPort int
	// TLS makes every listener speak https, with a certificate of CA().
	TLS bool
	// Hosts is how many slice hosts locateupload names, 3 when 0.
	Hosts int
	// Hash and KeepContent: what is known of the content. With KeepContent the bytes stay in memory, files have a SHA-256, and rapid
	// uploads can be proved.
	Hash        Hash
	KeepContent bool
	// OldSlices lets the slices of before 2025 work: type=tmpfile and createsuperfile.
	OldSlices bool
	Strict    Strict
	Locate    Locate
	Answers   Answers
	Limits    Limits
	Shape     Shape
	Faults    []Rule
	Seed      uint64
}

// Strict are the rules that some accounts, apps or days do not have.
type Strict struct {
	// UserAgent: OAuth wants pan.baidu.com, a cookie netdisk… or none on pan, and none on pcs.
	UserAgent bool
	// HTTPS refuses OAuth over plain http on every listener; behind the proxy it always is.
	HTTPS bool
	// Parts refuses more than StrictParts slices, as documented.
	Parts bool
	// StickyHost: create does not see slices that went to another host than the first one did.
	StickyHost bool
	// LazyOAuth lets OAuth, too, begin without hashes and size.
	LazyOAuth bool
}

// Limits are how much and how long.
type Limits struct {
	// Concurrency is how many slices of one account may be under way, 0 for any number. Over it: HTTP 500 with an empty body, or 31034
	// when RateErrno.
	Concurrency int
	RateErrno   bool
	// SessionLifetime is how long an uploadid lives, 24 h when 0; SessionParts how many slices it takes, 0 for any number.
	SessionLifetime time.Duration
	SessionParts    int
	// VisibleDelay is how long a created file stays out of listings.
	VisibleDelay time.Duration
	// Gateway cuts a slice that takes longer with HTTP 500 and an empty body; 30 s when 0.
	Gateway time.Duration
	// FixedHost is how many bytes of a session may go to pcs, c.pcs or d.pcs instead of a located host; later ones are lost.
	// 100 MiB when 0.
	FixedHost int64
	// MaxFile is how large a file may be, per tier, instead of 4, 10 and 20 GiB: for tests that do not want to send so much.
	MaxFile [3]int64
	// DeviceLifetime and DeviceInterval are those of a device code, 300 s and 5 s when 0.
	DeviceLifetime, DeviceInterval time.Duration
	// TokenLifetime is that of an access token, 30 days when 0.
	TokenLifetime time.Duration
}

// URLs are where everything is, without a trailing slash.
type URLs struct {
	Pan, PCS, OpenAPI string
	// Hosts are the slice hosts, in the order locateupload names them.
	Hosts []string
	// Proxy is for https_proxy and http_proxy.
	Proxy string
}

// Server is a running Baidu.
type Server struct {
	opts Options
	urls URLs
	ca   *authority

	mu          sync.Mutex
	closed      bool
	offset      time.Duration // what Advance added to the clock
	sequence    int64         // of fs_ids, share ids, tokens and uploads
	accounts    []*account
	devices     map[string]*device
	permissions map[string]*permission // by authorization code
	sessions    map[string]*session
	known       map[string]content  // by md5 of the content
	expected    map[string][]string // by path: md5 per slice
	located     int
	down        map[string]bool // slice hosts, by name
	counts      counts
	faults      *script
	link        *link
	listeners   []*listener
	hostnames   []string
	plainHost   string
	buffers     sync.Pool
	drop        chan struct{} // closed when the server closes; ends what hangs
}

// New starts a Baidu that ends with the test.
func New(tb testing.TB, opts Options) *Server {
	tb.Helper()
	s, err := Start(opts)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Close)
	return s
}

// Start starts a Baidu; Close ends it.
func Start(opts Options) (*Server, error) {
	opts.fill()
	ca, err := newAuthority()
	if err != nil {
		return nil, err
	}
	s := &Server{
		opts: opts, ca: ca,
		devices: map[string]*device{}, permissions: map[string]*permission{}, sessions: map[string]*session{}, known: map[string]content{}, expected: map[string][]string{},
		down: map[string]bool{}, counts: newCounts(), buffers: sync.Pool{New: newBuffer}, faults: newScript(opts.Seed, opts.Faults), link: newLink(opts.Shape), drop: make(chan struct{}),
	}
	for _, a := range opts.Accounts {
		acc := newAccount(a)
		s.accounts = append(s.accounts, acc)
		if a.Code != "" {
			s.permissions[a.Code] = &permission{account: acc}
		}
	}
	if err := s.listen(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (o *Options) fill() {
	if len(o.Accounts) == 0 {
		o.Accounts = []Account{DefaultAccount()}
	}
	if o.App.ClientID == "" {
		o.App = DefaultApp()
	}
	orElse(&o.Listen, "127.0.0.1")
	orElse(&o.Hosts, 3)
	orElse(&o.Hash, HashOn)
	if o.KeepContent {
		o.Hash = HashOn
	}
	orElse(&o.Limits.SessionLifetime, 24*time.Hour)
	orElse(&o.Limits.Gateway, 30*time.Second)
	orElse(&o.Limits.FixedHost, 100*MiB)
	orElse(&o.Limits.DeviceLifetime, 300*time.Second)
	orElse(&o.Limits.DeviceInterval, 5*time.Second)
	orElse(&o.Limits.TokenLifetime, 30*24*time.Hour)
}

func orElse[T comparable](value *T, otherwise T) {
	var zero T
	if *value == zero {
		*value = otherwise
	}
}

// URLs are where the parts of this Baidu listen.
func (s *Server) URLs() URLs { return s.urls }

// Client is an HTTP client that trusts this Baidu's certificates.
func (s *Server) Client() *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.ca.pool(), MinVersion: tls.VersionTLS12}}}
}

// CA is the certificate to trust, as PEM.
func (s *Server) CA() []byte { return s.ca.pem }

// Advance moves this Baidu's clock: tokens, sessions and device codes expire, created files become visible.
func (s *Server) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += d
}

// now is this Baidu's time. The caller holds mu.
func (s *Server) now() time.Time { return time.Now().Add(s.offset) }

// next is a number that was not given out before. The caller holds mu.
func (s *Server) next() int64 {
	s.sequence++
	return s.sequence
}

// Close ends it; what hangs is cut.
func (s *Server) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	close(s.drop)
	listeners := s.listeners
	s.mu.Unlock()
	for _, l := range listeners {
		_ = l.server.Close()
	}
}
