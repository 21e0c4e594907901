package baidutest

import (
	"net/http"
	"strings"
)

// admit finds out whose request it is, or refuses it as Baidu would.
func (c *call) admit(w who) *refusal {
	if w == anybody {
		return nil
	}
	token := c.query.Get("access_token")
	if w == byEither {
		w = byCookie
		if token != "" {
			w = byToken
		}
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if w == byToken {
		return c.admitToken(token)
	}
	return c.admitCookie()
}

func (c *call) admitToken(token string) *refusal {
	if !c.https && (c.proxied || c.s.opts.Strict.HTTPS) {
		return &refusal{status: http.StatusForbidden, code: 6, text: "No permission to access data"}
	}
	unknown, expired := refuse(-6, "Invalid Access Token"), refuse(111, "Access token expired")
	if c.family == pcs {
		unknown, expired = refuse(110, "Access token invalid or no longer valid"), refuse(111, "Access token expired")
	}
	if token == "" {
		return unknown
	}
	for _, a := range c.s.accounts {
		for _, g := range a.grants {
			if g.Access != token {
				continue
			}
			if !c.s.now().Before(g.expires) {
				return expired
			}
			c.account = a
			return c.checkAgent("pan.baidu.com")
		}
	}
	return unknown
}

func (c *call) admitCookie() *refusal {
	c.cookie = true
	notLoggedIn := refuse(-6, "")
	if c.family == pcs {
		notLoggedIn = refuse(31045, "user not exists")
	}
	bduss, stoken := cookies(c.r, "BDUSS"), cookies(c.r, "STOKEN")
	if len(bduss) != 1 {
		return notLoggedIn
	}
	for _, a := range c.s.accounts {
		if a.BDUSS == "" || a.BDUSS != bduss[0] || a.revoked {
			continue
		}
		if len(stoken) > 1 || a.NeedsSTOKEN && (len(stoken) == 0 || stoken[0] != a.STOKEN) {
			return &refusal{code: -6, errno: true, status: http.StatusOK}
		}
		c.account = a
		if c.family == pan {
			return c.checkAgent("netdisk", "")
		}
		return c.checkAgent("")
	}
	return notLoggedIn
}

// cookies are the values of a name that differ; an empty one is none.
func cookies(r *http.Request, name string) []string {
	var values []string
	for _, k := range r.Cookies() {
		if k.Name == name && k.Value != "" && (len(values) == 0 || values[0] != k.Value) {
			values = append(values, k.Value)
		}
	}
	return values
}

// checkAgent wants a User-Agent that begins with one of these; "" is none at all.
func (c *call) checkAgent(good ...string) *refusal {
	if !c.s.opts.Strict.UserAgent {
		return nil
	}
	agent := c.r.Header.Get("User-Agent")
	for _, g := range good {
		if agent == g || g != "" && strings.HasPrefix(agent, g) {
			return nil
		}
	}
	return &refusal{status: http.StatusForbidden, code: 31326, text: "user is not authorized, hitcode:122"}
}
