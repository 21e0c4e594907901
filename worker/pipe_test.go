//go:build unix

package worker

import "syscall"

func makePipe(path string) error { return syscall.Mkfifo(path, 0o600) }
