package baidutest

import (
	"crypto/md5" //nolint:gosec // the protocol's checksum
	"crypto/sha256"
	"encoding/hex"
	"path"
	"strconv"
	"strings"
	"time"
)

// part is a slice that arrived.
type part struct {
	md5   string
	size  int64
	host  string
	bytes []byte // with KeepContent
	lost  bool   // accepted, later missing
	quiet bool   // lost, and precreate denies it
}

// file is a file or folder that exists.
type file struct {
	id           int64
	path         string
	dir          bool
	size         int64
	content      content
	ctime, mtime time.Time
	local        [2]int64 // local_ctime, local_mtime
	visible      time.Time
}

func (f *file) name() string { return path.Base(f.path) }

// content is what Baidu knows of some bytes.
type content struct {
	size       int64
	blocks     []string // md5 of every slice
	list       string   // block_list as create sent it
	md5, slice string   // of the whole and of its first 256 KiB; empty when unknown
	sha256     string
	bytes      []byte
}

// sliceMD5Size is how much slice-md5 covers.
const sliceMD5Size = 256 << 10

// tag is the md5 that listings show, before it is hidden: of the content for one block, of the list's text for several.
func (c content) tag() string {
	if len(c.blocks) == 1 {
		return c.blocks[0]
	}
	return MD5([]byte(c.list))
}

// digest adds what can be known from the bytes.
func (c content) digest(bytes []byte) content {
	c.bytes, c.md5, c.slice = bytes, MD5(bytes), MD5(bytes[:min(len(bytes), sliceMD5Size)])
	sum := sha256.Sum256(bytes)
	c.sha256 = hex.EncodeToString(sum[:])
	return c
}

// MD5 is the lower-case hex md5.
func MD5(b []byte) string {
	sum := md5.Sum(b) //nolint:gosec // the protocol's checksum
	return hex.EncodeToString(sum[:])
}

// Hidden is an md5 as listings and create show it: quarters swapped, every nibble xored with its place, the tenth moved behind g.
func Hidden(plain string) string {
	swapped := plain[8:16] + plain[:8] + plain[24:32] + plain[16:24]
	var b strings.Builder
	for i := range swapped {
		n, err := strconv.ParseUint(swapped[i:i+1], 16, 8)
		if err != nil {
			return plain
		}
		n ^= uint64(i & 15)
		if i == 9 {
			b.WriteByte(byte('g' + n))
		} else {
			b.WriteString(strconv.FormatUint(n, 16))
		}
	}
	return b.String()
}
