package baidu_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ngworks/nglive/worker/baidu"
	"github.com/ngworks/nglive/worker/baidu/baidutest"
)

// trouble is one fault and what becomes of an upload that meets it.
type trouble struct {
	name  string
	only  front // empty: both
	o     baidutest.Options
	rules []baidutest.Rule
	// spare is how many slices may come twice although Baidu took them; whole: the protocol makes us send all again.
	spare int
	whole bool
	// fails is the reason the upload ends with; empty: it succeeds.
	fails   baidu.Reason
	account bool // the whole account stops
	renamed bool
	check   func(t *testing.T, p *place)
}

func slice(a baidutest.Action, change ...func(*baidutest.Rule)) baidutest.Rule {
	r := baidutest.Rule{Endpoint: baidutest.SuperFile2, Parts: []int{2}, Times: 1, Action: a}
	for _, c := range change {
		c(&r)
	}
	return r
}

func once(endpoint string, a baidutest.Action) baidutest.Rule {
	return baidutest.Rule{Endpoint: endpoint, Times: 1, Action: a}
}

func status(endpoint string, n int) baidutest.Rule {
	return baidutest.Rule{Endpoint: endpoint, Times: 1, Action: baidutest.Status, Status: n}
}

func errno(endpoint string, times, code int, text ...string) baidutest.Rule {
	r := baidutest.Rule{Endpoint: endpoint, Times: times, Action: baidutest.Errno, Errno: code}
	if endpoint == baidutest.SuperFile2 {
		r.Parts = []int{2}
	}
	if len(text) > 0 {
		r.Text = text[0]
	}
	return r
}

func troubles() []trouble {
	var all []trouble
	add := func(t ...trouble) { all = append(all, t...) }
	rule := func(name string, r ...baidutest.Rule) trouble { return trouble{name: name, rules: r} }

	// Slices.
	for _, n := range []int{400, 403, 413, 429, 500, 502, 503, 504} {
		add(rule(fmt.Sprintf("slice answers %d once", n), slice(baidutest.Status, func(r *baidutest.Rule) { r.Status = n })))
	}
	add(rule("every third slice answers 500 with nothing", baidutest.Rule{Endpoint: baidutest.SuperFile2, Every: 3, Times: 4, Action: baidutest.Status, Status: 500}))
	for _, n := range []int{31021, -9999, 77777, 31034} {
		add(rule(fmt.Sprintf("slice answers code %d once", n), errno(baidutest.SuperFile2, 1, n)))
	}
	add(
		rule("slice answers keylist once", errno(baidutest.SuperFile2, 1, 31299, "Invalid param keylist")),
		rule("slice took too long for Baidu", errno(baidutest.SuperFile2, 1, 31299, "[Expried Time Not Match]...has expire")),
		trouble{name: "slice answers keylist always", rules: []baidutest.Rule{errno(baidutest.SuperFile2, 4, 31299, "Invalid param keylist")}, whole: true},
		trouble{name: "slice answers 31363 once", rules: []baidutest.Rule{errno(baidutest.SuperFile2, 1, 31363)}, whole: true},
		trouble{name: "slice answers 31190 once", rules: []baidutest.Rule{errno(baidutest.SuperFile2, 1, 31190)}, whole: true},
		trouble{name: "slice answers 31355 once", rules: []baidutest.Rule{errno(baidutest.SuperFile2, 1, 31355)}, whole: true},
		rule("connection cut before the slice", slice(baidutest.Reset)),
		rule("connection cut within the slice", slice(baidutest.Reset, func(r *baidutest.Rule) { r.Bytes = mib })),
		trouble{name: "slice stored, answer lost", rules: []baidutest.Rule{slice(baidutest.LoseAnswer)}, spare: 1},
		rule("slice hangs", slice(baidutest.Hang)),
		rule("slice drips", slice(baidutest.Drip, func(r *baidutest.Rule) { r.Rate = 16 << 10 })),
		trouble{name: "slice's answer comes late", rules: []baidutest.Rule{slice(baidutest.Slow, late)}, spare: 1},
		trouble{name: "slice's answer is cut", rules: []baidutest.Rule{slice(baidutest.Truncate)}, spare: 1},
		trouble{name: "slice's answer is empty", rules: []baidutest.Rule{slice(baidutest.EmptyBody)}, spare: 1},
		trouble{name: "slice's answer is {}", rules: []baidutest.Rule{slice(baidutest.EmptyObject)}, spare: 1},
		trouble{name: "slice's answer has no md5", rules: []baidutest.Rule{slice(baidutest.NoMD5)}, spare: 1},
		trouble{name: "slice corrupted on its way", rules: []baidutest.Rule{slice(baidutest.CorruptStored)}, spare: 1},
		trouble{name: "slice's md5 told wrong", rules: []baidutest.Rule{slice(baidutest.CorruptAnswer)}, spare: 1},
		trouble{name: "slice stored wrong, told right", rules: []baidutest.Rule{slice(baidutest.CorruptQuiet)}, whole: true},
		trouble{name: "slice corrupted every time", rules: []baidutest.Rule{slice(baidutest.CorruptStored, func(r *baidutest.Rule) { r.Times = 0 })}, fails: baidu.ReasonCorrupt, spare: 9},
		trouble{name: "block lost", only: byToken, rules: []baidutest.Rule{slice(baidutest.LoseBlock)}, spare: 1},
		trouble{name: "block lost of a lazy session", only: byCookie, rules: []baidutest.Rule{slice(baidutest.LoseBlock)}, whole: true},
		trouble{name: "block lost and denied", rules: []baidutest.Rule{slice(baidutest.LoseQuiet)}, whole: true},
		trouble{name: "session dies", rules: []baidutest.Rule{slice(baidutest.Expire)}, whole: true},
		trouble{name: "every session dies", rules: []baidutest.Rule{slice(baidutest.Expire, func(r *baidutest.Rule) { r.Times = 0 })}, fails: baidu.ReasonServer, whole: true, spare: 8},
		trouble{name: "tokens expire in the middle", only: byToken, rules: []baidutest.Rule{slice(baidutest.ExpireTokens)}, check: oneRefresh},
		trouble{name: "refresh answers 500 having spent the token", only: byToken, rules: []baidutest.Rule{slice(baidutest.ExpireTokens), once(baidutest.Token, baidutest.EatRefresh)}, fails: baidu.ReasonLogin, account: true},
		trouble{name: "tokens revoked in the middle", only: byToken, rules: []baidutest.Rule{slice(baidutest.RevokeTokens)}, fails: baidu.ReasonLogin, account: true},
		trouble{name: "cookie revoked in the middle", only: byCookie, rules: []baidutest.Rule{slice(baidutest.RevokeCookies)}, fails: baidu.ReasonLogin, account: true},
		trouble{name: "quota shrinks in the middle", rules: []baidutest.Rule{slice(baidutest.ShrinkQuota, func(r *baidutest.Rule) { r.Bytes = mib })}, fails: baidu.ReasonSpace, account: true},
		trouble{name: "membership lapses in the middle", rules: []baidutest.Rule{slice(baidutest.ChangeTier)}},
		trouble{name: "host dies in the middle", rules: []baidutest.Rule{slice(baidutest.HostDies)}, spare: 3},
		trouble{name: "host dies in the middle, hosts are sticky", only: byToken, o: baidutest.Options{Strict: baidutest.Strict{StickyHost: true}}, rules: []baidutest.Rule{slice(baidutest.HostDies)}, whole: true},
		trouble{name: "first host is dead", o: baidutest.Options{Locate: baidutest.Locate{FirstDead: true}}},
		trouble{name: "hosts differ at every call", o: baidutest.Options{Locate: baidutest.Locate{Rotate: true}, Strict: baidutest.Strict{StickyHost: true}}},
		trouble{name: "two slices at a time and no more", o: baidutest.Options{Limits: baidutest.Limits{Concurrency: 2}}},
		trouble{name: "two slices at a time, told by 31034", o: baidutest.Options{Limits: baidutest.Limits{Concurrency: 2, RateErrno: true}}},
		trouble{name: "the gateway cuts slow slices", o: baidutest.Options{Limits: baidutest.Limits{Gateway: 300 * time.Millisecond}}, rules: []baidutest.Rule{slice(baidutest.Drip, func(r *baidutest.Rule) { r.Rate = mib })}},
	)
	return append(all, endTroubles()...)
}

func late(r *baidutest.Rule) { r.Delay = baidutest.Duration{Duration: 400 * time.Millisecond} }

// endTroubles are those of the other requests.
func endTroubles() []trouble {
	var all []trouble
	add := func(t ...trouble) { all = append(all, t...) }
	for _, endpoint := range []string{baidutest.Create, baidutest.Precreate, baidutest.LocateUpload} {
		for _, n := range []int{429, 500, 502, 503, 504} {
			add(trouble{name: fmt.Sprintf("%s answers %d once", endpoint, n), rules: []baidutest.Rule{status(endpoint, n)}})
		}
		for _, a := range []baidutest.Action{baidutest.Reset, baidutest.Hang, baidutest.LoseAnswer, baidutest.Truncate, baidutest.EmptyBody, baidutest.EmptyObject} {
			add(trouble{name: fmt.Sprintf("%s: %s once", endpoint, a), rules: []baidutest.Rule{once(endpoint, a)}})
		}
		for _, n := range []int{-9999, 31034, 9019, 2} {
			add(trouble{name: fmt.Sprintf("%s answers code %d once", endpoint, n), rules: []baidutest.Rule{errno(endpoint, 1, n)}})
		}
		for code, reason := range map[int]baidu.Reason{
			132: baidu.ReasonVerify, 9100: baidu.ReasonBanned, 17: baidu.ReasonDaily, -6: baidu.ReasonLogin, 31112: baidu.ReasonSpace, 31024: baidu.ReasonPermission,
		} {
			add(trouble{name: fmt.Sprintf("%s answers code %d always", endpoint, code), rules: []baidutest.Rule{errno(endpoint, 0, code)}, fails: reason, account: true})
		}
	}
	for code, reason := range map[int]baidu.Reason{
		31365: baidu.ReasonTooLarge, 2: baidu.ReasonRefused, 31023: baidu.ReasonRefused, -7: baidu.ReasonName, 31062: baidu.ReasonName, 31064: baidu.ReasonPath, 31363: baidu.ReasonServer, 10: baidu.ReasonServer, -8: baidu.ReasonExists, -9999: baidu.ReasonServer,
	} {
		add(trouble{name: fmt.Sprintf("create answers %d always", code), rules: []baidutest.Rule{errno(baidutest.Create, 0, code)}, fails: reason, whole: true, spare: 18})
	}
	add(
		trouble{name: "create done, answer lost, the file is seen late", rules: []baidutest.Rule{once(baidutest.Create, baidutest.LoseAnswer)}, o: baidutest.Options{Limits: baidutest.Limits{VisibleDelay: 100 * time.Millisecond}}},
		trouble{name: "the file is seen late", o: baidutest.Options{Limits: baidutest.Limits{VisibleDelay: 300 * time.Millisecond}}},
		trouble{name: "create answers 10 once", rules: []baidutest.Rule{errno(baidutest.Create, 1, 10)}},
		trouble{name: "create answers 31363 once", rules: []baidutest.Rule{errno(baidutest.Create, 1, 31363)}, only: byToken, spare: 1},
		trouble{name: "create answers 31363 once, lazy", rules: []baidutest.Rule{errno(baidutest.Create, 1, 31363)}, only: byCookie, whole: true},
		trouble{name: "create answers 31352 once", rules: []baidutest.Rule{errno(baidutest.Create, 1, 31352)}},
		trouble{name: "create answers 31353 twice", rules: []baidutest.Rule{errno(baidutest.Create, 2, 31353)}},
		trouble{name: "create answers 31081 once", rules: []baidutest.Rule{errno(baidutest.Create, 1, 31081)}},
		trouble{name: "create dislikes the name", rules: []baidutest.Rule{{Endpoint: baidutest.Create, Name: "录播.mp4", Action: baidutest.Errno, Errno: 31352}}, whole: true, renamed: true},
		trouble{name: "precreate dislikes a word", rules: []baidutest.Rule{{Endpoint: baidutest.Precreate, Name: "录播.mp4", Action: baidutest.Errno, Errno: 108}}, renamed: true},
		trouble{name: "create dislikes a word", rules: []baidutest.Rule{{Endpoint: baidutest.Create, Name: "录播.mp4", Action: baidutest.Errno, Errno: 108}}, whole: true, renamed: true},
		trouble{name: "create leaves a ghost", rules: []baidutest.Rule{once(baidutest.Create, baidutest.Ghost)}, whole: true},
		trouble{name: "rapid upload is refused", rules: []baidutest.Rule{errno(baidutest.Precreate, 1, 31079)}},
		trouble{name: "first host has no address", rules: []baidutest.Rule{once(baidutest.LocateUpload, baidutest.NoSuchHost)}},
		trouble{name: "token expired at create", only: byToken, rules: []baidutest.Rule{once(baidutest.Create, baidutest.ExpireTokens)}},
		trouble{name: "create answers 111 once", only: byToken, rules: []baidutest.Rule{errno(baidutest.Create, 1, 111)}, check: oneRefresh},
	)
	for name, a := range map[string]baidutest.Answers{
		"request ids are text": {RequestIDText: true}, "numbers are text": {NumbersAsText: true}, "answers begin with blank lines": {BlankLines: true},
		"answers are zipped": {Gzip: true}, "an empty list means the first": {EmptyMeansFirst: true}, "no vip_type": {NoVIPType: true}, "no uinfo": {NoUinfo: true},
	} {
		add(trouble{name: name, o: baidutest.Options{Answers: a}})
	}
	return all
}

func oneRefresh(t *testing.T, p *place) {
	t.Helper()
	if n := p.fake.Refreshes(""); n != 1 {
		t.Errorf("the tokens were renewed %d times, not once", n)
	}
}

func TestUpload_throughTheFaultMatrix(t *testing.T) {
	t.Parallel()
	src := record(t, 13*mib+5)
	for _, trouble := range troubles() {
		for _, by := range fronts() {
			if trouble.only != "" && trouble.only != by {
				continue
			}
			t.Run(trouble.name+" by "+string(by), func(t *testing.T) {
				t.Parallel()
				trouble.meet(t, by, src)
			})
		}
	}
}

func (x *trouble) meet(t *testing.T, by front, src *recording) {
	t.Helper()
	o := x.o
	o.Faults = x.rules
	p := open(t, by, o)
	r, err := p.upload(src)
	if t.Failed() || (err != nil) != (x.fails != "") || baidu.ReasonOf(err) != x.fails {
		t.Fatalf("the upload ended with %v, reason %q, want %q\n%s", err, baidu.ReasonOf(err), x.fails, p.log)
	}
	if err != nil {
		x.ended(t, p, err)
	} else {
		p.mustHold(src, r.Path)
		if renamed := r.Path != appPath; renamed != x.renamed {
			t.Errorf("the file is at %s", r.Path)
		}
		if s := p.sessions.all(); s != "map[]" {
			t.Errorf("a session is left: %s", s)
		}
	}
	x.thrifty(t, p, src)
	if x.check != nil {
		x.check(t, p)
	}
}

// ended: the error has a class, words, and says whether the account stops.
func (x *trouble) ended(t *testing.T, p *place, err error) {
	t.Helper()
	var e *baidu.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is no classed error", err)
	}
	en, zh := e.Words()
	if e.Class() == "" || en == "" || zh == "" || e.AccountWide() != x.account {
		t.Errorf("class %q, words %q %q, account-wide %v", e.Class(), en, zh, e.AccountWide())
	}
	if n := len(p.fake.Files("")); n > 1 {
		t.Errorf("%d files are there", n)
	}
}

// thrifty: nothing was sent twice but what failed, and a twentieth for speed.
func (x *trouble) thrifty(t *testing.T, p *place, src *recording) {
	t.Helper()
	most := src.size + src.size/20 + int64(x.spare)*4*mib + failed(p)
	if x.whole {
		most += src.size + 4*mib
	}
	if got := p.fake.Bytes(); got > most {
		t.Errorf("%d bytes were sent for %d, at most %d are allowed\n%s", got, src.size, most, p.log)
	}
}

// failed are the bytes of slices that Baidu did not take.
func failed(p *place) (bytes int64) {
	for _, late := range []string{"timeout awaiting", "nothing moves", "too slow to finish"} {
		bytes += 4 * mib * int64(strings.Count(p.log.String(), late)) // on a busy machine
	}
	for _, c := range p.fake.Calls(baidutest.SuperFile2) {
		if c.Status != 200 || c.Code != 0 {
			bytes += c.Bytes
		}
	}
	return bytes
}
