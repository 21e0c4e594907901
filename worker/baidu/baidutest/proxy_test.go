package baidutest_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ngworks/nglive/worker/baidu/baidutest"
)

// stranger is a client that knows Baidu's own addresses, a proxy and a certificate to trust, as any client in the world.
func stranger(t *testing.T, s *baidutest.Server) *client {
	t.Helper()
	proxy, err := url.Parse(s.URLs().Proxy)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(s.CA()) {
		t.Fatal("CA() is no certificate")
	}
	transport := &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	return &client{t: t, http: &http.Client{Transport: transport}, pan: "https://pan.baidu.com", pcs: "https://pcs.baidu.com", openapi: "https://openapi.baidu.com"}
}

func TestProxy_takesAStrangerFromDeviceLoginToListing(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{KeepContent: true})
	c := stranger(t, s)
	begun := c.device()
	if !strings.HasPrefix(begun.text("verification_url"), "https://openapi.baidu.com/") {
		t.Errorf("%s", begun.body)
	}
	if err := s.Approve(begun.text("user_code"), ""); err != nil {
		t.Fatal(err)
	}
	c.token = c.poll(begun.text("device_code")).text("access_token")
	c.pcs = "https://d.pcs.baidu.com"
	u := c.newUpload(appPath, 9*mib)
	u.all()
	if !strings.HasPrefix(c.slices, "https://") || !strings.HasSuffix(c.slices, ".pcs.baidu.com") || !strings.Contains(c.slices, "-") {
		t.Errorf("locateupload named %s", c.slices)
	}
	if list := c.get(c.pan+"/rest/2.0/xpan/file", q("method", "list", "dir", "/apps/nglive/23058")).list("list"); len(list) != 1 {
		t.Errorf("%v", list)
	}
	if f := s.OnlyFile(t, "", appPath, u.md5s()); !slices.Equal(f.Content, u.content) {
		t.Error("the content differs")
	}
	if s.PlainSlices() != 0 {
		t.Error("slices came in the clear")
	}
}

func TestProxy_takesACookieClientFromItsLoginToAShare(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{})
	c := stranger(t, s)
	account := baidutest.DefaultAccount()
	login := c.post("http://tieba.baidu.com/c/s/login", nil, q("bdusstoken", account.BDUSS+"|null"))
	if user, _ := login.json["user"].(map[string]any); login.text("error_code") != "0" || user["id"] != "1000001" || user["name"] != "alice" {
		t.Errorf("login answered %s", login.body)
	}
	if wrong := c.post("http://tieba.baidu.com/c/s/login", nil, q("bdusstoken", "x|null")); wrong.text("error_code") == "0" {
		t.Errorf("a login with a wrong BDUSS answered %s", wrong.body)
	}
	c.bduss, c.stoken = account.BDUSS, account.STOKEN
	u := c.newUpload(anyPath, 9*mib)
	u.all()
	if got := c.pset(); got.code() != 0 || len(s.Shares()) != 1 {
		t.Errorf("share answered %s", got.body)
	}
	s.OnlyFile(t, "", anyPath, u.md5s())
}

// TestProxy_answersDecodeIntoTheTypesThatClientsUse: a number where they have a number, and a refusal where they only try their luck.
func TestProxy_answersDecodeIntoTheTypesThatClientsUse(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{})
	c := stranger(t, s)
	c.token, c.pcs = baidutest.DefaultAccount().AccessToken, "https://d.pcs.baidu.com"
	u := c.newUpload(appPath, 5*mib)
	if got := u.create("block_list", `["`+baidutest.MD5(u.content)+`"]`); got.code() != 31190 {
		t.Errorf("a create by the md5 alone answered %s", got.body)
	}
	var begun struct {
		Errno      int    `json:"errno"`
		RequestID  int64  `json:"request_id"`
		ReturnType int    `json:"return_type"`
		UploadID   string `json:"uploadid"`
		BlockList  []int  `json:"block_list"`
	}
	decode(t, u.precreate("rtype", "3", "content-md5", baidutest.MD5(u.content), "slice-md5", baidutest.MD5(u.content[:256<<10])), &begun)
	if begun.ReturnType != 1 || len(begun.BlockList) != 2 || begun.RequestID == 0 {
		t.Errorf("%+v", begun)
	}
	var hosts struct {
		Host      string `json:"host"`
		Server    []any  `json:"server"`
		RequestID int64  `json:"request_id"`
		ErrorCode int    `json:"error_code"`
		Servers   []struct {
			Server string `json:"server"`
		} `json:"servers"`
	}
	decode(t, c.get(c.pcs+"/rest/2.0/pcs/file", q("method", "locateupload", "appid", "250528", "path", appPath, "uploadid", begun.UploadID,
		"upload_version", "2.0")), &hosts)
	if len(hosts.Servers) < 2 || !strings.HasPrefix(hosts.Servers[0].Server, "https://") {
		t.Fatalf("%+v", hosts)
	}
	c.slices = hosts.Servers[0].Server
	u.mustSend(0)
	u.mustSend(1)
	var made struct {
		Errno    int    `json:"errno"`
		FSID     int64  `json:"fs_id"`
		Size     int64  `json:"size"`
		Category int    `json:"category"`
		Isdir    int    `json:"isdir"`
		Ctime    int64  `json:"ctime"`
		Path     string `json:"path"`
	}
	decode(t, u.create("rtype", "3", "local_ctime", "1700000000"), &made)
	if made.FSID == 0 || made.Size != 5*mib || made.Category != 1 || made.Ctime < 1700000001 {
		t.Errorf("%+v", made)
	}
}

func decode(t *testing.T, a answer, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), into); err != nil {
		t.Fatalf("%s: %v", a.body, err)
	}
}

func TestProxy_plainHTTPIsForCookiesOnly(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{})
	c := stranger(t, s)
	c.pan, c.pcs = "http://pan.baidu.com", "http://pcs.baidu.com"
	c.bduss = baidutest.DefaultAccount().BDUSS
	if got := c.cookieQuota(); got.code() != 0 || got.status != http.StatusOK {
		t.Errorf("a cookie: %d %s", got.status, got.body)
	}
	c.bduss, c.token = "", baidutest.DefaultAccount().AccessToken
	if got := c.uinfo(); got.status != http.StatusForbidden || got.code() != 6 {
		t.Errorf("a token: %d %s", got.status, got.body)
	}
	c.openapi = "http://openapi.baidu.com"
	if got := c.refresh(baidutest.DefaultAccount().RefreshToken); got.text("error") != "invalid_request" {
		t.Errorf("a refresh: %d %s", got.status, got.body)
	}
}

func TestProxy_forwardsNothing(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{})
	c := stranger(t, s)
	if got := c.get("http://example.com/", nil); got.status != http.StatusForbidden {
		t.Errorf("http: %d %s", got.status, got.body)
	}
	if got := c.get("https://example.com/", nil); got.err == nil {
		t.Errorf("https: %d %s", got.status, got.body)
	}
	if got := c.get("https://notpan.baidu.com/", nil); got.err == nil {
		t.Errorf("another of Baidu's: %d %s", got.status, got.body)
	}
	if want := []string{"example.com", "notpan.baidu.com"}; !slices.Equal(s.Strangers(), want) {
		t.Errorf("strangers %v, want %v", s.Strangers(), want)
	}
	if got := c.get(s.URLs().Proxy+"/", nil); got.status == http.StatusOK {
		t.Errorf("the proxy's own address: %d %s", got.status, got.body)
	}
}

func TestProxy_hostThatIsDownIsNotReached(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{Hosts: 2})
	c := stranger(t, s)
	c.token = baidutest.DefaultAccount().AccessToken
	u := c.newUpload(appPath, 5*mib).begin()
	u.mustSend(0)
	s.SetHostDown(0, true)
	if got := u.send(1); got.err == nil && got.status == http.StatusOK {
		t.Errorf("%d %s", got.status, got.body)
	}
	s.SetHostDown(0, false)
	u.mustSend(1)
}

func TestProxy_servesCurl(t *testing.T) {
	t.Parallel()
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Log("there is no curl on this machine; the tests above go through the same proxy")
		return
	}
	s := baidutest.New(t, baidutest.Options{})
	account := baidutest.DefaultAccount()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, s.CA(), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), curl, append([]string{"-sS", "-x", s.URLs().Proxy, "--cacert", ca}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("curl %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	if out := run("https://pan.baidu.com/rest/2.0/xpan/nas?method=uinfo&access_token=" + account.AccessToken); !strings.Contains(out, `"baidu_name":"alice"`) {
		t.Errorf("uinfo: %s", out)
	}
	if out := run("-b", "BDUSS="+account.BDUSS, "http://pcs.baidu.com/rest/2.0/pcs/quota?method=info&app_id=266719"); !strings.Contains(out, `"quota":`) {
		t.Errorf("quota: %s", out)
	}
	u := cookieClient(t, s).newUpload(anyPath, mib).begin()
	file := filepath.Join(t.TempDir(), "slice")
	if err := os.WriteFile(file, u.content, 0o600); err != nil {
		t.Fatal(err)
	}
	out := run("-b", "BDUSS="+account.BDUSS, "-F", "file=@"+file, "https://bjdd-ct11.pcs.baidu.com/rest/2.0/pcs/superfile2?"+u.query(0).Encode())
	if !strings.Contains(out, baidutest.MD5(u.content)) {
		t.Errorf("superfile2: %s", out)
	}
}
