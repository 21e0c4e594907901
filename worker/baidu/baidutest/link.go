package baidutest

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Shape is the link in front of this Baidu: what a client's upload goes through. Rates are bytes a second, 0 for no limit.
type Shape struct {
	PerConn, Total int64
	// RTT is waited for at a connection's first bytes and before every answer.
	RTT time.Duration
	// One in SlowOneIn connections to a slice host has SlowRate only; which ones the seed decides.
	SlowOneIn int
	SlowRate  int64
	// After ThrottleAfter bytes every connection has ThrottleRate, unless at most ThrottleUnless slices are under way.
	ThrottleAfter, ThrottleRate int64
	ThrottleUnless              int
	Seed                        uint64
}

// link is the state that all connections share.
type link struct {
	shape    Shape
	total    bucket
	received atomic.Int64
	inFlight atomic.Int64
	conns    atomic.Uint64
}

func newLink(shape Shape) *link { return &link{shape: shape, total: bucket{rate: shape.Total}} }

// slow says whether bytes wait here.
func (l *link) slow() bool {
	s := l.shape
	return s.PerConn > 0 || s.Total > 0 || s.SlowOneIn > 0 || s.ThrottleAfter > 0
}

// bucket spaces bytes out.
type bucket struct {
	mu   sync.Mutex
	rate int64
	next time.Time
}

// take books n bytes and says when they are through.
func (b *bucket) take(n int, rate int64) time.Time {
	if rate <= 0 {
		return time.Time{}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if b.next.Before(now) {
		b.next = now
	}
	b.next = b.next.Add(time.Duration(float64(n) / float64(rate) * float64(time.Second)))
	return b.next
}

// linkConn is a connection as it looks through the link.
type linkConn struct {
	*net.TCPConn
	link     *link
	own      bucket
	slow     bool
	started  bool
	turned   atomic.Bool // bytes came since the last answer; one goroutine reads while another writes
	closed   func()
	once     sync.Once
	gone     chan struct{}
	mu       sync.Mutex
	deadline time.Time
}

// wrap puts a connection behind the link; slices says whether it may be one of the slow ones.
func (l *link) wrap(conn *net.TCPConn, slices bool) *linkConn {
	c := &linkConn{TCPConn: conn, link: l, gone: make(chan struct{})}
	if slices && l.shape.SlowOneIn > 0 {
		c.slow = mix(l.shape.Seed, l.conns.Add(1))%uint64(l.shape.SlowOneIn) == 0
	}
	if l.slow() {
		_ = conn.SetReadBuffer(128 << 10) // or the kernel takes megabytes at once, and the client believes they are through
	}
	return c
}

// rate is what the connection has now.
func (c *linkConn) rate() int64 {
	s := c.link.shape
	switch {
	case c.slow:
		return s.SlowRate
	case s.ThrottleAfter > 0 && c.link.received.Load() > s.ThrottleAfter && c.link.inFlight.Load() > int64(s.ThrottleUnless):
		return s.ThrottleRate
	}
	return s.PerConn
}

// Read implements net.Conn at the link's speed.
func (c *linkConn) Read(p []byte) (int, error) {
	rate := c.rate()
	if slowest := least(rate, c.link.shape.Total); slowest > 0 {
		p = p[:min(len(p), int(max(slowest/20, 1<<10)))]
	}
	n, err := c.TCPConn.Read(p)
	if n > 0 && c.link.shape.RTT > 0 && !c.started {
		c.sleepUntil(time.Now().Add(c.link.shape.RTT))
	}
	c.started = true
	c.turned.Store(true)
	c.link.received.Add(int64(n))
	c.sleepUntil(c.own.take(n, rate))
	c.sleepUntil(c.link.total.take(n, c.link.shape.Total))
	return n, err
}

// least is the smaller of two rates, of which 0 means none.
func least(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// Write implements net.Conn; an answer takes a round trip.
func (c *linkConn) Write(p []byte) (int, error) {
	if c.turned.Swap(false) {
		if rtt := c.link.shape.RTT; rtt > 0 {
			c.sleepUntil(time.Now().Add(rtt))
		}
	}
	return c.TCPConn.Write(p)
}

// sleepUntil waits, but neither longer than the connection lives nor than the reader wants to.
func (c *linkConn) sleepUntil(t time.Time) {
	c.mu.Lock()
	if !c.deadline.IsZero() && t.After(c.deadline) {
		t = c.deadline
	}
	c.mu.Unlock()
	d := time.Until(t)
	if t.IsZero() || d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.gone:
	}
}

// SetReadDeadline implements net.Conn.
func (c *linkConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	c.deadline = t
	c.mu.Unlock()
	return c.TCPConn.SetReadDeadline(t)
}

// SetDeadline implements net.Conn.
func (c *linkConn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	c.deadline = t
	c.mu.Unlock()
	return c.TCPConn.SetDeadline(t)
}

// NetConn is the connection below.
func (c *linkConn) NetConn() net.Conn { return c.TCPConn }

// Close implements net.Conn.
func (c *linkConn) Close() error {
	c.once.Do(func() {
		close(c.gone)
		if c.closed != nil {
			c.closed()
		}
	})
	return c.TCPConn.Close()
}

// kill ends it with a RST.
func (c *linkConn) kill() {
	_ = c.SetLinger(0)
	_ = c.Close()
}

// mix is a number that depends on all of these and looks random.
func mix(seed uint64, more ...uint64) uint64 {
	h := seed ^ 0x9e3779b97f4a7c15
	for _, m := range more {
		h ^= m + 0x9e3779b97f4a7c15 + h<<6 + h>>2
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
	}
	return h
}
