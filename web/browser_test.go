package web

import (
	"context"
	"fmt"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser is a Chromium that writes down every request and every complaint.
type browser struct {
	ctx      context.Context //nolint:containedctx // chromedp's handle on the browser is a context
	mu       sync.Mutex
	requests []string
	troubles []string
}

// newBrowser starts a Chromium that asks nobody for anything by itself. Any name but this machine's leads nowhere, but is
// written down all the same.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	path := chromium(t)
	ctx, stop := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"), chromedp.UserDataDir(t.TempDir()))
	t.Cleanup(stop)
	b := &browser{}
	ctx, stop = chromedp.NewContext(ctx, chromedp.WithListener(b.note))
	t.Cleanup(stop)
	b.ctx, stop = context.WithTimeout(ctx, 4*time.Minute)
	t.Cleanup(stop)
	return b
}

func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("this test needs Chromium (make test installs it)")
	return ""
}

func (b *browser) note(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
	case *network.EventWebSocketCreated:
		b.requests = append(b.requests, e.URL)
	case *runtime.EventExceptionThrown:
		b.troubles = append(b.troubles, e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			b.troubles = append(b.troubles, e.Entry.Text+" "+e.Entry.URL)
		}
	}
}

// open goes to a page and waits until a text stands in the element.
func (b *browser) open(t *testing.T, address, element, text string) {
	t.Helper()
	holds := fmt.Sprintf(`[...document.querySelectorAll(%q)].some(e => e.innerText.includes(%q))`, element, text)
	err := chromedp.Do(b.ctx, chromedp.Navigate(address))
	if err != nil { // it may not even have started; then nothing more can be asked of it
		t.Fatalf("open %s: %v", address, err)
	}
	if _, err = chromedp.Run(b.ctx, chromedp.Poll[bool](holds, chromedp.WithPollingTimeout(patience))); err != nil {
		seen, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.body.innerText"))
		b.mu.Lock()
		defer b.mu.Unlock()
		t.Fatalf("%s does not show %q in %s: %v\nit shows:\n%.500s\ntroubles: %v", address, text, element, err, seen, b.troubles)
	}
}

// strangers are the requests that went, or would have gone, to another host.
func (b *browser) strangers(own string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(b.requests), func(address string) bool {
		u, err := url.Parse(address)
		return err == nil && (u.Host == own || u.Scheme == "data" || u.Scheme == "blob")
	})
}

func TestBrowser_showsEveryPageWithoutAnotherHost(t *testing.T) {
	s := newSite(t, nil).run(t)
	finished(t, s, "video.mp4")
	if err := s.queue.Register(t.Context(), s.rdb, "encode.browser-test"); err != nil {
		t.Fatal(err)
	}
	for _, p := range []struct{ path, element, text string }{
		{"/docs/", ".opblock-summary-path", "/api"},
		{"/asynq/", "a", "encode.browser-test"},
		{"/", "body", "video.mp4"},
	} {
		t.Run(strings.Trim(p.path, "/")+" page", func(t *testing.T) {
			b := newBrowser(t)
			b.open(t, s.url(p.path), p.element, p.text)
			if strangers := b.strangers(s.Addr()); len(strangers) > 0 {
				t.Errorf("%s asked other hosts: %v", p.path, strangers)
			}
			b.mu.Lock()
			defer b.mu.Unlock()
			if len(b.requests) < 3 || len(b.troubles) > 0 {
				t.Errorf("%s made %d requests and had troubles: %v", p.path, len(b.requests), b.troubles)
			}
		})
	}
}
