package baidutest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ngworks/nglive/worker/baidu/baidutest"
)

const mib = baidutest.MiB

// client is a small Baidu client of its own: it knows the protocol, and nothing of the fake's code.
type client struct {
	t                    *testing.T
	http                 *http.Client
	pan, pcs, openapi    string
	slices               string // host for slices, from locate
	token, bduss, stoken string
	agent                *string
	header               http.Header
}

// answer is what came back.
type answer struct {
	status int
	body   string
	json   map[string]any
	err    error
}

// code is errno or error_code, whichever is there; 0 is success.
func (a answer) code() int {
	for _, k := range []string{"errno", "error_code"} {
		if n, ok := a.json[k].(json.Number); ok {
			i, _ := n.Int64()
			return int(i)
		}
	}
	return 0
}

func (a answer) text(key string) string { return fmt.Sprint(a.json[key]) }

func (a answer) number(key string) int64 {
	n, _ := strconv.ParseInt(fmt.Sprint(a.json[key]), 10, 64)
	return n
}

// wanted are the slices that precreate lists.
func (a answer) wanted() []int {
	var all []int
	list, _ := a.json["block_list"].([]any)
	for _, x := range list {
		n, _ := strconv.Atoi(fmt.Sprint(x))
		all = append(all, n)
	}
	return all
}

func (a answer) list(key string) []map[string]any {
	var all []map[string]any
	list, _ := a.json[key].([]any)
	for _, x := range list {
		m, _ := x.(map[string]any)
		all = append(all, m)
	}
	return all
}

// clients are a client for OAuth and one for cookies, both of the first account.
func oauthClient(t *testing.T, s *baidutest.Server) *client {
	t.Helper()
	u := s.URLs()
	return &client{t: t, http: s.Client(), pan: u.Pan, pcs: u.PCS, openapi: u.OpenAPI, token: baidutest.DefaultAccount().AccessToken}
}

func cookieClient(t *testing.T, s *baidutest.Server) *client {
	t.Helper()
	c := oauthClient(t, s)
	a := baidutest.DefaultAccount()
	c.token, c.bduss, c.stoken = "", a.BDUSS, a.STOKEN
	return c
}

func (c *client) do(method, address string, query url.Values, kind string, body io.Reader, size int64) answer {
	c.t.Helper()
	if query == nil {
		query = url.Values{}
	}
	if c.token != "" && !query.Has("access_token") && !strings.HasPrefix(address, c.openapi+"/oauth") {
		query.Set("access_token", c.token)
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, address+"?"+query.Encode(), body)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header = c.header.Clone()
	if r.Header == nil {
		r.Header = http.Header{}
	}
	if size != 0 {
		r.ContentLength = size
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	if c.agent != nil {
		r.Header.Set("User-Agent", *c.agent)
	}
	if c.bduss != "" {
		r.AddCookie(&http.Cookie{Name: "BDUSS", Value: c.bduss})
	}
	if c.stoken != "" {
		r.AddCookie(&http.Cookie{Name: "STOKEN", Value: c.stoken})
	}
	return c.read(c.http.Do(r)) //nolint:bodyclose // read closes it
}

func (c *client) read(resp *http.Response, err error) answer {
	if err != nil {
		return answer{err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	a := answer{status: resp.StatusCode, body: string(text), err: err, json: map[string]any{}}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	_ = decoder.Decode(&a.json)
	return a
}

func (c *client) get(address string, query url.Values) answer {
	return c.do(http.MethodGet, address, query, "", nil, 0)
}

func (c *client) post(address string, query, form url.Values) answer {
	return c.do(http.MethodPost, address, query, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()), 0)
}

func q(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

// with is form with other values; an empty one takes the field away.
func with(form url.Values, pairs ...string) url.Values {
	out := url.Values{}
	for k := range form {
		out.Set(k, form.Get(k))
	}
	for i := 0; i < len(pairs); i += 2 {
		if out.Set(pairs[i], pairs[i+1]); pairs[i+1] == "" {
			out.Del(pairs[i])
		}
	}
	return out
}

// upload is a file on its way.
type upload struct {
	c        *client
	path     string
	content  []byte
	slice    int64
	uploadid string
}

func (u *upload) part(n int) []byte {
	from := int64(n) * u.slice
	return u.content[from:min(from+u.slice, int64(len(u.content)))]
}

func (u *upload) count() int { return int((int64(len(u.content)) + u.slice - 1) / u.slice) }

func (u *upload) md5s() []string {
	var all []string
	for i := range u.count() {
		all = append(all, baidutest.MD5(u.part(i)))
	}
	return all
}

func (u *upload) blockList() string {
	text, _ := json.Marshal(u.md5s())
	return string(text)
}

// random is content that differs per seed.
func random(size int64, seed uint64) []byte {
	b := make([]byte, size)
	rng := rand.NewChaCha8([32]byte{byte(seed)})
	_, _ = rng.Read(b)
	return b
}

func (c *client) newUpload(path string, size int64) *upload {
	return &upload{c: c, path: path, content: random(size, 1), slice: baidutest.BlockSize}
}

func (u *upload) form() url.Values {
	f := q("path", u.path, "size", strconv.Itoa(len(u.content)), "isdir", "0", "autoinit", "1", "rtype", "2", "block_list", u.blockList())
	if u.uploadid != "" {
		f.Set("uploadid", u.uploadid)
	}
	return f
}

func (u *upload) precreate(pairs ...string) answer { return u.precreateForm(with(u.form(), pairs...)) }

func (u *upload) precreateForm(form url.Values) answer {
	a := u.c.front("precreate", form)
	if a.code() == 0 && a.json["uploadid"] != nil {
		u.uploadid = a.text("uploadid")
	}
	return a
}

// front posts to precreate or create.
func (c *client) front(what string, form url.Values) answer {
	if c.token != "" {
		return c.post(c.pan+"/rest/2.0/xpan/file", q("method", what), form)
	}
	return c.post(c.pan+"/api/"+what, nil, form)
}

func (c *client) locate() answer {
	a := c.get(c.pcs+"/rest/2.0/pcs/file", q("method", "locateupload", "app_id", "250528", "upload_version", "2.0"))
	if servers := a.list("servers"); len(servers) > 0 {
		c.slices = fmt.Sprint(servers[0]["server"])
	}
	return a
}

func (u *upload) query(n int) url.Values {
	v := q("method", "upload", "type", "tmpfile", "path", u.path, "uploadid", u.uploadid, "partseq", strconv.Itoa(n))
	if u.c.bduss != "" {
		v.Set("app_id", "250528")
	}
	return v
}

func (u *upload) send(n int) answer { return u.sendAs(u.query(n), u.part(n)) }

func (u *upload) sendAs(query url.Values, content []byte) answer {
	u.c.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file, _ := form.CreateFormFile("file", "blob")
	_, _ = file.Write(content)
	_ = form.Close()
	return u.c.do(http.MethodPost, u.c.slices+"/rest/2.0/pcs/superfile2", query, form.FormDataContentType(), &body, 0)
}

func (u *upload) create(pairs ...string) answer { return u.c.front("create", with(u.form(), pairs...)) }

// all uploads the file, and fails the test when anything is refused.
func (u *upload) all() answer {
	u.c.t.Helper()
	u.begin()
	for n := range u.count() {
		u.mustSend(n)
	}
	a := u.create()
	if a.code() != 0 || a.err != nil || a.status != http.StatusOK {
		u.c.t.Fatalf("create answered %d %s %v", a.status, a.body, a.err)
	}
	return a
}

// begin does precreate and locateupload.
func (u *upload) begin() *upload {
	u.c.t.Helper()
	if a := u.precreate(); a.code() != 0 || u.uploadid == "" {
		u.c.t.Fatalf("precreate answered %d %s %v", a.status, a.body, a.err)
	}
	if a := u.c.locate(); u.c.slices == "" {
		u.c.t.Fatalf("locateupload answered %d %s %v", a.status, a.body, a.err)
	}
	return u
}

func (u *upload) mustSend(n int) {
	u.c.t.Helper()
	if a := u.send(n); a.status != http.StatusOK || a.text("md5") != baidutest.MD5(u.part(n)) {
		u.c.t.Fatalf("slice %d answered %d %s %v", n, a.status, a.body, a.err)
	}
}

// meta asks PCS for files, by multipart as it wants.
func (c *client) meta(paths ...string) answer {
	list := make([]map[string]string, len(paths))
	for i, p := range paths {
		list[i] = map[string]string{"path": p}
	}
	param, _ := json.Marshal(map[string]any{"list": list})
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	_ = form.WriteField("param", string(param))
	_ = form.Close()
	return c.do(http.MethodPost, c.pcs+"/rest/2.0/pcs/file", q("method", "meta", "app_id", "266719"), form.FormDataContentType(), &body, 0)
}
