package baidutest

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

func (c *call) create() (fields, *refusal) {
	p, rtype := c.form.Get("path"), c.form.Get("rtype")
	if r := c.checkPath(p); r != nil {
		return nil, r
	}
	if !slices.Contains([]string{"", "0", "1", "2", "3"}, rtype) {
		return nil, refuse(2, "parameter error: rtype")
	}
	if target := c.form.Get("target_path"); target != "" && path.Clean(target) != path.Dir(p) {
		return nil, refuse(2, "target_path is not the path's folder")
	}
	switch c.form.Get("isdir") {
	case "1":
		return c.createFolder(p, rtype)
	case "0":
	default:
		return nil, refuse(2, "parameter error: isdir")
	}
	size, err := strconv.ParseInt(c.form.Get("size"), 10, 64)
	blocks, ok := blockList(c.form.Get("block_list"))
	if err != nil || size <= 0 || !ok {
		return nil, refuse(2, "parameter error: size, block_list")
	}
	n := c.s.sessions[c.form.Get("uploadid")]
	if !c.form.Has("uploadid") {
		return nil, refuse(31190, "file does not exist") // an md5 alone makes no file any more
	}
	if n == nil || n.account != c.account || !c.s.alive(n) {
		return nil, refuse(31363, "block miss in superfile2")
	}
	if n.path != p {
		return nil, refuse(2, "path is not that of precreate")
	}
	if r := c.complete(n, size, blocks); r != nil {
		return nil, r
	}
	return c.commit(n, rtype, size, blocks)
}

// complete compares what the client lists with what came.
func (c *call) complete(n *session, size int64, blocks []string) *refusal {
	if len(blocks) > c.s.maxParts() {
		return refuse(31299, "Invalid param part_id")
	}
	for i, md5 := range blocks {
		switch p := n.parts[i]; {
		case p == nil || p.lost:
			return refuse(31363, "block miss in superfile2")
		case p.md5 != md5:
			return refuse(31190, "object not exists")
		case c.s.opts.Strict.StickyHost && p.host != n.parts[0].host:
			return refuse(10, "create file failed")
		}
	}
	sum, slice := int64(0), n.parts[0].size
	for i := range blocks {
		size, last := n.parts[i].size, i == len(blocks)-1
		if size > slice || !last && size < max(slice, BlockSize) {
			return refuse(31299, "Invalid param: slices differ in size")
		}
		sum += size
	}
	if sum != size || !n.lazy() && (size != n.size || len(blocks) != len(n.declared)) {
		return refuse(10, "create file failed")
	}
	return nil
}

// commit makes the file, if there may be one of that size.
func (c *call) commit(n *session, rtype string, size int64, blocks []string) (fields, *refusal) {
	if size > c.s.maxFile(c.account.Tier) {
		return nil, refuse(31365, "file size exceeds the limit of the membership")
	}
	if n.result == nil && c.account.Used+size > c.account.Quota {
		return nil, refuse(-10, "no enough space")
	}
	made := content{size: size, blocks: blocks, list: c.form.Get("block_list")}
	if c.s.opts.KeepContent {
		var all []byte
		for i := range blocks {
			all = append(all, n.parts[i].bytes...)
		}
		made = made.digest(all)
		c.s.known[made.md5] = made
	}
	existing := c.account.files[n.path]
	if existing != nil && (existing.dir || rtype == "0" || rtype == "") {
		return nil, refuse(-8, "file already exists")
	}
	f := n.result
	if f == nil || rtype != "2" || c.account.files[f.path] != f { // by rtype 2 a repeat finds what it made, even under another name
		f = c.store(n.path, rtype, made)
	}
	n.result = f
	answer := c.s.describe(f)
	answer["name"], answer["from_type"] = f.path, 1
	if c.fault != nil && c.fault.Action == Ghost {
		f.size, f.content = 0, content{blocks: []string{}}
	}
	answer["ctime"], answer["mtime"] = f.ctime.Unix(), f.ctime.Unix() // always now, whatever was sent
	return answer, nil
}

// store puts content at p by the rules of rtype, and makes its folders.
func (c *call) store(p, rtype string, made content) *file {
	a := c.account
	existing := a.files[p]
	same := existing != nil && slices.Equal(existing.content.blocks, made.blocks)
	switch {
	case existing == nil:
	case rtype == "2" && same:
		return existing
	case rtype == "1" || rtype == "2":
		p, existing = c.free(p), nil
	}
	f := existing
	if f == nil {
		c.folders(path.Dir(p))
		f = &file{id: c.s.fsid(), path: p, ctime: c.s.now(), visible: c.s.now().Add(c.s.opts.Limits.VisibleDelay)}
		a.files[p] = f
	}
	a.Used += made.size - f.size
	f.size, f.content, f.mtime = made.size, made, c.s.now()
	f.local[0], _ = strconv.ParseInt(c.form.Get("local_ctime"), 10, 64)
	f.local[1], _ = strconv.ParseInt(c.form.Get("local_mtime"), 10, 64)
	return f
}

func (s *Server) fsid() int64 { return 100_000_000_000_000 + s.next() }

// free is a name beside p that nobody has, as Baidu makes them.
func (c *call) free(p string) string {
	ext := path.Ext(p)
	for n := 1; ; n++ {
		name := fmt.Sprintf("%s(%d)%s", strings.TrimSuffix(p, ext), n, ext)
		if c.account.files[name] == nil {
			return name
		}
	}
}

// folders makes dir and its parents.
func (c *call) folders(dir string) {
	if c.account.files[dir] != nil {
		return
	}
	c.folders(path.Dir(dir))
	c.account.files[dir] = &file{id: c.s.fsid(), path: dir, dir: true, ctime: c.s.now(), mtime: c.s.now()}
}

func (c *call) createFolder(p, rtype string) (fields, *refusal) {
	if c.account.files[p] != nil {
		if rtype != "1" {
			return nil, refuse(-8, "file already exists")
		}
		p = c.free(p)
	}
	c.folders(p)
	answer := c.s.describe(c.account.files[p])
	answer["name"] = p
	return answer, nil
}
