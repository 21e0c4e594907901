package baidutest_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/ngworks/nglive/worker/baidu/baidutest"
)

func TestShapes_errorsDifferPerFamily(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{})
	c := cookieClient(t, s)
	for name, x := range map[string]struct {
		got    answer
		status int
		shape  string
	}{
		"pan":   {c.get(c.pan+"/api/list", q("dir", "/nothing")), http.StatusOK, `"errno":-9[,}]`},
		"pcs":   {c.meta("/nothing"), http.StatusNotFound, `"error_code":31066,"error_msg":"file does not exist"`},
		"oauth": {c.refresh("x"), http.StatusBadRequest, `^{"error":"invalid_grant","error_description":".+"}$`},
	} {
		if x.got.status != x.status || !regexp.MustCompile(x.shape).MatchString(x.got.body) {
			t.Errorf("%s: %d %s, want %d and %s", name, x.got.status, x.got.body, x.status, x.shape)
		}
	}
	if got := c.cookieQuota(); got.json["request_id"] == nil || got.json["errno"] != nil {
		t.Errorf("%s", got.body)
	}
}

func TestShapes_numbersMayBeText(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{Answers: baidutest.Answers{RequestIDText: true, NumbersAsText: true}})
	u := oauthClient(t, s).newUpload(appPath, mib)
	u.begin()
	u.mustSend(0)
	if got := u.create(); !regexp.MustCompile(`"errno":"0".*"fs_id":"\d+".*"request_id":"\d+".*"size":"1048576"`).MatchString(got.body) {
		t.Errorf("%s", got.body)
	}
}

func TestShapes_blankLinesAndGzip(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{Answers: baidutest.Answers{BlankLines: true, Gzip: true}})
	c := oauthClient(t, s)
	if got := c.uinfo(); !strings.HasPrefix(got.body, "\r\n\n{") || got.code() != 0 { // net/http unzips
		t.Errorf("%q", got.body)
	}
	c.header = http.Header{"Accept-Encoding": {"identity"}}
	if got := c.uinfo(); !strings.HasPrefix(got.body, "\r\n\n{") {
		t.Errorf("identity: %q", got.body)
	}
	c.header = http.Header{"Accept-Encoding": {"br"}}
	if got := c.uinfo(); strings.HasPrefix(got.body, "\r\n\n{") {
		t.Errorf("not gzipped: %q", got.body)
	}
}

func TestShapes_vipTypeOrUinfoMayBeMissing(t *testing.T) {
	t.Parallel()
	c := oauthClient(t, baidutest.New(t, baidutest.Options{Answers: baidutest.Answers{NoVIPType: true}}))
	if got := c.uinfo(); got.code() != 0 || got.json["vip_type"] != nil {
		t.Errorf("%s", got.body)
	}
	c = oauthClient(t, baidutest.New(t, baidutest.Options{Answers: baidutest.Answers{NoUinfo: true}}))
	if got := c.uinfo(); got.status != http.StatusNotFound || len(got.json) != 0 {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestLocate_namesHostsThatAreListeners(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{TLS: true, Hosts: 2, Locate: baidutest.Locate{PlainToo: true, Rotate: true}})
	c := oauthClient(t, s)
	hosts := func(a answer) (all []string) {
		for _, x := range a.list("servers") {
			host, _ := x["server"].(string)
			all = append(all, host)
		}
		return all
	}
	first, second := c.locate(), c.locate()
	a, b := hosts(first), hosts(second)
	if len(a) != 3 || !strings.HasPrefix(a[0], "https://") || !strings.HasPrefix(a[2], "http://") || a[0] != b[1] || a[1] != b[0] {
		t.Errorf("%v, then %v", a, b)
	}
	if first.number("expire") != 60 || len(first.list("bak_servers")) == 0 || first.json["error_code"] == nil {
		t.Errorf("%s", first.body)
	}
	u := c.newUpload(appPath, mib).begin()
	u.c.slices = a[2]
	u.mustSend(0)
	if s.PlainSlices() != 1 {
		t.Errorf("%d slices in the clear were counted", s.PlainSlices())
	}
	bad := c.get(c.pcs+"/rest/2.0/pcs/file", q("method", "locateupload", "app_id", "250528"))
	bad.expect(t, "no upload_version", 400, 31023, "")
	bad = c.get(c.pcs+"/rest/2.0/pcs/file", q("method", "locateupload", "upload_version", "2.0"))
	bad.expect(t, "no app_id", 400, 31023, "")
}

func TestLocate_firstHostMayBeDead(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{Locate: baidutest.Locate{FirstDead: true}})
	u := oauthClient(t, s).newUpload(appPath, mib).begin()
	if got := u.send(0); got.err == nil {
		t.Errorf("a dead host answered %s", got.body)
	}
	s.SetHostDown(0, false)
	u.mustSend(0)
}

func TestListing_pages(t *testing.T) {
	t.Parallel()
	c := cookieClient(t, baidutest.New(t, baidutest.Options{}))
	for _, name := range []string{"a", "b", "c"} {
		if got := c.post(c.pcs+"/rest/2.0/pcs/file", q("method", "mkdir", "app_id", "266719", "path", "/x/"+name), url.Values{}); got.code() != 0 {
			t.Fatalf("%s", got.body)
		}
	}
	page := func(n string) int {
		return len(c.get(c.pan+"/api/list", q("dir", "/x", "num", "2", "page", n)).list("list"))
	}
	if page("1") != 2 || page("2") != 1 || page("3") != 0 {
		t.Errorf("pages of %d, %d and %d", page("1"), page("2"), page("3"))
	}
	o := oauthClient(t, baidutest.New(t, baidutest.Options{}))
	if got := o.get(o.pan+"/rest/2.0/xpan/file", q("method", "list", "dir", "/", "limit", "1001")); got.code() != 2 {
		t.Errorf("limit 1001: %s", got.body)
	}
	if got := o.get(o.pan+"/rest/2.0/xpan/multimedia", q("method", "filemetas", "fsids", "1")); got.code() != 2 {
		t.Errorf("fsids that are no list: %s", got.body)
	}
}

func TestFiles_areMadeMovedAndDeleted(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{})
	c := cookieClient(t, s)
	c.newUpload(anyPath, mib).all()
	pcs := func(method string, pairs ...string) answer {
		return c.post(c.pcs+"/rest/2.0/pcs/file", with(q("method", method, "app_id", "266719"), pairs...), url.Values{})
	}
	if got := c.get(c.pcs+"/rest/2.0/pcs/file", q("method", "mkdir", "app_id", "266719", "path", "/by/get")); got.text("path") != "/by/get" {
		t.Errorf("mkdir by GET, as BaiduPCS-Py asks it: %d %s", got.status, got.body)
	}
	pcs("mkdir", "path", "/直播").expect(t, "a folder that exists", 400, 31061, "exists")
	pcs("delete", "path", "/nothing").expect(t, "deleting nothing", 404, 31066, "")
	pcs("move", "from", anyPath, "to", "/直播/b?.flv").expect(t, "a bad name", 400, 31062, "")
	if got := pcs("copy", "from", "/直播/23058", "to", "/二"); got.code() != 0 || len(s.Files("")) != 2 || len(s.Duplicates("")) != 1 {
		t.Errorf("%s %v", got.body, s.Files(""))
	}
	if got := pcs("move", "from", anyPath, "to", "/b.flv"); got.code() != 0 || s.Files("")[0].Path != "/b.flv" {
		t.Errorf("%s %v", got.body, s.Files(""))
	}
	if got := pcs("delete", "path", "/二"); got.code() != 0 || len(s.Files("")) != 1 {
		t.Errorf("%s %v", got.body, s.Files(""))
	}
	o := oauthClient(t, s)
	manage := func(opera, list string) answer {
		return o.post(o.pan+"/rest/2.0/xpan/file", q("method", "filemanager", "opera", opera), q("async", "0", "filelist", list, "ondup", "fail"))
	}
	if got := manage("rename", `[{"path":"/nothing","newname":"x"}]`); got.code() != 12 {
		t.Errorf("renaming nothing: %s", got.body)
	}
	o.newUpload(appPath, mib).all()
	if got := manage("rename", `[{"path":"`+appPath+`","newname":"b.flv"}]`); got.code() != 0 || s.Files("")[0].Path != "/apps/nglive/23058/b.flv" {
		t.Errorf("%s %v", got.body, s.Files(""))
	}
	if got := manage("delete", `["/apps/nglive/23058/b.flv"]`); got.code() != 0 || len(s.Files("")) != 1 {
		t.Errorf("%s %v", got.body, s.Files(""))
	}
	if got := c.post(c.pan+"/api/filemanager", q("opera", "delete"), q("filelist", `["/b.flv"]`)); got.code() != 2 {
		t.Errorf("by cookie without bdstoken: %s", got.body)
	}
	found := c.get(c.pcs+"/rest/2.0/pcs/file", q("method", "search", "app_id", "266719", "path", "/", "wd", "B.flv", "re", "1"))
	if len(found.list("list")) != 1 {
		t.Errorf("%s", found.body)
	}
}
