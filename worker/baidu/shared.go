package baidu

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // how Baidu signs
	"encoding/hex"
	"encoding/json"
	"net/url"
	"path"
	"strconv"
)

// recordsMost is how many pages of links are looked through; Baidu gives about a hundred on each, the newest first.
const recordsMost = 10

// record is a link in Baidu's list.
type record struct {
	ID     text   `json:"shareId"`
	Path   text   `json:"typicalPath"`
	Link   text   `json:"shortlink"`
	Status number `json:"status"` // 0: it works
}

// records are a list, or the {} that Baidu says when there are none.
type records []record

// UnmarshalJSON takes a list; anything else is none.
func (r *records) UnmarshalJSON(b []byte) error {
	if !bytes.HasPrefix(b, []byte("[")) {
		return nil
	}
	return json.Unmarshal(b, (*[]record)(r))
}

// Shared looks for the link that an earlier Share with this password made: its answer may have been lost, or the process with it. The
// password tells it from links of the same file that somebody else made. Only a cookie sees the list; without one nothing is found.
// How long the link is good is not said.
func (c *Client) Shared(ctx context.Context, remote, pwd string) (Link, bool, error) {
	link, found, err := c.findShared(ctx, remote, pwd)
	if err != nil {
		return Link{}, false, c.aboutShare(ctx, err, remote)
	}
	return link, found, nil
}

func (c *Client) findShared(ctx context.Context, remote, pwd string) (Link, bool, error) {
	by := c.sharer()
	if by == nil {
		return Link{}, false, nil
	}
	for page := 1; page <= recordsMost; page++ {
		var r struct {
			List records `json:"list"`
		}
		q := url.Values{"page": {strconv.Itoa(page)}, "desc": {"1"}, "order": {"time"}}
		if err := c.ask(ctx, call{at: stepShared, url: c.ends.Pan + "/share/record", query: q, by: by}, &r); err != nil {
			return Link{}, false, err
		}
		for _, one := range r.List {
			if one.Status != 0 || path.Base(string(one.Path)) != path.Base(remote) {
				continue
			}
			if has, err := c.hasPwd(ctx, by, string(one.ID), pwd); has || err != nil {
				return linkOf(string(one.ID), string(one.Link), pwd), has, err
			}
		}
		if len(r.List) == 0 {
			break
		}
	}
	return Link{}, false, nil
}

// hasPwd says whether a link has this password.
func (c *Client) hasPwd(ctx context.Context, by authority, id, pwd string) (bool, error) {
	sign := md5.Sum([]byte(id + "_sharesurlinfo!@#")) //nolint:gosec // as Baidu wants it
	var s struct {
		Pwd text `json:"pwd"`
	}
	q := url.Values{"shareid": {id}, "sign": {hex.EncodeToString(sign[:])}}
	err := c.ask(ctx, call{at: stepShared, url: c.ends.Pan + "/share/surlinfoinrecord", query: q, by: by}, &s)
	if f := failureOf(err); f != nil && (f.do == absent || f.do == stop && !f.err.AccountWide()) {
		return false, nil // a link that Baidu does not talk about is not ours
	}
	return err == nil && string(s.Pwd) == pwd, err
}
