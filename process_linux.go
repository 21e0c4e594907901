package main

import "syscall"

// childAttributes give a child its own process group, so that a Ctrl-C in the
// terminal reaches us alone, and end it when we die without a word.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
