package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// EncoderProbe says whether an encoder works on this machine. That it is
// listed says little: builds list encoders for hardware that is not there.
type EncoderProbe struct {
	Name   string
	Listed bool
	Works  bool
	Line   string // why not, in ffmpeg's words
}

const encoderTimeout = 15 * time.Second

// Encoders tries every encoder of the table with three pictures, side by side.
func (t Tools) Encoders(ctx context.Context) ([]EncoderProbe, error) {
	listed, err := t.listed(ctx)
	if err != nil {
		return nil, err
	}
	names := encoderNames()
	probes := make([]EncoderProbe, len(names))
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() { probes[i] = t.tryEncoder(ctx, name, listed[name]) })
	}
	all.Wait()
	return probes, ctx.Err()
}

func (t Tools) listed(ctx context.Context) (map[string]bool, error) {
	out, err := ask(ctx, question{program: t.FFmpeg, args: []string{"-hide_banner", "-v", "error", "-encoders"}})
	if err != nil {
		return nil, err
	}
	listed := make(map[string]bool)
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line) // " V....D libx264   libx264 H.264 …"
		if len(words) > 1 && strings.HasPrefix(words[0], "V") {
			listed[words[1]] = true
		}
	}
	return listed, nil
}

func (t Tools) tryEncoder(ctx context.Context, name string, listed bool) EncoderProbe {
	p := EncoderProbe{Name: name, Listed: listed}
	if !listed {
		p.Line = "this ffmpeg was built without it"
		return p
	}
	ctx, cancel := context.WithTimeout(ctx, encoderTimeout)
	defer cancel()
	f, _ := familyOf(name)
	args := append([]string{"-hide_banner", "-nostdin", "-v", "level+error"}, f.device...)
	args = append(args, "-f", "lavfi", "-i", "color=black:s=256x256:r=30:d=0.2", "-frames:v", "3")
	args = append(args, f.format...)
	args = append(args, "-c:v", name, "-f", "null", "-")
	_, err := ask(ctx, question{program: t.FFmpeg, args: args})
	p.Works, p.Line = err == nil, firstLine(err)
	return p
}

// firstLine is where ffmpeg names the cause; what follows are its consequences.
func firstLine(err error) string {
	var e *Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e) && len(e.Lines) > 0:
		return e.Lines[0]
	default:
		return err.Error()
	}
}

// Pick returns the wanted encoder if it works, else libx264 and a warning.
func Pick(probes []EncoderProbe, wanted string) (encoder, warning string) {
	wanted = Settings{Encoder: wanted}.Canonical().Encoder
	why := "this program does not know it"
	for _, p := range probes {
		if p.Name != wanted {
			continue
		}
		if p.Works {
			return wanted, ""
		}
		why = p.Line
	}
	return "libx264", fmt.Sprintf("The encoder %s does not work on this machine (%s). libx264 is used in its place.", wanted, why)
}

// Prober remembers the probes of a program until it changes. The zero value is
// ready.
type Prober struct {
	mu     sync.Mutex
	key    string
	probes []EncoderProbe
}

// Encoders returns the remembered probes, or tries anew when ffmpeg is another
// than before or fresh is set.
func (p *Prober) Encoders(ctx context.Context, t Tools, fresh bool) ([]EncoderProbe, error) {
	key, err := t.identity(ctx)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if key == p.key && !fresh {
		return p.probes, nil
	}
	probes, err := t.Encoders(ctx)
	if err != nil {
		return nil, err
	}
	p.key, p.probes = key, probes
	return probes, nil
}

// identity changes when the program is replaced: path, version, time.
func (t Tools) identity(ctx context.Context) (string, error) {
	version, err := t.Version(ctx)
	if err != nil {
		return "", err
	}
	path, err := exec.LookPath(t.FFmpeg)
	if err != nil {
		return "", fmt.Errorf("find %s: %w", t.FFmpeg, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("look at %s: %w", path, err)
	}
	return fmt.Sprintf("%s %s %d", path, version, info.ModTime().UnixNano()), nil
}
