package handlers

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ngworks/nglive/tasks"
)

const longCookie = "hunter2hunter2hunter2"

// worker plays the part of a node's worker in one login.
func (s *site) playLogin(account string, change func(*tasks.Login)) {
	s.t.Helper()
	go func() {
		for range 500 {
			l, err := s.store.Login(s.t.Context(), account)
			if err == nil && l.State == tasks.LoginAsked {
				change(&l)
				_ = s.store.MoveLogin(s.t.Context(), l)
				return
			}
			<-time.After(5 * time.Millisecond)
		}
	}()
}

func TestBaiduLogin_answersTheCodeAndAPicture(t *testing.T) {
	s := newSite(t)
	s.post("/api/targets/baidu/login", `{}`).is(http.StatusConflict).refusal() // no node can ask Baidu
	s.get("/api/targets/baidu/login").is(http.StatusNotFound).refusal()
	s.beat(tasks.NodeInfo{Name: "attic", BaiduApp: true})
	s.playLogin("second", func(l *tasks.Login) {
		l.State, l.UserCode, l.URL, l.ScanURL = tasks.LoginWaiting, "ab12cd34", "https://openapi.baidu.com/device", "https://openapi.baidu.com/device?code=ab12cd34"
	})
	var got baiduLogin
	s.post("/api/targets/baidu/login", `{"account":"second"}`).is(http.StatusAccepted).into(&got)
	if got.State != tasks.LoginWaiting || got.Node != "attic" || got.UserCode != "ab12cd34" {
		t.Fatalf("the answer is %+v", got)
	}
	png, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(got.QR, "data:image/png;base64,"))
	if err != nil || !strings.HasPrefix(string(png), "\x89PNG") {
		t.Errorf("the QR code is no picture: %v", err)
	}
	got.State = tasks.LoginDone
	if err := s.store.MoveLogin(t.Context(), got.Login); err != nil {
		t.Fatal(err)
	}
	s.get("/api/targets/baidu/login?account=second").is(http.StatusOK).into(&got)
	if got.State != tasks.LoginDone {
		t.Errorf("the login is %s", got.State)
	}
	stale := got.Login
	stale.ID = "another"
	if err := s.store.MoveLogin(t.Context(), stale); err == nil {
		t.Error("a login that was replaced changed the one in its place")
	}
}

func TestBaiduLogin_keepsACookieAndShowsItNowhere(t *testing.T) {
	s := newSite(t)
	body := `{"account":"bob","cookie":{"bduss":"` + longCookie + `","stoken":"hunter2stoken"}}`
	answer := s.post("/api/targets/baidu/login", body).is(http.StatusAccepted)
	vault := tasks.NewVault(s.rdb, []byte("0123456789abcdef0123456789abcdef"))
	c, line, err := vault.Load(t.Context(), "bob")
	if err != nil || c.BDUSS != longCookie || c.Mode != tasks.ModeCookie {
		t.Fatalf("kept is %v (%v)", c, err)
	}
	other := tasks.NewVault(s.rdb, []byte("another key of thirty-two bytes!"))
	if _, _, err := other.Load(t.Context(), "bob"); err == nil {
		t.Error("another key opens it")
	}
	if _, err := vault.Open("alice", line); err == nil {
		t.Error("another account's line opens")
	}
	if err := s.store.PublishAccount(t.Context(), tasks.Account{Name: "bob", Target: "baidu:bob", Mode: "cookie", State: "ready"}); err != nil {
		t.Fatal(err)
	}
	all := answer.body + line + s.get("/api/targets/baidu/accounts").is(http.StatusOK).body + s.get("/api/targets").is(http.StatusOK).body
	if strings.Contains(all, "hunter2") {
		t.Errorf("the cookie is shown: %s", all)
	}
	if !strings.Contains(all, `"name":"bob"`) {
		t.Errorf("the account is not listed: %s", all)
	}
	s.do(http.MethodDelete, "/api/targets/baidu/accounts/bob", "").is(http.StatusNoContent)
	if _, _, err := vault.Load(t.Context(), "bob"); err == nil {
		t.Error("it is there after the logout")
	}
	if s.get("/api/targets/baidu/accounts").body != `{"accounts":[]}`+"\n" {
		t.Errorf("it is listed after the logout: %s", s.get("/api/targets/baidu/accounts").body)
	}
	if kept, err := vault.Keep(t.Context(), "bob", line); err != nil || kept == line {
		t.Errorf("an older credential came back after the logout: %v", err)
	}
}

func TestBaiduLogin_repeatsNoCookieThatIsWrong(t *testing.T) {
	s := newSite(t)
	for _, body := range []string{
		`{"cookie":{"bduss":"hunter2"}}`, `{"cookie":{"bduss":"hunter2hunter2hunter2; STOKEN=hunter2"}}`,
		`{"cookie":{"bduss":"` + longCookie + `","stoken":"hunter2-"}}`, `{"account":"a/b"}`,
	} {
		if r := s.post("/api/targets/baidu/login", body).is(http.StatusUnprocessableEntity); strings.Contains(r.body, "hunter2") {
			t.Errorf("the refusal repeats it: %s", r.body)
		}
	}
	s.post("/api/targets/baidu/login", `{"cookie":{"bduss":"`+longCookie+`","share_only":true}}`).is(http.StatusConflict).refusal()
}
