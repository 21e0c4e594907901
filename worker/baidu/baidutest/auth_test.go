package baidutest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/ngworks/nglive/worker/baidu/baidutest"
)

func (c *client) uinfo() answer { return c.get(c.pan+"/rest/2.0/xpan/nas", q("method", "uinfo")) }

func (c *client) cookieQuota() answer {
	return c.get(c.pcs+"/rest/2.0/pcs/quota", q("method", "info", "app_id", "266719"))
}

func TestToken_unknownExpiredOrMissingIsRefused(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{})
	c := oauthClient(t, s)
	for token, want := range map[string]int{"": -6, "121.somebody-else": -6, baidutest.DefaultAccount().RefreshToken: -6, c.token: 0} {
		if got := c.get(c.pan+"/rest/2.0/xpan/nas", q("method", "uinfo", "access_token", token)); got.code() != want || got.status != http.StatusOK {
			t.Errorf("token %q: %d %s, want errno %d", token, got.status, got.body, want)
		}
	}
	u := c.newUpload(appPath, 5*mib).begin()
	s.Advance(31 * 24 * time.Hour)
	if got := c.uinfo(); got.code() != 111 {
		t.Errorf("an expired token: %s, want errno 111", got.body)
	}
	if got := u.send(0); got.code() != 111 || got.status != http.StatusUnauthorized || got.json["error_code"] == nil {
		t.Errorf("a slice with an expired token: %d %s, want 401 with error_code 111", got.status, got.body)
	}
	c.token = "nobody's"
	if got := u.send(0); got.code() != 110 || got.status != http.StatusUnauthorized {
		t.Errorf("a slice with an unknown token: %d %s, want 401 with error_code 110", got.status, got.body)
	}
}

func TestToken_isNoCookieAndTheOtherWayRound(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{})
	if got := oauthClient(t, s).get(s.URLs().Pan+"/api/user/getinfo", q("need_selfinfo", "1")); got.code() != -6 {
		t.Errorf("a cookie endpoint with a token: %s", got.body)
	}
	if got := cookieClient(t, s).uinfo(); got.code() != -6 {
		t.Errorf("an xpan endpoint with a cookie: %s", got.body)
	}
}

func TestCookie_wantsBDUSSAndAtMostOneSTOKEN(t *testing.T) {
	t.Parallel()
	strict := baidutest.DefaultAccount()
	strict.NeedsSTOKEN = true
	s := baidutest.New(t, baidutest.Options{Accounts: []baidutest.Account{strict}})
	get := func(bduss, stoken string, more ...string) (panErrno, pcsCode int) {
		c := cookieClient(t, s)
		c.bduss, c.stoken, c.header = bduss, stoken, http.Header{}
		for _, cookie := range more {
			c.header.Add("Cookie", cookie)
		}
		return c.get(c.pan+"/api/user/getinfo", q("need_selfinfo", "1")).code(), c.cookieQuota().code()
	}
	for _, x := range []struct {
		name          string
		bduss, stoken string
		more          []string
		pan, pcs      int
	}{
		{"both", strict.BDUSS, strict.STOKEN, nil, 0, 0},
		{"no cookie", "", "", nil, -6, 31045},
		{"wrong BDUSS", "x", strict.STOKEN, nil, -6, 31045},
		{"BDUSS alone", strict.BDUSS, "", nil, -6, -6},
		{"wrong STOKEN", strict.BDUSS, "x", nil, -6, -6},
		{"two STOKENs", strict.BDUSS, strict.STOKEN, []string{"STOKEN=passport"}, -6, -6},
		{"empty STOKEN beside the right one", strict.BDUSS, strict.STOKEN, []string{"STOKEN="}, 0, 0},
	} {
		if panErrno, pcsCode := get(x.bduss, x.stoken, x.more...); panErrno != x.pan || pcsCode != x.pcs {
			t.Errorf("%s: pan %d and pcs %d, want %d and %d", x.name, panErrno, pcsCode, x.pan, x.pcs)
		}
	}
	s.RevokeCookies("", true)
	if panErrno, pcsCode := get(strict.BDUSS, strict.STOKEN); panErrno != -6 || pcsCode != 31045 {
		t.Errorf("revoked: pan %d and pcs %d", panErrno, pcsCode)
	}
}

func TestCookie_twoSTOKENsAreTooManyEvenWhereNoneIsNeeded(t *testing.T) {
	t.Parallel()
	c := cookieClient(t, baidutest.New(t, baidutest.Options{}))
	c.header = http.Header{"Cookie": {"STOKEN=passport"}}
	if got := c.cookieQuota(); got.code() != -6 {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func (c *client) refresh(token string, pairs ...string) answer {
	app := baidutest.DefaultApp()
	return c.get(c.openapi+"/oauth/2.0/token", with(q("grant_type", "refresh_token", "refresh_token", token,
		"client_id", app.ClientID, "client_secret", app.ClientSecret), pairs...))
}

func TestRefresh_tokenIsGoodOnceOnly(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{})
	c := oauthClient(t, s)
	first := c.refresh(baidutest.DefaultAccount().RefreshToken)
	if first.text("access_token") == c.token || first.number("expires_in") != 2592000 || first.text("scope") != "basic netdisk" {
		t.Fatalf("the refresh answered %d %s", first.status, first.body)
	}
	if got := c.refresh(baidutest.DefaultAccount().RefreshToken); got.status != http.StatusBadRequest || got.text("error") != "invalid_grant" {
		t.Errorf("the second use answered %d %s", got.status, got.body)
	}
	if got := c.uinfo(); got.code() != 0 {
		t.Errorf("the old access token must live on until its time: %s", got.body)
	}
	c.token = first.text("access_token")
	if got := c.uinfo(); got.code() != 0 {
		t.Errorf("the new access token: %s", got.body)
	}
	if got := c.refresh(first.text("refresh_token")); got.status != http.StatusOK {
		t.Errorf("the new refresh token: %s", got.body)
	}
	if s.Refreshes("") != 2 {
		t.Errorf("%d refreshes were counted, want 2", s.Refreshes(""))
	}
}

func TestRefresh_thatFailsKillsTheToken(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{})
	c := oauthClient(t, s)
	token := baidutest.DefaultAccount().RefreshToken
	if got := c.refresh(token, "client_secret", "wrong"); got.status != http.StatusUnauthorized || got.text("error") != "invalid_client" {
		t.Fatalf("a wrong secret answered %d %s", got.status, got.body)
	}
	if got := c.refresh(token); got.text("error") != "invalid_grant" {
		t.Errorf("after a refresh that failed: %d %s", got.status, got.body)
	}
}

func TestRefresh_eatenByTheServer(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{Faults: []baidutest.Rule{{Endpoint: baidutest.Token, Action: baidutest.EatRefresh, Times: 1}}})
	c := oauthClient(t, s)
	token := s.Authorise("").Refresh
	if got := c.refresh(token); got.status != http.StatusInternalServerError || got.body != "" {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if got := c.refresh(token); got.text("error") != "invalid_grant" || s.Refreshes("") != 0 {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestTokens_wrongGrantIsRefused(t *testing.T) {
	t.Parallel()
	c := oauthClient(t, baidutest.New(t, baidutest.Options{}))
	for pairs, want := range map[[2]string]string{
		{"refresh_token", "x"}:               "invalid_grant",
		{"client_id", "x"}:                   "invalid_client",
		{"grant_type", "password"}:           "unsupported_grant_type",
		{"grant_type", "authorization_code"}: "invalid_grant",
	} {
		if got := c.refresh("y", pairs[0], pairs[1]); got.text("error") != want {
			t.Errorf("%v: %d %s, want %s", pairs, got.status, got.body, want)
		}
	}
}

// device begins a device flow.
func (c *client) device(pairs ...string) answer {
	return c.get(c.openapi+"/oauth/2.0/device/code", with(q("response_type", "device_code", "client_id", baidutest.DefaultApp().ClientID,
		"scope", "basic,netdisk"), pairs...))
}

func (c *client) poll(code string) answer {
	app := baidutest.DefaultApp()
	return c.get(c.openapi+"/oauth/2.0/token", q("grant_type", "device_token", "code", code, "client_id", app.ClientID, "client_secret", app.ClientSecret))
}

func TestDevice_isPendingUntilAPersonSaysYesAndThenGoodOnce(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{})
	c := oauthClient(t, s)
	begun := c.device()
	if begun.number("interval") != 5 || begun.number("expires_in") != 300 || begun.text("verification_url") == "" || begun.text("qrcode_url") == "" {
		t.Fatalf("device/code answered %s", begun.body)
	}
	code := begun.text("device_code")
	step := func(after time.Duration, want string) answer {
		t.Helper()
		s.Advance(after)
		got := c.poll(code)
		if got.text("error") != want {
			t.Errorf("%d %s, want %s", got.status, got.body, want)
		}
		return got
	}
	step(5*time.Second, "authorization_pending")
	step(time.Second, "slow_down")
	step(6*time.Second, "slow_down") // the interval is 10 s now, and every early poll adds 5
	step(16*time.Second, "authorization_pending")
	if err := s.Approve("nothing", ""); err == nil {
		t.Error("an unknown code was approved")
	}
	if err := s.Approve(begun.text("user_code"), ""); err != nil {
		t.Fatal(err)
	}
	c.token = step(16*time.Second, "<nil>").text("access_token")
	if got := c.uinfo(); got.code() != 0 {
		t.Errorf("the new token: %s", got.body)
	}
	step(16*time.Second, "invalid_grant")
}

func TestDevice_declinedExpiredUnknown(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{})
	c := oauthClient(t, s)
	declined, late := c.device(), c.device()
	if err := s.Decline(declined.text("user_code")); err != nil {
		t.Fatal(err)
	}
	if got := c.poll(declined.text("device_code")); got.text("error") != "authorization_declined" {
		t.Errorf("declined: %s", got.body)
	}
	s.Advance(301 * time.Second)
	if got := c.poll(late.text("device_code")); got.text("error") != "expired_token" {
		t.Errorf("expired: %s", got.body)
	}
	if err := s.Approve(late.text("user_code"), ""); err == nil {
		t.Error("an expired code was approved")
	}
	if got := c.poll("made-up"); got.text("error") != "invalid_grant" {
		t.Errorf("unknown: %s", got.body)
	}
	for pair, want := range map[[2]string]string{
		{"client_id", "x"}: "invalid_client", {"scope", "everything"}: "invalid_scope", {"response_type", "code"}: "unsupported_response_type",
	} {
		if got := c.device(pair[0], pair[1]); got.text("error") != want {
			t.Errorf("%v: %s, want %s", pair, got.body, want)
		}
	}
	if got := c.device("scope", "basic netdisk"); got.json["device_code"] == nil {
		t.Errorf("a scope with a blank: %s", got.body)
	}
}

func TestDevice_pageIsWhereAPersonSaysYes(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{})
	c := oauthClient(t, s)
	begun := c.device()
	if got := c.get(begun.text("verification_url"), q("code", begun.text("user_code"))); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if got := c.poll(begun.text("device_code")); got.json["access_token"] == nil {
		t.Errorf("%s", got.body)
	}
	if got := c.get(begun.text("verification_url"), q("code", "nobody")); got.status != http.StatusBadRequest {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestUserAgent_isCheckedWhenStrict(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{Strict: baidutest.Strict{UserAgent: true}})
	try := func(c *client, agent string) (panStatus, pcsStatus int) {
		c.agent = &agent
		if c.token != "" {
			return c.uinfo().status, c.cookieQuota().status
		}
		return c.get(c.pan+"/api/user/getinfo", q("need_selfinfo", "1")).status, c.cookieQuota().status
	}
	const ok, no = http.StatusOK, http.StatusForbidden
	for agent, want := range map[string][4]int{ // OAuth at pan, at pcs; cookie at pan, at pcs
		"pan.baidu.com":      {ok, ok, no, no},
		"Go-http-client/1.1": {no, no, no, no},
		"netdisk;P2SP;3.0":   {no, no, ok, no},
		"":                   {no, no, ok, ok},
	} {
		a, b := try(oauthClient(t, s), agent)
		x, y := try(cookieClient(t, s), agent)
		if got := [4]int{a, b, x, y}; got != want {
			t.Errorf("%q: %v, want %v", agent, got, want)
		}
	}
	other := "curl/8"
	c := oauthClient(t, s)
	c.agent = &other
	if got := c.refresh(baidutest.DefaultAccount().RefreshToken); got.status != http.StatusBadRequest {
		t.Errorf("a refresh as %s: %d %s", other, got.status, got.body)
	}
}

func TestHTTPS_isWantedForTokensWhenStrict(t *testing.T) {
	t.Parallel()
	plain := baidutest.New(t, baidutest.Options{Strict: baidutest.Strict{HTTPS: true}})
	if got := oauthClient(t, plain).uinfo(); got.status != http.StatusForbidden || got.code() != 6 {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := cookieClient(t, plain).cookieQuota(); got.code() != 0 {
		t.Errorf("a cookie over plain http: %s", got.body)
	}
	secure := baidutest.New(t, baidutest.Options{TLS: true, Strict: baidutest.Strict{HTTPS: true}})
	if got := oauthClient(t, secure).uinfo(); got.code() != 0 || got.err != nil {
		t.Errorf("%s %v", got.body, got.err)
	}
}
