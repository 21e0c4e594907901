package baidutest

import (
	"html"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// permission is an authorization code: a person's yes on its way to an application.
type permission struct {
	account  *account
	redirect string    // where it was sent; empty: wherever the application says
	expires  time.Time // zero: never
	used     bool
}

const permissionLifetime = 10 * time.Minute

// scopeFits wants basic and netdisk. Clients put a comma or a blank between them, and Baidu takes both.
func scopeFits(scope string) bool {
	asked := strings.FieldsFunc(scope, func(r rune) bool { return r == ',' || r == ' ' })
	slices.Sort(asked)
	return slices.Equal(asked, []string{"basic", "netdisk"})
}

// authorize is the page on which a person lets an application in. Whoever opens it is logged in and says yes (with decline=1, no);
// account names who it is. It shows the code once for the redirect_uri oob, else sends the browser there with it.
func (c *call) authorize() (fields, *refusal) {
	app, redirect := c.s.opts.App, c.query.Get("redirect_uri")
	target, err := url.Parse(redirect)
	a := c.s.find(c.query.Get("account"))
	switch {
	case !c.https && (c.proxied || c.s.opts.Strict.HTTPS):
		return nil, grantError("invalid_request", "https is required")
	case c.query.Get("client_id") != app.ClientID:
		return nil, grantError("invalid_client", "unknown client id")
	case redirect != "oob" && (err != nil || target.Scheme == "" || target.Host == "" && target.Opaque == "" && target.Path == ""):
		return nil, grantError("redirect_uri_mismatch", "redirect_uri is neither oob nor an address")
	case c.query.Get("response_type") != "code":
		return nil, grantError("unsupported_response_type", "response_type must be code")
	case !scopeFits(c.query.Get("scope")):
		return nil, grantError("invalid_scope", "The requested scope is invalid")
	case a == nil:
		return nil, grantError("access_denied", "there is no such account")
	}
	if c.query.Get("decline") != "" {
		return nil, c.sendBack(target, "error", "access_denied", "The user has declined.")
	}
	code := MD5([]byte("authorization code " + a.Name + strconv.FormatInt(c.s.next(), 10)))
	c.s.permissions[code] = &permission{account: a, redirect: redirect, expires: c.s.now().Add(permissionLifetime)}
	return nil, c.sendBack(target, "code", code, "Paste this authorization code into the application; it is good once, for 10 minutes.")
}

// sendBack shows what came of it, or sends the browser to the application with it.
func (c *call) sendBack(target *url.URL, name, value, text string) *refusal {
	if target.String() == "oob" {
		return page(http.StatusOK, "text/html; charset=utf-8", "<p>"+html.EscapeString(text)+"</p>\n<input id=\"Verifier\" readonly value=\""+html.EscapeString(value)+"\">\n")
	}
	q := target.Query()
	q.Set(name, value)
	if state := c.query.Get("state"); state != "" {
		q.Set("state", state)
	}
	target.RawQuery = q.Encode()
	c.w.Header().Set("Location", target.String())
	return page(http.StatusFound, "text/html; charset=utf-8", "")
}

// byCode gives the tokens for an authorization code: once, in time, and to where it was sent.
func (c *call) byCode(code, redirect string) (fields, *refusal) {
	p := c.s.permissions[code]
	if p == nil || p.used || !p.expires.IsZero() && !c.s.now().Before(p.expires) {
		return nil, grantError("invalid_grant", "Invalid authorization code: "+code)
	}
	if redirect == "" || p.redirect != "" && p.redirect != redirect {
		return nil, grantError("redirect_uri_mismatch", "redirect_uri is not the one of the authorization")
	}
	p.used, c.account = true, p.account
	return c.grant(c.s.issue(p.account))
}

// loggedIn is whose token it is, as openapi tells.
func (c *call) loggedIn() (fields, *refusal) {
	a := c.account
	return fields{
		"userid": a.ukText(), "username": a.Name, "openid": MD5([]byte("openid of " + a.Name)), "portrait": "", "userdetail": "",
		"is_bind_mobile": "1", "is_realname": "1",
	}, nil
}
