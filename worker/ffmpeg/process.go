package ffmpeg

import (
	"os/exec"
	"runtime"
)

// startError marks that the program did not even begin.
type startError struct{ err error }

func (e *startError) Error() string { return e.err.Error() }
func (e *startError) Unwrap() error { return e.err }

// run starts a command, waits for its end, and then ends what it left behind.
// started may be nil.
//
// The kernel's "kill my child when I die" belongs to the thread that started
// the child, not to the process: that thread is kept until the child has gone.
func run(cmd *exec.Cmd, started func(pid int)) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		done <- runHere(cmd, started)
	}()
	return <-done
}

func runHere(cmd *exec.Cmd, started func(pid int)) error {
	if err := cmd.Start(); err != nil {
		return &startError{err}
	}
	lowerPriority(cmd.Process.Pid)
	if started != nil {
		started(cmd.Process.Pid)
	}
	// The group is killed before its leader is reaped, while the leader's pid
	// cannot have become another process.
	awaitExit(cmd.Process.Pid)
	killGroup(cmd.Process.Pid)
	return cmd.Wait()
}
