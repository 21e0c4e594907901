package baidutest

import (
	"bytes"
	"crypto/tls"
	"errors"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// listener is one address of ours.
type listener struct {
	net.Listener
	s      *Server
	host   string // the name it stands for; empty for the proxy
	server *http.Server

	mu   sync.Mutex
	open map[*linkConn]bool
}

// listen opens every address.
func (s *Server) listen() error {
	for i := range s.opts.Hosts {
		s.hostnames = append(s.hostnames, sliceHost(i))
	}
	named := map[string]*string{panHost: &s.urls.Pan, pcsHost: &s.urls.PCS, openapiHost: &s.urls.OpenAPI}
	for host, url := range named {
		var err error
		if *url, err = s.open(host, s.opts.TLS); err != nil {
			return err
		}
	}
	for i, host := range s.hostnames {
		url, err := s.open(host, s.opts.TLS)
		if err != nil {
			return err
		}
		s.urls.Hosts = append(s.urls.Hosts, url)
		s.down[host] = i == 0 && s.opts.Locate.FirstDead
	}
	if s.opts.TLS && s.opts.Locate.PlainToo {
		var err error
		if s.plainHost, err = s.open(s.hostnames[0], false); err != nil {
			return err
		}
	}
	return s.openProxy()
}

// open starts the listener that stands for host.
func (s *Server) open(host string, https bool) (string, error) {
	in, err := net.Listen("tcp", net.JoinHostPort(s.opts.Listen, "0")) //nolint:noctx // a test server has no caller's context
	if err != nil {
		return "", err
	}
	l := s.add(in, host)
	scheme, over := "http://", net.Listener(l)
	if https {
		scheme, over = "https://", tls.NewListener(l, s.ca.config())
	}
	l.server = quiet(func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, host, https, false) })
	go func() { _ = l.server.Serve(over) }()
	return scheme + in.Addr().String(), nil
}

func (s *Server) add(in net.Listener, host string) *listener {
	l := &listener{Listener: in, s: s, host: host, open: map[*linkConn]bool{}}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners = append(s.listeners, l)
	return l
}

// quiet is a server that says nothing about connections that break, which they are meant to.
func quiet(handle http.HandlerFunc) *http.Server {
	return &http.Server{Handler: handle, ErrorLog: log.New(panics{}, "", 0), ReadHeaderTimeout: time.Minute, ConnContext: withConn}
}

// panics lets only those through: they are ours.
type panics struct{}

func (panics) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("panic")) {
		return os.Stderr.Write(b)
	}
	return len(b), nil
}

// Accept shapes what comes in, and cuts it when the host is down.
func (l *listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		t, ok := conn.(*net.TCPConn)
		if !ok {
			_ = conn.Close()
			return nil, errors.New("not a TCP connection")
		}
		if l.s.isDown(l.host) {
			_ = t.SetLinger(0)
			_ = t.Close()
			continue
		}
		lc := l.s.link.wrap(t, strings.HasSuffix(l.host, "."+pcsHost) || l.host == "")
		lc.closed = func() { l.forget(lc) }
		l.mu.Lock()
		l.open[lc] = true
		l.mu.Unlock()
		return lc, nil
	}
}

func (l *listener) forget(conn *linkConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, conn)
}

func (l *listener) conns() []*linkConn {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]*linkConn, 0, len(l.open))
	for conn := range l.open {
		all = append(all, conn)
	}
	return all
}

// openProxy starts the address for https_proxy.
func (s *Server) openProxy() error {
	in, err := net.Listen("tcp", net.JoinHostPort(s.opts.Listen, strconv.Itoa(s.opts.ProxyPort))) //nolint:noctx // see open
	if err != nil {
		return err
	}
	inside := newTunnels(in.Addr())
	l, inner := s.add(in, ""), s.add(inside, "")
	inner.server = quiet(func(w http.ResponseWriter, r *http.Request) { s.serveProxied(w, r, r.Host, r.TLS != nil) })
	l.server = quiet(func(w http.ResponseWriter, r *http.Request) { s.serveProxy(w, r, inside) })
	s.urls.Proxy = "http://" + in.Addr().String()
	go func() { _ = inner.server.Serve(inside) }()
	go func() { _ = l.server.Serve(l) }()
	return nil
}
