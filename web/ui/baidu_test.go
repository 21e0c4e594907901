package ui_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/ngworks/nglive/tasks"
)

func (s *server) listAccounts(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{"accounts": append([]tasks.Account{}, s.accounts...)})
}

func (s *server) logAccountOut(w http.ResponseWriter, r *http.Request) {
	s.posts <- r.Method + " " + r.URL.Path
	s.accounts = slices.DeleteFunc(s.accounts, func(a tasks.Account) bool { return a.Name == r.PathValue("account") })
	w.WriteHeader(http.StatusNoContent)
}

func (s *server) startBaiduLogin(w http.ResponseWriter, r *http.Request) {
	var in map[string]any
	_ = json.NewDecoder(r.Body).Decode(&in)
	s.posts <- fmt.Sprintf("%s %v", r.URL.Path, in["account"])
	if s.refusal != "" {
		refuse(w, http.StatusConflict, "conflict", s.refusal)
		return
	}
	answer(w, http.StatusAccepted, s.baidu)
}

func (s *server) readBaiduLogin(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, s.baidu)
}

// waitingLogin is a login that waits for a person, with a picture in the place of its QR code.
func waitingLogin(t *testing.T) map[string]any {
	t.Helper()
	chess, b := image.NewGray(image.Rect(0, 0, 8, 8)), &bytes.Buffer{}
	for i := range 64 {
		chess.SetGray(i%8, i/8, color.Gray{Y: uint8((i + i/8) % 2 * 255)}) //nolint:gosec // 0 or 255
	}
	if err := png.Encode(b, chess); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	return map[string]any{
		"state": "waiting", "node": "attic", "user_code": "ab12cd34", "verification_url": "https://openapi.baidu.com/device",
		"asked_at": now, "expires_at": now.Add(5 * time.Minute), "qr": "data:image/png;base64," + base64.StdEncoding.EncodeToString(b.Bytes()),
	}
}

// netdiskOfTheEvening has one account that works and one whose uploads wait.
func netdiskOfTheEvening() []tasks.Account {
	now := tasks.At(time.Now())
	return []tasks.Account{
		{
			Name: "default", Target: "baidu", Mode: "oauth", State: tasks.AccountReady, User: "小满", Tier: "svip", UsedBytes: 1_319_413_953_331,
			TotalBytes: 2 << 40, CheckedAt: now.Add(-3 * time.Minute), Node: "attic",
		},
		{
			Name: "second", Target: "baidu:second", Mode: "oauth", State: tasks.AccountStopped, User: "山风", Tier: "normal", UsedBytes: 2_150 << 30,
			TotalBytes: 2_151 << 30, StoppedAt: now.Add(-3 * time.Hour), Reason: "the netdisk is full: delete something there, or buy room",
			CheckedAt: now.Add(-6 * time.Minute), Node: "nas",
		},
	}
}

// openNetdisk opens a page on a server whose node attic has an application.
func openNetdisk(t *testing.T, language string, accounts ...tasks.Account) (*server, *page) {
	t.Helper()
	s := newServer(t)
	_, _, s.nodes = evening()
	s.nodes[0].BaiduApp, s.nodes[0].Targets = true, []string{"archive", "baidu"}
	s.accounts = accounts
	return s, openPage(t, s, language)
}

func TestPage_showsAccountsOfBaiduNetdisk(t *testing.T) {
	_, p := openNetdisk(t, "zh-CN", netdiskOfTheEvening()...)
	p.wait(`document.querySelectorAll('.account').length === 2`)
	for _, text := range []string{"可用", "小满 · 超级会员 · 应用授权", "60%", "已用 1.20 TiB，共 2.00 TiB", "查询于 3分钟前 · attic", "退出登录"} {
		p.waitText(".account.ready", text)
	}
	for _, text := range []string{"上传等待中", "普通用户", "3小时前开始等待： the netdisk is full", "重新登录"} {
		p.waitText(".account.stopped", text)
	}
	p.waitNone(".account.ready .primary, .account.ready .again")
	p.waitNone(".baidu-login")
}

func TestPage_showsNothingOfBaiduNetdiskWhereNoNodeHasIt(t *testing.T) {
	s := newServer(t)
	s.recordings, s.events, s.nodes = evening()
	s.accounts = netdiskOfTheEvening() // of a node that is no more
	p := openPage(t, s, "en")
	p.wait(`document.querySelectorAll('.node').length > 0`)
	next(t, s.joined, "join the feed")
	p.waitNone(".baidu")
	s.set(func() { s.nodes[0].BaiduApp, s.accounts = true, nil })
	s.say(t, tasks.Event{CMD: tasks.NodeUp, NODE: "attic", SEQ: seq(time.Now()), EVENT: "n.1"})
	p.waitText(".baidu .account.no-login", "not logged in")
	p.waitText(".baidu .account.no-login button", "Log in")
	p.wait(`document.querySelectorAll('.account-buttons button').length === 1`)
}

func TestPage_logsIntoBaiduNetdisk(t *testing.T) {
	s, p := openNetdisk(t, "en")
	s.set(func() { s.baidu = waitingLogin(t) })
	p.click(".account.no-login button")
	if got, want := next(t, s.posts, "ask for a login"), "/api/targets/baidu/login default"; got != want {
		t.Errorf("it asked %q, want %q", got, want)
	}
	p.waitText(".baidu-login .user-code", "ab12cd34")
	p.wait(`document.querySelector('.baidu-login a[rel="noopener noreferrer"]').href === 'https://openapi.baidu.com/device'`)
	p.wait(`document.querySelector('.qr').naturalWidth === 8`)
	p.waitText(".baidu-login", "good until")
	s.set(func() {
		s.baidu["state"] = "done"
		s.accounts = netdiskOfTheEvening()[:1]
	})
	p.waitText(".baidu-login", "Logged in.")
	p.waitText(".account.ready", "SVIP")
	p.waitNone(".qr")
	p.click(".baidu-login button")
	p.waitNone(".baidu-login")
}

func TestPage_saysHowALoginToBaiduNetdiskEnded(t *testing.T) {
	s, p := openNetdisk(t, "zh-CN")
	s.set(func() { s.baidu = waitingLogin(t) })
	p.click(".another summary")
	p.fill(".another input", "a b\r")
	p.waitText(".banner", "账号名只能用")
	p.fill(".another input", "second\r")
	if got, want := next(t, s.posts, "ask for a login"), "/api/targets/baidu/login second"; got != want {
		t.Errorf("it asked %q, want %q", got, want)
	}
	p.waitText(".baidu-login", "登录账号 second")
	p.waitText(".user-code", "ab12cd34")
	s.set(func() { s.baidu["expires_at"] = time.Now().Add(-time.Hour) }) // its worker died: nobody says so
	p.waitText(".baidu-login", "授权码已过期")
	ended := func(state, message, want string) {
		t.Helper()
		s.set(func() {
			s.baidu = waitingLogin(t)
			s.baidu["state"], s.baidu["message"] = state, message
		})
		p.click(".account.no-login button.primary")
		next(t, s.posts, "ask for a login")
		p.waitText(".baidu-login", want)
	}
	ended("declined", "access denied", "被拒绝了")
	ended("failed", "the worker was started anew meanwhile", "the worker was started anew meanwhile")
	s.set(func() { s.refusal = "No running node has an application of Baidu's." })
	p.expect("409")
	ended("waiting", "", "No running node has an application")
}

// What the page shows of a login comes from Baidu, by way of a worker.
func TestPage_makesNoLinkOfAHostileLogin(t *testing.T) {
	s, p := openNetdisk(t, "en")
	s.set(func() {
		s.baidu = waitingLogin(t)
		s.baidu["verification_url"], s.baidu["qr"] = "javascript:alert(1)", "https://evil.example/track.png"
	})
	p.click(".account.no-login button")
	p.waitText(".baidu-login", "javascript:alert(1)")
	p.waitNone(".baidu-login a")
	p.waitNone(".baidu-login img")
}

func TestPage_logsOutOfBaiduNetdiskAfterASecondPress(t *testing.T) {
	s, p := openNetdisk(t, "en", netdiskOfTheEvening()...)
	p.click(".account.stopped .cancel")
	p.waitText(".account.stopped .cancel", "Really log out?")
	p.waitText(".account.stopped", "uploads to it wait until somebody logs in again")
	if len(s.posts) > 0 {
		t.Error("one press logged out")
	}
	p.click(".account.stopped .cancel")
	if got, want := next(t, s.posts, "log out"), "DELETE /api/targets/baidu/accounts/second"; got != want {
		t.Errorf("it asked for %q, want %q", got, want)
	}
	p.wait(`document.querySelectorAll('.account').length === 1`)
}
