package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/ngworks/nglive/worker/recorder/recordertest"
)

// beNGlive turns the test binary into nglive, for tests of whole processes.
const beNGlive = "BE_NGLIVE"

func TestMain(m *testing.M) {
	recordertest.BeRecorder()
	if os.Getenv(beNGlive) == "1" {
		main()
	}
	redis.SetLogger(silence{})
	os.Exit(m.Run())
}

// screen is a terminal that remembers what it showed.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// home is the environment of an installation of its own, in a fresh folder.
func home(t *testing.T) (dir string, environ []string) {
	t.Helper()
	dir = t.TempDir()
	return dir, []string{
		"NGLIVE_DATA_DIR=" + filepath.Join(dir, "data"),
		"NGLIVE_RECORDINGS_DIR=" + filepath.Join(dir, "recordings"),
		"NGLIVE_OUTPUT_DIR=" + filepath.Join(dir, "out"),
		"NGLIVE_ARCHIVE_DIR=" + filepath.Join(dir, "archive"),
		"NGLIVE_LISTEN=127.0.0.1:0", "NGLIVE_WORKER_LISTEN=127.0.0.1:0",
	}
}

func config(t *testing.T, environ ...string) Config {
	t.Helper()
	_, all := home(t)
	cfg, err := LoadConfig(append(all, environ...), "")
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func testConsole(environ ...string) (c *console, stdout, stderr *screen) {
	stdout, stderr = &screen{}, &screen{}
	return &console{stdin: strings.NewReader(""), stdout: stdout, stderr: stderr, environ: environ}, stdout, stderr
}

// until polls for something that another process or goroutine does.
func until(t *testing.T, within time.Duration, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", within, what)
		}
		<-time.After(10 * time.Millisecond)
	}
}

func TestRun_exitCodes(t *testing.T) {
	tests := []struct {
		args         []string
		code         int
		stdout, tell string
	}{
		{nil, exitUsage, "", "usage"},
		{[]string{"help"}, exitDone, "submit", ""},
		{[]string{"--help"}, exitDone, "submit", ""},
		{[]string{"fly"}, exitUsage, "", `"fly"`},
		{[]string{"version"}, exitDone, "nglive " + version, ""},
		{[]string{"--version"}, exitDone, "nglive " + version, ""},
		{[]string{"version", "x"}, exitUsage, "", "usage"},
		{[]string{"up", "x"}, exitUsage, "", "--take-over"},
		{[]string{"web", "x"}, exitUsage, "", "usage"},
		{[]string{"worker", "--take"}, exitUsage, "", "--take-over"},
		{[]string{"submit"}, exitUsage, "", "FILE"},
		{[]string{"submit", "--server", "nowhere", "x.flv"}, exitUsage, "", "--server"},
		{[]string{"sample", "--seconds", "0"}, exitUsage, "", "--seconds"},
		{[]string{"sample", "x"}, exitUsage, "", "--seconds"},
		{[]string{"doctor", "x"}, exitUsage, "", "--show-webhook"},
		{[]string{"baidu"}, exitUsage, "", "login"},
		{[]string{"baidu", "upload"}, exitUsage, "", "login"},
		{[]string{"baidu", "login", "--account", "a/b"}, exitUsage, "", "--account"},
		{[]string{"baidu", "status"}, exitNobody, "", "nglive up"},
		{[]string{"import"}, exitUsage, "", "config.ini"},
		{[]string{"openapi"}, exitDone, "openapi: 3.1", ""},
		{[]string{"openapi", "x"}, exitUsage, "", "usage"},
	}
	for _, test := range tests {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			_, environ := home(t)
			c, stdout, stderr := testConsole(environ...)
			if code := c.run(t.Context(), test.args); code != test.code {
				t.Errorf("exit code %d, want %d; it said %s", code, test.code, stderr)
			}
			if test.stdout == "" && stdout.String() != "" || !strings.Contains(stdout.String(), test.stdout) {
				t.Errorf("stdout is %q, want %q in it", stdout, test.stdout)
			}
			if !strings.Contains(stderr.String(), test.tell) {
				t.Errorf("stderr is %q, want %q in it", stderr, test.tell)
			}
		})
	}
}

func TestHelp_explainsEveryCommandInBothLanguages(t *testing.T) {
	c, stdout, _ := testConsole()
	c.run(t.Context(), []string{"help"})
	han := regexp.MustCompile(`\p{Han}`)
	for _, cmd := range commands() {
		if !strings.Contains(stdout.String(), "  "+cmd.name+" ") || !strings.Contains(stdout.String(), cmd.english) ||
			!strings.Contains(stdout.String(), cmd.chinese) || !han.MatchString(cmd.chinese) {
			t.Errorf("%s is not explained in both languages", cmd.name)
		}
	}
}

func TestRun_saysEveryWrongSetting(t *testing.T) {
	for _, name := range []string{"up", "web", "worker", "sample"} {
		_, environ := home(t)
		c, _, stderr := testConsole(append(environ, "NGLIVE_TRANSCODE_CRF=99", "NGLIVE_LISTNE=x")...)
		if code := c.run(t.Context(), []string{name}); code != exitUsage {
			t.Errorf("%s: exit code %d", name, code)
		}
		for _, want := range []string{"NGLIVE_TRANSCODE_CRF", "NGLIVE_LISTEN?"} {
			if !strings.Contains(stderr.String(), want) {
				t.Errorf("%s does not mention %s: %s", name, want, stderr)
			}
		}
	}
}

func TestEnded_askedToStopIsNoError(t *testing.T) {
	c, _, stderr := testConsole()
	ctx, stop := context.WithCancel(t.Context())
	if code := c.ended(ctx, context.Canceled); code != exitFailed {
		t.Errorf("a cancel that nobody asked for gives %d", code)
	}
	stop()
	if code := c.ended(ctx, context.Canceled); code != exitDone {
		t.Errorf("being asked to stop gives %d: %s", code, stderr)
	}
}
