package baidutest_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ngworks/nglive/worker/baidu/baidutest"
)

func TestPrecreate_refusesWhatBaiduRefuses(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{})
	c := oauthClient(t, s)
	u := c.newUpload(appPath, 9*mib)
	for name, x := range map[string]struct {
		field, value string
		want         int
	}{
		"no path":               {"path", "", 2},
		"relative path":         {"path", "apps/nglive/a.flv", 2},
		"path with a dot dot":   {"path", "/apps/nglive/../x/a.flv", 2},
		"another folder":        {"path", "/a.flv", 31064},
		"another application":   {"path", "/apps/other/a.flv", 31064},
		"a name that begins so": {"path", "/apps/nglive2/a.flv", 31064},
		"the folder itself":     {"path", "/apps/nglive", 31064},
		"reserved characters":   {"path", "/apps/nglive/a?.flv", -7},
		"control characters":    {"path", "/apps/nglive/a\x07.flv", -7},
		"a blank at the end":    {"path", "/apps/nglive/a.flv ", -7},
		"emoji":                 {"path", "/apps/nglive/a🎉.flv", -7},
		"encoded twice":         {"path", "/apps/nglive/x%2Fa.flv", -7},
		"a very long name":      {"path", "/apps/nglive/" + strings.Repeat("a", 256), -7},
		"0 bytes":               {"size", "0", 2},
		"no size":               {"size", "", 2},
		"text as size":          {"size", "9MiB", 2},
		"no autoinit":           {"autoinit", "", 2},
		"autoinit 0":            {"autoinit", "0", 2},
		"no isdir":              {"isdir", "", 2},
		"unknown rtype":         {"rtype", "4", 2},
		"no block_list":         {"block_list", "", 2},
		"block_list no JSON":    {"block_list", u.md5s()[0], 2},
		"empty block_list":      {"block_list", "[]", 2},
		"upper-case md5s":       {"block_list", strings.ToUpper(u.blockList()), 2},
		"short md5s":            {"block_list", `["abc","def","012"]`, 2},
		"too few blocks":        {"size", strconv.FormatInt(97*mib, 10), 2},
		"too many blocks":       {"size", strconv.FormatInt(8*mib, 10), 2},
		"more than is free":     {"size", "", 2},
	} {
		if got := u.precreate(x.field, x.value); got.code() != x.want || got.status != http.StatusOK || got.json["errno"] == nil {
			t.Errorf("%s: %d %s, want errno %d", name, got.status, got.body, x.want)
		}
	}
	if got := u.precreate(); got.code() != 0 || got.number("return_type") != 1 || !slices.Equal(got.wanted(), []int{0, 1, 2}) {
		t.Errorf("the right one: %s", got.body)
	}
	if got := c.get(c.pan+"/rest/2.0/xpan/file", q("method", "precreate")); got.status != http.StatusMethodNotAllowed {
		t.Errorf("a GET: %d %s", got.status, got.body)
	}
	if got := c.do(http.MethodPost, c.pan+"/rest/2.0/xpan/file", q("method", "precreate"), "application/json", strings.NewReader("{}"), 0); got.code() != 2 {
		t.Errorf("JSON: %d %s", got.status, got.body)
	}
}

func TestPrecreate_byCookieKnowsNoFolderOfAnApplication(t *testing.T) {
	t.Parallel()
	c := cookieClient(t, baidutest.New(t, baidutest.Options{}))
	u := c.newUpload(anyPath, 5*mib)
	if got := u.precreate("target_path", "/直播/23058/"); got.code() != 0 {
		t.Errorf("%s", got.body)
	}
	if got := u.precreate("target_path", "/elsewhere/"); got.code() != 2 {
		t.Errorf("a target_path that is not the folder: %s", got.body)
	}
}

// blocks are n md5s as text.
func blocks(n int) string {
	list := slices.Repeat([]string{baidutest.MD5(nil)}, n)
	text, _ := json.Marshal(list)
	return string(text)
}

func TestPrecreate_countOfBlocksFitsSomeSliceSizeOfTheTier(t *testing.T) {
	t.Parallel()
	account := baidutest.DefaultAccount()
	for _, x := range []struct {
		tier  baidutest.Tier
		size  int64
		count int
		want  int
	}{
		{baidutest.Normal, 100 * mib, 25, 0},
		{baidutest.Normal, 100 * mib, 24, 2},
		{baidutest.Normal, 100*mib + 1, 26, 0},
		{baidutest.Normal, 5 * mib, 1, 2},
		{baidutest.Member, 5 * mib, 1, 0},
		{baidutest.Member, 100 * mib, 7, 0},
		{baidutest.Member, 100 * mib, 6, 2},
		{baidutest.SVIP, 100 * mib, 4, 0},
		{baidutest.SVIP, 100 * mib, 26, 2},
		{baidutest.SVIP, 8*baidutest.GiB - 1, 2048, 0},
		{baidutest.SVIP, 8*baidutest.GiB + 1, 2049, 2},
	} {
		account.Tier = x.tier
		s := baidutest.New(t, baidutest.Options{Accounts: []baidutest.Account{account}})
		u := oauthClient(t, s).newUpload(appPath, 1)
		if got := u.precreate("size", strconv.FormatInt(x.size, 10), "block_list", blocks(x.count)); got.code() != x.want {
			t.Errorf("tier %d, %d bytes in %d blocks: %s, want %d", x.tier, x.size, x.count, got.body, x.want)
		}
	}
	s := baidutest.New(t, baidutest.Options{Strict: baidutest.Strict{Parts: true}})
	u := oauthClient(t, s).newUpload(appPath, 1)
	if got := u.precreate("size", strconv.FormatInt(4100*mib, 10), "block_list", blocks(1025)); got.code() != 2 {
		t.Errorf("1025 blocks where 1024 are allowed: %s", got.body)
	}
}

func TestPrecreate_refusesWhatDoesNotFitTheQuota(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{})
	s.SetQuota("", 8*mib)
	if got := oauthClient(t, s).newUpload(appPath, 9*mib).precreate(); got.code() != -10 {
		t.Errorf("%s, want -10", got.body)
	}
}

func TestPrecreate_withoutTheRightToUpload(t *testing.T) {
	t.Parallel()
	app := baidutest.DefaultApp()
	app.NoUpload = true
	c := oauthClient(t, baidutest.New(t, baidutest.Options{App: app}))
	if got := c.newUpload(appPath, mib).precreate(); got.code() != 31024 {
		t.Errorf("%s, want 31024", got.body)
	}
}

func TestPrecreate_rtype0RefusesWhatExists(t *testing.T) {
	t.Parallel()
	c := oauthClient(t, baidutest.New(t, baidutest.Options{}))
	u := c.newUpload(appPath, mib)
	u.all()
	for rtype, want := range map[string]int{"0": -8, "1": 0, "2": 0, "3": 0} {
		if got := u.precreate("rtype", rtype, "uploadid", ""); got.code() != want {
			t.Errorf("rtype %s: %s, want %d", rtype, got.body, want)
		}
	}
}

func TestPrecreate_againWithTheUploadidListsWhatIsMissing(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{})
	u := oauthClient(t, s).newUpload(appPath, 9*mib).begin()
	id := u.uploadid
	u.mustSend(1)
	if got := u.precreate(); got.text("uploadid") != id || !slices.Equal(got.wanted(), []int{0, 2}) {
		t.Errorf("%s, want the same uploadid and [0,2]", got.body)
	}
	if got := u.precreate("uploadid", ""); got.text("uploadid") == id || len(got.wanted()) != 3 {
		t.Errorf("without uploadid: %s, want a new one that wants all", got.body)
	}
	if got := u.precreate("uploadid", "N1-unknown"); got.text("uploadid") == "N1-unknown" || len(got.wanted()) != 3 {
		t.Errorf("with an unknown uploadid: %s, want a new one", got.body)
	}
	u.uploadid = id
	if got := u.precreate("path", "/apps/nglive/other.flv"); got.text("uploadid") == id {
		t.Errorf("for another path: %s, want a new one", got.body)
	}
	u.uploadid = id
	s.Advance(25 * time.Hour)
	s.ExpireTokens("")
	u.c.token = s.Authorise("").Access
	if got := u.precreate(); got.text("uploadid") == id || len(got.wanted()) != 3 {
		t.Errorf("after its time: %s, want a new one", got.body)
	}
}

func TestPrecreate_emptyListMayMeanTheFirstBlock(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{Answers: baidutest.Answers{EmptyMeansFirst: true}})
	u := oauthClient(t, s).newUpload(appPath, mib)
	if got := u.precreate(); !strings.Contains(got.body, `"block_list":[]`) {
		t.Errorf("%s, want an empty list", got.body)
	}
}

func TestPrecreate_lazyIsForCookiesAndForItsTwoHashesOnly(t *testing.T) {
	t.Parallel()
	lazy := q("path", appPath, "autoinit", "1", "rtype", "2", "block_list", `["5910a591dd8fc18c32a8f3df4fdc1761","a5fc157d78e6ad1c7e114b056c92821e"]`)
	s := baidutest.New(t, baidutest.Options{})
	if got := oauthClient(t, s).front("precreate", lazy); got.code() != 2 {
		t.Errorf("with a token: %s, want 2", got.body)
	}
	c := cookieClient(t, s)
	if got := c.front("precreate", lazy); got.code() != 0 {
		t.Errorf("with a cookie: %s", got.body)
	}
	if got := c.front("precreate", with(lazy, "block_list", blocks(2))); got.code() != 2 {
		t.Errorf("with other hashes and no size: %s, want 2", got.body)
	}
	allowed := baidutest.New(t, baidutest.Options{Strict: baidutest.Strict{LazyOAuth: true}})
	if got := oauthClient(t, allowed).front("precreate", lazy); got.code() != 0 {
		t.Errorf("with a token, where that is allowed: %s", got.body)
	}
}

func TestPrecreate_isDoneAtOnceWithContentThatBaiduHas(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{KeepContent: true})
	u := oauthClient(t, s).newUpload(appPath, 5*mib)
	u.all()
	proof := []string{"uploadid", "", "path", "/apps/nglive/b.flv", "content-md5", baidutest.MD5(u.content), "slice-md5", baidutest.MD5(u.content[:256<<10])}
	if got := u.precreate(append(proof, "slice-md5", baidutest.MD5(nil))...); got.number("return_type") != 1 {
		t.Errorf("with a wrong slice-md5: %s", got.body)
	}
	if got := u.precreate(proof...); got.number("return_type") != 2 {
		t.Errorf("%s, want return_type 2", got.body)
	}
	c := cookieClient(t, s)
	v := c.newUpload(anyPath, 5*mib)
	proof[3] = anyPath
	if got := v.precreate(proof...); got.number("return_type") != 1 {
		t.Errorf("by cookie without data_content: %s", got.body)
	}
	window := base64.RawStdEncoding.EncodeToString(u.content[mib : mib+4096])
	proof = append(proof, "data_offset", strconv.FormatInt(mib, 10), "data_length", "4096", "data_time", "1", "data_content", window)
	if got := v.precreate(append(proof, "data_offset", "5")...); got.number("return_type") != 1 {
		t.Errorf("by cookie with another window: %s", got.body)
	}
	if got := v.precreate(proof...); got.number("return_type") != 2 {
		t.Errorf("by cookie: %s", got.body)
	}
	if len(s.Files("")) != 3 || s.Bytes() != 5*mib {
		t.Errorf("%d files of %d sent bytes", len(s.Files("")), s.Bytes())
	}
}
