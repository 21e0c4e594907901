package ffmpeg

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }

// awaitExit returns when the process has ended, and leaves it to be reaped.
func awaitExit(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// lowerPriority lets the recorder, whose work cannot wait, go first. It is a
// wish: a kernel that refuses it costs speed, not correctness.
func lowerPriority(pid int) {
	const (
		nice           = 10
		whoProcess     = 1         // IOPRIO_WHO_PROCESS
		bestEffortLast = 2<<13 | 7 // class best-effort, level 7
	)
	_ = unix.Setpriority(unix.PRIO_PROCESS, pid, nice)
	_, _, _ = unix.Syscall(unix.SYS_IOPRIO_SET, whoProcess, uintptr(pid), bestEffortLast)
}
