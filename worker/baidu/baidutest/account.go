package baidutest

import (
	"fmt"
	"strconv"
	"time"
)

// App is an application of the open platform.
type App struct {
	ClientID, ClientSecret string
	// Folder is the only one OAuth may write to, /apps/<Folder>; empty lets it write everywhere, as a few old apps may.
	Folder string
	// NoUpload is an application that was not granted uploads: 31024.
	NoUpload bool
}

// DefaultApp is the application of a zero Options.
func DefaultApp() App {
	return App{ClientID: "fake-client-id", ClientSecret: "fake-client-secret", Folder: "nglive"}
}

// Tier is the membership; it limits slices and files.
type Tier int

// The tiers, as vip_type says them.
const (
	Normal Tier = iota
	Member
	SVIP
)

// maxSlice is in bytes.
func (t Tier) maxSlice() int64 { return []int64{4 * MiB, 16 * MiB, 32 * MiB}[t] }

// maxFile is in bytes, too.
func (s *Server) maxFile(t Tier) int64 {
	if own := s.opts.Limits.MaxFile[t]; own > 0 {
		return own
	}
	return []int64{4 * GiB, 10 * GiB, 20 * GiB}[t]
}

// Account is somebody who has a netdisk.
type Account struct {
	Name string
	UK   int64
	// BDUSS and STOKEN are the cookies; without BDUSS only OAuth comes in. NeedsSTOKEN refuses a BDUSS alone.
	BDUSS, STOKEN string
	NeedsSTOKEN   bool
	// AccessToken and RefreshToken, if set, are a pair that exists from the start.
	AccessToken, RefreshToken string
	// Code is an authorization code that exists from the start, good once.
	Code        string
	Tier        Tier
	Quota, Used int64
	// ShareErrno is how every share is refused: 115, 110, -70 …; 0 allows them.
	ShareErrno int
}

// DefaultAccount is the account of a zero Options: an SVIP with 2 TiB, OAuth and cookies.
func DefaultAccount() Account {
	return Account{
		Name: "alice", UK: 1000001, BDUSS: "fake-bduss-of-alice", STOKEN: "fake-stoken-of-alice",
		AccessToken: "121.fake-access-of-alice", RefreshToken: "122.fake-refresh-of-alice",
		Code: "fake-authorization-code-of-alice", Tier: SVIP, Quota: 2048 * GiB,
	}
}

// Tokens are what an authorisation gives.
type Tokens struct{ Access, Refresh string }

// grant is a pair of tokens; the access token dies at its time even when the refresh token is used up.
type grant struct {
	Tokens
	expires time.Time
	spent   bool // the refresh token was used, or an attempt to use it failed
}

type account struct {
	Account
	revoked  bool // the cookies
	grants   []*grant
	files    map[string]*file
	loose    map[string]*part // old slices, by md5
	shares   []*Share
	inFlight int
	received int64
}

func newAccount(a Account) *account {
	acc := &account{Account: a, files: map[string]*file{}, loose: map[string]*part{}}
	acc.files["/"] = &file{path: "/", dir: true}
	if a.AccessToken != "" {
		acc.grants = append(acc.grants, &grant{Tokens: Tokens{a.AccessToken, a.RefreshToken}, expires: time.Now().Add(30 * 24 * time.Hour)})
	}
	return acc
}

// find looks an account up by name, the first when the name is empty. The caller holds mu.
func (s *Server) find(name string) *account {
	for _, a := range s.accounts {
		if name == "" || a.Name == name {
			return a
		}
	}
	return nil
}

// account is one that the test knows is there.
func (s *Server) account(name string) *account {
	if a := s.find(name); a != nil {
		return a
	}
	panic(fmt.Sprintf("baidutest: there is no account %q", name))
}

func (a *account) ukText() string { return strconv.FormatInt(a.UK, 10) }

// issue gives the account a new pair. The caller holds mu.
func (s *Server) issue(a *account) *grant {
	n := s.next()
	g := &grant{
		Tokens:  Tokens{fmt.Sprintf("121.fake-access-%s-%d", a.Name, n), fmt.Sprintf("122.fake-refresh-%s-%d", a.Name, n)},
		expires: s.now().Add(s.opts.Limits.TokenLifetime),
	}
	a.grants = append(a.grants, g)
	return g
}

// Authorise gives the account (the first when name is empty) a new pair of tokens, as if it had gone through a login.
func (s *Server) Authorise(name string) Tokens {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.issue(s.account(name)).Tokens
}

// ExpireTokens lets all access tokens of the account die now: 111.
func (s *Server) ExpireTokens(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireTokens(s.account(name))
}

func (s *Server) expireTokens(a *account) {
	for _, g := range a.grants {
		g.expires = s.now()
	}
}

// RevokeTokens forgets all pairs of the account: -6, and invalid_grant at the refresh.
func (s *Server) RevokeTokens(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.account(name).grants = nil
}

// RevokeCookies ends (or, with false, restores) the account's browser session: -6.
func (s *Server) RevokeCookies(name string, revoked bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.account(name).revoked = revoked
}

// SetTier changes the membership.
func (s *Server) SetTier(name string, tier Tier) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.account(name).Tier = tier
}

// SetQuota changes the space, in bytes.
func (s *Server) SetQuota(name string, quota int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.account(name).Quota = quota
}
