package baidutest

import (
	"encoding/json"
	"path"
	"strconv"
	"strings"
)

// describePCS is a file as PCS shows it, with the true md5 of every block.
func (s *Server) describePCS(f *file) fields {
	d := s.describe(f)
	for _, k := range []string{"category", "server_ctime", "server_mtime", "local_ctime", "local_mtime"} {
		delete(d, k)
	}
	d["app_id"], d["ifhassubdir"] = 250528, 0
	if !f.dir {
		d["block_list"] = f.content.blocks
	}
	return d
}

// paramList is the JSON that PCS takes in the field or parameter "param".
type paramList struct {
	List []struct {
		Path string `json:"path"`
		From string `json:"from"`
		To   string `json:"to"`
	} `json:"list"`
}

func (c *call) paramList() (paramList, *refusal) {
	var p paramList
	if text := c.param("param"); text != "" {
		if json.Unmarshal([]byte(text), &p) != nil || len(p.List) == 0 {
			return p, refuse(31023, "param error")
		}
		return p, nil
	}
	one := p.List
	_ = json.Unmarshal([]byte(`[{}]`), &one)
	one[0].Path, one[0].From, one[0].To = c.param("path"), c.param("from"), c.param("to")
	p.List = one
	return p, nil
}

func notThere() *refusal { return refuse(31066, "file does not exist") }

func (c *call) meta() (fields, *refusal) {
	p, r := c.paramList()
	if r != nil {
		return nil, r
	}
	list := []fields{}
	for _, x := range p.List {
		f := c.see(x.Path)
		if f == nil {
			return nil, notThere()
		}
		list = append(list, c.s.describePCS(f))
	}
	return fields{"list": list}, nil
}

func (c *call) listPCS() (fields, *refusal) {
	dir, there := c.folder(orRoot(c.param("path")))
	if !there {
		return nil, notThere()
	}
	from, to, ok := listRange(c.param("limit"))
	if !ok {
		return nil, refuse(31023, "param error: limit")
	}
	list := []fields{}
	for _, f := range window(c.sorted(c.under(dir, false)), from, min(to-from, 1000)) {
		list = append(list, c.s.describePCS(f))
	}
	return fields{"list": list}, nil
}

// listRange reads "0-100", from the first to before the last. More than 1,000 are never given, whatever is asked.
func listRange(limit string) (from, to int, ok bool) {
	if limit == "" {
		return 0, 1000, true
	}
	first, last, found := strings.Cut(limit, "-")
	from, err := strconv.Atoi(first)
	to, err2 := strconv.Atoi(last)
	return from, to, found && err == nil && err2 == nil && from <= to
}

func (c *call) searchPCS() (fields, *refusal) {
	if c.query.Get("wd") == "" {
		return nil, refuse(31023, "param error: wd")
	}
	list := []fields{}
	for _, f := range c.search(orRoot(c.query.Get("path")), c.query.Get("wd"), c.query.Get("re") == "1") {
		list = append(list, c.s.describePCS(f))
	}
	return fields{"list": list}, nil
}

func (c *call) mkdir() (fields, *refusal) {
	p := c.param("path")
	if r := c.checkPath(p); r != nil {
		return nil, r
	}
	if c.account.files[p] != nil {
		return nil, refuse(31061, "file already exists")
	}
	c.folders(p)
	return c.s.describePCS(c.account.files[p]), nil
}

func (c *call) deletePCS() (fields, *refusal) {
	p, r := c.paramList()
	if r != nil {
		return nil, r
	}
	for _, x := range p.List {
		if x.Path == "/" || c.account.files[x.Path] == nil {
			return nil, notThere()
		}
	}
	for _, x := range p.List {
		c.remove(x.Path)
	}
	return fields{}, nil
}

// remove deletes p and all below.
func (c *call) remove(p string) {
	for q, f := range c.account.files {
		if q == p || strings.HasPrefix(q, p+"/") {
			c.account.Used -= f.size
			delete(c.account.files, q)
		}
	}
}

func (c *call) movePCS() (fields, *refusal) { return c.transferPCS(true) }
func (c *call) copyPCS() (fields, *refusal) { return c.transferPCS(false) }

func (c *call) transferPCS(move bool) (fields, *refusal) {
	p, r := c.paramList()
	if r != nil {
		return nil, r
	}
	for _, x := range p.List {
		if c.account.files[x.From] == nil {
			return nil, notThere()
		}
		if r := c.checkPath(x.To); r != nil {
			return nil, r
		}
		if c.account.files[x.To] != nil {
			return nil, refuse(31061, "file already exists")
		}
		c.transfer(x.From, x.To, move)
	}
	return fields{"extra": fields{"list": []fields{}}}, nil
}

// transfer moves or copies from and all below it.
func (c *call) transfer(from, to string, move bool) {
	c.folders(path.Dir(to))
	for q, f := range c.account.files {
		if q != from && !strings.HasPrefix(q, from+"/") {
			continue
		}
		twin := *f
		twin.path = to + strings.TrimPrefix(q, from)
		if move {
			delete(c.account.files, q)
		} else {
			twin.id = c.s.fsid()
			c.account.Used += f.size
		}
		defer func() { c.account.files[twin.path] = &twin }()
	}
}

// fileManager is how pan deletes, moves, copies and renames.
func (c *call) fileManager() (fields, *refusal) {
	opera := c.query.Get("opera")
	if c.cookie && c.query.Get("bdstoken") != c.account.bdstoken() {
		return nil, refuse(2, "bdstoken")
	}
	var list []struct{ Path, Dest, Newname string }
	text := c.form.Get("filelist")
	if opera == "delete" {
		var paths []string
		if json.Unmarshal([]byte(text), &paths) != nil || len(paths) == 0 {
			return nil, refuse(2, "parameter error: filelist")
		}
		for _, p := range paths {
			if p == "/" || c.account.files[p] == nil {
				return nil, refuse(12, "some files could not be managed")
			}
			c.remove(p)
		}
		return fields{"info": []fields{}, "taskid": 0}, nil
	}
	if json.Unmarshal([]byte(text), &list) != nil || len(list) == 0 {
		return nil, refuse(2, "parameter error: filelist")
	}
	for _, x := range list {
		to := path.Join(x.Dest, x.Newname)
		switch opera {
		case "rename":
			to = path.Join(path.Dir(x.Path), x.Newname)
		case "move", "copy":
		default:
			return nil, refuse(2, "parameter error: opera")
		}
		if x.Path == "/" || c.account.files[x.Path] == nil || c.account.files[to] != nil || c.checkPath(to) != nil {
			return nil, refuse(12, "some files could not be managed")
		}
		c.transfer(x.Path, to, opera != "copy")
	}
	return fields{"info": []fields{}, "taskid": 0}, nil
}
