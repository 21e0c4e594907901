package baidutest_test

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/ngworks/nglive/worker/baidu/baidutest"
)

// whole uploads bytes in one request, by PCS.
func (c *client) whole(content []byte, pairs ...string) answer {
	c.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file, _ := form.CreateFormFile("file", "file")
	_, _ = file.Write(content)
	_ = form.Close()
	return c.do(http.MethodPost, c.pcs+"/rest/2.0/pcs/file", with(q("method", "upload"), pairs...), form.FormDataContentType(), &body, 0)
}

func TestWhole_namesTheFileByItsPathOrByFolderAndName(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{})
	c, content := cookieClient(t, s), random(mib, 3)
	got := c.whole(content, "path", anyPath, "ondup", "overwrite")
	if got.text("md5") != baidutest.Hidden(baidutest.MD5(content)) || got.number("size") != mib || got.text("path") != anyPath {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := c.whole(content, "dir", "/直播", "filename", "b.flv"); got.text("path") != "/直播/b.flv" {
		t.Errorf("by folder and name: %d %s", got.status, got.body)
	}
	if got := c.whole(content, "path", anyPath); got.code() != 31061 {
		t.Errorf("over a file that is there: %d %s", got.status, got.body)
	}
	if got := c.whole(nil, "path", "/empty"); got.code() != 31023 {
		t.Errorf("an empty one: %d %s", got.status, got.body)
	}
	if got := c.get(c.pcs+"/rest/2.0/pcs/file", q("method", "rapidupload", "path", "/a", "content-length", "1", "content-md5", "x", "slice-md5", "x")); got.code() != 31079 || got.status != http.StatusNotFound {
		t.Errorf("rapidupload: %d %s", got.status, got.body)
	}
}

func (c *client) combine(md5s []string, pairs ...string) answer {
	param, _ := json.Marshal(map[string]any{"block_list": md5s})
	return c.post(c.pcs+"/rest/2.0/pcs/file", with(q("method", "createsuperfile", "path", anyPath, "ondup", "overwrite"), pairs...), url.Values{"param": {string(param)}})
}

func TestOldSlices_areDeadUnlessToldOtherwise(t *testing.T) {
	t.Parallel()
	c := cookieClient(t, baidutest.New(t, baidutest.Options{}))
	if got := c.whole(random(mib, 1), "type", "tmpfile"); got.code() != 31299 || got.json["md5"] != nil {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := c.combine([]string{"x", "y"}); got.code() != 31299 {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestOldSlices_becomeAFile(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{OldSlices: true, KeepContent: true})
	c, content := cookieClient(t, s), random(5*mib, 4)
	var md5s []string
	for part := range slices.Chunk(content, int(2*mib)) {
		got := c.whole(part, "type", "tmpfile")
		if got.text("md5") != baidutest.MD5(part) {
			t.Fatalf("%d %s", got.status, got.body)
		}
		md5s = append(md5s, got.text("md5"))
	}
	if got := c.combine(append(slices.Clone(md5s), strings.Repeat("0", 32))); got.code() != 31081 || got.status != http.StatusNotFound {
		t.Errorf("with a slice that nobody sent: %d %s", got.status, got.body)
	}
	if got := c.combine(nil); got.code() != 31023 {
		t.Errorf("of no slices: %d %s", got.status, got.body)
	}
	if got := c.combine(md5s); got.text("md5") != baidutest.Hidden(baidutest.MD5(content)) || got.number("size") != 5*mib {
		t.Errorf("%d %s", got.status, got.body)
	}
	if f := s.OnlyFile(t, "", anyPath, md5s); !bytes.Equal(f.Content, content) || s.Bytes() != 5*mib {
		t.Errorf("%d bytes were counted, and the content differs", s.Bytes())
	}
	if got := c.combine(md5s, "ondup", "fail"); got.code() != 31061 {
		t.Errorf("over a file that is there: %d %s", got.status, got.body)
	}
	other := oauthClient(t, s)
	if got := other.combine(md5s); got.code() != 31064 {
		t.Errorf("an application outside of its folder: %d %s", got.status, got.body)
	}
}

func TestDiskPage_holdsTheBdstokenForTheSTOKEN(t *testing.T) {
	t.Parallel()
	c := cookieClient(t, baidutest.New(t, baidutest.Options{}))
	variables := c.get(c.pan+"/api/gettemplatevariable", q("fields", `["bdstoken"]`))
	result, _ := variables.json["result"].(map[string]any)
	token, _ := result["bdstoken"].(string)
	for _, at := range []string{"/disk/home", "/disk/main"} {
		if got := c.get(c.pan+at, nil); !strings.Contains(got.body, `"bdstoken":"`+token+`"`) || len(token) != 32 {
			t.Errorf("%s: %d %s", at, got.status, got.body)
		}
	}
	c.stoken = ""
	if got := c.get(c.pan+"/disk/home", nil); strings.Contains(got.body, "bdstoken") {
		t.Errorf("without STOKEN: %s", got.body)
	}
}

func TestListing_ofPCSObeysItsOwnWords(t *testing.T) {
	t.Parallel()
	c := cookieClient(t, baidutest.New(t, baidutest.Options{}))
	for i, name := range []string{"b", "a", "c"} {
		if got := c.whole(random(int64(i+1)*1000, 1), "path", "/x/"+name); got.code() != 0 {
			t.Fatalf("%s", got.body)
		}
	}
	names := func(pairs ...string) (all string) {
		for _, f := range c.get(c.pcs+"/rest/2.0/pcs/file", with(q("method", "list", "path", "/x"), pairs...)).list("list") {
			all += strings.TrimPrefix(f["path"].(string), "/x/")
		}
		return all
	}
	for want, pairs := range map[string][]string{
		"abc": {"by", "name", "order", "asc", "limit", "0-2147483647"}, "cba": {"by", "name", "order", "desc"}, "bac": {"by", "size", "order", "asc"},
		"cab": {"by", "size", "order", "desc"}, "b": {"limit", "1-2"}, "": {"limit", "5"},
	} {
		if got := names(pairs...); got != want {
			t.Errorf("%v: %s, want %s", pairs, got, want)
		}
	}
}

func TestShapes_requestIDIsTextInTwoAnswers(t *testing.T) {
	t.Parallel()
	c := oauthClient(t, baidutest.New(t, baidutest.Options{}))
	id := c.newUpload(appPath, mib).all().text("fs_id")
	metas := c.get(c.pan+"/rest/2.0/xpan/multimedia", q("method", "filemetas", "fsids", "["+id+"]"))
	for name, got := range map[string]answer{"uinfo": c.uinfo(), "filemetas": metas} {
		if _, text := got.json["request_id"].(string); !text || got.code() != 0 {
			t.Errorf("%s: %s", name, got.body)
		}
	}
}
