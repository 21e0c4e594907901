package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker/flv"
)

const submitUsage = `usage 用法: nglive submit [--server URL] FILE…
  hands each file in, follows it, and prints where it was archived
  提交文件并跟踪处理过程，最后一行是归档后的路径
  exit 退出码: 0 done 完成 · 1 failed 失败 · 2 usage 用法错误 · 3 nobody answers NGlive 没有运行
`

// runSubmit is the command "nglive submit".
func runSubmit(ctx context.Context, c *console, args []string) int {
	var server string
	flags := flag.NewFlagSet("submit", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&server, "server", "", "")
	if err := flags.Parse(args); err != nil || flags.NArg() == 0 {
		c.complain("%s", submitUsage)
		return exitUsage
	}
	s, code := c.newSubmission(ctx, server)
	if s == nil {
		return code
	}
	for _, file := range flags.Args() {
		if err := s.hand(ctx, file); err != nil {
			if ctx.Err() != nil {
				return s.stopped()
			}
			s.fail(filepath.Base(file), err)
		}
	}
	return s.follow(ctx)
}

// submission is some files on their way into a running NGlive.
type submission struct {
	*console
	cfg    Config
	client *client
	node   string
	since  string // the feed's number before the first file
	list   []*watched
	code   int // the worst so far
}

// newSubmission finds a running NGlive; without one the code says why.
func (c *console) newSubmission(ctx context.Context, server string) (*submission, int) {
	cfg, err := c.settings()
	if err != nil {
		return nil, c.ended(ctx, err)
	}
	if server == "" {
		server = localServer(cfg)
	}
	s := &submission{console: c, cfg: cfg}
	if s.client, err = newClient(server, cfg.Token); err != nil {
		c.complain("nglive: %v\n", err)
		return nil, exitUsage
	}
	err = s.client.alive(ctx)
	if err == nil {
		s.since, err = s.client.newestSeq(ctx)
	}
	if err == nil {
		s.node, err = s.ownNode(ctx)
	}
	if err == nil {
		err = s.findRecordings(ctx)
	}
	if err != nil {
		return nil, s.answer(err)
	}
	return s, exitDone
}

// answer says an error and gives its exit code.
func (s *submission) answer(err error) int {
	if errors.Is(err, errNobody) {
		s.complain("nglive: %v\nStart it first in another terminal: make run (or nglive up)\n请先在另一个终端启动：make run（或 nglive up）\n", err)
		return exitNobody
	}
	s.complain("nglive: %v\n", err)
	return exitFailed
}

// ownNode is the node whose worker sees this machine's files.
func (s *submission) ownNode(ctx context.Context) (string, error) {
	if s.cfg.Node != "" {
		return s.cfg.Node, nil
	}
	if _, err := os.Stat(filepath.Join(s.cfg.DataDir, "node")); err == nil {
		return LoadOrCreateNodeID(s.cfg.DataDir)
	}
	return s.client.onlyNode(ctx)
}

// findRecordings asks the node for its folder where the settings name none that
// is here: somebody runs the command in another folder than NGlive's own.
func (s *submission) findRecordings(ctx context.Context) error {
	if isDir(s.cfg.RecordingsDir) {
		return nil
	}
	nodes, err := s.client.nodes(ctx)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if n.Name == s.node && filepath.IsAbs(n.Recordings) && isDir(n.Recordings) {
			s.cfg.RecordingsDir, s.cfg.OutputDir = n.Recordings, n.Output
			return nil
		}
	}
	return fmt.Errorf("%s is not there: set NGLIVE_RECORDINGS_DIR to the folder that NGlive watches, or run this where its .env is / 请设置 NGLIVE_RECORDINGS_DIR，或在 .env 所在目录运行", s.cfg.RecordingsDir)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func (s *submission) fail(name string, err error) {
	code := exitFailed
	if errors.Is(err, errNobody) {
		code = exitNobody
	}
	s.code = max(s.code, code)
	s.complain("%s: %v\n", name, err)
}

// hand brings one file in: into the recordings' folder, then to NGlive.
func (s *submission) hand(ctx context.Context, file string) error {
	path, err := s.place(ctx, file)
	if err != nil {
		return err
	}
	info, err := os.Stat(filepath.Join(s.cfg.RecordingsDir, path))
	if err != nil {
		return err
	}
	known, err := s.client.newest(ctx, s.node, filepath.ToSlash(path))
	if err != nil {
		return err
	}
	w := &watched{name: filepath.Base(file)}
	s.list = append(s.list, w)
	if known.State == tasks.Finished && known.SizeBytes == info.Size() {
		w.id, w.last = known.ID, known
		s.complain("%s: was done before / 之前已经处理完成\n", w.name)
		return nil
	}
	return s.close(ctx, w, path, info, known)
}

// close tells NGlive that a file is complete, as its recorder would.
func (s *submission) close(ctx context.Context, w *watched, path string, info os.FileInfo, known tasks.Recording) error {
	size, duration := info.Size(), 0.0 // the worker measures it
	data := eventData{
		RelativePath: filepath.ToSlash(path), FileSize: &size, Duration: &duration,
		FileOpenTime: recorderTime(info.ModTime()), FileCloseTime: recorderTime(info.ModTime()),
	}
	if known.State != "" && known.State != tasks.Finished {
		data.FileOpenTime = "" // the same recording as before, whenever that began
		if !known.OpenedAt.IsZero() {
			data.FileOpenTime = recorderTime(known.OpenedAt)
		}
	}
	data.about(noteOf(filepath.Join(s.cfg.RecordingsDir, path)))
	if err := s.client.post(ctx, s.node, newRecorderEvent(tasks.FileClosed, data)); err != nil {
		return s.forget(w, err)
	}
	now, err := s.client.newest(ctx, s.node, data.RelativePath)
	if err == nil && now.ID == "" {
		err = errors.New("NGlive took the file and does not know it; is NGLIVE_NODE the node that holds it? / 请检查 NGLIVE_NODE")
	}
	if err == nil && now.ID == known.ID && retryable(now.State) {
		err = s.client.retry(ctx, now.ID)
	}
	if err != nil {
		return s.forget(w, err)
	}
	w.id = now.ID
	return nil
}

// forget takes a file off the list that was not handed in.
func (s *submission) forget(w *watched, err error) error {
	for i := range s.list {
		if s.list[i] == w {
			s.list = append(s.list[:i], s.list[i+1:]...)
			break
		}
	}
	return err
}

func retryable(state tasks.State) bool {
	switch state {
	case tasks.Failed, tasks.Cancelled, tasks.Missing:
		return true
	case tasks.Opening, tasks.Closed, tasks.Running, tasks.Waiting, tasks.Skipped, tasks.Found, tasks.Finished:
	}
	return false
}

// follow shows the work until all is over, and gives the exit code.
func (s *submission) follow(ctx context.Context) int {
	err := s.client.watch(ctx, s.list, s.since, newDisplay(s.stderr, len(s.list)))
	if ctx.Err() != nil {
		return s.stopped()
	}
	if err != nil {
		return max(s.code, s.answer(err))
	}
	for _, w := range s.list {
		if !s.outcome(w, s.cfg) {
			s.code = max(s.code, exitFailed)
		}
	}
	return s.code
}

// stopped tells that Ctrl-C ended the watching alone.
func (s *submission) stopped() int {
	s.complain("\nNo longer watching. What was handed in goes on: %s/\n不再显示进度，已提交的任务会继续：%s/\n", s.client.base, s.client.base)
	return exitStopped
}

// noteOf finds out whose recording a file is: from its own metadata, else from
// the comments beside it. Nothing found is no error.
func noteOf(path string) flv.RecorderNote {
	if f, err := os.Open(path); err == nil {
		defer func() { _ = f.Close() }()
		if info, err := f.Stat(); err == nil {
			head, err := flv.Peek(f, info.Size())
			if err == nil && head.Metadata.Recorder.RoomID != 0 {
				return head.Metadata.Recorder
			}
		}
	}
	comments, err := os.Open(strings.TrimSuffix(path, filepath.Ext(path)) + ".xml")
	if err != nil {
		return flv.RecorderNote{}
	}
	defer func() { _ = comments.Close() }()
	n, err := flv.ReadDanmaku(comments)
	if err != nil {
		return flv.RecorderNote{}
	}
	return n
}
