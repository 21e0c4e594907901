//go:build unix

package worker

import "syscall"

// nonBlocking keeps an open from waiting, should the file have become a pipe a moment ago.
const nonBlocking = syscall.O_NONBLOCK
