package baidutest_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/ngworks/nglive/worker/baidu/baidutest"
)

const (
	appPath = "/apps/nglive/23058/a.flv"
	anyPath = "/直播/23058/a.flv"
)

func TestUpload_withTokenFromLoginToListing(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{KeepContent: true})
	c := oauthClient(t, s)
	if a := c.get(c.pan+"/rest/2.0/xpan/nas", q("method", "uinfo")); a.number("vip_type") != 2 || a.number("uk") != 1000001 {
		t.Fatalf("uinfo answered %s", a.body)
	}
	if a := c.get(c.pan+"/api/quota", q("checkfree", "1", "checkexpire", "1")); a.number("total") != 2048*baidutest.GiB || a.number("free") != 2048*baidutest.GiB {
		t.Fatalf("quota answered %s", a.body)
	}
	u := c.newUpload(appPath, 9*mib)
	made := u.all()
	if made.number("size") != 9*mib || made.text("path") != appPath {
		t.Errorf("create answered %s", made.body)
	}
	list := c.get(c.pan+"/rest/2.0/xpan/file", q("method", "list", "dir", "/apps/nglive/23058", "limit", "1000")).list("list")
	if len(list) != 1 || fmt.Sprint(list[0]["fs_id"]) != made.text("fs_id") {
		t.Errorf("list shows %v", list)
	}
	metas := c.get(c.pan+"/rest/2.0/xpan/multimedia", q("method", "filemetas", "fsids", "["+made.text("fs_id")+"]")).list("list")
	if len(metas) != 1 || fmt.Sprint(metas[0]["md5"]) != made.text("md5") {
		t.Errorf("filemetas shows %v", metas)
	}
	f := s.OnlyFile(t, "", appPath, u.md5s())
	if !slices.Equal(f.Content, u.content) {
		t.Error("the stored bytes are not those that were sent")
	}
	if s.Bytes() != 9*mib || s.Requests(baidutest.SuperFile2) != 3 {
		t.Errorf("%d bytes in %d slices were counted", s.Bytes(), s.Requests(baidutest.SuperFile2))
	}
}

func TestUpload_withCookieFromQuotaToMeta(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{})
	c := cookieClient(t, s)
	if a := c.get(c.pan+"/api/user/getinfo", q("need_selfinfo", "1")); len(a.list("records")) != 1 || fmt.Sprint(a.list("records")[0]["vip_type"]) != "2" {
		t.Fatalf("getinfo answered %s", a.body)
	}
	if a := c.get(c.pcs+"/rest/2.0/pcs/quota", q("method", "info", "app_id", "266719")); a.number("quota") != 2048*baidutest.GiB {
		t.Fatalf("quota answered %s", a.body)
	}
	u := c.newUpload(anyPath, 9*mib)
	u.all()
	if list := c.get(c.pan+"/api/list", q("dir", "/直播/23058", "num", "1000", "page", "1")).list("list"); len(list) != 1 {
		t.Errorf("list shows %v", list)
	}
	meta := c.meta(anyPath)
	if list := meta.list("list"); len(list) != 1 || fmt.Sprint(list[0]["block_list"]) != fmt.Sprint(u.md5s()) {
		t.Errorf("meta answered %s", meta.body)
	}
	s.OnlyFile(t, "", anyPath, u.md5s())
}

func TestUpload_lazyByCookieTellsNothingBeforeCreate(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{})
	c := cookieClient(t, s)
	u := c.newUpload(anyPath, 9*mib)
	u.precreateForm(q("path", anyPath, "target_path", "/直播/23058/", "autoinit", "1", "rtype", "2",
		"block_list", `["5910a591dd8fc18c32a8f3df4fdc1761","a5fc157d78e6ad1c7e114b056c92821e"]`))
	if u.uploadid == "" {
		t.Fatal("a lazy precreate got no uploadid")
	}
	c.locate()
	for n := range u.count() {
		u.mustSend(n)
	}
	for _, wrong := range []string{strconv.FormatInt(9*mib-1, 10), strconv.FormatInt(9*mib+1, 10)} {
		if a := u.create("size", wrong); a.code() != 10 {
			t.Errorf("create with %s bytes, which are not those that came, answered %s", wrong, a.body)
		}
	}
	if a := u.create("target_path", "/直播/23058"); a.code() != 0 {
		t.Fatalf("create answered %s", a.body)
	}
	s.OnlyFile(t, "", anyPath, u.md5s())
}
