package baidutest

import (
	"crypto/md5" //nolint:gosec // the protocol's checksum
	"encoding/hex"
	"errors"
	"hash"
	"net/http"
	"strconv"
	"strings"
)

// superFile2 takes one slice. It holds the lock only before and after the bytes.
func (c *call) superFile2() (fields, *refusal) {
	c.s.mu.Lock()
	n, r := c.checkSlice()
	if r == nil {
		r = c.checkCrowd()
	}
	c.s.mu.Unlock()
	if r != nil {
		return nil, r
	}
	got, r := c.readSlice(n)
	if c.gone || r != nil {
		return nil, r
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.counts.payload(c, got.size)
	c.account.received += got.size
	if r := c.checkSliceSize(n, got.size); r != nil {
		return nil, r
	}
	return c.keep(n, got)
}

// checkSlice looks at all that is known before the bytes.
func (c *call) checkSlice() (*session, *refusal) {
	q := c.query
	seq, err := strconv.Atoi(q.Get("partseq"))
	if err != nil || seq < 0 || q.Get("type") != "tmpfile" || q.Get("path") == "" || q.Get("uploadid") == "" {
		return nil, refuse(31023, "param error")
	}
	c.part = seq
	if c.cookie && q.Get("app_id") == "" {
		return nil, refuse(31023, "param error: app_id")
	}
	if c.r.ContentLength <= 0 || len(c.r.TransferEncoding) > 0 {
		return nil, refuse(31208, "form data format invalid: Content-Length")
	}
	if seq >= c.s.maxParts() {
		return nil, refuse(31299, "Invalid param part_id")
	}
	n := c.s.sessions[q.Get("uploadid")]
	if n == nil || n.account != c.account || !c.s.alive(n) {
		return nil, refuse(31363, "block miss in superfile2")
	}
	if n.path != q.Get("path") {
		return nil, refuse(31023, "param error: path is not that of precreate")
	}
	if !n.lazy() && seq >= len(n.declared) {
		return nil, refuse(31299, "Invalid param part_id")
	}
	if limit := c.s.opts.Limits.SessionParts; limit > 0 && n.taken >= limit {
		n.expired = true
		return nil, refuse(31363, "block miss in superfile2")
	}
	if c.r.ContentLength > c.account.Tier.maxSlice()+64<<10 {
		return nil, refuse(31364, "superfile part size exceeds the limit of the membership")
	}
	return n, nil
}

// checkCrowd refuses more slices at once than the account may have.
func (c *call) checkCrowd() *refusal {
	limits := c.s.opts.Limits
	if limits.Concurrency == 0 || c.account.inFlight <= limits.Concurrency {
		return nil
	}
	if limits.RateErrno {
		return refuse(31034, "api operation is too frequent")
	}
	return emptyError()
}

// checkSliceSize compares the bytes with the session's slice size, which its first full slice fixes.
func (c *call) checkSliceSize(n *session, size int64) *refusal {
	if size > c.account.Tier.maxSlice() {
		return refuse(31364, "superfile part size exceeds the limit of the membership")
	}
	if size == 0 {
		return refuse(31299, "Invalid param keylist")
	}
	if n.lazy() { // which one is the last is not known before create
		if n.slice != 0 && size > n.slice && size < BlockSize {
			return refuse(31299, "Invalid param: slice is smaller than 4MB")
		}
		n.slice = max(n.slice, size)
		return nil
	}
	count := int64(len(n.declared))
	if c.part == len(n.declared)-1 {
		if n.slice == 0 && count > 1 { // the last slice came first and must leave slices of a legal size
			rest := n.size - size
			if rest%(count-1) != 0 || rest/(count-1) < max(size, BlockSize) || rest/(count-1) > c.account.Tier.maxSlice() {
				return refuse(31299, "Invalid param: size of the last slice")
			}
			n.slice = rest / (count - 1)
		}
		if size != n.size-n.slice*(count-1) {
			return refuse(31299, "Invalid param: size of the last slice")
		}
		return nil
	}
	if size < BlockSize {
		return refuse(31299, "Invalid param: slice is smaller than 4MB")
	}
	if n.slice == 0 && (n.size+size-1)/size == count {
		n.slice = size
	}
	if size != n.slice {
		return refuse(31299, "Invalid param: slices differ in size")
	}
	return nil
}

// keep stores the slice and answers with its md5, true or not as the script says.
func (c *call) keep(n *session, p *part) (fields, *refusal) {
	p.host, n.taken = c.host, n.taken+1
	if !c.s.locatedHost(c.host) {
		n.fixed += p.size
		p.lost = n.fixed > c.s.opts.Limits.FixedHost
		p.quiet = p.lost
	}
	told := p.md5
	if c.fault != nil {
		told = c.bend(p)
	}
	n.parts[c.part] = p
	c.w.Header().Set("Content-MD5", told)
	return fields{"md5": told, "partseq": strconv.Itoa(c.part), "uploadid": n.id}, nil
}

// readSlice reads the one file of the multipart body.
func (c *call) readSlice(n *session) (*part, *refusal) {
	told, must := c.mustHash(n)
	got := &part{md5: told}
	var sum hash.Hash
	if must {
		sum = md5.New() //nolint:gosec // the protocol's checksum
	}
	take := func(b []byte) {
		got.size += int64(len(b))
		if sum != nil {
			_, _ = sum.Write(b)
		}
		if c.s.opts.KeepContent {
			got.bytes = append(got.bytes, b...)
		}
	}
	err := c.readForFile(take)
	if c.gone {
		return nil, nil
	}
	switch {
	case errors.Is(err, errTooSlow):
		c.drained = true
		c.w.Header().Set("Connection", "close")
		return nil, emptyError()
	case errors.Is(err, errNotWellFormed):
		return nil, refuse(31208, "form data format invalid")
	case err != nil: // the client went away
		c.reset()
		return nil, nil
	}
	if sum != nil {
		got.md5 = hex.EncodeToString(sum.Sum(nil))
	}
	return got, nil
}

// mustHash tells the md5 that the slice should have, if anybody told, and whether to compute it all the same.
func (c *call) mustHash(n *session) (string, bool) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	told := ""
	if c.part < len(n.declared) {
		told = n.declared[c.part]
	} else if known := c.s.expected[n.path]; c.part < len(known) {
		told = known[c.part]
	}
	switch {
	case told == "" || c.s.opts.Hash == HashOn:
		return told, true
	case c.s.opts.Hash == HashSampled:
		return told, c.part%8 == 0
	}
	return told, false
}

// Expect tells the md5s of the slices of a file that will be uploaded to path without telling them, for HashOff.
func (s *Server) Expect(path string, md5s []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expected[path] = md5s
}

// locatedHost says whether locateupload names the host.
func (s *Server) locatedHost(host string) bool {
	return strings.Contains(host, "-") || !strings.HasSuffix(host, "."+pcsHost) && host != pcsHost
}

func contentBoundary(r *http.Request) (string, bool) {
	kind, rest, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if strings.TrimSpace(kind) != "multipart/form-data" {
		return "", false
	}
	_, value, found := strings.Cut(rest, "boundary=")
	value = strings.Trim(strings.TrimSpace(value), `"`)
	return value, found && value != "" && len(value) <= 70
}
