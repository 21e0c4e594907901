//go:build linux && screenshots

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/png"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/google/uuid"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker/flv"
	"github.com/ngworks/nglive/worker/recorder/recordertest"
	"github.com/ngworks/nglive/worker/recorder/rehearsal"
)

const (
	pictureFile  = "docs/images/page.png"
	largestImage = 300 << 10
)

// stage is a real `nglive up` with a recorder and a few recordings in different states. The streamers are made up.
type stage struct {
	*submission
	t      *testing.T
	dir    string
	double *recordertest.Double
}

// TestScreenshots writes docs/images/page.png, the README's picture of the page.
func TestScreenshots(t *testing.T) {
	s := newStage(t)
	s.finished(23058, "小满电台", "午后读书：第十二章")
	s.finished(7734200, "山风与海", "钢琴练习 Op.10 No.4")
	s.broken(90210, "北极星观测站", "木星冲日直播")
	s.live(558219)
	s.encoding(1024011, "阿柒 Seven", "【独立游戏】和大家一起通关到天亮")
	picture := s.shoot(1280, 800)
	if size := len(picture); size > largestImage {
		t.Errorf("the picture has %d KiB, more than the %d a README should load", size>>10, largestImage>>10)
	}
	if _, err := png.Decode(bytes.NewReader(picture)); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(pictureFile), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(pictureFile, picture, 0o644); err != nil {
		t.Fatal(err)
	}
}

func newStage(t *testing.T) *stage {
	t.Helper()
	dir, environ := home(t)
	nas, err := os.MkdirTemp("", "nas-") //nolint:usetesting // the picture shows the path, and a test's own is long
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(nas) })
	double := recorderOnStage(t, filepath.Join(dir, "recordings"))
	environ = append(environ, "NGLIVE_NODE=attic", "NGLIVE_ARCHIVE_DIR="+filepath.Join(nas, "videos"), "NGLIVE_RECORDER_URL="+double.URL,
		"NGLIVE_RECORDER_USER="+recordertest.User, "NGLIVE_RECORDER_PASSWORD="+recordertest.Password)
	startUp(t, environ)
	c, _, stderr := testConsole(environ...)
	s, _ := c.newSubmission(t.Context(), "")
	if s == nil {
		t.Fatal(stderr)
	}
	return &stage{submission: s, t: t, dir: dir, double: double}
}

// recorderOnStage has a room that waits, one that is on the air and not recorded, and one that goes on the air later.
func recorderOnStage(t *testing.T, dir string) *recordertest.Double {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	const room = `{"RoomId":{"HasValue":true,"Value":%d},"AutoRecord":{"HasValue":true,"Value":%t}}`
	rooms := fmt.Sprintf(room+","+room+","+room, 558219, true, 41573, false, 23058, true)
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"version":3,"global":{},"rooms":[`+rooms+`]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	return recordertest.Start(t, rehearsal.Config{Dir: dir, Unresolved: time.Millisecond, Streamers: []rehearsal.Streamer{
		{RoomID: 558219, Name: "Mika 的厨房", Title: "三十分钟晚餐"},
		{RoomID: 41573, Name: "夜航西飞", Title: "试音", Live: true},
		{RoomID: 23058, Name: "小满电台", Title: "午后读书：第十二章"},
	}})
}

// say sends one event about a room's file, as its recorder would.
func (s *stage) say(kind string, m sampleMaker, path string, size int64) {
	s.t.Helper()
	seconds := float64(m.seconds)
	data := eventData{SessionID: m.session, RelativePath: path, FileOpenTime: recorderTime(m.note.StartTime)}
	data.about(m.note)
	if kind == tasks.FileClosed {
		data.FileSize, data.Duration, data.FileCloseTime = &size, &seconds, recorderTime(time.Now())
	}
	if err := s.client.post(s.t.Context(), s.node, newRecorderEvent(kind, data)); err != nil {
		s.t.Fatal(err)
	}
}

// record makes a film of some seconds (none = three bytes that are none) and hands it in.
func (s *stage) record(room int64, name, title string, seconds int) (id string) {
	s.t.Helper()
	m, path := s.maker(room, name, title, seconds)
	target := filepath.Join(s.dir, "recordings", filepath.FromSlash(path))
	err := os.MkdirAll(filepath.Dir(target), 0o755)
	if err == nil && seconds == 0 {
		err = os.WriteFile(target, []byte("FLV"), 0o644)
	} else if err == nil {
		err = m.film(s.t.Context(), target)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	info, err := os.Stat(target)
	if err != nil {
		s.t.Fatal(err)
	}
	s.say(tasks.FileOpening, m, path, 0)
	s.say(tasks.FileClosed, m, path, info.Size())
	return tasks.Identity{Node: s.node, Path: path}.ID()
}

func (s *stage) maker(room int64, name, title string, seconds int) (m sampleMaker, path string) {
	m = sampleMaker{submission: s.submission, seconds: seconds, room: room, session: uuid.NewString()}
	m.note = flv.RecorderNote{RoomID: room, Name: name, StreamTitle: title, StartTime: time.Now()}
	return m, fmt.Sprintf("%d-%s/录制-%d-%s.flv", room, name, room, m.note.StartTime.Format("20060102-150405"))
}

func (s *stage) finished(room int64, name, title string) {
	s.reaches(s.record(room, name, title, 5), tasks.Finished)
}

func (s *stage) broken(room int64, name, title string) {
	s.reaches(s.record(room, name, title, 0), tasks.Failed)
}

// live puts a streamer on the air, so that the recorder records it.
func (s *stage) live(room int64) {
	s.t.Helper()
	until(s.t, time.Minute, "the recorder posts here", func() bool {
		var all struct {
			Nodes []tasks.NodeInfo `json:"nodes"`
		}
		err := s.client.call(s.t.Context(), http.MethodGet, "/api/nodes", nil, &all)
		return err == nil && len(all.Nodes) == 1 && all.Nodes[0].Recorder != nil && all.Nodes[0].Recorder.Hooked
	})
	s.double.Live(room, true)
	until(s.t, time.Minute, "it is being recorded", func() bool {
		var all struct {
			Recordings []tasks.Recording `json:"recordings"`
		}
		err := s.client.call(s.t.Context(), http.MethodGet, "/api/recordings?state=opening", nil, &all)
		return err == nil && len(all.Recordings) == 1 && all.Recordings[0].RoomID == room
	})
}

// encoding gives the room a flow that takes its time.
func (s *stage) encoding(room int64, name, title string) {
	s.t.Helper()
	flow := tasks.Flow{ID: "encode", Match: &tasks.Match{Rooms: []int64{room}}, Steps: []tasks.Step{
		{ID: "transcode", Type: tasks.StepTranscode, With: map[string]any{"mode": "CRF", "preset": "slower"}},
		{ID: "upload", Type: tasks.StepUpload},
		{ID: "notify", Type: tasks.StepNotify},
	}}
	if err := s.client.call(s.t.Context(), http.MethodPost, "/api/flows", flow, nil); err != nil {
		s.t.Fatal(err)
	}
	s.reaches(s.record(room, name, title, 60), tasks.Running)
}

func (s *stage) reaches(id string, state tasks.State) {
	s.t.Helper()
	until(s.t, time.Minute, id+" is "+string(state), func() bool {
		r, err := s.client.recording(s.t.Context(), id)
		return err == nil && r.State == state
	})
}

// shoot draws the page in Chinese and in daylight, once its progress bar moves.
func (s *stage) shoot(width, height int64) []byte {
	s.t.Helper()
	browser, ok := firstProgram("chromium", "chromium-browser", "google-chrome")
	if !ok {
		s.t.Fatal("Chromium is not installed; make screenshots installs it where it may")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(browser), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(s.t.TempDir()),
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("accept-lang", "zh-CN"))
	allocated, stop := chromedp.NewExecAllocator(context.WithoutCancel(s.t.Context()), options...)
	defer stop()
	tab, _ := chromedp.NewContext(allocated)
	defer func() { _ = chromedp.Cancel(tab) }()
	if err := chromedp.Do(tab, daylight(width, height), chromedp.Navigate(s.client.base+"/")); err != nil {
		s.t.Fatalf("open the page: %v", err)
	}
	const moving = `[...document.querySelectorAll('.row progress')].some((bar) => bar.value > 0.1 * bar.max) && document.body.innerText.includes('attic') &&
		['recording', 'live', 'waiting'].every((doing) => document.querySelector('.room.' + doing))`
	until(s.t, 3*time.Minute, "a progress bar on the page", func() bool {
		seen, err := chromedp.Run(tab, chromedp.Evaluate[bool](moving))
		return err == nil && seen
	})
	picture, err := chromedp.Run(tab, chromedp.CaptureScreenshot())
	if err != nil {
		s.t.Fatalf("draw the page: %v", err)
	}
	return picture
}

func firstProgram(names ...string) (path string, ok bool) {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, true
		}
	}
	return "", false
}

// daylight sets the window, and stops what moves.
func daylight(width, height int64) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, size := cdp.Call(ctx, tab, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: width, Height: height, DeviceScaleFactor: 1.15,
		})
		_, look := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: "light"}, {Name: "prefers-reduced-motion", Value: "reduce"},
			},
		})
		return errors.Join(size, look)
	})
}
