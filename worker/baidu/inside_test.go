package baidu

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestMD5_isUndisguised(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"d8319ac05p986c5910e98c966b7d1f9d": "d033a1b6d912dfa7e2d6d27211cac9f1",
		"d033a1b6d912dfa7e2d6d27211cac9f1": "d033a1b6d912dfa7e2d6d27211cac9f1",
		"D033A1B6D912DFA7E2D6D27211CAC9F1": "d033a1b6d912dfa7e2d6d27211cac9f1",
		"":                                 "",
		"d8319ac05z986c5910e98c966b7d1f9d": "",
		"d8319ac05p986c5910e98c966b7d1f9":  "",
		"x8319ac05p986c5910e98c966b7d1f9d": "",
	} {
		if got := decodeMD5(given); got != want {
			t.Errorf("decodeMD5(%q) = %q, want %q", given, got, want)
		}
	}
	one, _ := parseSum("d033a1b6d912dfa7e2d6d27211cac9f1")
	if got := expectedMD5([]sum{one}); got != one.String() {
		t.Errorf("of one slice: %s", got)
	}
	if got := blockList([]sum{one, one}); got != `["`+one.String()+`","`+one.String()+`"]` {
		t.Errorf("the list is %s", got)
	}
}

func TestSanitise_makesNamesThatBaiduTakes(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"/apps/nglive/录播.mp4":          "/apps/nglive/录播.mp4",
		"apps//nglive/a.mp4":           "/apps/nglive/a.mp4",
		"/a/深夜🔞👨‍👩‍👧.mp4":              "/a/深夜____.mp4",
		"/a/ x \\ : * ? \" < > | .mp4": "/a/x _ _ _ _ _ _ _ _ .mp4",
		"/a/../b":                      "/a/_/b",
		"/a/b.":                        "/a/b",
		"/a/\x00\x1f\xff.mp4":          "/a/___.mp4",
		"/a/️.mp4":                     "/a/.mp4",
	} {
		if got := Sanitise(given); got != want {
			t.Errorf("Sanitise(%q) = %q, want %q", given, got, want)
		}
	}
	long := Sanitise("/a/" + strings.Repeat("录", 100) + ".mp4")
	other := Sanitise("/a/" + strings.Repeat("录", 101) + ".mp4")
	if len(long) > 3+nameMost || !strings.HasSuffix(long, ".mp4") || long == other {
		t.Errorf("long names became %q and %q", long, other)
	}
}

func FuzzSanitise(f *testing.F) {
	for _, s := range []string{"/a/b.mp4", "🎮", "/ . /..", strings.Repeat("录", 300), "\xff\x00:*"} {
		f.Add(s)
	}
	c := &Client{}
	f.Fuzz(func(t *testing.T, s string) {
		clean := Sanitise(s)
		if again := Sanitise(clean); again != clean {
			t.Errorf("Sanitise(%q) = %q, and of that %q", s, clean, again)
		}
		if len(clean) > 1 && len(clean) <= pathMost && c.checkPath(clean) != nil {
			t.Errorf("%q, made of %q, is refused", clean, s)
		}
	})
}

// FuzzAnswer reads any text as every answer there is: nothing panics, and what is no answer is no success.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{
		`{"errno":0,"request_id":1,"uploadid":"N1","block_list":[0,1],"return_type":1}`, `{"error_code":"31363","error_msg":"x"}`, `{"errno":"0"}`,
		"\n\n{\"md5\":\"d033a1b6d912dfa7e2d6d27211cac9f1\"}", `{"list":[{"fs_id":"1","block_list":"[\"d033a1b6d912dfa7e2d6d27211cac9f1\"]","size":1e3}]}`,
		`{"error":"invalid_grant","error_description":7}`, `{"records":[{"vip_type":null}]}`, "<html>", "{", "", `{"servers":[{"server":"https://a@b/"}]}`, `{"list":{}}`,
		`{"list":[{"shareId":1,"typicalPath":"/a","shortlink":"https://b","status":"0"}]}`,
	} {
		f.Add([]byte(s), 200)
	}
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		var a answer
		a.status = status
		a.read(unzipped(body))
		if a.good() && !json.Valid(a.doc) {
			t.Errorf("%q counts as an answer", body)
		}
		if a.doc == nil {
			return
		}
		var o opened
		var l listed
		var g granted
		var h located
		var s shared
		var r struct {
			List records `json:"list"`
		}
		for _, into := range []any{&o, &l, &g, &h, &s, &r} {
			_ = a.into(into)
		}
		_ = l.file()
		_ = judge(stepSlice, true, a)
		c := &Client{ends: Endpoints{}.filled()}
		for _, host := range c.proposed(h) {
			if u, err := url.Parse(host); err != nil || u.Scheme != "https" || !strings.HasSuffix(u.Hostname(), ".baidu.com") && !strings.HasSuffix(u.Hostname(), ".baidupcs.com") {
				t.Errorf("%q would hear our credential", host)
			}
		}
	})
}

// FuzzSession reads any text as a journalled session: it is this file's and whole, or none.
func FuzzSession(f *testing.F) {
	src := &source{size: 9 * mib, head: "h"}
	doc, _ := json.Marshal(func() *session { s := newSession(src, "/a", 4*mib); s.UploadID = "N1"; return s }())
	f.Add(doc)
	f.Add([]byte(`{"version":1,"slice":4194304}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		s := readSession(doc, src)
		if s == nil {
			return
		}
		for i := range s.count() {
			_, _ = s.done(i), s.sum(i)
		}
		_ = s.unconfirmed()
	})
}

// TestProved_believesNoFileThatIsAnother: size, the slices' md5s, and of one slice the md5 itself must be ours. Of several the md5 follows
// a rule that rests on few samples: then every slice was compared, and the file counts as there, unconfirmed.
func TestProved_believesNoFileThatIsAnother(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		size      int64
		there     func(want string) File
		confirmed bool
		differs   bool
	}{
		{"the same", mib, func(want string) File { return File{Size: mib, MD5: want} }, true, false},
		{"another size", mib, func(want string) File { return File{Size: mib - 1, MD5: want} }, false, true},
		{"one slice, another md5", mib, func(string) File { return File{Size: mib, MD5: strings.Repeat("0", 32)} }, false, true},
		{"two slices, another md5", 5 * mib, func(string) File { return File{Size: 5 * mib, MD5: strings.Repeat("0", 32)} }, false, false},
		{"two slices, of other md5s", 5 * mib, func(want string) File {
			return File{Size: 5 * mib, MD5: "?", Blocks: []string{strings.Repeat("0", 32), strings.Repeat("1", 32)}}
		}, false, true},
	} {
		src := &source{size: c.size}
		u := &upload{c: New(Config{Account: "a"}), src: src, s: newSession(src, "/a", 4*mib)}
		for i := range u.s.count() {
			u.s.know(i, sum{byte(i + 1)})
		}
		want := expectedMD5(u.s.sums())
		r, err := u.proved(File{Path: "/a", Size: c.size}, c.there(want), want)
		if f := failureOf(err); (f != nil) != c.differs || f != nil && (f.reason != ReasonDiffers || f.do != relocate) || r.Confirmed != c.confirmed {
			t.Errorf("%s: %+v, %v", c.name, r, err)
		}
	}
}

func TestHosts_aloneOfBaiduHearTheCredential(t *testing.T) {
	t.Parallel()
	c := &Client{ends: Endpoints{}.filled()}
	for host, want := range map[string]bool{
		"https://bjdd-ct11.pcs.baidu.com": true, "https://c7.pcs.baidu.com": true, "http://c7.pcs.baidu.com": false, "https://evil.example": false,
		"https://pcs.baidu.com.evil.example": false, "https://user@c7.pcs.baidu.com": false, "": false, "://": false,
	} {
		u, err := url.Parse(host)
		if got := err == nil && c.trusted(u); got != want {
			t.Errorf("trusted(%q) = %v", host, got)
		}
	}
}

func TestSlots_areTakenInTurnAndNeverMoreThanAllowed(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := NewSlots()
	var gives []func()
	for range SlotsDefault {
		give, err := s.Take(ctx)
		if err != nil {
			t.Fatal(err)
		}
		gives = append(gives, give)
	}
	late, stop := context.WithCancel(ctx)
	stop()
	if _, err := s.Take(late); !errors.Is(err, context.Canceled) {
		t.Errorf("a fifth connection: %v", err)
	}
	s.Widen(ctx)
	fifth, err := s.Take(ctx)
	if err != nil {
		t.Fatal(err)
	}
	s.Halve(ctx)
	fifth()
	gives[0]()
	gives[0]() // twice is once
	gives[1]()
	gives[2]()
	if give, err := s.Take(ctx); err != nil { // half of five are two, one is taken
		t.Fatal(err)
	} else if _, err := s.Take(late); !errors.Is(err, context.Canceled) {
		t.Errorf("a third of two: %v", err)
	} else {
		give()
	}
	for range 20 {
		s.Widen(ctx)
	}
	if limit := s.(*localSlots).limit; limit != SlotsMax {
		t.Errorf("the limit grew to %d", limit)
	}
	for range 20 {
		s.Halve(ctx)
	}
	if limit := s.(*localSlots).limit; limit != SlotsMin {
		t.Errorf("the limit shrank to %d", limit)
	}
}

func TestPace_widensWhileThroughputGrowsAndHalvesOncePerBurst(t *testing.T) {
	t.Parallel()
	var p pace
	now := time.Now()
	p.reset(now)
	window := func(speed int64) (widen bool) {
		for range paceSlices {
			now = now.Add(time.Second)
			widen = p.won(now, speed, time.Second, time.Second) || widen
		}
		return widen
	}
	if !window(100) || !window(120) || window(121) || window(90) {
		t.Error("it should widen at first and when throughput grew, and only then")
	}
	if !p.lost(now, time.Second) || p.lost(now.Add(time.Millisecond), time.Second) || !p.lost(now.Add(time.Minute), time.Second) {
		t.Error("it should halve once for a burst")
	}
}

func TestErrors_holdNoSecret(t *testing.T) {
	t.Parallel()
	c := New(Config{Account: "a", Credential: Cookie{BDUSS: "the-secret-bduss", STOKEN: "the-secret-stoken"}, Endpoints: Endpoints{Pan: "http://127.0.0.1:1", PCS: "http://127.0.0.1:1"}, Patience: 0.0001})
	_, err := c.Quota(t.Context())
	if err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "http://") {
		t.Errorf("the error is %v", err)
	}
	var a answer
	a.status = http.StatusOK
	a.read([]byte(`{"errno":-6,"errmsg":"bad cookie the-secret-bduss"}`))
	if f := c.failed(stepUser, a, false); strings.Contains(f.Error(), "secret") {
		t.Errorf("the failure is %v", f)
	}
	for _, text := range []string{c.cfg.Credential.(Cookie).String(), Pair{Access: "the-secret"}.String(), OAuth{SecretKey: "the-secret"}.GoString()} {
		if strings.Contains(text, "the-secret") {
			t.Errorf("%q tells a secret", text)
		}
	}
}

func TestSlices_areAsFewAsBaiduCounts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		size int64
		tier Tier
		want int64
	}{
		{1, TierNormal, 4 * mib},
		{4 * gib, TierNormal, 4 * mib},
		{8 * gib, TierSVIP, 4 * mib},
		{8*gib + 1, TierMember, 8 * mib},
		{20 * gib, TierSVIP, 16 * mib},
	} {
		u := &upload{src: &source{size: c.size}, tier: c.tier, most: slicesMost}
		if got := u.sliceSize(); got != c.want {
			t.Errorf("%d bytes of tier %d go in slices of %d, want %d", c.size, c.tier, got, c.want)
		}
	}
}

// A slice whose bytes have all left and that is never answered, and one that stands still, end; one that is on its way goes on.
func TestWatch_endsWhatNobodyAnswers(t *testing.T) {
	t.Parallel()
	const length = 4 * mib
	now := time.Now()
	for what, c := range map[string]struct {
		sent  int64
		still time.Duration
		want  error
	}{
		"all has left, answered soon":    {length, lastAfter - time.Second, nil},
		"all has left, never answered":   {length, lastAfter + time.Second, errStalled},
		"half has left, and more leaves": {length / 2, stallAfter - time.Second, nil},
		"half has left, and no more":     {length / 2, stallAfter + time.Second, errStalled},
	} {
		s := (&upload{c: &Client{cfg: Config{Patience: 1}}, s: &session{}}).newSender([]int{0})
		ctx, cancel := context.WithCancelCause(t.Context())
		a := &attempt{length: length, cancel: cancel, before: c.sent, began: now.Add(-c.still), moved: now.Add(-c.still), mark: sample{at: now}}
		a.sent.Store(c.sent)
		if sent := s.judge(a, now); sent != c.sent || !errors.Is(context.Cause(ctx), c.want) {
			t.Errorf("%s: %d sent, ended by %v, want %v", what, sent, context.Cause(ctx), c.want)
		}
		cancel(nil)
	}
}
