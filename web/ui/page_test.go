package ui_test

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/ngworks/nglive/tasks"
)

// page is a browser with the page open. What goes wrong inside it is collected and fails the test at its end.
type page struct {
	t     *testing.T
	ctx   context.Context //nolint:containedctx // chromedp keeps its browser in a context
	close func()

	mu       sync.Mutex
	troubles []string
	expected []string // parts of troubles that the test brings about itself
}

func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("Chromium is not installed; `make test` installs it, or: apt-get install chromium")
	return ""
}

// openPage opens the server's page; before runs in the empty tab.
func openPage(t *testing.T, s *server, language string, before ...chromedp.Action[chromedp.Void]) *page {
	t.Helper()
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("accept-lang", language), chromedp.WindowSize(1280, 900))
	alloc, stop := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), opts...)
	ctx, _ := chromedp.NewContext(alloc)
	p := &page{t: t, ctx: ctx, close: sync.OnceFunc(func() {
		_ = chromedp.Cancel(ctx) // waits until the browser is gone
		stop()
	})}
	t.Cleanup(func() {
		p.close()
		p.check()
	})
	if err := chromedp.Listen(ctx, func(event any) { p.listen(s.URL, event) }); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	p.do(chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, network := cdp.Call(ctx, tab, network.Enable, network.EnableParams{})
		_, logs := cdp.Call(ctx, tab, log.Enable, cdp.Empty{})
		return errors.Join(network, logs)
	}))
	p.do(before...)
	p.do(chromedp.Navigate(s.URL + "/"))
	return p
}

func (p *page) listen(own string, event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		p.troubles = append(p.troubles, "exception: "+e.ExceptionDetails.Text+" "+e.ExceptionDetails.Exception.Description)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning || e.Type == runtime.ConsoleAPICalledTypeAssert {
			p.troubles = append(p.troubles, fmt.Sprintf("console %s: %s", e.Type, e.Args[0].Value))
		}
	case *log.EventEntryAdded: // broken policies and failed requests
		p.troubles = append(p.troubles, fmt.Sprintf("%s %s: %s (%s)", e.Entry.Source, e.Entry.Level, e.Entry.Text, e.Entry.URL))
	case *network.EventRequestWillBeSent:
		if url := e.Request.URL; !strings.HasPrefix(url, own+"/") && !strings.HasPrefix(url, "data:") {
			p.troubles = append(p.troubles, "foreign request: "+url)
		}
	case *network.EventWebSocketCreated:
		if !strings.HasPrefix(e.URL, strings.Replace(own, "http", "ws", 1)+"/ws") {
			p.troubles = append(p.troubles, "foreign socket: "+e.URL)
		}
	}
}

func (p *page) expect(parts ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expected = append(p.expected, parts...)
}

func (p *page) check() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, trouble := range p.troubles {
		if !slices.ContainsFunc(p.expected, func(part string) bool { return strings.Contains(trouble, part) }) {
			p.t.Errorf("in the browser: %s", trouble)
		}
	}
}

func (p *page) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, 40*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatalf("in the browser: %v", err)
	}
}

// value asks the page for what a JavaScript expression is.
func value[T any](p *page, expression string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, 40*time.Second)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		p.t.Fatalf("in the browser: %s: %v", expression, err)
	}
	return v
}

// wait asks until a JavaScript expression holds, and shows the page's text when it does not. It asks from outside: chromedp's
// own polling builds functions from text, which the page's policy forbids.
func (p *page) wait(expression string) {
	p.t.Helper()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); <-look.C {
		if value[bool](p, "Boolean("+expression+")") {
			return
		}
	}
	p.t.Fatalf("%s did not come true. The page shows:\n%s", expression, value[string](p, `document.body.innerText`))
}

func (p *page) waitText(selector, text string) {
	p.t.Helper()
	p.wait(fmt.Sprintf(`[...document.querySelectorAll(%q)].some((e) => e.innerText.includes(%q))`, selector, text))
}

func (p *page) waitNone(selector string) {
	p.t.Helper()
	p.wait(fmt.Sprintf(`!document.querySelector(%q)`, selector))
}

func (p *page) click(selector string) {
	p.t.Helper()
	p.do(chromedp.Click(chromedp.CSS(selector)))
}

// fill types a text over what stands in a field.
func (p *page) fill(selector, text string) {
	p.t.Helper()
	value[bool](p, fmt.Sprintf(`document.querySelector(%[1]q).focus() ?? document.querySelector(%[1]q).select() ?? true`, selector))
	p.do(chromedp.KeyEvent(text))
}

func openEvening(t *testing.T, language string) (*server, *page) {
	t.Helper()
	s := newServer(t)
	s.recordings, s.events, s.nodes = evening()
	p := openPage(t, s, language)
	next(t, s.joined, "join the feed")
	return s, p
}

func TestPage_showsRecordingsNodesAndEvents(t *testing.T) {
	s, p := openEvening(t, "zh-CN")
	p.wait(`document.querySelectorAll('.row').length === 7`)
	p.waitText(".row.running .who", "阿柒 Seven")
	p.waitText(".row.waiting .note.held", "4.1% free")
	p.waitText(".row.failed .note.failed", "Install ffmpeg 6.1 or newer")
	p.waitText(".row.finished .place", "/mnt/nas/archive/23058/")
	p.waitText(".row.finished .steps", "转码")
	p.waitText(".chip.failed", "1")
	p.wait(`document.querySelectorAll('.event').length === 12`)
	p.waitText(".event", "小满电台 正在写入新文件")
	p.wait(`document.querySelectorAll('.node.up').length === 2 && document.querySelectorAll('.node.down').length === 1`)
	s.say(t, *beat("attic", 91, 50, 62, 700))
	p.waitText(".node.up", "91%")
	p.waitText(".link", "实时")
}

func TestPage_movesItsProgressWithoutShiftingAnything(t *testing.T) {
	s, p := openEvening(t, "zh-CN")
	id := fmt.Sprintf("%016x", 2)
	const places = `JSON.stringify([...document.querySelectorAll('.row, .steps, .progress span, .actions')].map((e) => {
		const r = e.getBoundingClientRect(); return [r.x, r.y, r.width, r.height].map(Math.round); }))`
	s.say(t, progress(tasks.IsTranscode, id, "transcode", 3, 900, 36_000))
	p.waitText(".row.running .percent", "3%")
	before := value[string](p, places)
	s.say(t, progress(tasks.IsTranscode, id, "transcode", 100, 123_456_789, 9))
	p.waitText(".row.running .percent", "100%")
	p.waitText(".row.running .speed", "118 MiB/s")
	p.waitText(".row.running .left", "剩余 0:09")
	if after := value[string](p, places); before != after {
		t.Errorf("the page moved while progress did:\n%s\n%s", before, after)
	}
}

func TestPage_showsAnEventAtOnceAndThenTheRecordingItself(t *testing.T) {
	s, p := openEvening(t, "en")
	p.waitText(".row.running .step", "running")
	s.set(func() {
		s.recordings[1].Steps[0].State, s.recordings[1].Steps[1].State = tasks.StepDone, tasks.StepQueued
		s.recordings[1].Steps[0].Warning = "only the server knows this"
	})
	now := time.Now()
	s.say(t, tasks.Event{
		CMD: tasks.TranscodeEnded, ID: fmt.Sprintf("%016x", 2), SEQ: seq(now), TS: tasks.Stamp(now), STEP: "transcode",
		STATE: tasks.Running, NAME: "阿柒 Seven", RUN: 1, EVENT: "x.1",
	})
	p.waitText(".event", "Transcode of 阿柒 Seven is done")
	p.waitText(".row.running .note", "only the server knows this")
	fresh := recording(77, tasks.Opening, 0, tasks.StepPending, tasks.StepPending, tasks.StepPending)
	s.set(func() { s.recordings = slices.Insert(s.recordings, 0, fresh) })
	s.say(t, tasks.Event{CMD: tasks.FileOpening, ID: fresh.ID, SEQ: seq(now.Add(time.Second)), NAME: fresh.Name, EVENT: "x.2"})
	p.waitText(".row", "主播 77")
}

func TestPage_comesBackAfterALostConnection(t *testing.T) {
	s, p := openEvening(t, "zh-CN")
	p.expect("502", "WebSocket", "Failed to load resource")
	p.waitText(".link", "实时")
	last := time.Now()
	s.say(t, tasks.Event{CMD: tasks.NodeUp, NODE: "cellar", SEQ: seq(last), EVENT: "y.1"})
	p.waitText(".event", "节点 cellar 上线")
	s.set(func() { s.away = true })
	s.drop()
	p.waitText(".banner", "连接断开，正在重连")
	s.set(func() { s.away = false })
	if since := next(t, s.joined, "come back"); since != seq(last) {
		t.Errorf("it asked for what came after %q, the last it saw is %q", since, seq(last))
	}
	p.waitNone(".banner")
	p.waitText(".link", "实时")
}

func TestPage_readsEverythingAgainAfterAGap(t *testing.T) {
	s, p := openEvening(t, "en")
	p.wait(`document.querySelectorAll('.row').length === 7`)
	s.set(func() { s.recordings = s.recordings[:3] })
	s.say(t, tasks.Event{CMD: tasks.Gap})
	p.wait(`document.querySelectorAll('.row').length === 3`)
}

func TestPage_asksForWhatItsButtonsSay(t *testing.T) {
	s, p := openEvening(t, "en")
	p.click(".row.failed button.retry")
	if got, want := next(t, s.posts, "post a retry"), "/api/recordings/0000000000000005/retry <nil>"; got != want {
		t.Errorf("posted %q, want %q", got, want)
	}
	p.waitNone(".row.failed")
	s.set(func() { s.refusal = "this recording is finished already; nothing is left to cancel" })
	p.expect("409")
	p.click(".row.waiting button.cancel")
	p.waitText(".row.waiting button.cancel", "Really cancel?")
	if len(s.posts) > 0 {
		t.Error("one press cancelled hours of work")
	}
	p.click(".row.waiting button.cancel")
	if got, want := next(t, s.posts, "post a cancel"), "/api/recordings/0000000000000004/cancel <nil>"; got != want {
		t.Errorf("posted %q, want %q", got, want)
	}
	p.waitText(".banner.bad", "nothing is left to cancel")
}

func TestPage_startsAnOlderFileWithTheDefaultFlow(t *testing.T) {
	s := newServer(t)
	s.recordings = []tasks.Recording{recording(9, tasks.Found, time.Hour, tasks.StepPending, tasks.StepPending, tasks.StepPending)}
	p := openPage(t, s, "zh-CN")
	p.waitText(".row.found .note", "更早")
	p.click(".row.found button.run")
	if got, want := next(t, s.posts, "post a run"), "/api/recordings/0000000000000009/run default"; got != want {
		t.Errorf("posted %q, want %q", got, want)
	}
}

func TestPage_asksForTheTokenAndGoesOn(t *testing.T) {
	s := newServer(t)
	s.recordings, s.events, s.nodes = evening()
	s.token = "correct horse"
	p := openPage(t, s, "zh-CN")
	p.expect("401")
	p.waitText(".login", "NGLIVE_TOKEN")
	p.fill("#token", "wrong\r")
	p.waitText("#trouble", "口令不对")
	p.fill("#token", " correct horse\r")
	p.wait(`document.querySelectorAll('.row').length === 7`)
	next(t, s.joined, "join the feed")
}

func TestPage_showsANewcomerTheWayIn(t *testing.T) {
	s := newServer(t)
	p := openPage(t, s, "zh-CN")
	p.waitText(".first-run", s.URL+"/webhook/")
	p.waitText(".first-run", "nglive sample")
	s.set(func() {
		s.recordings = []tasks.Recording{recording(1, tasks.Opening, 0, tasks.StepPending, tasks.StepPending, tasks.StepPending)}
	})
	next(t, s.joined, "join the feed")
	s.say(t, tasks.Event{CMD: tasks.FileOpening, ID: s.recordings[0].ID, SEQ: seq(time.Now()), EVENT: "z"})
	p.waitText(".row", "主播 1")
	p.waitNone(".first-run")
}

func TestPage_speaksBothLanguagesAndRemembers(t *testing.T) {
	_, p := openEvening(t, "en")
	p.waitText("#recordings", "Recordings")
	p.wait(`document.documentElement.lang === 'en'`)
	p.click(".language")
	p.waitText("#recordings", "录像")
	p.do(chromedp.Reload())
	p.waitText("#recordings", "录像")
	p.wait(`document.documentElement.lang === 'zh-CN'`)
}

func TestPage_filtersSearchesAndLoadsMore(t *testing.T) {
	s := newServer(t)
	for n := range 120 {
		state, last := tasks.Finished, tasks.StepDone
		if n >= 110 {
			state, last = tasks.Failed, tasks.StepFailed
		}
		s.recordings = append(s.recordings, recording(n+1, state, time.Duration(n)*time.Minute, tasks.StepDone, last, tasks.StepPending))
	}
	p := openPage(t, s, "en")
	p.wait(`document.querySelectorAll('.row').length === 50`)
	p.click(".chip.failed") // none of them is loaded yet
	p.wait(`document.querySelectorAll('.row.failed').length === 10`)
	p.click(".chip.all") // no hole between what was loaded from the top and what was loaded for the filter
	p.wait(`document.querySelectorAll('.row').length === 50`)
	p.click("button.more")
	p.wait(`document.querySelectorAll('.row').length === 100`)
	p.click("button.more")
	p.wait(`document.querySelectorAll('.row').length === 120 && !document.querySelector('button.more')`)
	p.do(chromedp.KeyEvent("/"))
	p.wait(`document.activeElement.id === 'search'`)
	p.fill("#search", "0117 FLV")
	p.wait(`document.querySelectorAll('.row').length === 1`)
	p.fill("#search", "nobody")
	p.waitText(".nothing", "Nothing among the loaded recordings matches")
	p.click(".nothing button")
	p.wait(`document.querySelectorAll('.row').length === 120`)
}

func TestPage_staysQuickWithAThousandRows(t *testing.T) {
	s := newServer(t)
	for n := range 1000 {
		s.recordings = append(s.recordings, recording(n+1, tasks.Running, time.Duration(n)*time.Minute, tasks.StepRunning, tasks.StepPending, tasks.StepPending))
	}
	p := openPage(t, s, "en")
	next(t, s.joined, "join the feed")
	for n := 100; n <= 1000; n += 50 {
		value[bool](p, `document.querySelector('button.more').click() ?? true`)
		p.wait(fmt.Sprintf(`document.querySelectorAll('.row').length === %d && !document.querySelector('button.more:disabled')`, n))
	}
	// Every row moves, and a frame of the page must still come soon.
	value[float64](p, `globalThis.longest = 0; globalThis.before = performance.now();
		requestAnimationFrame(function beat(now) { longest = Math.max(longest, now - before); before = now; requestAnimationFrame(beat); }); 0`)
	for percent := range 10 {
		for n := range 1000 {
			s.say(t, progress(tasks.IsTranscode, fmt.Sprintf("%016x", n+1), "transcode", percent+1, 1<<20, 60))
		}
	}
	p.wait(`[...document.querySelectorAll('.percent')].every((e) => e.textContent === '10%')`)
	longest := value[float64](p, `longest`)
	t.Logf("longest gap between two pictures: %.0f ms", longest)
	if longest > 2000 {
		t.Errorf("the page stood still for %.0f ms", longest)
	}
}

func TestPage_fitsAPhone(t *testing.T) {
	s := newServer(t)
	s.recordings, s.events, s.nodes = evening()
	s.rooms = roomsOfTheEvening()
	s.nodes[0].BaiduApp, s.accounts, s.baidu = true, netdiskOfTheEvening(), waitingLogin(t)
	for _, language := range []string{"zh-CN", "en"} {
		p := openPage(t, s, language, shot{width: 360, height: 740}.prepare())
		p.wait(`document.querySelectorAll('.row').length === 7`)
		next(t, s.joined, "join the feed")
		midway(t, s)
		p.waitText(".row.running .percent", "64%")
		p.click(".account.stopped .again")
		p.waitText(".user-code", "ab12cd34")
		p.wait(`document.documentElement.scrollWidth <= 360`)
		p.wait(`[...document.querySelectorAll('.state, .step, .progress, .actions button, .note, .copyable, .copyable button, .meter, .room-buttons button, .account-buttons button, .qr')].every(
			(e) => e.getBoundingClientRect().right <= 346)`) // rows clip what does not fit
		p.close()
	}
}

func TestPage_worksOnAllOlderFilesAfterASecondPress(t *testing.T) {
	s := newServer(t)
	s.recordings = []tasks.Recording{recording(9, tasks.Found, time.Hour, tasks.StepPending, tasks.StepPending, tasks.StepPending)}
	p := openPage(t, s, "en")
	p.click(".chip.found")
	p.click("button.run-found")
	p.waitText("button.run-found", "Really work on")
	if len(s.posts) > 0 {
		t.Error("one press began with all of them")
	}
	p.click("button.run-found")
	if got, want := next(t, s.posts, "post a run of all"), "/api/recordings/found/run true"; got != want {
		t.Errorf("posted %q, want %q", got, want)
	}
}
