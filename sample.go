package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker/flv"
)

const (
	longestSample = 3600 // seconds
	sampleMake    = 10 * time.Minute
)

const sampleUsage = `usage 用法: nglive sample [--seconds N | --live 60s] [--room ID] [--server URL]
  makes a recording of N seconds (default 10) and follows it to the archive
  --live  records for that long with a recorder's double instead: a file that grows, real webhooks, no streamer
  生成一段 N 秒（默认 10）的示例录像，并跟踪到归档完成
  --live  改用模拟的录播姬实时录制这么长时间：文件逐渐变大，发送真实的 webhook，无需主播
`

// runSample is the command "nglive sample".
func runSample(ctx context.Context, c *console, args []string) int {
	var server string
	var live time.Duration
	m := sampleMaker{}
	flags := flag.NewFlagSet("sample", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&server, "server", "", "")
	flags.IntVar(&m.seconds, "seconds", 10, "")
	flags.Int64Var(&m.room, "room", 1, "")
	flags.DurationVar(&live, "live", 0, "")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 || m.seconds < 1 || m.seconds > longestSample || m.room < 1 || m.room > math.MaxInt32 ||
		live != 0 && (live < shortestLive || live > longestLive) {
		c.complain("%s", sampleUsage)
		return exitUsage
	}
	s, code := c.newSubmission(ctx, server)
	if s == nil {
		return code
	}
	if live > 0 {
		return s.liveSample(ctx, live, m.room)
	}
	m.submission = s
	if err := m.record(ctx); err != nil {
		if ctx.Err() != nil {
			return s.stopped()
		}
		return s.answer(err)
	}
	return s.follow(ctx)
}

// sampleMaker plays the recorder: it makes a file and tells NGlive about it.
type sampleMaker struct {
	*submission
	seconds int
	room    int64
	session string
	note    flv.RecorderNote
}

// record makes the file, then sends the recorder's four events about it.
func (m *sampleMaker) record(ctx context.Context) error {
	opened := time.Now()
	m.session = uuid.NewString()
	m.note = flv.RecorderNote{
		RoomID: m.room, Name: "NGlive", StreamTitle: "NGlive 示例 sample", StartTime: opened,
		AreaNameParent: "科技", AreaNameChild: "示例",
	}
	path := m.path(opened)
	m.complain("making %d s of video / 正在生成 %d 秒的示例录像\n", m.seconds, m.seconds)
	if err := m.film(ctx, filepath.Join(m.cfg.RecordingsDir, filepath.FromSlash(path))); err != nil {
		return err
	}
	info, err := os.Stat(filepath.Join(m.cfg.RecordingsDir, filepath.FromSlash(path)))
	if err != nil {
		return err
	}
	if err := m.tell(ctx, path, opened, info.Size()); err != nil {
		return err
	}
	r, err := m.client.newest(ctx, m.node, path)
	if err != nil {
		return err
	}
	m.list = append(m.list, &watched{name: filepath.Base(path), id: r.ID})
	return nil
}

// path follows the recorder's default template.
func (m *sampleMaker) path(t time.Time) string {
	stamp := strings.ReplaceAll(t.Format("20060102-150405.000"), ".", "-")
	return fmt.Sprintf("%d-sample/录制-%d-%s-%s.flv", m.room, m.room, stamp, m.note.StreamTitle)
}

func (m *sampleMaker) tell(ctx context.Context, path string, opened time.Time, size int64) error {
	duration := float64(m.seconds)
	about := eventData{SessionID: m.session, Recording: true, Streaming: true, DanmakuConnected: true}
	about.about(m.note)
	file := about
	file.RelativePath, file.FileOpenTime = path, recorderTime(opened)
	closed := file
	closed.FileSize, closed.Duration, closed.FileCloseTime = &size, &duration, recorderTime(time.Now())
	over := about
	over.Recording = false
	for _, e := range []recorderEvent{
		newRecorderEvent(tasks.SessionStarted, about),
		newRecorderEvent(tasks.FileOpening, file),
		newRecorderEvent(tasks.FileClosed, closed),
		newRecorderEvent(tasks.SessionEnded, over),
	} {
		if err := m.client.post(ctx, m.node, e); err != nil {
			return err
		}
	}
	return nil
}

// film lets ffmpeg draw moving pictures and a tone. The names appear when the
// files are whole.
func (m *sampleMaker) film(ctx context.Context, target string) error {
	if err := os.MkdirAll(filepath.Dir(target), 0o777); err != nil { //nolint:gosec // the user's umask decides
		return err
	}
	draft := target + ".part"
	defer func() { _ = os.Remove(draft) }()
	ctx, stop := context.WithTimeout(ctx, sampleMake)
	defer stop()
	cmd := exec.CommandContext(ctx, m.cfg.FFmpeg, m.filmArgs(draft)...)
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("ffmpeg could not make the sample (%w): %s; `nglive doctor` looks at ffmpeg / ffmpeg 无法生成示例，请运行 nglive doctor 检查", err, lastLine(said.String()))
	}
	if err := os.WriteFile(strings.TrimSuffix(target, ".flv")+".xml", m.danmaku(), 0o666); err != nil { //nolint:gosec // as above
		return err
	}
	return os.Rename(draft, target)
}

func (m *sampleMaker) filmArgs(out string) []string {
	return []string{
		"-hide_banner", "-nostdin", "-loglevel", "error", "-y",
		"-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=30",
		"-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000",
		"-t", strconv.Itoa(m.seconds),
		"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "60", "-b:v", "2500k",
		"-c:a", "aac", "-b:a", "128k",
		"-metadata", "title=" + m.note.StreamTitle, "-metadata", "artist=" + m.note.Name,
		"-f", "flv", "file:" + out,
	}
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// danmaku is the comment file that the recorder writes beside a recording.
func (m *sampleMaker) danmaku() []byte {
	type comment struct {
		P    string `xml:"p,attr"`
		User string `xml:"user,attr"`
		Text string `xml:",chardata"`
	}
	type info struct {
		Room   int64  `xml:"roomid,attr"`
		Short  int64  `xml:"shortid,attr"`
		Name   string `xml:"name,attr"`
		Title  string `xml:"title,attr"`
		Parent string `xml:"areanameparent,attr"`
		Child  string `xml:"areanamechild,attr"`
		Start  string `xml:"start_time,attr"`
	}
	type file struct {
		XMLName  xml.Name  `xml:"i"`
		Info     info      `xml:"BililiveRecorderRecordInfo"`
		Comments []comment `xml:"d"`
	}
	n := m.note
	f := file{Info: info{n.RoomID, n.ShortID, n.Name, n.StreamTitle, n.AreaNameParent, n.AreaNameChild, recorderTime(n.StartTime)}}
	for i, text := range []string{"第一条弹幕", "NGlive 你好", "完结撒花"} {
		at := float64(m.seconds) * float64(i) / 3
		f.Comments = append(f.Comments, comment{P: fmt.Sprintf("%.3f,1,25,16777215,%d,0,0,0", at, n.StartTime.UnixMilli()), User: "观众", Text: text})
	}
	content, err := xml.MarshalIndent(f, "", "  ")
	if err != nil {
		panic("the sample's comments do not go into XML: " + err.Error())
	}
	return append([]byte(xml.Header), content...)
}
