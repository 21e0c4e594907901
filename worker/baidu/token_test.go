package baidu_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/ngworks/nglive/worker/baidu"
	"github.com/ngworks/nglive/worker/baidu/baidutest"
)

func TestTokens_areRenewedAheadOfTheirEnd(t *testing.T) {
	t.Parallel()
	p := open(t, byToken, baidutest.Options{})
	a := baidutest.DefaultAccount()
	store := baidu.NewMemoryTokens(baidu.Pair{Access: a.AccessToken, Refresh: a.RefreshToken, ExpiresAt: time.Now().Add(time.Hour)})
	p.cfg.Tokens = store
	c := p.client()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := c.Quota(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	oneRefresh(t, p)
	if pair, err := store.Load(t.Context()); err != nil || pair.Access == a.AccessToken || pair.Refresh == a.RefreshToken || time.Until(pair.ExpiresAt) < 29*24*time.Hour {
		t.Errorf("the stored pair is %v, %v", pair, err)
	}
}

func TestTokens_thatCannotBeRenewedAheadAreUsedToTheirEnd(t *testing.T) {
	t.Parallel()
	p := open(t, byToken, baidutest.Options{Faults: []baidutest.Rule{{Endpoint: baidutest.Token, Action: baidutest.EatRefresh}}})
	a := baidutest.DefaultAccount()
	p.cfg.Tokens = baidu.NewMemoryTokens(baidu.Pair{Access: a.AccessToken, Refresh: a.RefreshToken, ExpiresAt: time.Now().Add(time.Hour)})
	c := p.client()
	for range 2 {
		if _, err := c.Quota(t.Context()); err != nil {
			t.Errorf("a token with an hour left: %v", err)
		}
	}
	p.fake.ExpireTokens("")
	_, err := c.Quota(t.Context())
	var e *baidu.Error
	if !errors.As(err, &e) || e.Reason() != baidu.ReasonLogin || !e.AccountWide() {
		t.Errorf("after its end: %v", err)
	}
}

func TestTokens_ofAnotherProcessAreTakenNotRenewed(t *testing.T) {
	t.Parallel()
	p := open(t, byToken, baidutest.Options{})
	c := p.client()
	if _, err := c.Quota(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.fake.ExpireTokens("")
	fresh := p.fake.Authorise("")
	if _, err := p.cfg.Tokens.Renew(t.Context(), baidu.Pair{Access: baidutest.DefaultAccount().AccessToken}, func(context.Context, baidu.Pair) (baidu.Pair, error) {
		return baidu.Pair{Access: fresh.Access, Refresh: fresh.Refresh}, nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Quota(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := p.fake.Refreshes(""); n != 0 {
		t.Errorf("a fresh pair was there, and was renewed %d times", n)
	}
}

func TestTokens_spentByASecondInstallationAskForALogin(t *testing.T) {
	t.Parallel()
	p := open(t, byToken, baidutest.Options{})
	thief := at(t, byToken, p.fake).client()
	p.fake.ExpireTokens("")
	if _, err := thief.Quota(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.fake.ExpireTokens("")
	_, err := p.upload(record(t, mib))
	var e *baidu.Error
	if !errors.As(err, &e) || e.Reason() != baidu.ReasonLogin || e.Class() != "tell" || !e.AccountWide() {
		t.Errorf("it ended with %v", err)
	}
	if n := p.fake.Requests(baidutest.Token); n > 3 {
		t.Errorf("a dead pair was tried %d times", n)
	}
}

func TestUpload_withoutTokensSaysWhoMustLogIn(t *testing.T) {
	t.Parallel()
	p := open(t, byToken, baidutest.Options{}, func(c *baidu.Config) { c.Tokens = baidu.NewMemoryTokens(baidu.Pair{}) })
	if _, err := p.upload(record(t, mib)); !errors.Is(err, baidu.ErrNoTokens) || baidu.ReasonOf(err) != baidu.ReasonLogin {
		t.Errorf("it ended with %v", err)
	}
}

func TestDevice_waitsForThePersonsYes(t *testing.T) {
	t.Parallel()
	p := open(t, byToken, baidutest.Options{Strict: baidutest.Strict{UserAgent: true}, Limits: baidutest.Limits{DeviceInterval: time.Millisecond}})
	c := p.client()
	d, err := c.Device(t.Context())
	if err != nil || d.UserCode == "" || d.URL == "" || d.ScanURL == "" {
		t.Fatalf("%+v %v", d, err)
	}
	if _, err := c.PollToken(t.Context(), &d); !errors.Is(err, baidu.ErrPending) {
		t.Fatalf("before the yes: %v", err)
	}
	if err := p.fake.Approve(d.UserCode, ""); err != nil {
		t.Fatal(err)
	}
	pair, err := c.AwaitToken(t.Context(), d)
	if err != nil || pair.Access == "" || pair.Refresh == "" {
		t.Fatalf("after the yes: %v %v", pair, err)
	}
	p.cfg.Tokens = baidu.NewMemoryTokens(pair)
	if _, err := p.client().User(t.Context()); err != nil {
		t.Errorf("the new pair: %v", err)
	}
}

func TestDevice_tellsANoAndACodeThatIsTooOld(t *testing.T) {
	t.Parallel()
	p := open(t, byToken, baidutest.Options{Limits: baidutest.Limits{DeviceInterval: time.Millisecond}})
	c := p.client()
	d, err := c.Device(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.fake.Decline(d.UserCode); err != nil {
		t.Fatal(err)
	}
	if _, err := c.AwaitToken(t.Context(), d); baidu.ReasonOf(err) != baidu.ReasonDeclined {
		t.Errorf("after a no: %v", err)
	}
	if d, err = c.Device(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.fake.Advance(time.Hour)
	if _, err := c.AwaitToken(t.Context(), d); baidu.ReasonOf(err) != baidu.ReasonExpired {
		t.Errorf("an hour later: %v", err)
	}
}

// TestTokens_aStrangersNoIsNoRefusal: a proxy that answers the renewal with a page of its own says nothing of the login.
func TestTokens_aStrangersNoIsNoRefusal(t *testing.T) {
	t.Parallel()
	for _, rule := range []baidutest.Rule{
		{Action: baidutest.Status, Status: 403}, {Action: baidutest.Status, Status: 401}, {Action: baidutest.EmptyObject},
	} {
		p := open(t, byToken, baidutest.Options{})
		p.fake.ExpireTokens("")
		rule.Endpoint, rule.Times = baidutest.Token, 1
		p.fake.Fault(rule)
		if _, err := p.client().Quota(t.Context()); baidu.ReasonOf(err) == baidu.ReasonLogin {
			t.Errorf("%s %d is taken for a refusal: %v", rule.Action, rule.Status, err)
		}
	}
}
