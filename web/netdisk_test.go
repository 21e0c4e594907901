package web

import (
	"errors"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/ngworks/nglive/tasks"
)

// shows waits until an expression holds on the page.
func (b *browser) shows(t *testing.T, expression string) {
	t.Helper()
	eventually(t, expression, func() bool {
		holds, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("Boolean("+expression+")"))
		if err != nil {
			t.Fatalf("in the browser: %s: %v", expression, err)
		}
		return holds
	})
}

func (b *browser) press(t *testing.T, selector string) {
	t.Helper()
	if err := chromedp.Do(b.ctx, chromedp.Click(chromedp.CSS(selector))); err != nil {
		t.Fatalf("in the browser: press %s: %v", selector, err)
	}
}

// The page against the real handlers and the real policy; the test is the worker that asks Baidu.
func TestBrowser_logsIntoBaiduNetdiskAndOut(t *testing.T) {
	s := newSite(t, nil).run(t)
	ctx, owner := t.Context(), tasks.Owner{Install: "i", Boot: "b"}
	err := s.store.Claim(ctx, "n1", owner, false)
	if err = errors.Join(err, s.store.Beat(ctx, owner, tasks.NodeInfo{Name: "n1", BaiduApp: true, Targets: []string{"archive", "baidu"}})); err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t)
	b.open(t, s.url("/"), ".account.no-login", "baidu")
	b.press(t, ".account button")
	var l tasks.Login
	eventually(t, "a login is asked for", func() bool {
		l, err = s.store.Login(ctx, tasks.DefaultAccount)
		return err == nil && l.State == tasks.LoginAsked && l.Node == "n1"
	})
	l.State, l.UserCode, l.URL, l.ScanURL = tasks.LoginWaiting, "ab12cd34", "https://openapi.baidu.com/device", "https://openapi.baidu.com/device?code=ab12cd34"
	l.ExpiresAt = tasks.At(time.Now().Add(5 * time.Minute))
	if err := s.store.MoveLogin(ctx, l); err != nil {
		t.Fatal(err)
	}
	b.shows(t, `document.querySelector('.user-code')?.innerText.includes('ab12cd34') && document.querySelector('.qr')?.naturalWidth > 100`)
	account := tasks.Account{
		Name: tasks.DefaultAccount, Target: "baidu", Mode: tasks.ModeOAuth, State: tasks.AccountReady, User: "alice", Tier: "svip", UsedBytes: 1 << 40, TotalBytes: 2 << 40,
	}
	l.State = tasks.LoginDone
	if err := errors.Join(s.store.MoveLogin(ctx, l), s.store.PublishAccount(ctx, account)); err != nil {
		t.Fatal(err)
	}
	b.shows(t, `document.querySelector('.account.ready')?.innerText.includes('alice') && document.querySelector('.account .number').innerText === '50%'`)
	b.press(t, ".account .cancel")
	b.press(t, ".account .cancel.sure")
	eventually(t, "the account is logged out", func() bool {
		list, err := s.store.Accounts(ctx)
		return err == nil && len(list) == 0
	})
	b.shows(t, `document.querySelector('.account.no-login') && !document.querySelector('.account.ready, .baidu-login')`)
	if strangers := b.strangers(s.Addr()); len(strangers) > 0 {
		t.Errorf("it asked other hosts: %v", strangers)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.troubles) > 0 {
		t.Errorf("troubles in the browser: %v", b.troubles)
	}
}
