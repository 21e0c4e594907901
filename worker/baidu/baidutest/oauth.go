package baidutest

import (
	"fmt"
	"net/http"
	"time"
)

// device is a device code on its way to a person's yes.
type device struct {
	code, user string
	expires    time.Time
	interval   time.Duration
	polled     time.Time
	account    *account // who said yes
	declined   bool
	used       bool
}

// param reads a parameter of an endpoint that takes GET and POST.
func (c *call) param(name string) string {
	if v := c.query.Get(name); v != "" {
		return v
	}
	return c.form.Get(name)
}

func (c *call) token() (fields, *refusal) {
	answer, r := c.exchange()
	if r != nil && c.param("grant_type") == "refresh_token" {
		c.s.spend(c.param("refresh_token")) // a refresh that fails kills the token too
	}
	return answer, r
}

// spend uses a refresh token up. The caller holds mu.
func (s *Server) spend(refresh string) {
	for _, a := range s.accounts {
		for _, g := range a.grants {
			g.spent = g.spent || g.Refresh == refresh
		}
	}
}

func (c *call) exchange() (fields, *refusal) {
	if !c.https && (c.proxied || c.s.opts.Strict.HTTPS) {
		return nil, grantError("invalid_request", "https is required")
	}
	if c.checkAgent("pan.baidu.com") != nil {
		return nil, grantError("invalid_request", "Trigger security policy")
	}
	app := c.s.opts.App
	if c.param("client_id") != app.ClientID || c.param("client_secret") != app.ClientSecret {
		return nil, &refusal{status: http.StatusUnauthorized, word: "invalid_client", text: "unknown client id or wrong client secret"}
	}
	switch c.param("grant_type") {
	case "refresh_token":
		return c.refresh(c.param("refresh_token"))
	case "device_token":
		return c.deviceToken(c.param("code"))
	case "authorization_code":
		return c.byCode(c.param("code"), c.param("redirect_uri"))
	default:
		return nil, grantError("unsupported_grant_type", "The authorization grant type is not supported")
	}
}

// refresh spends a refresh token, even when the answer is then lost or an error.
func (c *call) refresh(token string) (fields, *refusal) {
	for _, a := range c.s.accounts {
		for _, g := range a.grants {
			if g.Refresh != token || token == "" {
				continue
			}
			if g.spent {
				return nil, grantError("invalid_grant", "refresh token has been used")
			}
			g.spent = true
			if c.fault != nil && c.fault.Action == EatRefresh {
				return nil, emptyError()
			}
			c.s.counts.refreshes[a.Name]++
			c.account = a
			return c.grant(c.s.issue(a))
		}
	}
	return nil, grantError("invalid_grant", "Invalid refresh token")
}

func (c *call) grant(g *grant) (fields, *refusal) {
	return fields{
		"access_token": g.Access, "refresh_token": g.Refresh, "expires_in": int64(c.s.opts.Limits.TokenLifetime / time.Second),
		"scope": "basic netdisk", "session_key": "", "session_secret": "",
	}, nil
}

func (c *call) deviceCode() (fields, *refusal) {
	if c.param("response_type") != "device_code" {
		return nil, grantError("unsupported_response_type", "response_type must be device_code")
	}
	if c.param("client_id") != c.s.opts.App.ClientID {
		return nil, &refusal{status: http.StatusUnauthorized, word: "invalid_client", text: "unknown client id"}
	}
	if !scopeFits(c.param("scope")) {
		return nil, grantError("invalid_scope", "The requested scope is invalid")
	}
	n, limits := c.s.next(), c.s.opts.Limits
	d := &device{
		code: fmt.Sprintf("fake-device-%d", n), user: fmt.Sprintf("u%07d", n),
		expires: c.s.now().Add(limits.DeviceLifetime), interval: limits.DeviceInterval,
	}
	c.s.devices[d.code] = d
	page := c.s.urls.OpenAPI + "/device"
	if c.proxied {
		page = "https://" + openapiHost + "/device"
	}
	return fields{
		"device_code": d.code, "user_code": d.user, "verification_url": page, "qrcode_url": page + "/qrcode/" + d.user,
		"expires_in": int64(limits.DeviceLifetime / time.Second), "interval": int64(limits.DeviceInterval / time.Second),
	}, nil
}

// deviceToken is one poll.
func (c *call) deviceToken(code string) (fields, *refusal) {
	d, now := c.s.devices[code], c.s.now()
	if d == nil || d.used {
		return nil, grantError("invalid_grant", "Invalid device code")
	}
	early := now.Sub(d.polled) < d.interval
	d.polled = now
	switch {
	case !now.Before(d.expires):
		return nil, grantError("expired_token", "the device code has expired")
	case early:
		d.interval += 5 * time.Second
		return nil, grantError("slow_down", "polling too frequently")
	case d.declined:
		return nil, grantError("authorization_declined", "the user has declined")
	case d.account == nil:
		return nil, grantError("authorization_pending", "User has not yet completed the authorization")
	default:
		d.used, c.account = true, d.account
		return c.grant(c.s.issue(d.account))
	}
}

// Approve is the account's owner typing in the user code and saying yes.
func (s *Server) Approve(userCode, account string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.decide(userCode, s.find(account), false)
}

// ApproveAll says yes for the first account to every device that waits.
func (s *Server) ApproveAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.devices {
		if d.account == nil && !d.declined {
			d.account = s.find("")
		}
	}
}

// Decline is saying no.
func (s *Server) Decline(userCode string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.decide(userCode, nil, true)
}

func (s *Server) decide(userCode string, a *account, no bool) error {
	for _, d := range s.devices {
		if d.user == userCode && s.now().Before(d.expires) && (a != nil || no) {
			d.account, d.declined = a, no
			return nil
		}
	}
	return fmt.Errorf("no device waits with the code %q for such an account; codes live for %s", userCode, s.opts.Limits.DeviceLifetime)
}

// devicePage is where a person says yes (or, with decline=1, no) to a code: /device?code=u0000001&account=alice.
func (c *call) devicePage() (fields, *refusal) {
	code, no := c.query.Get("code"), c.query.Get("decline") != ""
	if code == "" {
		return nil, page(http.StatusOK, "text/html", "<form>code <input name=code> <button>yes</button></form>\n")
	}
	if err := c.s.decide(code, c.s.find(c.query.Get("account")), no); err != nil {
		return nil, page(http.StatusBadRequest, "text/plain", err.Error()+"\n")
	}
	return nil, page(http.StatusOK, "text/plain", "done\n")
}
