package baidutest

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// call is one request on its way through.
type call struct {
	s        *Server
	w        http.ResponseWriter
	r        *http.Request
	id       int64
	host     string // the name it was meant for: pan.baidu.com …
	https    bool
	proxied  bool
	endpoint string
	family   family
	method   string // the query's
	query    url.Values
	form     url.Values
	account  *account
	cookie   bool // came in by cookie
	part     int  // partseq, else -1
	fault    *fault
	outcome  *refusal
	status   int
	began    time.Time
	left     <-chan struct{} // closed when the client is known to have gone
	conn     net.Conn
	gone     bool // the connection is; nothing can be answered
	drained  bool // nothing of the body is left to read
	formRead bool
	formBad  *refusal
	enlisted bool // counted as a slice under way
}

// serve answers a request that was meant for host.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, host string, https, proxied bool) {
	c := &call{s: s, w: w, r: r, host: host, https: https, proxied: proxied, part: -1, began: time.Now(), form: url.Values{}, left: r.Context().Done()}
	c.conn, _ = r.Context().Value(connKey{}).(net.Conn)
	query, err := url.ParseQuery(r.URL.RawQuery)
	c.query, c.method = query, query.Get("method")
	e, found := c.route()
	c.endpoint, c.family = e.name, e.family
	s.mu.Lock()
	c.id = 8_600_000_000_000_000_000 + s.next()
	s.counts.begin(c)
	s.mu.Unlock()
	defer c.done()
	switch {
	case err != nil:
		c.refuse(refuse(31023, "param error: "+err.Error()))
	case !found:
		c.write(http.StatusNotFound, "text/html", []byte("<html><head><title>404 Not Found</title></head></html>\n"))
	case r.Method != e.verb && (e.verb != "" || r.Method != http.MethodGet && r.Method != http.MethodPost):
		c.w.Header().Set("Allow", e.verb)
		c.write(http.StatusMethodNotAllowed, "text/html", []byte("<html><head><title>405 Not Allowed</title></head></html>\n"))
	default:
		c.enter(e)
	}
}

// enter lets the request in, if it may, and handles it.
func (c *call) enter(e endpoint) {
	if !c.misbehave(e) {
		return
	}
	if r := c.admit(e.who); r != nil {
		c.refuse(r)
		return
	}
	if c.r.Method == http.MethodPost && !e.body {
		if r := c.readForm(); r != nil {
			c.refuse(r)
			return
		}
	}
	c.enlist()
	f, r := c.handle(e)
	switch {
	case c.gone:
	case r != nil:
		c.refuse(r)
	default:
		c.answer(f)
	}
}

func (c *call) handle(e endpoint) (fields, *refusal) {
	if !e.body {
		c.s.mu.Lock()
		defer c.s.mu.Unlock()
	}
	return e.handle(c)
}

// enlist counts a slice as under way.
func (c *call) enlist() {
	if c.endpoint != SuperFile2 || c.crawls() {
		return
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.enlisted = true
	c.account.inFlight++
	c.s.link.inFlight.Add(1)
	c.s.counts.maxInFlight[c.account.Name] = max(c.s.counts.maxInFlight[c.account.Name], c.account.inFlight)
}

func (c *call) done() {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.enlisted {
		c.account.inFlight--
		c.s.link.inFlight.Add(-1)
	}
	c.s.counts.end(c)
}

// most a form may have: 2048 md5s are 70 KB.
const formLimit = 4 << 20

// readForm reads an urlencoded body, or a multipart one with a param field, as PCS takes.
func (c *call) readForm() *refusal {
	if c.formRead {
		return c.formBad
	}
	c.formRead, c.formBad = true, c.parseForm()
	return c.formBad
}

func (c *call) parseForm() *refusal {
	c.r.Body = http.MaxBytesReader(c.w, c.r.Body, formLimit)
	kind := c.r.Header.Get("Content-Type")
	if strings.HasPrefix(kind, "multipart/form-data") {
		if err := c.r.ParseMultipartForm(formLimit); err != nil {
			return refuse(31023, "param error: "+err.Error())
		}
		c.form = c.r.MultipartForm.Value
		return nil
	}
	if c.r.ContentLength != 0 && !strings.HasPrefix(kind, "application/x-www-form-urlencoded") {
		return refuse(wrongParameter(c.family), "param error: Content-Type is not a form's")
	}
	if err := c.r.ParseForm(); err != nil {
		return refuse(wrongParameter(c.family), "param error: "+err.Error())
	}
	c.form = c.r.PostForm
	return nil
}

// wrongParameter is the code of a bad parameter.
func wrongParameter(f family) int {
	if f == pcs {
		return 31023
	}
	return 2
}

// reset ends the connection with a RST, so that the client sees an error and no answer.
func (c *call) reset() {
	c.gone = true
	conn, _, err := http.NewResponseController(c.w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if t := tcpOf(conn); t != nil {
		_ = t.SetLinger(0)
		_ = t.Close()
	}
	_ = conn.Close()
}

// tcpOf finds the TCP connection under TLS and shaping.
func tcpOf(conn net.Conn) *net.TCPConn {
	for {
		switch under := conn.(type) {
		case *net.TCPConn:
			return under
		case interface{ NetConn() net.Conn }:
			conn = under.NetConn()
		default:
			return nil
		}
	}
}

// pause waits, unless the client or the server goes away.
func (c *call) pause(d time.Duration) {
	if d > 0 {
		wait(c.left, c.s.drop, d)
	}
}

func wait(left, drop <-chan struct{}, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-left:
	case <-drop:
	}
}

// connKey is where a request's context has its connection.
type connKey struct{}

func withConn(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

// crawls says whether the request's bytes come so slowly that a client may leave before they are read; its leaving stands behind
// them and cannot be seen.
func (c *call) crawls() bool {
	if c.fault != nil && (c.fault.Action == Drip || c.fault.Action == Hang) {
		return true
	}
	for conn := c.conn; conn != nil; {
		if l, ok := conn.(*linkConn); ok {
			return l.slow
		}
		under, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		conn = under.NetConn()
	}
	return false
}
