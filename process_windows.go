package main

import (
	"errors"
	"io/fs"
	"syscall"
)

const errSharingViolation syscall.Errno = 32

// childAttributes give a child its own process group, so that a Ctrl-C in the
// terminal reaches us alone. A child that outlives us is ended at the next start.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

func ownedByUs(fs.FileInfo) bool { return false }

// lockFile holds path for this process until it ends, however it ends; false
// when another process holds it.
func lockFile(path string) (release func(), free bool, err error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, false, err
	}
	const nobodyElse = 0
	h, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, nobodyElse, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if errors.Is(err, errSharingViolation) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	return func() { _ = syscall.CloseHandle(h) }, true, nil
}
