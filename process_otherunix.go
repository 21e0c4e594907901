//go:build unix && !linux

package main

import "syscall"

// childAttributes give a child its own process group, so that a Ctrl-C in the
// terminal reaches us alone. A child that outlives us is ended at the next start.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
