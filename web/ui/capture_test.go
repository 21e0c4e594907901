package ui_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/ngworks/nglive/tasks"
)

// shot is one picture of the page.
type shot struct {
	name          string
	language      string // zh-CN or en
	width, height int64
	dark          bool
	press         string // a button that is pressed before
}

// TestScreenshots_areTakenOnRequest draws the pictures of the README into the folder that NGLIVE_SCREENSHOTS names.
func TestScreenshots_areTakenOnRequest(t *testing.T) {
	folder := os.Getenv("NGLIVE_SCREENSHOTS")
	if folder == "" {
		t.Skip("NGLIVE_SCREENSHOTS=<folder> takes the pictures")
	}
	s := newServer(t)
	s.recordings, s.events, s.nodes = evening()
	s.rooms, s.accounts, s.baidu = roomsOfTheEvening(), netdiskOfTheEvening(), waitingLogin(t)
	s.nodes[0].BaiduApp = true
	capture(t, s, folder,
		shot{name: "page-light", language: "zh-CN", width: 1360, height: 900},
		shot{name: "page-dark", language: "zh-CN", width: 1360, height: 900, dark: true},
		shot{name: "page-en", language: "en", width: 1360, height: 900},
		shot{name: "phone-light", language: "zh-CN", width: 360, height: 760},
		shot{name: "phone-dark", language: "en", width: 360, height: 760, dark: true},
		shot{name: "baidu-login", language: "zh-CN", width: 1360, height: 2000, press: ".account.stopped .again"},
		shot{name: "baidu-login-dark", language: "en", width: 1360, height: 2000, dark: true, press: ".account.stopped .again"},
		shot{name: "phone-whole", language: "en", width: 360, height: 5000, press: ".account.stopped .again"},
		shot{name: "wide", language: "en", width: 1920, height: 1080, dark: true},
	)
	s.set(func() { s.recordings, s.events, s.nodes, s.rooms = nil, nil, s.nodes[1:2], nil })
	capture(t, s, folder, shot{name: "first-run", language: "zh-CN", width: 1360, height: 700})
	s.set(func() { s.token = "secret" })
	capture(t, s, folder, shot{name: "login", language: "zh-CN", width: 1360, height: 700}, shot{name: "login-phone", language: "en", width: 360, height: 700, dark: true})
}

// capture draws the server's page as each shot wants it, in the middle of its work, into <folder>/<name>.png.
func capture(t *testing.T, s *server, folder string, shots ...shot) {
	t.Helper()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, x := range shots {
		s.beatAgain()
		p := openPage(t, s, x.language, x.prepare())
		p.expect("401")
		if s.token == "" {
			next(t, s.joined, "join the feed")
			midway(t, s)
			if len(s.recordings) > 0 {
				p.wait(`document.querySelectorAll('.row progress[value]').length === 2`)
			}
		}
		if x.press != "" {
			p.click(x.press)
			next(t, s.posts, "press "+x.press)
			p.waitText(".user-code", "ab12cd34")
		}
		png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatalf("picture %s: %v", x.name, err)
		}
		if err := os.WriteFile(filepath.Join(folder, x.name+".png"), png, 0o644); err != nil {
			t.Fatal(err)
		}
		p.close()
	}
}

func (x shot) prepare() chromedp.Action[chromedp.Void] {
	scheme := "light"
	if x.dark {
		scheme = "dark"
	}
	return chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: x.width, Height: x.height, DeviceScaleFactor: 2, Mobile: x.width < 600,
		})
		if err != nil {
			return fmt.Errorf("size of the window: %w", err)
		}
		_, err = cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{ // without motion, so that no picture is taken half-way through one
				{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
			},
		})
		return err
	})
}

// beatAgain keeps the nodes that are up from growing old while pictures are taken.
func (s *server) beatAgain() {
	s.set(func() {
		for i := range s.nodes {
			if s.nodes[i].Alive {
				s.nodes[i].BeatAt = tasks.At(time.Now())
			}
		}
	})
}

// midway tells the page how far the two running recordings of the evening are.
func midway(t *testing.T, s *server) {
	t.Helper()
	s.say(t,
		progress(tasks.IsTranscode, fmt.Sprintf("%016x", 2), "transcode", 64, 38_273_024, 187),
		progress(tasks.IsUp, fmt.Sprintf("%016x", 3), "upload", 27, 11_848_908, 284),
	)
}
