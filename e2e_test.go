//go:build linux

package main

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// program is nglive as a process of its own: this test binary in another role.
type program struct {
	*exec.Cmd
	stdout, stderr *screen
	ended          chan error
}

func start(t *testing.T, environ []string, args ...string) *program {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &program{Cmd: exec.CommandContext(t.Context(), exe, args...), stdout: &screen{}, stderr: &screen{}, ended: make(chan error, 1)}
	p.Dir = t.TempDir() // no .env there
	p.Env = append(append(os.Environ(), environ...), beNGlive+"=1")
	p.Stdout, p.Stderr = p.stdout, p.stderr
	p.WaitDelay = time.Second
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.ended <- p.Wait() }()
	t.Cleanup(func() {
		_ = p.Process.Kill()
		if t.Failed() {
			t.Logf("%v\nstdout:\n%s\nstderr:\n%s", args, p.stdout, p.stderr)
		}
	})
	return p
}

// startUp runs `nglive up` and returns when it is ready.
func startUp(t *testing.T, environ []string) *program {
	t.Helper()
	p := start(t, environ, "up")
	until(t, 60*time.Second, "up is ready", func() bool { return strings.Contains(p.stdout.String(), "nglive sample") })
	return p
}

func (p *program) exit(t *testing.T, within time.Duration) int {
	t.Helper()
	select {
	case err := <-p.ended:
		p.ended <- err
		return p.ProcessState.ExitCode()
	case <-time.After(within):
		t.Fatalf("it still runs after %s", within)
		return -1
	}
}

// descendants are all processes below pid, by program.
func descendants(pid int) map[int]string {
	found := map[int]string{}
	for _, entry := range must(os.ReadDir("/proc")) {
		child, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "stat"))
		if err != nil {
			continue
		}
		name, rest, _ := bytes.Cut(stat, []byte(") "))
		_, name, _ = bytes.Cut(name, []byte("("))
		if fields := bytes.Fields(rest); len(fields) > 1 && string(fields[1]) == strconv.Itoa(pid) {
			found[child] = string(name)
			maps.Copy(found, descendants(child))
		}
	}
	return found
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func programs(pids map[int]string) []string {
	var list []string
	for _, name := range pids {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

func archived(t *testing.T, dir string) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(filepath.Join(dir, "archive"), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			list = append(list, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestNGlive_takesASampleToTheArchive(t *testing.T) {
	dir, environ := home(t)
	up := startUp(t, environ)
	sample := start(t, environ, "sample", "--seconds", "2")
	if code := sample.exit(t, 2*time.Minute); code != exitDone {
		t.Fatalf("sample: exit code %d", code)
	}
	path := strings.TrimSpace(sample.stdout.String())
	if filepath.Ext(path) != ".mp4" || !strings.HasPrefix(path, filepath.Join(dir, "archive")+string(filepath.Separator)) {
		t.Errorf("sample's last line is %q", path)
	}
	if out, err := exec.CommandContext(t.Context(), "ffprobe", "-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", path).CombinedOutput(); err != nil ||
		string(out) != "h264\naac\n" {
		t.Errorf("the archived file: %s, %v", out, err)
	}
	if list := archived(t, dir); !slices.Contains(list, strings.TrimSuffix(path, ".mp4")+".xml") {
		t.Errorf("the comments did not travel along: %v", list)
	}

	video := filepath.Join(t.TempDir(), "my own.flv")
	source := must(filepath.Glob(filepath.Join(dir, "recordings", "*", "*.flv")))[0]
	if err := os.WriteFile(video, must(os.ReadFile(source)), 0o600); err != nil {
		t.Fatal(err)
	}
	submit := start(t, environ, "submit", video)
	if code := submit.exit(t, 2*time.Minute); code != exitDone || !strings.HasSuffix(submit.stdout.String(), "my own.mp4\n") {
		t.Errorf("submit: exit code %d, stdout %q", code, submit.stdout)
	}
	if err := up.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := up.exit(t, 15*time.Second); code != exitDone {
		t.Errorf("up: exit code %d", code)
	}
	again := start(t, environ, "sample")
	if code := again.exit(t, time.Minute); code != exitNobody {
		t.Errorf("sample without NGlive: exit code %d", code)
	}
}

// slowly makes the transcode last far longer than the test.
func slowly(environ []string) []string {
	return append(environ, "NGLIVE_TRANSCODE_MODE=CRF", "NGLIVE_TRANSCODE_PRESET=placebo")
}

// encoding starts an encode that takes minutes, and returns when its ffmpeg is the only one: the worker also tries its encoders
// at the start, each in a short ffmpeg of its own.
func encoding(t *testing.T) (up *program, children map[int]string, dir string, environ []string) {
	t.Helper()
	dir, environ = home(t)
	up = startUp(t, slowly(environ))
	sample := start(t, environ, "sample", "--seconds", "30")
	until(t, 2*time.Minute, "ffmpeg encodes, and nothing else runs", func() bool {
		children = descendants(up.Process.Pid)
		return strings.Contains(sample.stderr.String(), "transcode begins") && slices.Equal(programs(children), []string{"ffmpeg", "redis-server"})
	})
	return up, children, dir, environ
}

func allGone(pids map[int]string) bool {
	for pid := range pids {
		if syscall.Kill(pid, 0) == nil {
			return false
		}
	}
	return true
}

func TestUp_ctrlCLeavesNothingBehind(t *testing.T) {
	up, children, dir, environ := encoding(t)
	if err := up.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := up.exit(t, 15*time.Second); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	until(t, 10*time.Second, "ffmpeg and redis-server are gone", func() bool { return allGone(children) })
	// The work was given back: the next start goes on with it.
	next := startUp(t, environ)
	until(t, 30*time.Second, "the work goes on", func() bool { return slices.Contains(programs(descendants(next.Process.Pid)), "ffmpeg") })
	if list := archived(t, dir); len(list) > 0 {
		t.Errorf("half a video was archived: %v", list)
	}
}

func TestUp_killedLeavesNothingBehind(t *testing.T) {
	up, children, _, environ := encoding(t)
	if err := up.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	up.exit(t, 10*time.Second)
	until(t, 15*time.Second, "ffmpeg and redis-server are gone", func() bool { return allGone(children) })
	next := startUp(t, environ)
	until(t, 30*time.Second, "the work goes on", func() bool { return slices.Contains(programs(descendants(next.Process.Pid)), "ffmpeg") })
}

func TestUp_aSecondCtrlCStopsAtOnce(t *testing.T) {
	_, environ := home(t)
	up := startUp(t, environ)
	children := descendants(up.Process.Pid)
	for pid := range children { // Redis hangs, so the first one takes long
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = syscall.Kill(pid, syscall.SIGKILL) }()
	}
	_ = up.Process.Signal(os.Interrupt)
	until(t, 10*time.Second, "it stops", func() bool { return strings.Contains(up.stderr.String(), "stopping") })
	_ = up.Process.Signal(os.Interrupt)
	up.exit(t, 2*time.Second)
}

func TestWebAndWorker_runApart(t *testing.T) {
	dir, environ := home(t)
	url, startRedis := foreignRedis(t, "--appendonly", "yes")
	environ = append(environ, "NGLIVE_REDIS_URL="+url)
	web, worker := start(t, environ, "web"), start(t, environ, "worker")
	until(t, 20*time.Second, "both wait for Redis", func() bool {
		return strings.Contains(web.stderr.String(), "waiting for Redis") && strings.Contains(worker.stderr.String(), "waiting for Redis")
	})
	startRedis()
	until(t, 60*time.Second, "both run", func() bool {
		return strings.Contains(web.stdout.String(), "runs at") && strings.Contains(worker.stdout.String(), "runs")
	})
	sample := start(t, environ, "sample", "--seconds", "1")
	if code := sample.exit(t, 2*time.Minute); code != exitDone || !strings.HasPrefix(sample.stdout.String(), filepath.Join(dir, "archive")) {
		t.Errorf("sample: exit code %d, %q", code, sample.stdout)
	}
	for _, p := range []*program{web, worker} {
		if err := p.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if code := p.exit(t, 15*time.Second); code != exitDone {
			t.Errorf("%v: exit code %d", p.Args[1:], code)
		}
	}
}

func TestSample_drawsOnATerminal(t *testing.T) {
	_, environ := home(t)
	startUp(t, environ)
	terminal, user := pty(t)
	cmd := exec.CommandContext(t.Context(), must(os.Executable()), "sample", "--seconds", "1")
	cmd.Env = append(append(os.Environ(), environ...), beNGlive+"=1")
	cmd.Stderr = terminal
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	if err := cmd.Run(); err != nil {
		t.Fatal(err, user)
	}
	if strings.Count(stdout.String(), "\n") != 1 {
		t.Errorf("stdout is %q", stdout.String())
	}
	until(t, 5*time.Second, "the end on the terminal", func() bool { return strings.Contains(user.String(), "全部完成") })
}

// pty is a terminal of our own: what is written to it appears on the screen.
func pty(t *testing.T) (terminal *os.File, user *screen) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = master.Close() })
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = terminal.Close() })
	user = &screen{}
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			_, _ = user.Write(buf[:n])
			if err != nil {
				return
			}
		}
	}()
	return terminal, user
}
