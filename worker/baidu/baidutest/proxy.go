package baidutest

import (
	"bufio"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"sync"
)

// serveProxy takes absolute URIs and CONNECT. Nothing is forwarded: only Baidu's names lead anywhere, and all lead here.
func (s *Server) serveProxy(w http.ResponseWriter, r *http.Request, inside *tunnels) {
	switch {
	case r.Method == http.MethodConnect:
		s.connect(w, r, inside)
	case r.URL.IsAbs():
		s.serveProxied(w, r, r.URL.Host, false)
	case r.URL.Path == "/device":
		s.serve(w, r, openapiHost, true, false)
	default:
		http.Error(w, "this is an HTTP proxy with Baidu Netdisk behind it: use it as http_proxy and https_proxy", http.StatusBadRequest)
	}
}

func (s *Server) serveProxied(w http.ResponseWriter, r *http.Request, host string, https bool) {
	name, ours := ourName(host)
	if !ours {
		s.refuseStranger(w, name)
		return
	}
	s.serve(w, r, name, https, true)
}

// ourName is the host without its port, and whether we stand in for it.
func ourName(host string) (string, bool) {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.ToLower(name)
	if name == "c.tieba.baidu.com" || name == "tiebac.baidu.com" {
		name = tiebaHost
	}
	return name, name == panHost || name == pcsHost || name == openapiHost || name == tiebaHost || strings.HasSuffix(name, "."+pcsHost)
}

func (s *Server) refuseStranger(w http.ResponseWriter, name string) {
	func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.counts.strangers[name]++
	}()
	http.Error(w, "this Baidu stands in for Baidu Netdisk only, and forwards nothing", http.StatusForbidden)
}

// connect turns the connection into one to the host that is asked for.
func (s *Server) connect(w http.ResponseWriter, r *http.Request, inside *tunnels) {
	name, ours := ourName(r.Host)
	if !ours {
		s.refuseStranger(w, name)
		return
	}
	if s.isDown(name) {
		http.Error(w, "the host does not answer", http.StatusServiceUnavailable)
		return
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if _, err := conn.Write([]byte("HTTP/1.1 200 Connection established\r\n\r\n")); err != nil {
		_ = conn.Close()
		return
	}
	in := &peekedConn{Conn: conn, in: buffered.Reader}
	first, err := in.in.Peek(1)
	if err != nil {
		_ = conn.Close()
		return
	}
	if first[0] == 0x16 { // a TLS handshake
		inside.give(tls.Server(in, s.ca.config()))
		return
	}
	inside.give(in)
}

// peekedConn is a connection whose first bytes were read into a buffer.
type peekedConn struct {
	net.Conn
	in *bufio.Reader
}

func (p *peekedConn) Read(b []byte) (int, error) {
	if p.in.Buffered() > 0 {
		return p.in.Read(b)
	}
	return p.Conn.Read(b) // without the buffer's small steps
}

// NetConn is the connection below.
func (p *peekedConn) NetConn() net.Conn { return p.Conn }

// tunnels is a listener whose connections come out of CONNECT.
type tunnels struct {
	addr  net.Addr
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newTunnels(addr net.Addr) *tunnels {
	return &tunnels{addr: addr, conns: make(chan net.Conn), done: make(chan struct{})}
}

func (t *tunnels) give(conn net.Conn) {
	select {
	case t.conns <- conn:
	case <-t.done:
		_ = conn.Close()
	}
}

// Accept implements net.Listener.
func (t *tunnels) Accept() (net.Conn, error) {
	select {
	case conn := <-t.conns:
		return conn, nil
	case <-t.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (t *tunnels) Close() error {
	t.once.Do(func() { close(t.done) })
	return nil
}

// Addr implements net.Listener.
func (t *tunnels) Addr() net.Addr { return t.addr }
