package baidutest_test

import (
	"net/http"
	"net/url"
	"regexp"
	"testing"
	"time"

	"github.com/ngworks/nglive/worker/baidu/baidutest"
)

func (c *client) byCode(code string, pairs ...string) answer {
	app := baidutest.DefaultApp()
	return c.get(c.openapi+"/oauth/2.0/token", with(q("grant_type", "authorization_code", "code", code, "redirect_uri", "oob",
		"client_id", app.ClientID, "client_secret", app.ClientSecret), pairs...))
}

// authorize opens the page on which a person says yes, without following where it sends them.
func (c *client) authorize(pairs ...string) (page answer, location *url.URL) {
	c.t.Helper()
	query := with(q("response_type", "code", "client_id", baidutest.DefaultApp().ClientID, "redirect_uri", "oob", "scope", "basic,netdisk"), pairs...)
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.openapi+"/oauth/2.0/authorize?"+query.Encode(), nil)
	if err != nil {
		c.t.Fatal(err)
	}
	stay := *c.http
	stay.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := stay.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	location, _ = resp.Location()
	return c.read(resp, nil), location
}

var shownCode = regexp.MustCompile(`value="([0-9a-f]{32})"`)

func TestAuthorize_showsACodeThatIsGoodOnce(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{})
	c := oauthClient(t, s)
	shown := func(pairs ...string) string {
		t.Helper()
		page, _ := c.authorize(pairs...)
		m := shownCode.FindStringSubmatch(page.body)
		if m == nil || page.status != http.StatusOK {
			t.Fatalf("%d %s", page.status, page.body)
		}
		return m[1]
	}
	code := shown()
	if got := c.byCode(code, "redirect_uri", "https://elsewhere.example/"); got.text("error") != "redirect_uri_mismatch" {
		t.Errorf("for another address: %s", got.body)
	}
	if got := c.byCode(code, "client_secret", "x"); got.text("error") != "invalid_client" {
		t.Errorf("with a wrong secret: %s", got.body)
	}
	got := c.byCode(code)
	if got.number("expires_in") != 2592000 || got.text("scope") != "basic netdisk" {
		t.Fatalf("%d %s", got.status, got.body)
	}
	c.token = got.text("access_token")
	if got := c.uinfo(); got.code() != 0 {
		t.Errorf("the new token: %s", got.body)
	}
	if got := c.byCode(code); got.status != http.StatusBadRequest || got.text("error") != "invalid_grant" {
		t.Errorf("the second use: %d %s", got.status, got.body)
	}
	late := shown("scope", "netdisk basic")
	s.Advance(10 * time.Minute)
	if got := c.byCode(late); got.text("error") != "invalid_grant" {
		t.Errorf("too late: %s", got.body)
	}
	for pair, want := range map[[2]string]string{
		{"client_id", "x"}: "invalid_client", {"scope", "everything"}: "invalid_scope", {"scope", ""}: "invalid_scope",
		{"response_type", "x"}: "unsupported_response_type", {"redirect_uri", ""}: "redirect_uri_mismatch", {"account", "x"}: "access_denied",
	} {
		if got, _ := c.authorize(pair[0], pair[1]); got.text("error") != want || got.status != http.StatusBadRequest {
			t.Errorf("%v: %d %s, want %s", pair, got.status, got.body, want)
		}
	}
}

func TestAuthorize_sendsTheBrowserBackWithTheCode(t *testing.T) {
	t.Parallel()
	c := oauthClient(t, baidutest.New(t, baidutest.Options{}))
	const back = "http://localhost:1234/callback?x=1"
	page, to := c.authorize("redirect_uri", back, "state", "s")
	if page.status != http.StatusFound || to == nil || to.Query().Get("state") != "s" || to.Query().Get("x") != "1" || to.Host != "localhost:1234" {
		t.Fatalf("%d to %s", page.status, to)
	}
	if got := c.byCode(to.Query().Get("code"), "redirect_uri", back); got.json["refresh_token"] == nil {
		t.Errorf("%s", got.body)
	}
	if _, to := c.authorize("redirect_uri", back, "decline", "1"); to == nil || to.Query().Get("error") != "access_denied" || to.Query().Has("code") {
		t.Errorf("a no leads to %s", to)
	}
}

func TestAuthorize_theCodeThatIsThereFromTheStartIsGoodOnce(t *testing.T) {
	t.Parallel()
	c := oauthClient(t, baidutest.New(t, baidutest.Options{}))
	code := baidutest.DefaultAccount().Code
	if got := c.byCode(code, "redirect_uri", "https://wherever.example/"); got.json["access_token"] == nil {
		t.Errorf("%s", got.body)
	}
	if got := c.byCode(code); got.text("error") != "invalid_grant" {
		t.Errorf("the second use: %s", got.body)
	}
}

func TestLoggedIn_tellsWhoseTokenItIs(t *testing.T) {
	t.Parallel()
	c := oauthClient(t, baidutest.New(t, baidutest.Options{}))
	if got := c.get(c.openapi+"/rest/2.0/passport/users/getInfo", q("access_token", c.token)); got.text("userid") != "1000001" || got.text("username") != "alice" {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := c.get(c.openapi+"/rest/2.0/passport/users/getInfo", q("access_token", "x")); got.code() != 110 {
		t.Errorf("%d %s", got.status, got.body)
	}
}
