package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ngworks/nglive/worker/baidu/baidutest"
)

// sizeFlag reads bytes with K, M, G or T behind them (powers of 1024).
type sizeFlag int64

func (f *sizeFlag) String() string { return strconv.FormatInt(int64(*f), 10) }

// Set implements flag.Value.
func (f *sizeFlag) Set(text string) error {
	number, unit := text, int64(1)
	if n := len(text); n > 0 {
		if i := strings.IndexByte("KMGT", text[n-1]); i >= 0 {
			number, unit = text[:n-1], int64(1)<<(10*(i+1))
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > 1<<62/unit {
		return errors.New("want a number of bytes, as 4194304, 4M or 2T")
	}
	*f = sizeFlag(n * unit)
	return nil
}

func (s *setup) flags(stderr io.Writer) *flag.FlagSet {
	f := flag.NewFlagSet("baidutest", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() {
		fmt.Fprint(stderr, "A fake Baidu Netdisk: an HTTP proxy behind which pan, pcs and openapi.baidu.com answer as the real ones do, from memory.\n\n")
		f.PrintDefaults()
	}
	s.account = baidutest.DefaultAccount()
	s.opts.App = baidutest.DefaultApp()
	size := func(target *int64, name, usage string) { f.Var((*sizeFlag)(target), name, usage) }
	o := &s.opts

	f.StringVar(&s.listen, "listen", "127.0.0.1:8900", "address of the proxy; the other addresses take free ports of the same host")
	f.BoolVar(&o.TLS, "tls", false, "https on the addresses that are used without the proxy, too")
	f.StringVar(&s.ca, "ca", filepath.Join(os.TempDir(), "fake-baidu-ca.pem"), "where to write the certificate that clients must trust; new at every start")
	f.StringVar(&s.log, "log", "all", "which requests to print: all, errors or none")

	f.StringVar(&s.kind, "kind", "both", "how the account comes in: oauth, cookie or both")
	f.StringVar(&s.account.Name, "name", s.account.Name, "the account's name")
	f.StringVar(&s.account.BDUSS, "bduss", s.account.BDUSS, "its BDUSS")
	f.StringVar(&s.account.STOKEN, "stoken", s.account.STOKEN, "its STOKEN")
	f.BoolVar(&s.account.NeedsSTOKEN, "needs-stoken", false, "refuse a BDUSS without STOKEN")
	f.StringVar(&s.account.AccessToken, "access-token", s.account.AccessToken, "an access token that exists from the start")
	f.StringVar(&s.account.RefreshToken, "refresh-token", s.account.RefreshToken, "its refresh token")
	f.StringVar(&s.account.Code, "code", s.account.Code, "an authorization code that exists from the start, good once; the page of /oauth/2.0/authorize gives others")
	f.StringVar(&o.App.ClientID, "client-id", o.App.ClientID, "the application's AppKey")
	f.StringVar(&o.App.ClientSecret, "client-secret", o.App.ClientSecret, "the application's SecretKey")
	f.StringVar(&o.App.Folder, "app", o.App.Folder, "the application's folder below /apps; empty lets OAuth write everywhere")
	f.BoolVar(&s.approve, "approve", false, "say yes to every device login at once")
	f.StringVar(&s.tier, "tier", "svip", "the membership: normal, member or svip")
	size(&s.account.Quota, "quota", "the account's space, 2T when not set")
	size(&s.account.Used, "used", "how much of it is used")
	f.IntVar(&s.account.ShareErrno, "share-errno", 0, "refuse every share with this errno: 115, 110, -70 …")

	f.BoolVar(&o.Strict.UserAgent, "strict-agent", false, "refuse User-Agents that Baidu may refuse")
	f.BoolVar(&o.Strict.HTTPS, "strict-https", false, "refuse OAuth over plain http without the proxy, too; behind it that is always refused")
	f.BoolVar(&o.Strict.Parts, "strict-parts", false, "refuse more than 1024 slices, as documented, instead of 2048")
	f.BoolVar(&o.Strict.StickyHost, "strict-host", false, "lose slices that go to another host than the upload's first one")
	f.BoolVar(&o.Strict.LazyOAuth, "lazy-oauth", false, "let OAuth, too, begin an upload without hashes")
	f.IntVar(&o.Limits.Concurrency, "concurrency", 0, "answer 500 when more slices than these are under way; 0 for any number")
	f.DurationVar(&o.Limits.SessionLifetime, "session", 0, "how long an uploadid lives, 24h when 0")
	f.DurationVar(&o.Limits.VisibleDelay, "visible-delay", 0, "how long a created file stays out of listings")
	f.DurationVar(&o.Limits.Gateway, "gateway", 0, "cut a slice that takes longer, 30s when 0")
	f.BoolVar(&o.OldSlices, "old-slices", false, "let the slices of before 2025 work: type=tmpfile and createsuperfile")
	f.BoolVar(&o.Locate.FirstDead, "first-host-dead", false, "locateupload names a first host that is dead")
	f.BoolVar(&o.Locate.Rotate, "rotate-hosts", false, "locateupload names another host first each time")

	f.StringVar((*string)(&o.Hash), "hash", "on", "hash every slice (on), one in eight (sampled) or none (off: answer what was declared)")
	f.BoolVar(&o.KeepContent, "keep", false, "keep the content in memory: the summary shows SHA-256s, and rapid uploads work")
	size(&o.Shape.PerConn, "per-conn", "bytes a second per connection; 0 for no limit")
	size(&o.Shape.Total, "total", "bytes a second in all")
	f.DurationVar(&o.Shape.RTT, "rtt", 0, "round trip")
	f.IntVar(&o.Shape.SlowOneIn, "slow-one-in", 0, "one in so many connections to slice hosts is slow")
	size(&o.Shape.SlowRate, "slow-rate", "bytes a second of a slow one")
	size(&o.Shape.ThrottleAfter, "throttle-after", "after so many bytes every connection is throttled …")
	size(&o.Shape.ThrottleRate, "throttle-rate", "… to so many bytes a second …")
	f.IntVar(&o.Shape.ThrottleUnless, "throttle-unless", 0, "… unless at most so many slices are under way")
	f.StringVar(&s.faults, "faults", "", "file with the fault script, JSON; docs/baidu-fake.md explains it")
	f.Uint64Var(&o.Seed, "seed", 1, "of everything that looks random")
	return f
}

// finish turns the flags into options, or says what is wrong with them.
func (s *setup) finish(rest []string) error {
	if len(rest) > 0 {
		return fmt.Errorf("unexpected %q; -h lists the flags", rest[0])
	}
	host, port, err := net.SplitHostPort(s.listen)
	if err != nil {
		return fmt.Errorf("-listen %s: want host:port, as 127.0.0.1:8900: %w", s.listen, err)
	}
	if s.opts.ProxyPort, err = strconv.Atoi(port); err != nil || s.opts.ProxyPort < 0 || s.opts.ProxyPort > 65535 {
		return fmt.Errorf("-listen %s: %q is no port", s.listen, port)
	}
	s.opts.Listen = host
	tiers := map[string]baidutest.Tier{"normal": baidutest.Normal, "member": baidutest.Member, "svip": baidutest.SVIP}
	tier, known := tiers[s.tier]
	if !known {
		return fmt.Errorf("-tier %s: want normal, member or svip", s.tier)
	}
	s.account.Tier = tier
	switch s.kind {
	case "oauth":
		s.account.BDUSS, s.account.STOKEN = "", ""
	case "cookie":
		s.account.AccessToken, s.account.RefreshToken, s.account.Code = "", "", ""
	case "both":
	default:
		return fmt.Errorf("-kind %s: want oauth, cookie or both", s.kind)
	}
	switch s.opts.Hash {
	case baidutest.HashOn, baidutest.HashOff, baidutest.HashSampled:
	default:
		return fmt.Errorf("-hash %s: want on, sampled or off", s.opts.Hash)
	}
	if s.log != "all" && s.log != "errors" && s.log != "none" {
		return fmt.Errorf("-log %s: want all, errors or none", s.log)
	}
	s.opts.Accounts = []baidutest.Account{s.account}
	s.opts.Shape.Seed = s.opts.Seed
	return s.readFaults()
}

func (s *setup) readFaults() error {
	if s.faults == "" {
		return nil
	}
	file, err := os.Open(s.faults)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	if s.opts.Faults, err = baidutest.Script(file); err != nil {
		return fmt.Errorf("%s: %w", s.faults, err)
	}
	return nil
}
