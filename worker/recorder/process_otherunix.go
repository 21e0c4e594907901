//go:build unix && !linux

package recorder

import (
	"os/exec"
	"syscall"
)

func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return interrupt(cmd) }
}

func awaitExit(int) {}
