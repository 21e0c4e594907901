//go:build linux

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ngworks/nglive/worker/baidu/baidutest"
)

// TestBaidu_fromLoginToUpload goes through the whole program as people do, against a Baidu behind a proxy: log in with the code, look
// at the account, upload a sample, log out.
func TestBaidu_fromLoginToUpload(t *testing.T) {
	fake := baidutest.New(t, baidutest.Options{KeepContent: true, Strict: baidutest.Strict{UserAgent: true, HTTPS: true}, Limits: baidutest.Limits{DeviceInterval: time.Second}})
	app, ca := baidutest.DefaultApp(), filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, fake.CA(), 0o600); err != nil {
		t.Fatal(err)
	}
	dir, environ := home(t)
	environ = append(environ, "NGLIVE_UPLOAD_TARGET=baidu", "NGLIVE_BAIDU_APP_KEY="+app.ClientID, "NGLIVE_BAIDU_APP_SECRET="+app.ClientSecret,
		"NGLIVE_BAIDU_APP_NAME="+app.Folder, "HTTPS_PROXY="+fake.URLs().Proxy, "https_proxy="+fake.URLs().Proxy, "SSL_CERT_FILE="+ca)
	up := startUp(t, environ)

	var login *program
	until(t, time.Minute, "a login is possible", func() bool { // the node tells of itself with its first heartbeat
		login = start(t, environ, "baidu", "login", "--qr")
		until(t, 30*time.Second, "it answers", func() bool {
			return strings.Contains(login.stdout.String(), "good until") || strings.Contains(login.stderr.String(), "NGLIVE_BAIDU_APP_KEY")
		})
		return strings.Contains(login.stdout.String(), "good until")
	})
	code := regexp.MustCompile(`(?m)^    (\S+)$`).FindStringSubmatch(login.stdout.String())
	if code == nil || !strings.Contains(login.stdout.String(), "▀") {
		t.Fatalf("no code and QR code in %s", login.stdout)
	}
	if err := fake.Approve(code[1], "alice"); err != nil {
		t.Fatal(err)
	}
	if got := login.exit(t, time.Minute); got != exitDone {
		t.Fatalf("login: exit code %d", got)
	}
	until(t, time.Minute, "the account is told of", func() bool {
		status := start(t, environ, "baidu", "status")
		return status.exit(t, 30*time.Second) == exitDone && strings.Contains(status.stdout.String(), "SVIP") && strings.Contains(status.stdout.String(), "2048.0 GiB")
	})

	sample := start(t, environ, "sample", "--seconds", "2")
	if got := sample.exit(t, 2*time.Minute); got != exitDone || !strings.HasPrefix(sample.stdout.String(), "baidu:/apps/"+app.Folder+"/1/") {
		t.Fatalf("sample: exit code %d, last line %q", got, sample.stdout)
	}
	if files := fake.Files("alice"); len(files) != 2 {
		t.Errorf("the netdisk holds %d files, want the video and its comments", len(files))
	}
	if strangers := fake.Strangers(); len(strangers) > 0 {
		t.Errorf("it asked for %v", strangers)
	}
	if logout := start(t, environ, "baidu", "logout"); logout.exit(t, 30*time.Second) != exitDone {
		t.Error("logout failed")
	}
	until(t, 30*time.Second, "the login left the disk", func() bool {
		kept, err := os.ReadFile(filepath.Join(dir, "data", "baidu", "default"))
		return err != nil || strings.HasSuffix(strings.TrimSpace(string(kept)), " gone")
	})
	for _, secret := range []string{app.ClientSecret, "fake-access", "fake-refresh"} {
		if said := up.stdout.String() + up.stderr.String() + login.stdout.String() + login.stderr.String(); strings.Contains(said, secret) {
			t.Errorf("%q was printed", secret)
		}
	}
}
