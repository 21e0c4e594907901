package baidutest_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ngworks/nglive/worker/baidu/baidutest"
)

// sent is an upload whose slices are all there.
func sent(t *testing.T, c *client, path string, size int64) *upload {
	t.Helper()
	u := c.newUpload(path, size).begin()
	for n := range u.count() {
		u.mustSend(n)
	}
	return u
}

func TestCreate_refusesWhatIsNotWhatWasSent(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{})
	u := sent(t, oauthClient(t, s), appPath, 9*mib)
	m := u.md5s()
	list := func(md5s ...string) string { return `["` + strings.Join(md5s, `","`) + `"]` }
	for name, x := range map[string]struct {
		field, value string
		want         int
	}{
		"another path":        {"path", "/apps/nglive/b.flv", 2},
		"not our folder":      {"path", "/b.flv", 31064},
		"no isdir":            {"isdir", "", 2},
		"no uploadid":         {"uploadid", "", 31190},
		"an unknown uploadid": {"uploadid", "N1-x", 31363},
		"another size":        {"size", strconv.FormatInt(9*mib+1, 10), 10},
		"0 bytes":             {"size", "0", 2},
		"a block too few":     {"block_list", list(m[0], m[1]), 10},
		"a block too many":    {"block_list", list(m[0], m[1], m[2], m[2]), 31363},
		"blocks swapped":      {"block_list", list(m[1], m[0], m[2]), 31190},
		"a block of another":  {"block_list", list(m[0], m[1], baidutest.MD5(nil)), 31190},
		"upper-case md5s":     {"block_list", strings.ToUpper(list(m...)), 2},
		"unknown rtype":       {"rtype", "9", 2},
		"another target_path": {"target_path", "/x", 2},
	} {
		if got := u.create(x.field, x.value); got.code() != x.want || got.json["errno"] == nil || got.status != http.StatusOK {
			t.Errorf("%s: %d %s, want errno %d", name, got.status, got.body, x.want)
		}
	}
	if len(s.Files("")) != 0 {
		t.Errorf("refused creates made %v", s.Files(""))
	}
	if got := u.create(); got.code() != 0 {
		t.Errorf("the right one: %s", got.body)
	}
}

func TestCreate_missesABlockThatWasNotSent(t *testing.T) {
	t.Parallel()
	u := oauthClient(t, baidutest.New(t, baidutest.Options{})).newUpload(appPath, 9*mib).begin()
	u.mustSend(0)
	u.mustSend(2)
	if got := u.create(); got.code() != 31363 {
		t.Errorf("%s, want 31363", got.body)
	}
}

func TestCreate_ofLazySlicesThatDifferInSizeIsRefused(t *testing.T) {
	t.Parallel()
	u := cookieClient(t, baidutest.New(t, baidutest.Options{})).newUpload(anyPath, 14*mib)
	u.precreateForm(q("path", anyPath, "autoinit", "1", "rtype", "2", "block_list", `["5910a591dd8fc18c32a8f3df4fdc1761","a5fc157d78e6ad1c7e114b056c92821e"]`))
	u.c.locate()
	pieces := [][]byte{u.content[:4*mib], u.content[4*mib : 10*mib], u.content[10*mib:]}
	var md5s []string
	for n, piece := range pieces {
		if got := u.sendAs(u.query(n), piece); got.text("md5") != baidutest.MD5(piece) {
			t.Fatalf("slice %d: %s", n, got.body)
		}
		md5s = append(md5s, baidutest.MD5(piece))
	}
	if got := u.create("block_list", `["`+strings.Join(md5s, `","`)+`"]`); got.code() != 31299 {
		t.Errorf("%s, want 31299", got.body)
	}
}

func TestCreate_refusesFilesLargerThanTheTierOnlyAtTheEnd(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{Limits: baidutest.Limits{MaxFile: [3]int64{8 * mib, 16 * mib, 32 * mib}}})
	u := sent(t, oauthClient(t, s), appPath, 9*mib)
	s.SetTier("", baidutest.Normal) // the membership lapsed
	if got := u.create(); got.code() != 31365 {
		t.Errorf("%s, want 31365", got.body)
	}
	s.SetTier("", baidutest.SVIP)
	if got := u.create(); got.code() != 0 {
		t.Errorf("%s", got.body)
	}
}

func TestCreate_checksTheQuotaAgain(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{})
	u := sent(t, oauthClient(t, s), appPath, mib)
	s.SetQuota("", mib-1)
	if got := u.create(); got.code() != -10 {
		t.Errorf("%s, want -10", got.body)
	}
	s.SetQuota("", mib)
	if got := u.create(); got.code() != 0 {
		t.Errorf("%s", got.body)
	}
	if got := u.c.get(u.c.pan+"/api/quota", nil); got.number("used") != mib || got.number("free") != 0 {
		t.Errorf("%s", got.body)
	}
}

func TestCreate_doesNotSeeSlicesOfAnotherHostWhenSticky(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{Strict: baidutest.Strict{StickyHost: true}})
	u := oauthClient(t, s).newUpload(appPath, 9*mib).begin()
	u.mustSend(0)
	u.mustSend(1)
	u.c.slices = s.URLs().Hosts[1]
	u.mustSend(2)
	if got := u.create(); got.code() != 10 {
		t.Errorf("%s, want 10", got.body)
	}
	u.c.slices = s.URLs().Hosts[0]
	u.mustSend(2)
	if got := u.create(); got.code() != 0 {
		t.Errorf("%s", got.body)
	}
}

func TestCreate_losesWhatGoesToAHostThatWasNotLocated(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{Limits: baidutest.Limits{FixedHost: 5 * mib}})
	u := oauthClient(t, s).newUpload(appPath, 9*mib).begin()
	u.c.slices = s.URLs().PCS
	for n := range u.count() {
		u.mustSend(n)
	}
	if got := u.create(); got.code() != 31363 {
		t.Errorf("%s, want 31363", got.body)
	}
}

func TestCreate_hidesTheMD5AndItIsThatOfTheContentOrOfTheList(t *testing.T) {
	t.Parallel()
	if got := baidutest.Hidden("d033a1b6d912dfa7e2d6d27211cac9f1"); got != "d8319ac05p986c5910e98c966b7d1f9d" {
		t.Errorf("the known sample is hidden as %s", got)
	}
	c := oauthClient(t, baidutest.New(t, baidutest.Options{}))
	one := c.newUpload("/apps/nglive/one.flv", 3*mib)
	if got := one.all().text("md5"); got != baidutest.Hidden(baidutest.MD5(one.content)) || got[9] < 'g' || got[9] > 'v' {
		t.Errorf("one block: %s", got)
	}
	many := c.newUpload("/apps/nglive/many.flv", 9*mib)
	if got := many.all().text("md5"); got != baidutest.Hidden(baidutest.MD5([]byte(many.blockList()))) {
		t.Errorf("several blocks: %s", got)
	}
}

func TestCreate_fileIsSeenAfterAWhile(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{Limits: baidutest.Limits{VisibleDelay: time.Minute}})
	c := oauthClient(t, s)
	u := c.newUpload(appPath, mib)
	id := u.all().text("fs_id")
	seen := func() bool {
		listed := len(c.get(c.pan+"/rest/2.0/xpan/file", q("method", "list", "dir", "/apps/nglive/23058")).list("list")) == 1
		metas := len(c.get(c.pan+"/rest/2.0/xpan/multimedia", q("method", "filemetas", "fsids", "["+id+"]")).list("list")) == 1
		meta := c.meta(appPath).status == http.StatusOK
		if listed != metas || metas != meta {
			t.Errorf("list %v, filemetas %v, meta %v", listed, metas, meta)
		}
		return meta
	}
	if seen() {
		t.Error("it is seen at once")
	}
	s.Advance(time.Minute)
	if !seen() {
		t.Error("it is not seen after its delay")
	}
}

func TestCreate_againObeysRtype(t *testing.T) {
	t.Parallel()
	for rtype, x := range map[string]struct {
		code  int
		paths []string
	}{
		"0": {-8, []string{appPath}},
		"1": {0, []string{"/apps/nglive/23058/a(1).flv", appPath}},
		"2": {0, []string{appPath}},
		"3": {0, []string{appPath}},
	} {
		s := baidutest.New(t, baidutest.Options{})
		u := oauthClient(t, s).newUpload(appPath, mib)
		first := u.all()
		again := u.create("rtype", rtype)
		if again.code() != x.code || rtype == "2" && again.text("fs_id") != first.text("fs_id") {
			t.Errorf("rtype %s: %s, want %d", rtype, again.body, x.code)
		}
		var paths []string
		for _, f := range s.Files("") {
			paths = append(paths, f.Path)
		}
		if !slices.Equal(paths, x.paths) {
			t.Errorf("rtype %s leaves %v, want %v", rtype, paths, x.paths)
		}
		if twice := s.Duplicates(""); (len(twice) > 0) != (rtype == "1") {
			t.Errorf("rtype %s: duplicates %v", rtype, twice)
		}
	}
}

func TestCreate_rtype2RenamesOtherContentAndRtype3ReplacesIt(t *testing.T) {
	t.Parallel()
	for rtype, want := range map[string]int{"2": 2, "3": 1} {
		s := baidutest.New(t, baidutest.Options{})
		c := oauthClient(t, s)
		c.newUpload(appPath, mib).all()
		other := c.newUpload(appPath, mib)
		other.content = random(2*mib, 9)
		other.begin()
		other.mustSend(0)
		made := other.create("rtype", rtype)
		again := other.create("rtype", rtype)
		if made.code() != 0 || len(s.Files("")) != want || again.text("path") != made.text("path") {
			t.Errorf("rtype %s: %s, %d files, then %s", rtype, made.body, len(s.Files("")), again.body)
		}
	}
}

func TestCreate_makesFolders(t *testing.T) {
	t.Parallel()
	c := oauthClient(t, baidutest.New(t, baidutest.Options{}))
	form := q("path", "/apps/nglive/new", "isdir", "1", "size", "0", "rtype", "0")
	if got := c.front("create", form); got.code() != 0 || got.number("isdir") != 1 {
		t.Errorf("%s", got.body)
	}
	if got := c.front("create", form); got.code() != -8 {
		t.Errorf("%s, want -8", got.body)
	}
	if got := c.front("create", with(form, "path", "/elsewhere")); got.code() != 31064 {
		t.Errorf("%s, want 31064", got.body)
	}
	list := c.get(c.pan+"/rest/2.0/xpan/file", q("method", "list", "dir", "/apps/nglive")).list("list")
	if len(list) != 1 || fmt.Sprint(list[0]["isdir"]) != "1" {
		t.Errorf("%v", list)
	}
}
