package baidutest

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

func atoi(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return -1
	}
	return n
}

// answerStatus answers as gateways do.
func (c *call) answerStatus(status int) {
	switch status {
	case http.StatusInternalServerError, http.StatusServiceUnavailable, http.StatusUnauthorized, http.StatusForbidden:
		c.write(status, "text/html", nil)
	case http.StatusTooManyRequests:
		c.write(status, "application/json", []byte(`{"error_code":31034,"error_msg":"hit frequency limit","request_id":1}`))
	default:
		text := fmt.Sprintf("<html>\r\n<head><title>%d %s</title></head>\r\n<body><hr><center>nginx</center></body>\r\n</html>\r\n", status, http.StatusText(status))
		c.w.Header().Set("Server", "JSP3/2.0.14")
		c.write(status, "text/html", []byte(text))
	}
}

// afflict does what a rule does to accounts, sessions and hosts.
func (c *call) afflict(f *fault) {
	if f.Action == HostDies {
		c.s.setDown(c.host, true)
		return
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if f.Action == HostReturns {
		clear(c.s.down)
	}
	if n := c.s.sessions[c.query.Get("uploadid")]; n != nil && f.Action == Expire {
		n.expired = true
	}
	for _, a := range c.s.accounts {
		switch f.Action {
		case ExpireTokens:
			c.s.expireTokens(a)
		case RevokeTokens:
			a.grants = nil
		case RevokeCookies:
			a.revoked = true
		case ShrinkQuota:
			a.Quota = f.Bytes
		case ChangeTier:
			a.Tier = Tier(f.Errno)
		default:
		}
	}
}

// bend does what the script wants done to a slice that was taken, and returns the md5 that is told.
func (c *call) bend(p *part) string {
	p.lost = p.lost || c.fault.Action == LoseBlock || c.fault.Action == LoseQuiet
	p.quiet = p.quiet || c.fault.Action == LoseQuiet
	told := p.md5
	wrong := MD5([]byte("not " + told))
	switch c.fault.Action {
	case CorruptStored:
		p.md5, told = wrong, wrong
	case CorruptAnswer:
		told = wrong
	case CorruptQuiet:
		p.md5 = wrong
	default:
	}
	if p.md5 == wrong && len(p.bytes) > 0 {
		p.bytes[0] ^= 1
		p.md5 = MD5(p.bytes)
		if c.fault.Action == CorruptStored {
			told = p.md5
		}
	}
	return told
}

// spoil changes the fields of an answer, and says whether the status becomes 200.
func (f *fault) spoil(answer fields) bool {
	switch f.Action {
	case NoMD5:
		delete(answer, "md5")
	case EmptyObject:
		clear(answer)
		return true
	case EmptyBody:
		return true
	default:
	}
	return false
}

// cut changes the text of an answer; nil is none at all.
func (f *fault) cut(body []byte) []byte {
	switch f.Action {
	case Truncate:
		return body[:len(body)/2]
	case EmptyBody:
		return []byte{}
	case LoseAnswer:
		return nil
	default:
	}
	if body == nil {
		return []byte{}
	}
	return body
}

// drain reads what is left of a slice: the front of the real one takes all before it answers.
func (c *call) drain() {
	if c.endpoint != SuperFile2 || c.drained {
		return
	}
	c.drained = true
	var n int64
	_ = c.readForFile(func(b []byte) { n += int64(len(b)) })
	_, _ = io.Copy(io.Discard, io.LimitReader(c.r.Body, 128*MiB))
	c.note(n)
}

// note counts bytes of a slice that was not kept.
func (c *call) note(n int64) {
	if c.endpoint != SuperFile2 {
		return
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.counts.payload(c, n)
}

// dripped reads a body as the script wants.
type dripped struct {
	c     *call
	in    io.Reader
	total int64
	began time.Time
}

func (d *dripped) Read(p []byte) (int, error) {
	f := d.c.fault
	if f == nil || f.Action != Drip || f.Rate <= 0 {
		return d.in.Read(p)
	}
	if d.began.IsZero() {
		d.began = time.Now()
	}
	n, err := d.in.Read(p[:min(len(p), int(max(f.Rate/10, 1)))])
	d.total += int64(n)
	until := d.began.Add(time.Duration(float64(d.total) / float64(f.Rate) * float64(time.Second)))
	if end := d.c.began.Add(d.c.s.opts.Limits.Gateway); until.After(end) {
		until = end
	}
	d.c.pause(time.Until(until))
	return n, err
}
