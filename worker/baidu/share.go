package baidu

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const pwdLetters = "23456789abcdefghjkmnpqrstuvwxyz" // without those that people mix up

// NewPwd is a random password for a link.
func NewPwd() string {
	b := make([]byte, 4)
	_, _ = rand.Read(b) // never fails
	for i := range b {
		b[i] = pwdLetters[int(b[i])%len(pwdLetters)]
	}
	return string(b)
}

var errPwd = errors.New("a password has 4 characters, digits and lower-case letters")

// shared is what pset and apaas answer.
type shared struct {
	ShareID  text   `json:"shareid"`
	Link     text   `json:"link"`
	ShortURL text   `json:"shorturl"`
	Expires  number `json:"expiretime"`
	Data     struct {
		ShareID  text `json:"share_id"`
		Link     text `json:"link"`
		ShortURL text `json:"short_url"`
	} `json:"data"`
}

// Share makes a link of a file: pwd is 4 digits or lower-case letters (NewPwd), days 0 is for ever. Each call makes a new link: keep
// the password before it, so that Shared can find the link after a death, and the link before telling anyone. An answer that is lost
// is looked for before the link is asked for again. The link and the password belong into no log.
func (c *Client) Share(ctx context.Context, remote, pwd string, days int) (Link, error) {
	if !regexp.MustCompile(`^[0-9a-z]{4}$`).MatchString(pwd) || days < 0 {
		return Link{}, c.problem(ReasonRefused, string(stepShare), errPwd).about("file", "“"+remote+"”")
	}
	q, err := c.shareCall(ctx, remote, pwd, days)
	if err != nil {
		return Link{}, c.bare(ctx, err)
	}
	for tries := 1; ; tries++ {
		link, err := c.shareOnce(ctx, q, pwd, days)
		f := failureOf(err)
		if f == nil || !f.maybe || ctx.Err() != nil {
			return link, c.aboutShare(ctx, err, remote)
		}
		if link, found, err := c.Shared(ctx, remote, pwd); found || err != nil {
			if found && days > 0 {
				link.Expires = c.baiduNow().Add(time.Duration(days) * 24 * time.Hour)
			}
			return link, err
		}
		wait, again := patienceOf(f.do, tries)
		if !again {
			return Link{}, c.aboutShare(ctx, err, remote)
		}
		if err := c.pause(ctx, wait); err != nil {
			return Link{}, c.aboutShare(ctx, err, remote)
		}
	}
}

// shareOnce asks for the link. A failure says whether it may have been made all the same.
func (c *Client) shareOnce(ctx context.Context, q call, pwd string, days int) (Link, error) {
	var s shared
	q.unsafe = true
	q.lacks = func() error {
		if first(s.Link, s.Data.Link, s.ShortURL, s.Data.ShortURL) == "" {
			return errNoJSON
		}
		return nil
	}
	if err := c.ask(ctx, q, &s); err != nil {
		return Link{}, err
	}
	link := linkOf(first(s.ShareID, s.Data.ShareID), first(s.Link, s.Data.Link, s.ShortURL, s.Data.ShortURL), pwd)
	switch at := int64(s.Expires); {
	case days == 0:
	case at > 1_000_000_000:
		link.Expires = time.Unix(at, 0)
	default:
		link.Expires = c.baiduNow().Add(time.Duration(days) * 24 * time.Hour)
	}
	return link, nil
}

// linkOf puts the password into the address, as Baidu's own page does.
func linkOf(id, address, pwd string) Link {
	if !strings.Contains(address, "pwd=") {
		sep := "?"
		if strings.Contains(address, "?") {
			sep = "&"
		}
		address += sep + "pwd=" + pwd
	}
	return Link{ID: id, URL: address, Pwd: pwd}
}

func first(of ...text) string {
	for _, t := range of {
		if t != "" {
			return string(t)
		}
	}
	return ""
}

// shareCall is the request for a link: by cookie, or, for enterprises that bought it, by token.
func (c *Client) shareCall(ctx context.Context, remote, pwd string, days int) (call, error) {
	form := url.Values{"period": {strconv.Itoa(days)}, "pwd": {pwd}}
	if by := c.sharer(); by != nil {
		paths, err := json.Marshal([]string{remote})
		if err != nil {
			return call{}, err
		}
		form.Set("path_list", string(paths))
		form.Set("schannel", "4")
		form.Set("channel_list", "[]")
		form.Set("share_type", "9")
		return call{at: stepShare, url: c.ends.Pan + "/share/pset", form: form, by: by}, nil
	}
	app, _ := c.cfg.Credential.(OAuth)
	if app.AppID == "" {
		return call{}, c.problem(ReasonNoShare, string(stepShare), nil)
	}
	f, err := c.Stat(ctx, remote)
	if err != nil {
		return call{}, err
	}
	form.Set("fsid_list", `["`+strconv.FormatInt(f.FSID, 10)+`"]`)
	return call{
		at: stepShare, url: c.ends.Pan + "/apaas/1.0/share/set", query: url.Values{"product": {"netdisk"}, "appid": {app.AppID}}, form: form,
	}, nil
}

// sharer is the cookie that makes links, nil if there is none.
func (c *Client) sharer() authority {
	if c.cfg.ShareBy != nil {
		return cookieBearer{c: c, cookie: *c.cfg.ShareBy}
	}
	if c.byToken() {
		return nil
	}
	return c.auth
}

func (c *Client) aboutShare(ctx context.Context, err error, remote string) error {
	if err == nil {
		return nil
	}
	err = c.bare(ctx, err)
	if e, ok := errors.AsType[*Error](err); ok {
		return e.about("file", "“"+remote+"”")
	}
	return err
}
