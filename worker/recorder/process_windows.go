package recorder

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

const errSharingViolation syscall.Errno = 32

// ownGroup lets the recorder have its own Ctrl-Break.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
	cmd.Cancel = func() error {
		const ctrlBreak = 1
		r, _, err := syscall.NewLazyDLL("kernel32.dll").NewProc("GenerateConsoleCtrlEvent").Call(ctrlBreak, uintptr(cmd.Process.Pid))
		if r == 0 {
			return err
		}
		return nil
	}
}

func awaitExit(int) {}

func killGroup(int) {}

// lockFile is held by this process alone: Windows hands no files on to children here.
func lockFile(path string) (*os.File, error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	h, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if errors.Is(err, errSharingViolation) {
		return nil, nil //nolint:nilnil // somebody else has it
	}
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(h), path), nil
}
