//go:build bench

package main

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ngworks/nglive/worker/baidu"
	"github.com/ngworks/nglive/worker/baidu/baidutest"
)

const (
	uploadOrderEnv = "BENCH_UPLOAD"
	baiduRemote    = "/apps/nglive/bench/video.mp4"
	baiduBlock     = 4 << 20
	baiduAtOnce    = 4
)

// uploadOrder is what a process of the bench shall do: upload by "oauth" or "cookie", or what that is compared with: "bare" posts
// the slices, "hash" computes their md5s.
type uploadOrder struct {
	Kind, File string
	Endpoints  baidu.Endpoints
	Host       string // for bare
	Sessions   string // a folder
	Rate       int64
	Adaptive   bool // as many connections as help; else 4
}

type uploadReport struct {
	Seconds, PeakMB float64
	Failure         string
}

// serveUpload is the process's body: the order is in the environment, since a killed one has no time to ask.
func serveUpload(ctx context.Context, s seat) error {
	var o uploadOrder
	if err := json.Unmarshal([]byte(os.Getenv(uploadOrderEnv)), &o); err != nil {
		return err
	}
	does := map[string]func(context.Context) error{"oauth": o.upload, "cookie": o.upload, "bare": o.bare, "hash": o.hash}
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // the peak begins here
	idle, began := residentMB("VmRSS"), time.Now()
	err := does[o.Kind](ctx)
	r := uploadReport{Seconds: time.Since(began).Seconds(), PeakMB: residentMB("VmHWM") - idle}
	if err != nil {
		r.Failure = err.Error()
	}
	return s.answers.Encode(r)
}

// residentMB reads a line of /proc/self/status.
func residentMB(line string) float64 {
	text, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(text), line+":")
	rest, _, _ = strings.Cut(strings.TrimSpace(rest), " ")
	n, _ := strconv.ParseFloat(rest, 64)
	return n * 1024 / 1e6
}

func (o *uploadOrder) upload(ctx context.Context) error {
	a, app := baidutest.DefaultAccount(), baidutest.DefaultApp()
	cfg := baidu.Config{
		Account: "bench", Endpoints: o.Endpoints, Credential: baidu.Cookie{BDUSS: a.BDUSS, STOKEN: a.STOKEN}, RateLimit: o.Rate,
		Tokens: baidu.NewMemoryTokens(baidu.Pair{Access: a.AccessToken, Refresh: a.RefreshToken}), Slots: baidu.NewFixedSlots(baiduAtOnce),
	}
	if o.Adaptive {
		cfg.Slots = nil
	}
	if o.Kind == "oauth" {
		cfg.Credential = baidu.OAuth{AppKey: app.ClientID, SecretKey: app.ClientSecret, AppFolder: "/apps/" + app.Folder}
	}
	if o.Sessions != "" {
		cfg.Sessions = folderSessions(o.Sessions)
	}
	src, err := os.Open(o.File)
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }()
	_, err = baidu.New(cfg).Upload(ctx, src, baiduRemote, baidu.Options{Report: func(baidu.Progress) {}})
	return err
}

// folderSessions keep a session in a file, synced.
type folderSessions string

func (d folderSessions) path() string { return filepath.Join(string(d), "session") }

func (d folderSessions) Load(string) ([]byte, error) {
	doc, err := os.ReadFile(d.path())
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return doc, err
}

func (d folderSessions) Save(_ string, doc []byte) error {
	f, err := os.Create(d.path() + ".new")
	if err != nil {
		return err
	}
	_, err = f.Write(doc)
	return errors.Join(err, f.Sync(), f.Close(), os.Rename(d.path()+".new", d.path()))
}

func (d folderSessions) Delete(string) error { return os.Remove(d.path()) }

func (o *uploadOrder) hash(context.Context) error {
	_, err := bareHashes(o.File)
	return err
}

// bareHashes are the md5s of a file's blocks, computed on all cores.
func bareHashes(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	sums := make([]string, (info.Size()+baiduBlock-1)/baiduBlock)
	err = atOnce(runtime.NumCPU(), len(sums), func(i int) error {
		h := md5.New()
		_, err := io.CopyBuffer(h, io.NewSectionReader(f, int64(i)*baiduBlock, baiduBlock), make([]byte, 256<<10))
		sums[i] = hex.EncodeToString(h.Sum(nil))
		return err
	})
	return sums, err
}

// atOnce does n things, some at once.
func atOnce(many, n int, do func(int) error) error {
	var next atomic.Int64
	var all sync.WaitGroup
	errs := make([]error, many)
	for w := range many {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && errs[w] == nil; i = int(next.Add(1)) - 1 {
				errs[w] = do(i)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// bare opens an upload and posts its slices, no more: it hashes, compares and proves nothing.
func (o *uploadOrder) bare(ctx context.Context) error {
	f, err := os.Open(o.File)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	c := bareClient{o: o, file: f, size: info.Size(), http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: baiduAtOnce, WriteBufferSize: 256 << 10}}}
	if err := c.open(ctx); err != nil {
		return err
	}
	return atOnce(baiduAtOnce, int((c.size+baiduBlock-1)/baiduBlock), func(i int) error { return c.post(ctx, i) })
}

type bareClient struct {
	o    *uploadOrder
	http *http.Client
	file *os.File
	size int64
	id   string
}

func (c *bareClient) do(ctx context.Context, method, address, kind string, body io.Reader, size int64, cookie bool) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", kind)
	if cookie {
		req.Header.Set("Cookie", "BDUSS="+baidutest.DefaultAccount().BDUSS)
	}
	req.ContentLength = size
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	return io.ReadAll(resp.Body)
}

// open begins lazily, as the web page does.
func (c *bareClient) open(ctx context.Context) error {
	form := url.Values{
		"path": {baiduRemote}, "autoinit": {"1"}, "rtype": {"0"}, "isdir": {"0"},
		"block_list": {`["5910a591dd8fc18c32a8f3df4fdc1761","a5fc157d78e6ad1c7e114b056c92821e"]`},
	}.Encode()
	text, err := c.do(ctx, http.MethodPost, c.o.Endpoints.Pan+"/api/precreate", "application/x-www-form-urlencoded", strings.NewReader(form), int64(len(form)), true)
	var opened struct{ UploadID string }
	if err == nil {
		err = json.Unmarshal(text, &opened)
	}
	if err == nil && opened.UploadID == "" {
		err = fmt.Errorf("precreate answered %s", text)
	}
	c.id = opened.UploadID
	return err
}

func (c *bareClient) post(ctx context.Context, i int) error {
	const head, tail = "--bare\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\n", "\r\n--bare--\r\n"
	q := url.Values{"method": {"upload"}, "type": {"tmpfile"}, "app_id": {"250528"}, "path": {baiduRemote}, "uploadid": {c.id}, "partseq": {strconv.Itoa(i)}}
	length := min(baiduBlock, c.size-int64(i)*baiduBlock)
	body := io.MultiReader(strings.NewReader(head), io.NewSectionReader(c.file, int64(i)*baiduBlock, length), strings.NewReader(tail))
	text, err := c.do(ctx, http.MethodPost, c.o.Host+"/rest/2.0/pcs/superfile2?"+q.Encode(), "multipart/form-data; boundary=bare", body,
		length+int64(len(head)+len(tail)), true)
	if err == nil && !bytes.Contains(text, []byte(`"md5"`)) {
		err = fmt.Errorf("slice %d: %s", i, text)
	}
	return err
}
