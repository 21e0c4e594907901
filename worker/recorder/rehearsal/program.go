package rehearsal

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Program is the rehearsal as a process: it understands the command line of BililiveRecorder.Cli as far as NGlive uses it.
//
// Two variables of its own say what happens on its stage: REHEARSAL is a Config in JSON (with tries and times in
// nanoseconds), REHEARSAL_FILM the path of an FLV; without one, ffmpeg makes some seconds.
type Program struct {
	Args    []string // without the program's name
	Environ []string
	Stdout  io.Writer
	Stop    <-chan os.Signal // SIGINT
}

// The exit codes of the original.
const (
	exitDone   = 0
	exitUsage  = 1
	exitFailed = 255 // the config or the address
)

// Main runs until it is told to stop, and returns the exit code.
func (p Program) Main() int {
	var printing sync.Mutex
	say := func(line string) {
		printing.Lock()
		defer printing.Unlock()
		_, _ = fmt.Fprintln(p.Stdout, line)
	}
	dir, bind, cfg, err := p.read()
	if err != nil {
		say("Usage: rehearsal run <path> [--bind <address>]: " + err.Error())
		return exitUsage
	}
	cfg.Dir, cfg.Say = dir, say
	if cfg.Film, err = p.movie(); err != nil {
		say("[FTL] no film: " + err.Error())
		return exitUsage
	}
	r, err := New(cfg)
	if err != nil {
		say("[FTL] Initialize Error: " + err.Error())
		return exitFailed
	}
	if bind != "" {
		if err := p.serve(r, bind); err != nil {
			say(fmt.Sprintf("[FTL] Failed to bind to address %s: address already in use. (%v)", bind, err))
			r.Kill()
			return exitFailed
		}
		say("[INF] Now listening on: " + bind)
	}
	<-p.Stop
	say("[INF] Stopping")
	r.Stop()
	say("[INF] Done")
	return exitDone
}

func (p Program) env(name string) string {
	value := ""
	for _, line := range p.Environ {
		if v, ok := strings.CutPrefix(line, name+"="); ok {
			value = v
		}
	}
	return value
}

func (p Program) read() (dir, bind string, cfg Config, err error) {
	if script := p.env("REHEARSAL"); script != "" {
		if err := json.Unmarshal([]byte(script), &cfg); err != nil {
			return "", "", cfg, fmt.Errorf("REHEARSAL: %w", err)
		}
	}
	cfg.User, cfg.Password = p.env("BREC_HTTP_BASIC_USER"), p.env("BREC_HTTP_BASIC_PASS")
	cfg.OpenAccess = cfg.OpenAccess || p.env("BREC_HTTP_OPEN_ACCESS") != ""
	if len(p.Args) == 0 || p.Args[0] != "run" && p.Args[0] != "r" {
		return "", "", cfg, fmt.Errorf("the command must be run")
	}
	for args := p.Args[1:]; len(args) > 0; args = args[1:] {
		name, value, joined := strings.Cut(args[0], "=")
		if !strings.HasPrefix(name, "-") {
			dir = args[0]
			continue
		}
		if name == "--http-open-access" {
			cfg.OpenAccess = true
			continue
		}
		if !joined && len(args) > 1 {
			value, args = args[1], args[1:]
		}
		switch name {
		case "-b", "--bind", "--http-bind":
			bind = value
		case "--http-basic-user":
			cfg.User = value
		case "--http-basic-pass":
			cfg.Password = value
		default:
			return "", "", cfg, fmt.Errorf("unrecognized option %s", name)
		}
	}
	info, err := os.Stat(dir)
	if err != nil || !info.IsDir() {
		return "", "", cfg, fmt.Errorf("no such folder: %s", dir)
	}
	return dir, bind, cfg, nil
}

func (p Program) movie() ([]byte, error) {
	if path := p.env("REHEARSAL_FILM"); path != "" {
		return os.ReadFile(path)
	}
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	return MakeFilm(ctx, "ffmpeg", 4*time.Second)
}

// MakeFilm lets ffmpeg draw some seconds with moving pictures and a tone.
func MakeFilm(ctx context.Context, ffmpeg string, length time.Duration) ([]byte, error) {
	dir, err := os.MkdirTemp("", "nglive-rehearsal-*")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "film.flv")
	cmd := exec.CommandContext(ctx, ffmpeg, "-hide_banner", "-nostdin", "-loglevel", "error", "-y",
		"-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=30", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000",
		"-t", strconv.FormatFloat(length.Seconds(), 'f', 3, 64), "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p",
		"-bf", "0", "-g", "30", "-b:v", "2500k", "-c:a", "aac", "-b:a", "128k", "-f", "flv", "file:"+path)
	if out, err := cmd.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("ffmpeg could not make the film (%w): %s", err, strings.TrimSpace(string(out)))
	}
	return os.ReadFile(path)
}

func (p Program) serve(r *Recorder, bind string) error {
	address := strings.TrimRight(strings.TrimPrefix(bind, "http://"), "/")
	if _, err := strconv.Atoi(address); err == nil {
		address = "127.0.0.1:" + address
	}
	l, err := net.Listen("tcp", strings.Replace(address, "*", "", 1)) //nolint:noctx // it lasts as long as the process
	if err != nil {
		return err
	}
	stage := http.NewServeMux()
	stage.HandleFunc("POST /rehearsal/live/{room}", func(w http.ResponseWriter, q *http.Request) {
		if !r.lets(w, q) {
			return
		}
		id, _ := strconv.ParseInt(q.PathValue("room"), 10, 64)
		r.Live(id, q.URL.Query().Get("on") != "false")
	})
	stage.HandleFunc("POST /rehearsal/deaf", func(w http.ResponseWriter, q *http.Request) {
		if r.lets(w, q) {
			r.Instead(func(_ http.ResponseWriter, q *http.Request) bool { <-q.Context().Done(); return true })
		}
	})
	stage.Handle("/", r.Handler())
	go func() { _ = http.Serve(l, stage) }() //nolint:gosec // a stage has no strangers to time out
	return nil
}
