package recorder

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

// Program is BililiveRecorder.Cli as a child of ours.
type Program struct {
	Path   string // the program; one that ends in .dll is run by dotnet
	Folder string // its work folder
	Listen string // host:port for its API

	User, Password string   // of its API; passed by the environment, which other users cannot read
	Environ        []string // what it inherits
	Direct         []string // hosts that it must reach without a proxy, beside this machine

	Grace time.Duration            // between SIGINT and SIGKILL; 0: 15 s
	Hide  func(text string) string // takes secrets out of its output: it repeats our webhook's address when that fails
	Line  func(line string)        // its output, without them
	lock  *os.File                 // stays locked as long as the child, or a child of it, lives
}

// Patience is how long a recorder has to close its files, tell of them and end, which takes it 3 s and what the disk needs.
const Patience = 15 * time.Second

// EndedError says how a recorder ended that nobody had told to.
type EndedError struct {
	Code   int    // -1: by a signal, or it never began
	Why    string // in words, when its last lines tell
	Last   string // its last line
	Lasted time.Duration
	Err    error
}

// Error says how, and what to do.
func (e *EndedError) Error() string {
	switch {
	case e.Why != "":
		return e.Why
	case e.Code < 0 && e.Lasted == 0:
		return fmt.Sprintf("the recorder cannot be started: %v; is NGLIVE_RECORDER_PATH right, and may this user run it? / 录播姬无法启动，请检查 NGLIVE_RECORDER_PATH", e.Err)
	case e.Code < 0:
		return fmt.Sprintf("the recorder ended by a signal after %s (%v) / 录播姬被信号终止", e.Lasted.Round(time.Millisecond), e.Err)
	}
	return fmt.Sprintf("the recorder ended by itself after %s with exit code %d; its last line: %s / 录播姬自行退出", e.Lasted.Round(time.Millisecond), e.Code, e.Last)
}

// Unwrap gives the system's error.
func (e *EndedError) Unwrap() error { return e.Err }

// argv is the recorder's command line: a list, so that a folder may have any name.
func (p *Program) argv() (program string, args []string) {
	args = []string{"run", p.Folder, "--bind", "http://" + p.Listen}
	if strings.EqualFold(filepath.Ext(p.Path), ".dll") {
		return "dotnet", append([]string{p.Path}, args...)
	}
	return p.Path, args
}

// environ is the inherited one with the credentials, and without a proxy between the recorder and our webhook.
func (p *Program) environ() []string {
	direct := append([]string{"127.0.0.1", "localhost"}, p.Direct...)
	var env []string
	for _, line := range p.Environ {
		name, value, _ := strings.Cut(line, "=")
		switch {
		case strings.EqualFold(name, "NO_PROXY"):
			direct = append(direct, value)
		case strings.EqualFold(name, "BREC_HTTP_OPEN_ACCESS"), strings.HasPrefix(name, "BREC_HTTP_BASIC_"):
		default:
			env = append(env, line)
		}
	}
	list := strings.Join(direct, ",")
	return append(env, "NO_PROXY="+list, "no_proxy="+list, "BREC_HTTP_BASIC_USER="+p.User, "BREC_HTTP_BASIC_PASS="+p.Password)
}

// Run lives one life of the recorder. When ctx ends it is interrupted, has its grace to close its files and tell of them, and
// is then killed. The error is nil when ctx ended it, else an *EndedError.
func (p *Program) Run(ctx context.Context, started func(pid int)) error {
	grace := p.Grace
	if grace <= 0 {
		grace = Patience
	}
	name, args := p.argv()
	said := &lines{hide: p.Hide, pass: p.Line}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = p.environ(), said, said, grace
	if p.lock != nil {
		cmd.ExtraFiles = []*os.File{p.lock}
	}
	ownGroup(cmd)
	began := time.Now()
	err := runOnOwnThread(cmd, started)
	said.flush()
	if ctx.Err() != nil {
		return nil //nolint:nilerr // it was told to
	}
	e := &EndedError{Code: -1, Err: err, Why: said.cause(p.Listen), Last: said.last}
	if cmd.ProcessState != nil {
		e.Code, e.Lasted = cmd.ProcessState.ExitCode(), time.Since(began)
	}
	return e
}

// runOnOwnThread keeps the thread that started the child until the child has gone: the kernel's "signal my child when I die"
// belongs to that thread.
func runOnOwnThread(cmd *exec.Cmd, started func(pid int)) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := cmd.Start(); err != nil {
			done <- err
			return
		}
		if started != nil {
			started(cmd.Process.Pid)
		}
		awaitExit(cmd.Process.Pid) // its group is killed before its pid can be another's
		killGroup(cmd.Process.Pid)
		done <- cmd.Wait()
	}()
	return <-done
}

// Bounds of what a line may be.
const longestLine = 4 << 10

// lines passes a program's output on, line by line, and remembers what explains its end.
type lines struct {
	hide func(string) string
	pass func(string)

	mu   sync.Mutex
	rest []byte
	last string
	bind bool
	conf bool
}

// Write takes any piece of output; it never fails, or the program would.
func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(b)
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		piece := b
		if i >= 0 {
			piece = b[:i]
		}
		l.rest = append(l.rest, piece[:min(len(piece), longestLine-len(l.rest))]...)
		if i < 0 {
			break
		}
		l.say()
		b = b[i+1:]
	}
	return n, nil
}

func (l *lines) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.say()
}

func (l *lines) say() {
	text := strings.TrimRight(strings.ToValidUTF8(string(l.rest), "?"), "\r ")
	l.rest = l.rest[:0]
	if text == "" {
		return
	}
	if l.hide != nil {
		text = l.hide(text)
	}
	l.last = printable(text)
	low := strings.ToLower(text)
	l.bind = l.bind || strings.Contains(low, "failed to bind to address") || strings.Contains(low, "address already in use") ||
		strings.Contains(low, "(10013)") || strings.Contains(low, "(10048)") || strings.Contains(low, "(10049)")
	l.conf = l.conf || strings.Contains(low, "failed to load config") || strings.Contains(low, "initialize error")
	if l.pass != nil {
		l.pass(text)
	}
}

// cause is what the output tells of the end; empty when it tells nothing.
func (l *lines) cause(listen string) string {
	switch {
	case l.bind:
		return taken(listen)
	case l.conf:
		return "the recorder cannot read its config.json in NGLIVE_RECORDINGS_DIR; mend it, or take config.backup.json beside it / 录播姬无法读取 config.json，请修复或改用 config.backup.json: " + l.last
	}
	return ""
}
