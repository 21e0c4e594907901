package baidutest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// session is an upload that began.
type session struct {
	id, path string
	account  *account
	size     int64    // -1: lazy, unknown until create
	declared []string // md5 per slice; of a lazy one nothing
	slice    int64    // bytes per slice, once a slice that is not the last came
	parts    map[int]*part
	taken    int // slices that came, repeats too
	fixed    int64
	began    time.Time
	expired  bool
	result   *file // once created
}

// lazyBlocks are the two md5s of the web client, which hashes nothing before it uploads.
func lazyBlocks() []string {
	return []string{"5910a591dd8fc18c32a8f3df4fdc1761", "a5fc157d78e6ad1c7e114b056c92821e"}
}

func (n *session) lazy() bool { return n.size < 0 }

// missing are the slices still wanted.
func (n *session) missing() []int {
	wanted := []int{}
	for i := range n.declared {
		if p := n.parts[i]; p == nil || p.lost && !p.quiet {
			wanted = append(wanted, i)
		}
	}
	return wanted
}

var hexMD5 = regexp.MustCompile(`^[0-9a-f]{32}$`)

// blockList reads a JSON array of lower-case md5s.
func blockList(text string) ([]string, bool) {
	var list []string
	if json.Unmarshal([]byte(text), &list) != nil || len(list) == 0 {
		return nil, false
	}
	return list, !slices.ContainsFunc(list, func(m string) bool { return !hexMD5.MatchString(m) })
}

func (c *call) precreate() (fields, *refusal) {
	p, rtype := c.form.Get("path"), c.form.Get("rtype")
	if r := c.checkPath(p); r != nil {
		return nil, r
	}
	if c.form.Get("autoinit") != "1" || !slices.Contains([]string{"", "0", "1", "2", "3"}, rtype) {
		return nil, refuse(2, "parameter error")
	}
	blocks, ok := blockList(c.form.Get("block_list"))
	if !ok {
		return nil, refuse(2, "block_list is not an array of md5s")
	}
	if target := c.form.Get("target_path"); target != "" && path.Clean(target) != path.Dir(p) {
		return nil, refuse(2, "target_path is not the path's folder")
	}
	size := int64(-1)
	if !c.form.Has("size") && c.mayBeLazy(blocks) {
		blocks = nil
	} else {
		var r *refusal
		if size, r = c.checkSize(len(blocks)); r != nil {
			return nil, r
		}
		if answer := c.rapid(p, rtype, size); answer != nil {
			return answer, nil
		}
	}
	if existing := c.account.files[p]; existing != nil && (rtype == "0" || rtype == "" || existing.dir) {
		return nil, refuse(-8, "file already exists")
	}
	return c.wanted(c.resume(p, size, blocks)), nil
}

// mayBeLazy tells the request of a client that hashes only while it uploads.
func (c *call) mayBeLazy(blocks []string) bool {
	lazy := lazyBlocks()
	return (c.cookie || c.s.opts.Strict.LazyOAuth) && (slices.Equal(blocks, lazy) || slices.Equal(blocks, lazy[:1]))
}

// checkSize compares the size with the number of blocks and the free space.
func (c *call) checkSize(blocks int) (int64, *refusal) {
	size, err := strconv.ParseInt(c.form.Get("size"), 10, 64)
	if err != nil || size <= 0 || c.form.Get("isdir") != "0" {
		return 0, refuse(2, "parameter error: size, isdir")
	}
	if blocks > c.s.maxParts() || !legalCount(size, int64(blocks), c.account.Tier) {
		return 0, refuse(2, "block_list does not fit the size")
	}
	if c.account.Used+size > c.account.Quota {
		return 0, refuse(-10, "no enough space")
	}
	return size, nil
}

func (s *Server) maxParts() int {
	if s.opts.Strict.Parts {
		return StrictParts
	}
	return HardParts
}

// legalCount says whether some slice size of the tier cuts size into count slices. All that is checked later of the tier's file
// size is not checked here, as Baidu does not.
func legalCount(size, count int64, tier Tier) bool {
	if count == 1 {
		return size <= tier.maxSlice()
	}
	return max(BlockSize, (size+count-1)/count) <= min(tier.maxSlice(), (size-1)/(count-1))
}

// resume finds the session that the client names, or begins one.
func (c *call) resume(p string, size int64, blocks []string) *session {
	if n := c.s.sessions[c.form.Get("uploadid")]; n != nil && c.s.alive(n) && n.account == c.account && n.path == p &&
		n.size == size && slices.Equal(n.declared, blocks) && n.result == nil {
		return n
	}
	number := c.s.next()
	id := fmt.Sprintf("127.0.0.1:%d:%d", c.s.now().Unix(), number)
	n := &session{
		id: "N1-" + base64.StdEncoding.EncodeToString([]byte(id)), path: p, account: c.account, size: size, declared: blocks,
		parts: map[int]*part{}, began: c.s.now(),
	}
	c.s.sessions[n.id] = n
	return n
}

func (s *Server) alive(n *session) bool {
	return !n.expired && s.now().Sub(n.began) < s.opts.Limits.SessionLifetime
}

func (c *call) wanted(n *session) fields {
	wanted := n.missing()
	if n.lazy() {
		wanted = []int{0}
	}
	if c.s.opts.Answers.EmptyMeansFirst && slices.Equal(wanted, []int{0}) {
		wanted = []int{}
	}
	return fields{"return_type": 1, "path": n.path, "uploadid": n.id, "block_list": wanted}
}

// rapid makes the file at once when Baidu has the content and the client proves that it has it too.
func (c *call) rapid(p, rtype string, size int64) fields {
	known, there := c.s.known[c.form.Get("content-md5")]
	if !there || known.size != size || known.slice == "" || known.slice != c.form.Get("slice-md5") || c.account.files[p] != nil && rtype == "0" {
		return nil
	}
	if c.cookie && !c.proves(known) {
		return nil
	}
	f := c.store(p, rtype, known)
	return fields{"return_type": 2, "path": f.path, "info": c.s.describe(f)}
}

// proves compares the 4 KiB window that cookie clients send along.
func (c *call) proves(known content) bool {
	window, err := base64.RawStdEncoding.DecodeString(c.form.Get("data_content"))
	offset, err2 := strconv.ParseInt(c.form.Get("data_offset"), 10, 64)
	if err != nil || err2 != nil || len(window) == 0 || offset < 0 || c.form.Get("data_time") == "" {
		return false
	}
	if known.bytes == nil {
		return true // of what Know told there is nothing to compare with
	}
	end := offset + int64(len(window))
	return end <= int64(len(known.bytes)) && string(known.bytes[offset:end]) == string(window)
}

// checkPath refuses what cannot be a path, and what this application may not write to.
func (c *call) checkPath(p string) *refusal {
	switch {
	case !strings.HasPrefix(p, "/") || path.Clean(p) != p || p == "/":
		return refuse(wrongParameter(c.family), "path is not absolute and clean: "+strconv.Quote(p))
	case !c.cookie && !c.mayWrite(p):
		return refuse(31064, "file is not authorized")
	case !c.cookie && c.s.opts.App.NoUpload && (c.endpoint == Precreate || c.endpoint == Create):
		return refuse(31024, "no permission of upload")
	case !legalName(p):
		if c.family == pcs {
			return refuse(31062, "file name is invalid")
		}
		return refuse(-7, "file name is invalid")
	}
	if decoded, err := url.PathUnescape(p); err == nil && decoded != p && strings.Contains(strings.ToUpper(p), "%2F") {
		return refuse(-7, "path is encoded twice")
	}
	return nil
}

func (c *call) mayWrite(p string) bool {
	folder := c.s.opts.App.Folder
	return folder == "" || strings.HasPrefix(p, "/apps/"+folder+"/") || c.form.Get("isdir") == "1" && p == "/apps/"+folder
}

// legalName knows what names may not hold: reserved and control characters, blanks at the ends, emoji, more than 255 bytes.
func legalName(p string) bool {
	if !utf8.ValidString(p) || len(p) > 1000 {
		return false
	}
	for name := range strings.SplitSeq(p[1:], "/") {
		if strings.TrimSpace(name) != name || len(name) > 255 {
			return false
		}
	}
	return !strings.ContainsFunc(p, func(r rune) bool {
		return strings.ContainsRune(`\:*?"<>|`, r) || unicode.IsControl(r) || r > 0xFFFF || r == 0xFE0F || r == 0x200D
	})
}
