package baidutest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// Share is a link that was made.
type Share struct {
	ID       int64
	Account  string
	Paths    []string
	FSIDs    []int64
	Password string
	Period   int // days, 0 for ever
	Link     string
	At       time.Time
}

var fourCharacters = regexp.MustCompile(`^[0-9a-z]{4}$`)

func (c *call) sharePSet() (fields, *refusal) {
	var paths []string
	if json.Unmarshal([]byte(c.form.Get("path_list")), &paths) != nil || c.form.Get("share_type") != "9" {
		return nil, refuse(2, "parameter error")
	}
	var files []*file
	for _, p := range paths {
		files = append(files, c.see(p))
	}
	return c.share(files)
}

func (c *call) shareSet() (fields, *refusal) {
	if c.query.Get("bdstoken") != c.account.bdstoken() || len(cookies(c.r, "STOKEN")) != 1 {
		return nil, refuse(-6, "")
	}
	var ids []int64
	if json.Unmarshal([]byte(c.form.Get("fid_list")), &ids) != nil {
		return nil, refuse(2, "parameter error")
	}
	var files []*file
	for _, id := range ids {
		var found *file
		for p := range c.account.files {
			if f := c.see(p); f != nil && f.id == id {
				found = f
			}
		}
		files = append(files, found)
	}
	return c.share(files)
}

// share makes a link; the same again makes another.
func (c *call) share(files []*file) (fields, *refusal) {
	period, err := strconv.Atoi(c.form.Get("period"))
	var channels []any
	badList := json.Unmarshal([]byte(c.form.Get("channel_list")), &channels) != nil
	if err != nil || period < 0 || period > 365 || badList || c.form.Get("schannel") != "4" || !fourCharacters.MatchString(c.form.Get("pwd")) {
		return nil, refuse(2, "parameter error")
	}
	if c.account.ShareErrno != 0 {
		return nil, refuse(c.account.ShareErrno, "sharing is refused")
	}
	if len(files) == 0 || slices.Contains(files, nil) {
		return nil, refuse(-9, "file does not exist")
	}
	n := c.s.next()
	made := &Share{
		ID: 50_000_000_000 + n, Account: c.account.Name, Password: c.form.Get("pwd"), Period: period,
		Link: fmt.Sprintf("https://pan.baidu.com/s/1fake%d", n), At: c.s.now(),
	}
	for _, f := range files {
		made.Paths, made.FSIDs = append(made.Paths, f.path), append(made.FSIDs, f.id)
	}
	c.account.shares = append(c.account.shares, made)
	expires, kind := int64(0), 0
	if period > 0 {
		expires, kind = c.s.now().Add(time.Duration(period)*24*time.Hour).Unix(), 1
	}
	return fields{
		"shareid": made.ID, "link": made.Link, "shorturl": made.Link, "expiretime": expires, "expiredType": kind, "show_msg": "",
		"ctime": c.s.now().Unix(), "premis": false, "createsharetips_ldlj": "",
	}, nil
}

func (c *call) shareRecord() (fields, *refusal) {
	const perPage = 100
	list := []fields{}
	newest := slices.Clone(c.account.shares)
	slices.Reverse(newest)
	for _, sh := range window(newest, (c.number("page", 1)-1)*perPage, perPage) {
		list = append(list, fields{
			"shareId": sh.ID, "fsIds": sh.FSIDs, "shortlink": sh.Link, "status": 0, "public": 0, "typicalCategory": 6,
			"typicalPath": sh.Paths[0], "expiredType": min(sh.Period, 1), "expiredTime": int64(sh.Period) * 86400, "vCnt": 0,
		})
	}
	if len(list) == 0 {
		return fields{"list": fields{}, "count": 0}, nil // as the real one does
	}
	return fields{"list": list, "count": len(newest)}, nil
}

func (c *call) shareCancel() (fields, *refusal) {
	var ids []int64
	if json.Unmarshal([]byte(c.form.Get("shareid_list")), &ids) != nil || len(ids) == 0 {
		return nil, refuse(2, "parameter error")
	}
	c.account.shares = slices.DeleteFunc(c.account.shares, func(sh *Share) bool { return slices.Contains(ids, sh.ID) })
	return fields{}, nil
}

func (c *call) shareSurl() (fields, *refusal) {
	id := c.query.Get("shareid")
	if c.query.Get("sign") != MD5([]byte(id+"_sharesurlinfo!@#")) {
		return nil, refuse(2, "sign")
	}
	for _, sh := range c.account.shares {
		if strconv.FormatInt(sh.ID, 10) == id {
			return fields{"pwd": sh.Password, "shorturl": sh.Link}, nil
		}
	}
	return nil, refuse(-9, "")
}

// shareApaas is for enterprises that paid.
func (c *call) shareApaas() (fields, *refusal) {
	return nil, refuse(13998, "share service is not purchased")
}

// Shares are all links that are there.
func (s *Server) Shares() []Share {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Share
	for _, a := range s.accounts {
		for _, sh := range a.shares {
			all = append(all, *sh)
		}
	}
	return all
}
