//go:build linux

package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker/baidu/baidutest"
)

// openedPage is a Chromium at an address.
type openedPage struct {
	t   *testing.T
	tab context.Context //nolint:containedctx // chromedp keeps its browser in a context
}

func openInChromium(t *testing.T, address string) *openedPage {
	t.Helper()
	var path string
	for _, name := range []string{"google-chrome", "chromium-browser", "chromium"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
		}
	}
	if path == "" {
		t.Fatal("this test needs Chromium (make test installs it)")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true), chromedp.UserDataDir(t.TempDir()))
	allocated, stop := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	t.Cleanup(stop)
	p := &openedPage{t: t}
	p.tab, _ = chromedp.NewContext(allocated)
	t.Cleanup(func() { _ = chromedp.Cancel(p.tab) })
	if err := chromedp.Do(p.tab, chromedp.Navigate(address)); err != nil {
		t.Fatalf("open %s: %v", address, err)
	}
	return p
}

// text waits for an element with a text, and returns that.
func (p *openedPage) text(selector string) (text string) {
	p.t.Helper()
	until(p.t, time.Minute, selector+" on the page", func() bool {
		var err error
		text, err = chromedp.Run(p.tab, chromedp.Evaluate[string](fmt.Sprintf(`document.querySelector(%q)?.innerText ?? ''`, selector)))
		return err == nil && text != ""
	})
	return text
}

// TestBaidu_onThePage: a person who knows nothing but the page logs in, and finds the share link of what was uploaded.
func TestBaidu_onThePage(t *testing.T) {
	fake := baidutest.New(t, baidutest.Options{Strict: baidutest.Strict{UserAgent: true, HTTPS: true}, Limits: baidutest.Limits{DeviceInterval: time.Second}})
	app, alice, ca := baidutest.DefaultApp(), baidutest.DefaultAccount(), filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, fake.CA(), 0o600); err != nil {
		t.Fatal(err)
	}
	_, environ := home(t)
	environ = append(environ, "NGLIVE_UPLOAD_TARGET=baidu", "NGLIVE_BAIDU_APP_KEY="+app.ClientID, "NGLIVE_BAIDU_APP_SECRET="+app.ClientSecret,
		"NGLIVE_BAIDU_APP_NAME="+app.Folder, "NGLIVE_BAIDU_BDUSS="+alice.BDUSS, "NGLIVE_BAIDU_STOKEN="+alice.STOKEN,
		"HTTPS_PROXY="+fake.URLs().Proxy, "https_proxy="+fake.URLs().Proxy, "SSL_CERT_FILE="+ca)
	startUp(t, environ)
	c := must(newClient(localServer(must(LoadConfig(environ, ""))), ""))

	p := openInChromium(t, c.base+"/")
	p.text(".account.no-login button.primary")
	if err := chromedp.Do(p.tab, chromedp.Click(chromedp.CSS(".account.no-login button.primary"))); err != nil {
		t.Fatal(err)
	}
	if err := fake.Approve(p.text(".user-code code"), alice.Name); err != nil {
		t.Fatal(err)
	}
	if got := p.text(".account.ready"); !strings.Contains(got, "2.00 TiB") || !strings.Contains(got, "SVIP") && !strings.Contains(got, "超级会员") {
		t.Errorf("the account shows %q", got)
	}

	flow := tasks.Flow{ID: "shared", Match: &tasks.Match{Rooms: []int64{1}}, Steps: []tasks.Step{
		{ID: "transcode", Type: tasks.StepTranscode}, {ID: "upload", Type: tasks.StepUpload, With: map[string]any{"target": "baidu", "share": true}},
	}}
	if err := c.call(t.Context(), http.MethodPost, "/api/flows", flow, nil); err != nil {
		t.Fatal(err)
	}
	if sample := start(t, environ, "sample", "--seconds", "2"); sample.exit(t, 2*time.Minute) != exitDone {
		t.Fatal("the sample failed")
	}
	link, whole := p.text(".share a"), p.text(".share")
	list := recordingsOf(t, environ)
	if len(list) != 1 || list[0].Steps[1].Output == nil || list[0].Steps[1].Output.Share == nil {
		t.Fatalf("the API tells of no link: %+v", list)
	}
	if s := list[0].Steps[1].Output.Share; s.Link != link || !strings.HasPrefix(link, "https://") || !strings.Contains(whole, s.Password) {
		t.Errorf("the page shows %q, the link is %q", whole, s.Link)
	}
}
