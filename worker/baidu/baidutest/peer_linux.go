package baidutest

import (
	"net"

	"golang.org/x/sys/unix"
)

// States of a connection whose other end was closed.
const tcpClose, tcpCloseWait = 7, 8

func peerClosed(conn *net.TCPConn) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return true
	}
	closed := true
	_ = raw.Control(func(fd uintptr) {
		state, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		closed = err != nil || state.State == tcpClose || state.State == tcpCloseWait
	})
	return closed
}
