package baidu_test

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ngworks/nglive/worker/baidu"
	"github.com/ngworks/nglive/worker/baidu/baidutest"
)

const (
	mib     = 1 << 20
	appPath = "/apps/nglive/23058/录播.mp4"
	// hurry makes minutes of patience seconds.
	hurry = 0.02
)

// front is one of the two ways in.
type front string

const (
	byToken  front = "OAuth"
	byCookie front = "cookie"
)

func fronts() []front { return []front{byToken, byCookie} }

// both runs a test by token and by cookie, side by side.
func both(t *testing.T, test func(t *testing.T, by front)) {
	t.Helper()
	for _, by := range fronts() {
		t.Run(string(by), func(t *testing.T) {
			t.Parallel()
			test(t, by)
		})
	}
}

// place is a fake Baidu and a client of it.
type place struct {
	t        *testing.T
	fake     *baidutest.Server
	by       front
	cfg      baidu.Config
	sessions *sessions
	tokens   *tokens
	log      *bytesLog
}

func open(t *testing.T, by front, o baidutest.Options, change ...func(*baidu.Config)) *place {
	t.Helper()
	return at(t, by, baidutest.New(t, o), change...)
}

func at(t *testing.T, by front, fake *baidutest.Server, change ...func(*baidu.Config)) *place {
	t.Helper()
	p := &place{t: t, fake: fake, by: by, sessions: &sessions{MemorySessions: baidu.NewMemorySessions()}, log: &bytesLog{}}
	a := baidutest.DefaultAccount()
	u := fake.URLs()
	p.tokens = &tokens{MemoryTokens: baidu.NewMemoryTokens(baidu.Pair{Access: a.AccessToken, Refresh: a.RefreshToken, ExpiresAt: time.Now().Add(30 * 24 * time.Hour)})}
	p.cfg = baidu.Config{
		Account: "alice", Endpoints: baidu.Endpoints{Pan: u.Pan, PCS: u.PCS, OpenAPI: u.OpenAPI}, Sessions: p.sessions, Tokens: p.tokens, Patience: hurry,
		Log:        slog.New(slog.NewTextHandler(p.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Credential: baidu.Cookie{BDUSS: a.BDUSS, STOKEN: a.STOKEN},
	}
	if by == byToken {
		app := baidutest.DefaultApp()
		p.cfg.Credential = baidu.OAuth{AppKey: app.ClientID, SecretKey: app.ClientSecret, AppFolder: "/apps/" + app.Folder}
	}
	for _, c := range change {
		c(&p.cfg)
	}
	t.Cleanup(p.keptSecrets)
	return p
}

// keptSecrets: nothing that was logged or journalled holds a secret.
func (p *place) keptSecrets() {
	a := baidutest.DefaultAccount()
	for _, s := range []string{a.BDUSS, a.STOKEN, a.AccessToken, a.RefreshToken, "121.fake", "122.fake", "fake-client-secret"} {
		if strings.Contains(p.log.String(), s) || strings.Contains(p.sessions.all(), s) {
			p.t.Errorf("the secret %q was logged or journalled", s)
		}
	}
}

func (p *place) client() *baidu.Client {
	c := baidu.New(p.cfg)
	p.t.Cleanup(c.Close)
	return c
}

func (p *place) upload(src *recording, o ...baidu.Options) (baidu.Result, error) {
	p.t.Helper()
	var options baidu.Options
	if len(o) > 0 {
		options = o[0]
	}
	r, err := p.client().Upload(p.t.Context(), src.open(p.t), appPath, options)
	if err != nil {
		p.secretless(err.Error())
	}
	return r, err
}

func (p *place) secretless(text string) {
	p.t.Helper()
	for _, s := range []string{"fake-bduss", "fake-stoken", "121.fake", "122.fake", "fake-client-secret"} {
		if strings.Contains(text, s) {
			p.t.Errorf("%q holds the secret %s", text, s)
		}
	}
}

// mustUpload uploads and proves that exactly this file is there.
func (p *place) mustUpload(src *recording, o ...baidu.Options) baidu.Result {
	p.t.Helper()
	r, err := p.upload(src, o...)
	if err != nil {
		p.t.Fatalf("upload: %v\n%s", err, p.log)
	}
	p.mustHold(src, r.Path)
	if r.Size != src.size {
		p.t.Errorf("the result says %d bytes, not %d", r.Size, src.size)
	}
	return r
}

func (p *place) mustHold(src *recording, path string) {
	p.t.Helper()
	files := p.fake.Files("")
	if len(files) != 1 || files[0].Path != path || strings.Join(files[0].Blocks, ",") != strings.Join(src.blocks, ",") {
		p.t.Fatalf("the netdisk does not hold just %s: %+v", path, files)
	}
}

// sessions remember how often they were written.
type sessions struct {
	*baidu.MemorySessions
	mu    sync.Mutex
	docs  map[string]string
	saves int
}

func (s *sessions) Save(key string, doc []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.saves++
	if s.docs == nil {
		s.docs = map[string]string{}
	}
	s.docs[key] = string(doc)
	return s.MemorySessions.Save(key, doc)
}

func (s *sessions) Delete(key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.docs, key)
	return s.MemorySessions.Delete(key)
}

func (s *sessions) all() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprint(s.docs)
}

// tokens count how often they were renewed.
type tokens struct {
	*baidu.MemoryTokens
}

// bytesLog is a log that may be written and read at once.
type bytesLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *bytesLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *bytesLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// recording is a file to upload, and what Baidu should have of it.
type recording struct {
	path   string
	size   int64
	blocks []string
}

// record makes a file: every 512 bytes of it are unlike all others.
func record(t *testing.T, size int64) *recording {
	t.Helper()
	r := &recording{path: filepath.Join(t.TempDir(), "录播.mp4"), size: size}
	data := make([]byte, size)
	for i := 0; i+8 <= len(data); i += 512 {
		binary.LittleEndian.PutUint64(data[i:], uint64(i)+0x9e3779b97f4a7c15)
	}
	if err := os.WriteFile(r.path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for i := int64(0); i < size; i += 4 * mib {
		sum := md5.Sum(data[i:min(i+4*mib, size)])
		r.blocks = append(r.blocks, hex.EncodeToString(sum[:]))
	}
	return r
}

func (r *recording) open(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Open(r.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}
