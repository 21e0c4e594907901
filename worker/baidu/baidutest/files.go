package baidutest

import (
	"encoding/json"
	"path"
	"slices"
	"strconv"
	"strings"
)

// describe is a file as pan shows it.
func (s *Server) describe(f *file) fields {
	d := fields{
		"fs_id": f.id, "path": f.path, "server_filename": f.name(), "isdir": 0, "size": f.size, "category": category(f.path),
		"server_ctime": f.ctime.Unix(), "server_mtime": f.mtime.Unix(), "ctime": f.ctime.Unix(), "mtime": f.mtime.Unix(),
		"local_ctime": f.local[0], "local_mtime": f.local[1],
	}
	if f.dir {
		d["isdir"], d["category"] = 1, 6
		return d
	}
	d["md5"] = Hidden(f.content.tag())
	return d
}

func category(p string) int {
	switch strings.ToLower(path.Ext(p)) {
	case ".mp4", ".flv", ".mkv", ".ts":
		return 1
	case ".mp3", ".m4a":
		return 2
	case ".jpg", ".png":
		return 3
	case ".txt", ".xml", ".ass":
		return 4
	}
	return 6
}

// see finds what the account's owner can see at p.
func (c *call) see(p string) *file {
	f := c.account.files[p]
	if f == nil || c.s.now().Before(f.visible) {
		return nil
	}
	return f
}

// under lists what is in dir, or below it, by name.
func (c *call) under(dir string, deep bool) []*file {
	var found []*file
	for p := range c.account.files {
		inside := path.Dir(p) == dir || deep && (dir == "/" || strings.HasPrefix(p, dir+"/"))
		if f := c.see(p); f != nil && p != "/" && inside {
			found = append(found, f)
		}
	}
	slices.SortFunc(found, func(a, b *file) int {
		if a.dir != b.dir {
			if a.dir {
				return -1
			}
			return 1
		}
		return strings.Compare(a.path, b.path)
	})
	return found
}

func (c *call) number(name string, otherwise int) int {
	n, err := strconv.Atoi(c.param(name))
	if err != nil {
		return otherwise
	}
	return n
}

// window is a page of a list.
func window[T any](all []T, start, limit int) []T {
	start = min(max(start, 0), len(all))
	return all[start:min(start+max(limit, 0), len(all))]
}

func (c *call) describeAll(files []*file) []fields {
	list := make([]fields, 0, len(files))
	for _, f := range files {
		list = append(list, c.s.describe(f))
	}
	return list
}

// sorted obeys order and desc, which PCS calls by and order.
func (c *call) sorted(files []*file) []*file {
	by, backwards := c.param("order"), c.param("desc") == "1"
	if c.family == pcs {
		by, backwards = c.param("by"), c.param("order") == "desc"
	}
	key := map[string]func(a, b *file) int{
		"time": func(a, b *file) int { return a.mtime.Compare(b.mtime) },
		"size": func(a, b *file) int { return int(min(max(a.size-b.size, -1), 1)) },
	}[by]
	if key != nil {
		slices.SortStableFunc(files, key)
	}
	if backwards {
		slices.Reverse(files)
	}
	return files
}

// folder is a directory to be listed.
func (c *call) folder(p string) (string, bool) {
	if p != "/" {
		p = strings.TrimSuffix(p, "/")
	}
	f := c.see(p)
	return p, f != nil && f.dir
}

func (c *call) listXpan() (fields, *refusal) {
	dir, there := c.folder(orRoot(c.query.Get("dir")))
	if !there {
		return nil, refuse(-9, "file does not exist")
	}
	limit := c.number("limit", 1000)
	if limit > 1000 {
		return nil, refuse(2, "limit is at most 1000")
	}
	return fields{"list": c.describeAll(window(c.sorted(c.under(dir, false)), c.number("start", 0), limit)), "guid": 0, "guid_info": ""}, nil
}

func (c *call) listPan() (fields, *refusal) {
	dir, there := c.folder(orRoot(c.query.Get("dir")))
	if !there {
		return nil, refuse(-9, "")
	}
	num := min(c.number("num", 100), 1000)
	return fields{"list": c.describeAll(window(c.sorted(c.under(dir, false)), (c.number("page", 1)-1)*num, num)), "guid": 0, "guid_info": ""}, nil
}

func (c *call) listAll() (fields, *refusal) {
	dir, there := c.folder(orRoot(c.query.Get("path")))
	if !there {
		return nil, refuse(31066, "file does not exist")
	}
	limit, start := min(c.number("limit", 1000), 1000), c.number("start", 0)
	all := c.sorted(c.under(dir, c.query.Get("recursion") == "1"))
	more := 0
	if start+limit < len(all) {
		more = 1
	}
	return fields{"list": c.describeAll(window(all, start, limit)), "has_more": more, "cursor": min(start+limit, len(all))}, nil
}

func orRoot(p string) string {
	if p == "" {
		return "/"
	}
	return p
}

// search finds names that hold a word.
func (c *call) search(dir, word string, deep bool) []*file {
	return slices.DeleteFunc(c.under(dir, deep), func(f *file) bool {
		return !strings.Contains(strings.ToLower(f.name()), strings.ToLower(word))
	})
}

func (c *call) searchXpan() (fields, *refusal) {
	if c.query.Get("key") == "" {
		return nil, refuse(2, "parameter error: key")
	}
	found := c.search(orRoot(c.query.Get("dir")), c.query.Get("key"), c.query.Get("recursion") == "1")
	return fields{"list": c.describeAll(found), "has_more": 0, "contentlist": []fields{}}, nil
}

func (c *call) fileMetas() (fields, *refusal) {
	var ids []int64
	if json.Unmarshal([]byte(c.query.Get("fsids")), &ids) != nil || len(ids) == 0 || len(ids) > 100 {
		return nil, refuse(2, "parameter error: fsids")
	}
	list := []fields{}
	for _, id := range ids {
		for p := range c.account.files {
			if f := c.see(p); f != nil && f.id == id {
				d := c.s.describe(f)
				d["filename"] = f.name()
				delete(d, "server_filename")
				list = append(list, d)
			}
		}
	}
	return fields{"errmsg": "succ", "list": list, "names": fields{}}, nil
}

// metasPan is the web's way, by path.
func (c *call) metasPan() (fields, *refusal) {
	var paths []string
	if json.Unmarshal([]byte(c.param("target")), &paths) != nil || len(paths) == 0 {
		return nil, refuse(2, "")
	}
	list := []fields{}
	for _, p := range paths {
		d := fields{"errno": -9, "path": p}
		if f := c.see(p); f != nil {
			d = c.s.describe(f)
			d["errno"] = 0
		}
		list = append(list, d)
	}
	return fields{"info": list}, nil
}
