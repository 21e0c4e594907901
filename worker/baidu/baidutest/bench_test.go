package baidutest_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/ngworks/nglive/worker/baidu/baidutest"
)

// BenchmarkSlices_hashOff is how fast bytes go in when nothing is computed: the fake must not be what a benchmark measures.
func BenchmarkSlices_hashOff(b *testing.B) {
	s := baidutest.New(b, baidutest.Options{Hash: baidutest.HashOff})
	u := s.URLs()
	token := baidutest.DefaultAccount().AccessToken
	const count = 64
	form := q("path", appPath, "size", strconv.FormatInt(count*4*mib, 10), "isdir", "0", "autoinit", "1", "rtype", "2", "block_list", blocks(count))
	resp, err := http.PostForm(u.Pan+"/rest/2.0/xpan/file?method=precreate&access_token="+token, form) //nolint:noctx // a benchmark
	if err != nil {
		b.Fatal(err)
	}
	text, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	_, id, _ := bytes.Cut(text, []byte(`"uploadid":"`))
	id, _, _ = bytes.Cut(id, []byte(`"`))

	var body bytes.Buffer
	multi := multipart.NewWriter(&body)
	file, _ := multi.CreateFormFile("file", "x")
	_, _ = file.Write(make([]byte, 4*mib))
	_ = multi.Close()
	query := q("method", "upload", "type", "tmpfile", "path", appPath, "uploadid", string(id), "access_token", token)
	var next atomic.Int64
	b.SetBytes(4 * mib)
	b.SetParallelism(2)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			address := u.Hosts[0] + "/rest/2.0/pcs/superfile2?" + query.Encode() + "&partseq=" + strconv.FormatInt(next.Add(1)%count, 10)
			resp, err := http.Post(address, multi.FormDataContentType(), bytes.NewReader(body.Bytes())) //nolint:noctx // a benchmark
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				b.Errorf("%d", resp.StatusCode)
				return
			}
		}
	})
}
