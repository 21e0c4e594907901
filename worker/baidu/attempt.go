package baidu

import (
	"context"
	"crypto/md5" //nolint:gosec // what Baidu compares by
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"
)

// attempt is one slice on one connection.
type attempt struct {
	part   int
	offset int64
	length int64
	want   sum // what its md5 has to be, if that is known
	host   string

	began  time.Time
	cancel context.CancelCauseFunc
	why    func() error // it was cancelled, nil if it was not
	sent   atomic.Int64 // bytes handed to the connection
	broken atomic.Pointer[error]
	body   atomic.Pointer[sliceBody]

	// of the watchdog alone
	moved  time.Time
	before int64
	mark   sample
}

const (
	boundary  = "nglive5d3c1f0b8a7e4962d0"
	sliceHead = "--" + boundary + "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"slice\"\r\nContent-Type: application/octet-stream\r\n\r\n"
	sliceTail = "\r\n--" + boundary + "--\r\n"
)

var (
	errWrongMD5 = errors.New("the netdisk has other bytes than were sent")
	errNoMD5    = errors.New("the netdisk did not say which bytes it has")
)

// sliceBody is a slice as multipart, read from the file while it is sent. Unless the md5 is known it is computed on the way.
type sliceBody struct {
	ctx  context.Context // the transport reads without one
	a    *attempt
	rate *throttle
	part *io.SectionReader
	hash hash.Hash
	at   int // bytes of head and tail that were read
	left int64
	got  atomic.Pointer[sum] // once all of it was read
}

func newSliceBody(ctx context.Context, a *attempt, file io.ReaderAt, rate *throttle) *sliceBody {
	b := &sliceBody{ctx: ctx, a: a, rate: rate, part: io.NewSectionReader(file, a.offset, a.length), left: a.length}
	if !a.want.known() {
		b.hash = md5.New() //nolint:gosec // as Baidu does
	}
	a.sent.Store(0)
	a.body.Store(b)
	return b
}

func (*sliceBody) Close() error { return nil }

func (b *sliceBody) Read(p []byte) (int, error) {
	switch {
	case b.at < len(sliceHead):
		n := copy(p, sliceHead[b.at:])
		b.at += n
		return n, nil
	case b.left > 0:
		return b.readPart(p)
	case b.at < len(sliceHead)+len(sliceTail):
		n := copy(p, sliceTail[b.at-len(sliceHead):])
		b.at += n
		return n, nil
	}
	return 0, io.EOF
}

func (b *sliceBody) readPart(p []byte) (int, error) {
	n, err := b.part.Read(p[:b.rate.share(len(p))])
	b.left -= int64(n)
	if err != nil && b.left > 0 {
		if errors.Is(err, io.EOF) {
			err = errShrank
		}
		b.a.broken.Store(&err)
		return n, err
	}
	if b.hash != nil {
		b.hash.Write(p[:n])
	}
	if b.left == 0 {
		v := b.a.want
		if b.hash != nil {
			v = sum(b.hash.Sum(nil))
		}
		b.got.Store(&v)
	}
	if err := b.rate.wait(b.ctx, n); err != nil {
		return n, err
	}
	b.a.sent.Add(int64(n))
	return n, nil
}

// request is the POST of a slice.
func (u *upload) request(ctx context.Context, a *attempt) (*http.Request, error) {
	q := url.Values{
		"method": {"upload"}, "type": {"tmpfile"}, "path": {u.s.Path}, "uploadid": {u.s.UploadID}, "partseq": {strconv.Itoa(a.part)},
	}
	if !u.c.byToken() {
		q.Set("app_id", appOfficial)
		q.Set("partoffset", strconv.FormatInt(a.offset, 10))
	}
	fresh := func() (io.ReadCloser, error) { return newSliceBody(ctx, a, u.src.file, u.c.rate), nil }
	body, _ := fresh()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.host+"/rest/2.0/pcs/superfile2?"+q.Encode(), body)
	if err != nil {
		return nil, plain(err)
	}
	req.GetBody = fresh
	req.ContentLength = int64(len(sliceHead)+len(sliceTail)) + a.length
	req.Header.Set("Content-Type", "multipart/form-data; boundary="+boundary)
	req.Header.Set("Accept-Encoding", "identity")
	return req, nil
}

// post sends a slice and compares what Baidu has with what was read; used names the credential.
func (u *upload) post(ctx context.Context, a *attempt) (got sum, used string, err error) {
	req, err := u.request(ctx, a)
	if err != nil {
		return got, "", u.c.problem(ReasonRefused, string(stepSlice), err)
	}
	if used, err = u.c.auth.sign(ctx, req, doorPCS); err != nil {
		return got, used, err
	}
	ans, err := u.c.exchange(req)
	if broken := a.broken.Load(); broken != nil {
		return got, used, u.c.sourceProblem(*broken)
	}
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return got, used, u.c.broken(stepSlice, err)
	}
	if !ans.good() {
		return got, used, u.c.failed(stepSlice, ans, u.c.byToken())
	}
	got, err = u.compare(a, ans)
	return got, used, err
}

// compare says whether Baidu has what the file has.
func (u *upload) compare(a *attempt, ans answer) (sum, error) {
	var said struct {
		MD5 text `json:"md5"`
	}
	err := ans.into(&said)
	theirs, ok := parseSum(string(said.MD5))
	ours := a.body.Load().got.Load()
	if err != nil || !ok || ours == nil { // an answer before all was sent is none
		return sum{}, u.c.garbled(stepSlice, errNoMD5)
	}
	if theirs == *ours {
		return theirs, nil
	}
	if a.want.known() { // was it the way, or is it the file that changed?
		now, err := u.src.hash(a.offset, a.length, make([]byte, readBlock))
		if err == nil && now != a.want {
			err = errOther
		}
		if err != nil {
			return sum{}, u.c.sourceProblem(err)
		}
	}
	f := u.c.garbled(stepSlice, fmt.Errorf("slice %d: %w", a.part, errWrongMD5))
	f.err = u.c.problem(ReasonCorrupt, string(stepSlice), f.err.cause)
	return sum{}, f
}

// garbled is an answer that is a success by its form and none by its content.
func (c *Client) garbled(at step, why error) *failure {
	return &failure{verdict: verdict{do: repeat, reason: ReasonServer}, maybe: true, err: c.problem(ReasonServer, string(at), why)}
}
