package baidutest

import (
	"crypto/md5" //nolint:gosec // the protocol's checksum
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
)

// How files went up until 2025: slices that are known by their md5 alone, and a list of md5s that makes a file of them. The real
// server does not take them any more; with OldSlices this one does.

// dead is how the old upload methods end since 2025.
func (c *call) dead() (fields, *refusal) {
	return nil, refuse(31299, "Invalid param keylist")
}

func (c *call) deadRapid() (fields, *refusal) {
	return nil, refuse(31079, "File md5 not found, you should use upload api to upload the whole file.")
}

// oldSlice takes one, and answers with its md5.
func (c *call) oldSlice() (fields, *refusal) {
	if !c.s.opts.OldSlices {
		return c.dead()
	}
	if c.r.ContentLength <= 0 {
		return nil, refuse(31208, "form data format invalid: Content-Length")
	}
	got, sum := &part{host: c.host}, md5.New() //nolint:gosec // the protocol's checksum
	err := c.readForFile(func(b []byte) {
		got.size += int64(len(b))
		_, _ = sum.Write(b)
		if c.s.opts.KeepContent {
			got.bytes = append(got.bytes, b...)
		}
	})
	if err != nil {
		return nil, refuse(31208, "form data format invalid")
	}
	if got.size == 0 || got.size > maxWhole {
		return nil, refuse(31023, "param error: size")
	}
	got.md5 = hex.EncodeToString(sum.Sum(nil))
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.counts.payload(c, got.size)
	c.account.loose[got.md5] = got
	return fields{"md5": got.md5}, nil
}

// oldCreate makes a file of old slices.
func (c *call) oldCreate() (fields, *refusal) {
	if !c.s.opts.OldSlices {
		return c.dead()
	}
	if r := c.readForm(); r != nil {
		return nil, r
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	p, rtype := c.param("path"), ondup(c.param("ondup"))
	if r := c.checkWhole(p, rtype); r != nil {
		return nil, r
	}
	var list struct {
		Blocks []string `json:"block_list"`
	}
	if json.Unmarshal([]byte(c.param("param")), &list) != nil || len(list.Blocks) == 0 || len(list.Blocks) > StrictParts {
		return nil, refuse(31023, "param error: block_list has 1 to 1024 md5s")
	}
	made := content{blocks: list.Blocks}
	var all []byte
	for _, m := range list.Blocks {
		one := c.account.loose[m]
		if one == nil {
			return nil, &refusal{code: 31081, text: "superfile create failed", status: http.StatusNotFound}
		}
		made.size, all = made.size+one.size, append(all, one.bytes...)
	}
	text, _ := json.Marshal(list.Blocks)
	made.list = string(text)
	return c.place(p, rtype, made, all)
}

// ondup is the rtype that PCS calls so.
func ondup(word string) string {
	return map[string]string{"": "0", "fail": "0", "newcopy": "1", "overwrite": "3"}[word]
}

// checkWhole looks at a path that is to become a file at once. The caller holds mu.
func (c *call) checkWhole(p, rtype string) *refusal {
	if r := c.checkPath(p); r != nil {
		return r
	}
	if rtype == "" {
		return refuse(31023, "param error: ondup")
	}
	if f := c.account.files[p]; f != nil && (f.dir || rtype == "0") {
		return refuse(31061, "file already exists")
	}
	return nil
}

// place makes the file and answers with the md5 of its content where that is known, hidden as everywhere. The caller holds mu.
func (c *call) place(p, rtype string, made content, all []byte) (fields, *refusal) {
	if c.account.Used+made.size > c.account.Quota {
		return nil, refuse(31112, "exceed quota")
	}
	if c.s.opts.KeepContent {
		made = made.digest(slices.Clip(all))
		c.s.known[made.md5] = made
	}
	answer := c.s.describePCS(c.store(p, rtype, made))
	if made.md5 != "" {
		answer["md5"] = Hidden(made.md5)
	}
	return answer, nil
}
