package baidu_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ngworks/nglive/worker/baidu"
	"github.com/ngworks/nglive/worker/baidu/baidutest"
)

func withAccount(change func(*baidutest.Account)) baidutest.Options {
	a := baidutest.DefaultAccount()
	change(&a)
	return baidutest.Options{Accounts: []baidutest.Account{a}}
}

func TestGuard_refusesWhatCannotSucceed(t *testing.T) {
	t.Parallel()
	normal := withAccount(func(a *baidutest.Account) { a.Tier = baidutest.Normal })
	for name, c := range map[string]struct {
		o     baidutest.Options
		size  int64
		path  string
		want  baidu.Reason
		limit int64
	}{
		"larger than a normal membership":  {o: normal, size: 4*baidutest.GiB + 1, want: baidu.ReasonTooLarge, limit: 4 * baidutest.GiB},
		"as large as a normal membership":  {o: normal, size: 4 * baidutest.GiB},
		"membership unknown":               {o: baidutest.Options{Answers: baidutest.Answers{NoVIPType: true}}, size: 5 * baidutest.GiB, want: baidu.ReasonTooLarge, limit: 4 * baidutest.GiB},
		"larger than a member may":         {o: withAccount(func(a *baidutest.Account) { a.Tier = baidutest.Member }), size: 11 * baidutest.GiB, want: baidu.ReasonTooLarge, limit: 10 * baidutest.GiB},
		"larger than the free room":        {o: withAccount(func(a *baidutest.Account) { a.Quota, a.Used = 100*mib, 95*mib }), size: 6 * mib, want: baidu.ReasonSpace},
		"empty":                            {size: 0, want: baidu.ReasonEmpty},
		"emoji":                            {size: 1, path: "/apps/nglive/深夜🔞.mp4", want: baidu.ReasonName},
		"a colon":                          {size: 1, path: "/apps/nglive/a:b.mp4", want: baidu.ReasonName},
		"relative":                         {size: 1, path: "apps/nglive/a.mp4", want: baidu.ReasonName},
		"leaves":                           {size: 1, path: "/apps/nglive/../a.mp4", want: baidu.ReasonName},
		"outside the application's folder": {size: 1, path: "/直播/a.mp4", want: baidu.ReasonPath},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := open(t, byToken, c.o)
			if c.path == "" {
				c.path = appPath
			}
			err := p.client().Guard(t.Context(), c.size, c.path)
			if baidu.ReasonOf(err) != c.want {
				t.Fatalf("guard says %v, want reason %q", err, c.want)
			}
			var e *baidu.Error
			if errors.As(err, &e) && (e.Limit() != c.limit || strings.Contains(e.UserMessage(), "{")) {
				t.Errorf("limit %d, words %q", e.Limit(), e.UserMessage())
			}
		})
	}
}

func TestUpload_startsNothingThatIsDoomed(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, by front) {
		t.Helper()
		p := open(t, by, withAccount(func(a *baidutest.Account) { a.Quota = mib }))
		if _, err := p.upload(record(t, 5*mib)); baidu.ReasonOf(err) != baidu.ReasonSpace || p.fake.Requests(baidutest.Precreate) > 0 {
			t.Errorf("it ended with %v after %d precreates", err, p.fake.Requests(baidutest.Precreate))
		}
	})
}

func TestUpload_ofAnEmptyFileSaysSo(t *testing.T) {
	t.Parallel()
	p := open(t, byToken, baidutest.Options{})
	if _, err := p.upload(record(t, 0)); baidu.ReasonOf(err) != baidu.ReasonEmpty {
		t.Errorf("an empty file ended with %v", err)
	}
}

func TestUpload_byACookieThatLacksItsSTOKENTellsOnce(t *testing.T) {
	t.Parallel()
	p := open(t, byCookie, withAccount(func(a *baidutest.Account) { a.NeedsSTOKEN = true }), func(c *baidu.Config) {
		c.Credential = baidu.Cookie{BDUSS: baidutest.DefaultAccount().BDUSS}
	})
	_, err := p.upload(record(t, mib))
	var e *baidu.Error
	if !errors.As(err, &e) || e.Reason() != baidu.ReasonLogin || !e.AccountWide() || e.Class() != "tell" || !strings.Contains(e.UserMessage(), "STOKEN") {
		t.Errorf("it ended with %v", err)
	}
	if n := p.fake.Requests(""); n > 2 {
		t.Errorf("a dead login was tried %d times", n)
	}
}

func TestUpload_meetsOtherContentUnderItsName(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, by front) {
		t.Helper()
		p := open(t, by, baidutest.Options{})
		old, src := record(t, 2*mib), record(t, 3*mib)
		p.mustUpload(old)
		_, err := p.upload(src)
		var e *baidu.Error
		if !errors.As(err, &e) || e.Class() != "exists" {
			t.Fatalf("told to leave it, it ended with %v", err)
		}
		p.mustHold(old, appPath)
		r, err := p.upload(src, baidu.Options{Conflict: baidu.ConflictRename})
		if err != nil || r.Path == appPath || len(p.fake.Files("")) != 2 {
			t.Fatalf("told to rename, it ended with %+v %v", r, err)
		}
		if r, err = p.upload(src, baidu.Options{Conflict: baidu.ConflictReplace}); err != nil || r.Path != appPath || len(p.fake.Files("")) != 2 {
			t.Fatalf("told to replace, it ended with %+v %v", r, err)
		}
		if err := p.client().Verify(t.Context(), appPath, r.Size, r.MD5); err != nil {
			t.Errorf("verify: %v", err)
		}
		if err := p.client().Verify(t.Context(), appPath, old.size, r.MD5); baidu.ReasonOf(err) != baidu.ReasonDiffers {
			t.Errorf("verify of another size: %v", err)
		}
		if err := p.client().Verify(t.Context(), appPath+"x", r.Size, r.MD5); baidu.ReasonOf(err) != baidu.ReasonMissing {
			t.Errorf("verify of nothing: %v", err)
		}
	})
}

func TestUpload_sendsNothingWhenBaiduHasTheContent(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, by front) {
		t.Helper()
		p := open(t, by, baidutest.Options{KeepContent: true})
		src := record(t, 9*mib)
		p.mustUpload(src)
		content, err := os.ReadFile(src.path)
		if err != nil {
			t.Fatal(err)
		}
		p.fake.Forget()
		h := &baidu.Hashes{ContentMD5: baidutest.MD5(content), BlockSize: 4 * mib, Blocks: src.blocks}
		r, err := p.client().Upload(t.Context(), src.open(t), "/apps/nglive/again.mp4", baidu.Options{Hashes: h})
		if err != nil || !r.Rapid || p.fake.Bytes() != 0 || len(p.fake.Files("")) != 2 {
			t.Errorf("%+v %v after %d bytes", r, err, p.fake.Bytes())
		}
	})
}

func TestUpload_isNotMisledByWrongHashes(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, by front) {
		t.Helper()
		p := open(t, by, baidutest.Options{})
		src, other := record(t, 9*mib), record(t, 9*mib-8)
		h := &baidu.Hashes{ContentMD5: src.blocks[0], BlockSize: 4 * mib, Blocks: other.blocks}
		h.Blocks[1] = src.blocks[0]
		p.mustUpload(src, baidu.Options{Hashes: h})
	})
}

func TestUpload_usesNoMoreConnectionsThanTheAccountHas(t *testing.T) {
	t.Parallel()
	p := open(t, byToken, baidutest.Options{}, func(c *baidu.Config) { c.Slots = baidu.NewFixedSlots(3) })
	p.mustUpload(record(t, 40*mib))
	if n := p.fake.MaxInFlight(""); n > 3 {
		t.Errorf("%d slices were under way at once, 3 are allowed", n)
	}
}

// TestShare_whoseAnswerIsLostIsFound: however the answer is lost, there is one link; and links of others, of the same file too, are
// not taken for it.
func TestShare_whoseAnswerIsLostIsFound(t *testing.T) {
	t.Parallel()
	for _, lost := range []baidutest.Action{baidutest.LoseAnswer, baidutest.EmptyBody, baidutest.Truncate, baidutest.EmptyObject} {
		t.Run(string(lost), func(t *testing.T) {
			t.Parallel()
			p := open(t, byCookie, baidutest.Options{})
			p.mustUpload(record(t, mib))
			c := p.client()
			if _, found, err := c.Shared(t.Context(), appPath, "ab12"); found || err != nil {
				t.Fatalf("where nothing is shared: %t, %v", found, err)
			}
			for i := range 3 {
				if _, err := c.Share(t.Context(), appPath, fmt.Sprintf("zz%02d", i), 7); err != nil {
					t.Fatal(err)
				}
			}
			p.fake.Fault(baidutest.Rule{Endpoint: baidutest.SharePSet, Times: 1, Action: lost})
			l, err := c.Share(t.Context(), appPath, "ab12", 7)
			all := p.fake.Shares()
			if err != nil || len(all) != 4 || !strings.HasPrefix(l.URL, all[3].Link+"?pwd=ab12") || l.Pwd != "ab12" || time.Until(l.Expires) < 6*24*time.Hour {
				t.Fatalf("%d links; the one we have is %+v, %v", len(all), l, err)
			}
			for range 205 { // newer ones push it to another page
				if _, err := c.Share(t.Context(), appPath, "zz99", 0); err != nil {
					t.Fatal(err)
				}
			}
			again, found, err := c.Shared(t.Context(), appPath, "ab12")
			if !found || err != nil || again.URL != l.URL || !again.Expires.IsZero() {
				t.Errorf("later: %t %+v, %v", found, again, err)
			}
			if _, found, err := c.Shared(t.Context(), appPath, "ab13"); found || err != nil {
				t.Errorf("a link that nobody made: %t, %v", found, err)
			}
		})
	}
}

func TestShare_makesALinkByCookieAlone(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, by front) {
		t.Helper()
		p := open(t, by, baidutest.Options{})
		p.mustUpload(record(t, mib))
		if by == byToken {
			_, err := p.client().Share(t.Context(), appPath, "ab12", 7)
			if baidu.ReasonOf(err) != baidu.ReasonNoShare {
				t.Fatalf("by token alone, sharing says %v", err)
			}
			a := baidutest.DefaultAccount()
			p.cfg.ShareBy = &baidu.Cookie{BDUSS: a.BDUSS, STOKEN: a.STOKEN}
		}
		pwd := baidu.NewPwd()
		l, err := p.client().Share(t.Context(), appPath, pwd, 7)
		if err != nil || l.Pwd != pwd || l.ID == "" || !strings.Contains(l.URL, "pwd="+pwd) || l.Expires.IsZero() {
			t.Fatalf("the link is %+v, %v", l, err)
		}
		if log := p.log.String(); strings.Contains(log, l.URL) || strings.Contains(log, pwd) {
			t.Error("the link or its password was logged")
		}
		if _, err := p.client().Share(t.Context(), appPath, "AB12", 7); baidu.ReasonOf(err) != baidu.ReasonRefused {
			t.Errorf("a password that Baidu does not take: %v", err)
		}
	})
}
