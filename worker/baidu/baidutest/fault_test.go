package baidutest_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ngworks/nglive/worker/baidu/baidutest"
)

// faulty is an upload that began at a Baidu with these rules, with 3 slices.
func faulty(t *testing.T, rules ...baidutest.Rule) (*baidutest.Server, *upload) {
	t.Helper()
	s := baidutest.New(t, baidutest.Options{KeepContent: true})
	u := oauthClient(t, s).newUpload(appPath, 9*mib).begin()
	s.Fault(rules...)
	return s, u
}

// finishes sends what precreate lists and creates; the file must be right.
func (u *upload) finishes(s *baidutest.Server) {
	u.c.t.Helper()
	for _, n := range u.precreate().wanted() {
		u.mustSend(n)
	}
	if got := u.create(); got.code() != 0 || got.status != http.StatusOK {
		u.c.t.Fatalf("create answered %d %s %v", got.status, got.body, got.err)
	}
	f := s.OnlyFile(u.c.t, "", appPath, u.md5s())
	if !slices.Equal(f.Content, u.content) {
		u.c.t.Error("the stored bytes are not those that were sent")
	}
}

const slice = baidutest.SuperFile2

func TestFault_answersOfTheGateway(t *testing.T) {
	t.Parallel()
	for status, body := range map[int]string{500: "", 502: "<html>", 504: "<html>", 413: "<html>", 400: "<html>", 403: "", 429: "31034"} {
		s, u := faulty(t, baidutest.Rule{Endpoint: slice, Parts: []int{1}, Times: 1, Action: baidutest.Status, Status: status})
		u.mustSend(0)
		if got := u.send(1); got.status != status || !strings.HasPrefix(got.body, body) && !strings.Contains(got.body, body) || body == "" && got.body != "" {
			t.Errorf("%d: got %d %q", status, got.status, got.body)
		}
		u.finishes(s)
		if s.Bytes() != 13*mib {
			t.Errorf("%d: %d bytes were counted, want those of the failed slice too", status, s.Bytes())
		}
	}
}

func TestFault_errnoComesInTheEndpointsShape(t *testing.T) {
	t.Parallel()
	s, u := faulty(t,
		baidutest.Rule{Endpoint: slice, Nth: 1, Action: baidutest.Errno, Errno: 31299, Text: "Invalid param keylist", Status: 403},
		baidutest.Rule{Endpoint: baidutest.Create, Nth: 1, Action: baidutest.Errno, Errno: 10},
		baidutest.Rule{Endpoint: baidutest.Create, Name: "bad.flv", Action: baidutest.Errno, Errno: 31352})
	u.send(0).expect(t, "a slice", 403, 31299, "keylist")
	u.mustSend(0)
	if got := u.create(); got.code() != 10 || got.json["errno"] == nil || got.status != http.StatusOK {
		t.Errorf("%d %s", got.status, got.body)
	}
	for range 2 {
		if got := u.create("path", "/apps/nglive/bad.flv"); got.code() != 31352 {
			t.Errorf("the bad name: %s", got.body)
		}
	}
	u.finishes(s)
}

func TestFault_brokenAnswers(t *testing.T) {
	t.Parallel()
	for action, want := range map[baidutest.Action]string{
		baidutest.Truncate: `{"md5":"`, baidutest.EmptyBody: "", baidutest.EmptyObject: "{}", baidutest.NoMD5: `"partseq":"0"`,
	} {
		s, u := faulty(t, baidutest.Rule{Endpoint: slice, Times: 1, Action: action})
		got := u.send(0)
		if got.status != http.StatusOK || got.json["md5"] != nil || !strings.Contains(got.body, want) || want == "" && got.body != "" {
			t.Errorf("%s: %d %q %v", action, got.status, got.body, got.err)
		}
		if listed := u.precreate().wanted(); !slices.Equal(listed, []int{1, 2}) {
			t.Errorf("%s: the slice was stored, and %v is wanted", action, listed)
		}
		u.finishes(s)
	}
}

func TestFault_connectionsThatBreak(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		rule   baidutest.Rule
		stored bool
	}{
		{baidutest.Rule{Action: baidutest.Reset}, false},
		{baidutest.Rule{Action: baidutest.Reset, Bytes: mib}, false},
		{baidutest.Rule{Action: baidutest.LoseAnswer}, true},
	} {
		x.rule.Endpoint, x.rule.Nth = slice, 1
		s, u := faulty(t, x.rule)
		if got := u.send(0); got.err == nil {
			t.Errorf("%+v: answered %d %s", x.rule, got.status, got.body)
		}
		wait(t, func() bool { return !s.Calls(slice)[0].Ended.IsZero() })
		if call := s.Calls(slice)[0]; call.Status != 0 || call.Part != 0 {
			t.Errorf("%+v: counted as %+v", x.rule, call)
		}
		if stored := !slices.Contains(u.precreate().wanted(), 0); stored != x.stored {
			t.Errorf("%+v: stored is %v", x.rule, stored)
		}
		u.finishes(s)
	}
}

func TestFault_createdAndTheAnswerLost(t *testing.T) {
	t.Parallel()
	s, u := faulty(t, baidutest.Rule{Endpoint: baidutest.Create, Nth: 1, Action: baidutest.LoseAnswer})
	for n := range u.count() {
		u.mustSend(n)
	}
	if got := u.create(); got.err == nil {
		t.Errorf("answered %d %s", got.status, got.body)
	}
	s.OnlyFile(t, "", appPath, u.md5s())
}

func TestFault_hangsUntilTheClientLeaves(t *testing.T) {
	t.Parallel()
	s, u := faulty(t, baidutest.Rule{Endpoint: slice, Nth: 1, Action: baidutest.Hang})
	u.c.http.Timeout = 300 * time.Millisecond
	if got := u.send(0); got.err == nil {
		t.Errorf("answered %d %s", got.status, got.body)
	}
	u.c.http.Timeout = 0
	u.finishes(s)
	if s.MaxInFlight("") != 1 {
		t.Errorf("%d slices in flight, want 1: the other was given up", s.MaxInFlight(""))
	}
}

func TestFault_dripsUntilTheClientLeaves(t *testing.T) {
	t.Parallel()
	s, u := faulty(t, baidutest.Rule{Endpoint: slice, Nth: 1, Action: baidutest.Drip, Rate: 16 << 10})
	u.c.http.Timeout = 500 * time.Millisecond
	if got := u.send(0); got.err == nil {
		t.Errorf("answered %d %s", got.status, got.body)
	}
	u.c.http.Timeout = 0
	u.finishes(s)
	if s.MaxInFlight("") != 1 {
		t.Errorf("%d slices in flight, want 1: the other was given up", s.MaxInFlight(""))
	}
}

func TestFault_dripPastTheGatewayIsCut(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{
		Limits: baidutest.Limits{Gateway: 500 * time.Millisecond},
		Faults: []baidutest.Rule{{Endpoint: slice, Nth: 1, Action: baidutest.Drip, Rate: 64 << 10}},
	})
	u := oauthClient(t, s).newUpload(appPath, 4*mib).begin()
	got := u.send(0)
	if got.err == nil && (got.status != http.StatusInternalServerError || got.body != "") {
		t.Errorf("%d %q", got.status, got.body)
	}
	if call := s.Calls(slice)[0]; call.Status != http.StatusInternalServerError {
		t.Errorf("counted as %+v", call)
	}
}

func TestFault_corruptSlices(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		action             baidutest.Action
		told, createMisses bool
	}{
		{baidutest.CorruptStored, false, true},
		{baidutest.CorruptAnswer, false, false},
		{baidutest.CorruptQuiet, true, true},
	} {
		s, u := faulty(t, baidutest.Rule{Endpoint: slice, Parts: []int{1}, Times: 1, Action: x.action})
		u.mustSend(0)
		got := u.send(1)
		u.mustSend(2)
		if told := got.text("md5") == baidutest.MD5(u.part(1)); told != x.told || len(got.text("md5")) != 32 {
			t.Errorf("%s: %s", x.action, got.body)
		}
		if missed := u.create().code() != 0; missed != x.createMisses {
			t.Errorf("%s: create misses the slice: %v", x.action, missed)
		}
		u.mustSend(1)
		if x.createMisses {
			u.finishes(s)
		}
	}
}

func TestFault_lostBlocks(t *testing.T) {
	t.Parallel()
	for action, listed := range map[baidutest.Action][]int{baidutest.LoseBlock: {1}, baidutest.LoseQuiet: {}} {
		s, u := faulty(t, baidutest.Rule{Endpoint: slice, Parts: []int{1}, Times: 1, Action: action})
		for n := range u.count() {
			u.mustSend(n)
		}
		if got := u.create(); got.code() != 31363 {
			t.Errorf("%s: %s", action, got.body)
		}
		if got := u.precreate().wanted(); !slices.Equal(got, listed) && len(got)+len(listed) > 0 {
			t.Errorf("%s: precreate lists %v, want %v", action, got, listed)
		}
		u.mustSend(1)
		u.finishes(s)
	}
}

func TestFault_sessionTokenQuotaTierHost(t *testing.T) {
	t.Parallel()
	second := func(action baidutest.Action) baidutest.Rule {
		return baidutest.Rule{Endpoint: slice, Nth: 2, Action: action}
	}
	_, u := faulty(t, second(baidutest.Expire))
	u.mustSend(0)
	u.send(1).expect(t, "the session", 403, 31363, "")

	_, u = faulty(t, second(baidutest.ExpireTokens))
	u.mustSend(0)
	u.send(1).expect(t, "the token", 401, 111, "")

	_, u = faulty(t, second(baidutest.RevokeTokens))
	u.mustSend(0)
	u.send(1).expect(t, "the authorisation", 401, 110, "")

	rule := second(baidutest.ShrinkQuota)
	rule.Bytes = mib
	_, u = faulty(t, rule)
	u.mustSend(0)
	u.mustSend(1)
	u.mustSend(2)
	if got := u.create(); got.code() != -10 {
		t.Errorf("the quota: %s", got.body)
	}

	_, u = faulty(t, second(baidutest.ChangeTier))
	u.slice = 8 * mib
	u.uploadid = ""
	u.begin()
	u.mustSend(0)
	if got := u.send(1); got.code() != 0 {
		t.Errorf("a last slice of 1 MiB fits every tier: %s", got.body)
	}
	u.send(0).expect(t, "the tier", 403, 31364, "")

	s, u := faulty(t, second(baidutest.HostDies), baidutest.Rule{Endpoint: baidutest.LocateUpload, Nth: 1, Action: baidutest.HostReturns})
	u.mustSend(0)
	for range 2 {
		if got := u.send(1); got.err == nil {
			t.Errorf("the dead host answered %d %s", got.status, got.body)
		}
	}
	u.c.locate()
	u.finishes(s)
}

func TestFault_ghostAndUnresolvableHost(t *testing.T) {
	t.Parallel()
	s, u := faulty(t, baidutest.Rule{Endpoint: baidutest.Create, Action: baidutest.Ghost},
		baidutest.Rule{Endpoint: baidutest.LocateUpload, Action: baidutest.NoSuchHost})
	for n := range u.count() {
		u.mustSend(n)
	}
	if got := u.create(); got.number("size") != 9*mib || s.Files("")[0].Size != 0 {
		t.Errorf("%s, and %+v", got.body, s.Files(""))
	}
	u.c.locate()
	if got := u.send(0); got.err == nil {
		t.Errorf("%s answered %s", u.c.slices, got.body)
	}
}

func TestFault_chanceDependsOnSeedAndSliceNotOnTheOrder(t *testing.T) {
	t.Parallel()
	fails := func(seed uint64, order []int) []int {
		s := baidutest.New(t, baidutest.Options{Seed: seed, Hash: baidutest.HashOff, Faults: []baidutest.Rule{
			{Endpoint: slice, Probability: 0.5, Action: baidutest.Status, Status: 500},
		}})
		u := oauthClient(t, s).newUpload(appPath, 0)
		u.content = make([]byte, 16*4*mib)
		u.begin()
		var failed []int
		for _, n := range order {
			if got := u.sendAs(u.query(n), nil); got.status == http.StatusInternalServerError {
				failed = append(failed, n)
			}
		}
		slices.Sort(failed)
		return failed
	}
	up := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	down := slices.Clone(up)
	slices.Reverse(down)
	first, again, other := fails(1, up), fails(1, down), fails(2, up)
	if !slices.Equal(first, again) || slices.Equal(first, other) || len(first) < 3 || len(first) > 13 {
		t.Errorf("seed 1: %v, in another order %v; seed 2: %v", first, again, other)
	}
}

func TestFault_everyAndTimesEndARule(t *testing.T) {
	t.Parallel()
	_, u := faulty(t, baidutest.Rule{Endpoint: slice, Every: 2, Times: 2, Action: baidutest.Status, Status: 500})
	var got []int
	for range 7 {
		got = append(got, u.sendAs(u.query(2), u.part(2)).status/100)
	}
	if want := []int{2, 5, 2, 5, 2, 2, 2}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestScript_isReadFromJSONAndRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	rules, err := baidutest.Script(strings.NewReader(`[{"endpoint":"superfile2","parts":[3],"times":1,"action":"status","status":500,"delay":"1.5s"}]`))
	if err != nil || len(rules) != 1 || rules[0].Delay.Duration != 1500*time.Millisecond || rules[0].Parts[0] != 3 {
		t.Errorf("%+v %v", rules, err)
	}
	for _, bad := range []string{`{}`, `[{"action":"explode"}]`, `[{"action":"hang","when":1}]`, `[{"action":"slow","delay":3}]`, `[{"endpoint":"superfile3","action":"hang"}]`} {
		if _, err := baidutest.Script(strings.NewReader(bad)); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}
