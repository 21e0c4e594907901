//go:build unix && !linux

package ffmpeg

import "syscall"

func dieWithParent(*syscall.SysProcAttr) {}

func awaitExit(int) {}

func lowerPriority(pid int) {
	const nice = 10
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, pid, nice)
}
