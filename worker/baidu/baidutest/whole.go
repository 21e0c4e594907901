package baidutest

import (
	"crypto/md5" //nolint:gosec // the protocol's checksum
	"encoding/hex"
)

// maxWhole is the largest file that goes up in one request.
const maxWhole = 2 * GiB

// uploadWhole takes a small file in one request, as documented and not recommended. With type=tmpfile it was the old way of slices,
// which is gone.
func (c *call) uploadWhole() (fields, *refusal) {
	if c.query.Get("type") == "tmpfile" {
		return c.dead()
	}
	p, rtype := c.query.Get("path"), map[string]string{"": "0", "fail": "0", "newcopy": "1", "overwrite": "3"}[c.query.Get("ondup")]
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
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if size == 0 || size > maxWhole {
		return nil, refuse(31023, "param error: size")
	}
	if c.account.Used+size > c.account.Quota {
		return nil, refuse(31112, "exceed quota")
	}
	made := content{size: size, blocks: []string{hex.EncodeToString(sum.Sum(nil))}}
	if c.s.opts.KeepContent {
		made = made.digest(bytes)
		c.s.known[made.md5] = made
	}
	return c.s.describePCS(c.store(p, rtype, made)), nil
}

func (c *call) lockedCheck(p, rtype string) *refusal {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if r := c.checkPath(p); r != nil {
		return r
	}
	if rtype == "" || c.r.ContentLength <= 0 {
		return refuse(31023, "param error: ondup, Content-Length")
	}
	if f := c.account.files[p]; f != nil && (f.dir || rtype == "0") {
		return refuse(31061, "file already exists")
	}
	return nil
}
