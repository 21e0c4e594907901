package baidutest_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ngworks/nglive/worker/baidu/baidutest"
)

// expect is what a refused slice must look like.
func (a answer) expect(t *testing.T, name string, status, code int, text string) {
	t.Helper()
	if a.status != status || a.code() != code || a.json["error_code"] == nil || !strings.Contains(a.body, text) {
		t.Errorf("%s: %d %s %v, want %d with error_code %d", name, a.status, a.body, a.err, status, code)
	}
}

func TestSlice_isAnsweredWithItsTrueMD5(t *testing.T) {
	t.Parallel()
	u := oauthClient(t, baidutest.New(t, baidutest.Options{})).newUpload(appPath, 9*mib).begin()
	wrong := random(4*mib, 7) // not what precreate declared: accepted, as Baidu does
	got := u.sendAs(u.query(0), wrong)
	if got.text("md5") != baidutest.MD5(wrong) || got.text("partseq") != "0" || got.text("uploadid") != u.uploadid {
		t.Errorf("%d %s", got.status, got.body)
	}
	u.mustSend(0) // and a later one replaces it
	u.mustSend(1)
	u.mustSend(2)
	if got := u.create(); got.code() != 0 {
		t.Errorf("%s", got.body)
	}
}

func TestSlice_refusesWrongParameters(t *testing.T) {
	t.Parallel()
	c := oauthClient(t, baidutest.New(t, baidutest.Options{}))
	u := c.newUpload(appPath, 9*mib).begin()
	for name, x := range map[string]struct {
		field, value string
		status, code int
		text         string
	}{
		"no type":            {"type", "", 400, 31023, ""},
		"another type":       {"type", "file", 400, 31023, ""},
		"no path":            {"path", "", 400, 31023, ""},
		"another path":       {"path", "/apps/nglive/other.flv", 400, 31023, "path"},
		"no uploadid":        {"uploadid", "", 400, 31023, ""},
		"an unknown session": {"uploadid", "N1-x", 403, 31363, "block miss"},
		"no partseq":         {"partseq", "", 400, 31023, ""},
		"negative partseq":   {"partseq", "-1", 400, 31023, ""},
		"past the end":       {"partseq", "3", 400, 31299, "Invalid param part_id"},
		"past 2048":          {"partseq", "2048", 400, 31299, "Invalid param part_id"},
		"another method":     {"method", "put", 400, 3, ""},
	} {
		u.sendAs(with(u.query(0), x.field, x.value), u.part(0)).expect(t, name, x.status, x.code, x.text)
	}
	if got := c.get(c.slices+"/rest/2.0/pcs/superfile2", u.query(0)); got.status != http.StatusMethodNotAllowed {
		t.Errorf("a GET: %d %s", got.status, got.body)
	}
	v := cookieClient(t, baidutest.New(t, baidutest.Options{})).newUpload(anyPath, mib).begin()
	v.sendAs(with(v.query(0), "app_id", ""), v.part(0)).expect(t, "cookie without app_id", 400, 31023, "app_id")
}

func TestSlice_refusesWrongSizes(t *testing.T) {
	t.Parallel()
	account := baidutest.DefaultAccount()
	account.Tier = baidutest.Member
	u := oauthClient(t, baidutest.New(t, baidutest.Options{Accounts: []baidutest.Account{account}})).newUpload(appPath, 21*mib)
	u.slice = 8 * mib
	u.begin()
	send := func(n int, size int64) answer { return u.sendAs(u.query(n), u.content[:size]) }
	send(0, 0).expect(t, "an empty slice", 400, 31299, "Invalid param keylist")
	send(0, 4*mib-1).expect(t, "smaller than 4 MiB", 400, 31299, "smaller")
	send(0, 17*mib).expect(t, "larger than the tier's", 403, 31364, "")
	send(0, 4*mib).expect(t, "of a size that makes other slices", 400, 31299, "differ")
	u.mustSend(1) // now the slice size is known
	send(0, 9*mib).expect(t, "another size than the others", 400, 31299, "differ")
	send(2, 4*mib).expect(t, "a last one that leaves bytes", 400, 31299, "last")
	u.mustSend(0)
	u.mustSend(2)

	w := oauthClient(t, baidutest.New(t, baidutest.Options{})).newUpload(appPath, 9*mib).begin()
	w.mustSend(2) // the last one first says how large the others are
	w.sendAs(w.query(0), w.content[:5*mib]).expect(t, "after the last one", 400, 31299, "differ")
}

func TestSlice_refusesTheSessionOfAnotherAccountAndADeadOne(t *testing.T) {
	t.Parallel()
	alice, bob := baidutest.DefaultAccount(), baidutest.DefaultAccount()
	bob.Name, bob.BDUSS, bob.AccessToken = "bob", "bob", "bob"
	s := baidutest.New(t, baidutest.Options{Accounts: []baidutest.Account{alice, bob}, Limits: baidutest.Limits{SessionParts: 2}})
	u := oauthClient(t, s).newUpload(appPath, 9*mib).begin()
	u.c.token = "bob"
	u.send(0).expect(t, "another's session", 403, 31363, "block miss")
	u.c.token = alice.AccessToken
	u.mustSend(0)
	u.mustSend(1)
	u.send(2).expect(t, "after as many slices as the session takes", 403, 31363, "block miss")
	u.uploadid = ""
	u.begin()
	s.Advance(25 * time.Hour)
	u.send(0).expect(t, "after its time", 403, 31363, "block miss")
}

func (u *upload) post(kind string, body io.Reader, size int64) answer {
	return u.c.do(http.MethodPost, u.c.slices+"/rest/2.0/pcs/superfile2", u.query(0), kind, body, size)
}

func TestSlice_wantsContentLengthAndOneWellFormedFile(t *testing.T) {
	t.Parallel()
	u := oauthClient(t, baidutest.New(t, baidutest.Options{})).newUpload(appPath, mib).begin()
	const kind = "multipart/form-data; boundary=b"
	file := "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\"\r\n\r\n"
	content := string(u.content)
	form := func(text string) answer { return u.post(kind, strings.NewReader(text), 0) }
	for name, got := range map[string]answer{
		"chunked":             u.post(kind, io.MultiReader(strings.NewReader(file+content+"\r\n--b--\r\n")), 0),
		"no multipart":        u.post("application/octet-stream", strings.NewReader(content), 0),
		"no boundary":         u.post("multipart/form-data", strings.NewReader(file+content+"\r\n--b--\r\n"), 0),
		"another boundary":    u.post("multipart/form-data; boundary=c", strings.NewReader(file+content+"\r\n--b--\r\n"), 0),
		"not closed":          form(file + content),
		"closed by one half":  form(file + content + "\r\n--b"),
		"no head":             form("--b\r\n\r\n" + content + "\r\n--b--\r\n"),
		"a field and no file": form("--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx\r\n--b--\r\n"),
		"nothing but the end": form("--b--\r\n"),
	} {
		got.expect(t, name, 400, 31208, "form data")
	}
	for name, text := range map[string]string{
		"an empty file name":                  file + content + "\r\n--b--\r\n",
		"no line end after the last boundary": file + content + "\r\n--b--",
		"a field before the file":             "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\ny\r\n" + file + content + "\r\n--b--\r\n",
		"a field after the file":              file + content + "\r\n--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\ny\r\n--b--\r\n",
	} {
		if got := form(text); got.text("md5") != baidutest.MD5(u.content) {
			t.Errorf("%s: %d %s %v", name, got.status, got.body, got.err)
		}
	}
}

func TestSlice_thatIsCutShortIsNotStored(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{})
	u := oauthClient(t, s).newUpload(appPath, mib).begin()
	conn, err := net.Dial("tcp", strings.TrimPrefix(u.c.slices, "http://")) //nolint:noctx // loopback
	if err != nil {
		t.Fatal(err)
	}
	query := u.query(0)
	query.Set("access_token", u.c.token)
	_, _ = io.WriteString(conn, "POST /rest/2.0/pcs/superfile2?"+query.Encode()+" HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"+
		"Content-Length: 1048700\r\n\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\nhello")
	_ = conn.Close()
	wait(t, func() bool {
		calls := s.Calls(baidutest.SuperFile2)
		return len(calls) == 1 && !calls[0].Ended.IsZero()
	})
	if got := u.create(); got.code() != 31363 {
		t.Errorf("create after a cut slice: %s", got.body)
	}
}

// wait waits until something holds.
func wait(t *testing.T, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatal("what this test waits for did not happen within a minute")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// crowd sends a slice until it is told to end, and returns when the server has begun to read it.
func (u *upload) crowd(s *baidutest.Server, n int) (end func()) {
	u.c.t.Helper()
	out, in := io.Pipe()
	before := len(s.Calls(baidutest.SuperFile2))
	done := make(chan struct{})
	query := u.query(n)
	query.Set("access_token", u.c.token)
	go func() {
		defer close(done)
		r, _ := http.NewRequestWithContext(u.c.t.Context(), http.MethodPost, u.c.slices+"/rest/2.0/pcs/superfile2?"+query.Encode(), out)
		r.ContentLength = 4 * mib
		r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		if resp, err := u.c.http.Do(r); err == nil {
			_ = resp.Body.Close()
		}
	}()
	_, _ = io.WriteString(in, "--b\r\n")
	wait(u.c.t, func() bool { return len(s.Calls(baidutest.SuperFile2)) > before && s.MaxInFlight("") > 0 })
	return func() { _ = in.CloseWithError(io.ErrUnexpectedEOF); <-done }
}

func TestSlice_overTheAccountsConcurrencyIsRefused(t *testing.T) {
	t.Parallel()
	for _, errno := range []bool{false, true} {
		s := baidutest.New(t, baidutest.Options{Limits: baidutest.Limits{Concurrency: 1, RateErrno: errno}})
		u := oauthClient(t, s).newUpload(appPath, 9*mib).begin()
		end := u.crowd(s, 1)
		got := u.send(0)
		if errno {
			got.expect(t, "one too many", 400, 31034, "")
		} else if got.status != http.StatusInternalServerError || got.body != "" {
			t.Errorf("one too many: %d %q, want 500 and nothing", got.status, got.body)
		}
		end()
		wait(t, func() bool { return u.send(0).status == http.StatusOK })
		if s.MaxInFlight("") != 2 {
			t.Errorf("%d in flight at most, want 2", s.MaxInFlight(""))
		}
	}
}

func TestSlice_thatTakesTooLongIsCutByTheGateway(t *testing.T) {
	t.Parallel()
	s := baidutest.New(t, baidutest.Options{Limits: baidutest.Limits{Gateway: 300 * time.Millisecond}})
	u := oauthClient(t, s).newUpload(appPath, 5*mib).begin()
	out, in := io.Pipe()
	go func() {
		_, _ = io.WriteString(in, "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\n")
		_, _ = io.Copy(in, bytes.NewReader(u.content[:mib]))
	}()
	got := u.post("multipart/form-data; boundary=b", out, 5*mib)
	if got.status != http.StatusInternalServerError || got.body != "" {
		t.Errorf("%d %q %v, want 500 and nothing", got.status, got.body, got.err)
	}
}

func TestSlice_oldMethodsAreDead(t *testing.T) {
	t.Parallel()
	c := cookieClient(t, baidutest.New(t, baidutest.Options{}))
	for method, want := range map[string][2]int{"upload": {400, 31299}, "createsuperfile": {400, 31299}, "rapidupload": {404, 31079}, "nonsense": {400, 3}} {
		got := c.post(c.pcs+"/rest/2.0/pcs/file", q("method", method, "app_id", "266719", "type", "tmpfile"), url.Values{})
		got.expect(t, method, want[0], want[1], "")
	}
	if got := c.get(c.pan+"/nowhere", nil); got.status != http.StatusNotFound || got.code() != 0 {
		t.Errorf("an unknown path: %d %s", got.status, got.body)
	}
}
