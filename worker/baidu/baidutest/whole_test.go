package baidutest_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"testing"

	"github.com/ngworks/nglive/worker/baidu/baidutest"
)

func TestWhole_takesASmallFileInOneRequest(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{KeepContent: true})
	c := oauthClient(t, s)
	content := random(mib, 3)
	send := func(pairs ...string) answer {
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		file, _ := form.CreateFormFile("file", "a.xml")
		_, _ = file.Write(content)
		_ = form.Close()
		return c.do(http.MethodPost, c.pcs+"/rest/2.0/pcs/file", with(q("method", "upload", "path", appPath, "ondup", "fail"), pairs...),
			form.FormDataContentType(), &body, 0)
	}
	send("path", "/a.flv").expect(t, "another folder", 403, 31064, "")
	send("ondup", "maybe").expect(t, "an unknown ondup", 400, 31023, "")
	send("type", "tmpfile").expect(t, "the old slices", 400, 31299, "")
	if got := send(); got.status != http.StatusOK || got.number("size") != mib || got.text("md5") != baidutest.Hidden(baidutest.MD5(content)) {
		t.Errorf("%d %s", got.status, got.body)
	}
	send().expect(t, "again", 400, 31061, "")
	if f := s.OnlyFile(t, "", appPath, []string{baidutest.MD5(content)}); !bytes.Equal(f.Content, content) {
		t.Error("the content differs")
	}
	s.SetQuota("", mib)
	send("ondup", "newcopy").expect(t, "no space", 400, 31112, "")
}
