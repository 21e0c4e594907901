package baidu

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

const (
	mib = 1 << 20
	gib = 1 << 30
)

// Memberships.
const (
	TierNormal Tier = 0
	TierMember Tier = 1
	TierSVIP   Tier = 2
)

// MaxFile is the largest file of a membership, in bytes: Baidu refuses a larger one only after all of it was sent.
func (t Tier) MaxFile() int64 {
	switch t {
	case TierMember:
		return 10 * gib
	case TierSVIP:
		return 20 * gib
	case TierNormal:
	}
	return 4 * gib
}

// maxSlice is the largest slice of a membership.
func (t Tier) maxSlice() int64 {
	switch t {
	case TierMember:
		return 16 * mib
	case TierSVIP:
		return 32 * mib
	case TierNormal:
	}
	return 4 * mib
}

// The app ids of Baidu's own programs, which a cookie speaks for.
const (
	appOfficial = "250528"
	appPCS      = "266719"
)

func (c *Client) byToken() bool { return c.auth.oauth() }

// User is the account's holder and membership. What Baidu leaves out counts as the normal membership.
func (c *Client) User(ctx context.Context) (User, error) {
	u, err := c.lookUser(ctx)
	if err != nil {
		return User{}, c.bare(ctx, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.user = &u
	return u, nil
}

func (c *Client) lookUser(ctx context.Context) (User, error) {
	if c.byToken() {
		var u struct {
			Name text   `json:"baidu_name"`
			Nick text   `json:"netdisk_name"`
			UK   number `json:"uk"`
			VIP  number `json:"vip_type"`
		}
		q := url.Values{"method": {"uinfo"}, "vip_version": {"v2"}}
		err := c.ask(ctx, call{at: stepUser, url: c.ends.Pan + "/rest/2.0/xpan/nas", query: q}, &u)
		if u.Name == "" {
			u.Name = u.Nick
		}
		return User{Name: string(u.Name), UK: int64(u.UK), Tier: tierOf(int64(u.VIP))}, err
	}
	var u struct {
		Records []struct {
			Name text   `json:"uname"`
			UK   number `json:"uk"`
			VIP  number `json:"vip_type"`
		} `json:"records"`
	}
	err := c.ask(ctx, call{at: stepUser, url: c.ends.Pan + "/api/user/getinfo", query: url.Values{"need_selfinfo": {"1"}}}, &u)
	if err != nil || len(u.Records) == 0 {
		return User{}, err
	}
	r := u.Records[0]
	return User{Name: string(r.Name), UK: int64(r.UK), Tier: tierOf(int64(r.VIP))}, nil
}

func tierOf(vip int64) Tier {
	if vip < 0 || vip > int64(TierSVIP) {
		return TierNormal
	}
	return Tier(vip)
}

// Quota is the account's room.
func (c *Client) Quota(ctx context.Context) (Quota, error) {
	var q struct {
		Total number `json:"total"`
		Quota number `json:"quota"`
		Used  number `json:"used"`
	}
	ask := call{at: stepQuota, url: c.ends.Pan + "/api/quota", query: url.Values{"checkfree": {"1"}, "checkexpire": {"1"}}}
	if !c.byToken() {
		ask = call{at: stepQuota, door: doorPCS, url: c.ends.PCS + "/rest/2.0/pcs/quota", query: url.Values{"method": {"info"}, "app_id": {appPCS}}}
	}
	if err := c.ask(ctx, ask, &q); err != nil {
		return Quota{}, c.bare(ctx, err)
	}
	return Quota{Total: max(int64(q.Total), int64(q.Quota)), Used: int64(q.Used)}, nil
}

// Guard says before the first byte whether a file of this size can be uploaded to this path: name, folder, the membership's
// limit, the free room. A question that Baidu does not answer refuses nothing: create answers it again.
func (c *Client) Guard(ctx context.Context, size int64, remote string) error {
	_, err := c.guard(ctx, size, remote)
	return err
}

func (c *Client) guard(ctx context.Context, size int64, remote string) (Tier, error) {
	if err := c.checkPath(remote); err != nil {
		return 0, err
	}
	if size == 0 {
		return 0, c.problem(ReasonEmpty, "look at the file", nil).about("file", "“"+remote+"”")
	}
	u, err := c.User(ctx)
	if err := c.wayward(ctx, err); err != nil {
		return 0, err
	}
	if size > u.Tier.MaxFile() {
		return 0, c.tooLarge(remote, u.Tier)
	}
	q, err := c.Quota(ctx)
	if werr := c.wayward(ctx, err); werr != nil {
		return 0, werr
	}
	if err == nil && q.Total > 0 && q.Free() < size {
		return 0, c.problem(ReasonSpace, "look at the free room", fmt.Errorf("%d bytes are free, %d are needed", q.Free(), size))
	}
	return u.Tier, nil
}

// wayward passes on what would stop the upload anyway.
func (c *Client) wayward(ctx context.Context, err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return err
	}
	if ctx.Err() == nil && (e.reason == ReasonServer || (e.reason == ReasonNetwork && e.status != 0) || e.status == http.StatusNotFound) {
		c.cfg.Log.Warn("account not looked up before the upload", "account", c.cfg.Account, "error", err)
		return nil
	}
	return err
}

func (c *Client) tooLarge(remote string, tier Tier) *Error {
	e := c.problem(ReasonTooLarge, "compare the size with the membership", nil).about("file", "“"+remote+"”")
	e.limit = tier.MaxFile()
	return e.about("max", fmt.Sprintf("%d GiB", e.limit/gib))
}

// stale reports whether a session of this age is over for sure, by Baidu's clock.
func (c *Client) stale(opened time.Time) bool {
	age := c.baiduNow().Sub(opened)
	return age > sessionLife || age < -sessionLife
}

// sessionLife is after what time no session was ever seen alive.
const sessionLife = 24 * time.Hour
