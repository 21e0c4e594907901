package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Kind is what went wrong.
type Kind string

// The kinds of Error.
const (
	NotInstalled Kind = "not installed"
	StartFailed  Kind = "did not start"
	Stalled      Kind = "stalled"
	Killed       Kind = "killed"
	Exited       Kind = "gave up"
	NoSpace      Kind = "disk full"
	Unreadable   Kind = "cannot be read"
	BadSettings  Kind = "bad settings"
	BadOutput    Kind = "output refused"
	SourceFailed Kind = "source failed"
)

// What Class answers.
const (
	Again = "again" // a later try may succeed
	Never = "never" // the same try gives the same error
	Space = "space" // once there is room on the disk
)

// Error is a run that gave no good output.
type Error struct {
	Kind    Kind
	Program string   // "ffmpeg" or "ffprobe", as configured
	File    string   // the file it worked on
	Lines   []string // its last lines on stderr, oldest first
	Exit    int      // its exit code, for Exited
	Err     error
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", filepath.Base(e.Program), e.Kind)
	if e.File != "" {
		fmt.Fprintf(&b, " on %s", e.File)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	if line := e.Line(); line != "" {
		fmt.Fprintf(&b, ": %s", line)
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// Class says whether another try may help: Again, Never or Space.
func (e *Error) Class() string {
	switch e.Kind {
	case NoSpace:
		return Space
	case StartFailed:
		if errors.Is(e.Err, fs.ErrPermission) {
			return Never
		}
		return Again
	case Stalled, Killed, SourceFailed:
		return Again
	case Exited:
		if e.hopeless() {
			return Never
		}
		return Again
	case NotInstalled, Unreadable, BadSettings, BadOutput:
		return Never
	default:
		return Never
	}
}

// hopeless recognises what depends on the file or the settings alone.
func (e *Error) hopeless() bool {
	all := strings.Join(e.Lines, "\n")
	for _, part := range []string{
		"Invalid data found when processing input", "moov atom not found", "Unknown encoder",
		"Unrecognized option", "Error parsing options", "Error splitting the argument list",
		"Error initializing output stream", "does not contain any stream", "No such file or directory",
		"Permission denied", "codec not currently supported in container", "is not implemented",
	} {
		if strings.Contains(all, part) {
			return true
		}
	}
	return false
}

// Line is the line on stderr that tells most: the last one marked as an error.
func (e *Error) Line() string {
	for _, line := range slices.Backward(e.Lines) {
		if strings.Contains(line, "[error]") || strings.Contains(line, "[fatal]") {
			return line
		}
	}
	if len(e.Lines) == 0 {
		return ""
	}
	return e.Lines[len(e.Lines)-1]
}

// UserMessage says in plain words what happened and what to do.
func (e *Error) UserMessage() string {
	program, file := filepath.Base(e.Program), filepath.Base(e.File)
	switch e.Kind {
	case NotInstalled:
		return fmt.Sprintf("%s was not found. Install it (Debian, Ubuntu: apt-get install ffmpeg) or set its path in NGLIVE_%s.",
			e.Program, strings.ToUpper(strings.TrimSuffix(program, ".exe")))
	case StartFailed:
		return fmt.Sprintf("%s could not be started: %v. Check that the file may be executed and that the machine has free memory.", e.Program, e.Err)
	case Stalled:
		return fmt.Sprintf("%s made no progress on %s and was stopped. The disk or the network drive may hang; check it, then retry.", program, file)
	case Killed:
		return fmt.Sprintf("%s was ended from outside (%v) while it worked on %s. Most often the machine ran out of memory; free some, then retry.", program, e.Err, file)
	case NoSpace:
		return "The disk for the output is full. Free some space; the work goes on by itself."
	case SourceFailed:
		return fmt.Sprintf("The recording could not be read to its end. Check its disk, then retry. (%v)", e.Err)
	case Unreadable, BadSettings, BadOutput:
		return sentence(e.Err)
	case Exited:
		return fmt.Sprintf("%s could not process %s. Its last message: %s", program, file, e.Line())
	default:
		return e.Error()
	}
}

func sentence(err error) string {
	s := err.Error()
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

// failure is what is known when a run has ended.
type failure struct {
	program string
	file    string
	lines   []string
	err     error // of the process
	cause   error // why it was stopped, if it was
}

// explain turns it into an error, or nil. A cancelled context comes first: an
// exit code only shows how the program took the interruption.
func (f failure) explain(ctx context.Context) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s on %s was stopped: %w", filepath.Base(f.program), f.file, context.Cause(ctx))
	}
	if f.err == nil && f.cause == nil {
		return nil
	}
	e := &Error{Program: f.program, File: f.file, Lines: f.lines, Err: f.err}
	e.Kind = f.kind(e)
	return e
}

func (f failure) kind(e *Error) Kind {
	var begin *startError
	var exit *exec.ExitError
	switch {
	case errors.As(f.err, &begin):
		if errors.Is(f.err, exec.ErrNotFound) || errors.Is(f.err, fs.ErrNotExist) {
			return NotInstalled
		}
		return StartFailed
	case errors.Is(f.cause, errStalled):
		e.Err = errStalled
		return Stalled
	case strings.Contains(strings.Join(f.lines, "\n"), noSpaceLine):
		return NoSpace
	case errors.As(f.err, &exit):
		return exitKind(e, exit)
	default:
		return SourceFailed // copying the source into ffmpeg's stdin
	}
}

func exitKind(e *Error, exit *exec.ExitError) Kind {
	if signal := endedBySignal(exit); signal != "" {
		e.Err = fmt.Errorf("signal: %s: %w", signal, exit)
		return Killed
	}
	const interrupted = 255 // how ffmpeg ends on SIGINT and SIGTERM
	if exit.ExitCode() == interrupted && strings.Contains(strings.Join(e.Lines, "\n"), "received signal") {
		return Killed
	}
	e.Exit = exit.ExitCode()
	return Exited
}
