package baidutest

import (
	"crypto/md5" //nolint:gosec // the protocol's checksum
	"encoding/hex"
	"strings"
)

// maxWhole is the largest file that goes up in one request.
const maxWhole = 2 * GiB

// uploadWhole takes a small file in one request, as documented and not recommended. With type=tmpfile it was the old way of slices.
func (c *call) uploadWhole() (fields, *refusal) {
	if c.query.Get("type") == "tmpfile" {
		return c.oldSlice()
	}
	p, rtype := c.query.Get("path"), ondup(c.query.Get("ondup"))
	if name := c.query.Get("filename"); p == "" && name != "" {
		p = strings.TrimSuffix(c.query.Get("dir"), "/") + "/" + name
	}
	if r := c.lockedCheck(p, rtype); r != nil {
		return nil, r
	}
	var bytes []byte
	var size int64
	sum := md5.New() //nolint:gosec // the protocol's checksum
	err := c.readForFile(func(b []byte) {
		size += int64(len(b))
		_, _ = sum.Write(b)
		if c.s.opts.KeepContent {
			bytes = append(bytes, b...)
		}
	})
	if err != nil {
		return nil, refuse(31208, "form data format invalid")
	}
	if size == 0 || size > maxWhole {
		return nil, refuse(31023, "param error: size")
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return c.place(p, rtype, content{size: size, blocks: []string{hex.EncodeToString(sum.Sum(nil))}}, bytes)
}

func (c *call) lockedCheck(p, rtype string) *refusal {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.r.ContentLength <= 0 {
		return refuse(31023, "param error: Content-Length")
	}
	return c.checkWhole(p, rtype)
}
