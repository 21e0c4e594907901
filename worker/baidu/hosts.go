package baidu

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
)

var errNoHost = errors.New("the netdisk named no upload host that may be used")

// located is locateupload's answer.
type located struct {
	Host    text `json:"host"`
	Servers []struct {
		Server text `json:"server"`
	} `json:"servers"`
	Backups []struct {
		Server text `json:"server"`
	} `json:"bak_servers"`
}

// hosts asks where to upload to, best first: base URLs.
func (c *Client) hosts(ctx context.Context, s *session) ([]string, error) {
	if p := c.cfg.PinnedHost; p != "" {
		if !strings.Contains(p, "://") {
			p = "https://" + p
		}
		return []string{strings.TrimSuffix(p, "/")}, nil
	}
	q := url.Values{"method": {"locateupload"}, "path": {s.Path}, "uploadid": {s.UploadID}, "upload_version": {"2.0"}}
	ask := call{at: stepLocate, door: doorPCS, url: c.ends.Locate + "/rest/2.0/pcs/file", query: q}
	if c.byToken() {
		q.Set("appid", appOfficial)
	} else {
		q.Set("app_id", appOfficial)
		ask.url = c.ends.PCS + "/rest/2.0/pcs/file"
	}
	var l located
	var list []string
	ask.lacks = func() error {
		list = c.proposed(l)
		if len(list) == 0 {
			return errNoHost
		}
		return nil
	}
	err := c.ask(ctx, ask, &l)
	return list, err
}

func (c *Client) proposed(l located) (list []string) {
	for _, s := range append(l.Servers, l.Backups...) {
		list = c.propose(list, string(s.Server))
	}
	if len(list) == 0 && l.Host != "" {
		list = c.propose(list, "https://"+string(l.Host))
	}
	return list
}

// propose adds a host that may hear our credential. Baidu lists each with http and with https.
func (c *Client) propose(list []string, server string) []string {
	u, err := url.Parse(server)
	if err != nil || !c.trusted(u) {
		return list
	}
	base := u.Scheme + "://" + u.Host
	if slices.Contains(list, base) {
		return list
	}
	return append(list, base)
}

// settleHost gives the session its one host: that of before, else Baidu's first.
func (u *upload) settleHost(ctx context.Context) error {
	if u.s.Host != "" && (u.c.cfg.PinnedHost == "" || strings.HasSuffix(u.s.Host, u.c.cfg.PinnedHost)) {
		return nil
	}
	list, err := u.c.hosts(ctx, u.s)
	if err != nil {
		return err
	}
	u.k.with(true, func(s *session) { s.Host = list[0] })
	return nil
}

// changeHost leaves a host that failed too often for one that was not tried, else the first of a new list.
func (u *upload) changeHost(ctx context.Context, tried map[string]bool) error {
	list, err := u.c.hosts(ctx, u.s)
	if err != nil {
		return err
	}
	next := list[0]
	for _, h := range list {
		if !tried[h] {
			next = h
			break
		}
	}
	u.c.cfg.Log.Info("upload host changed", "account", u.c.cfg.Account, "from", u.s.Host, "to", next)
	u.k.with(true, func(s *session) { s.Host = next })
	return nil
}
