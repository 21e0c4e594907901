package worker

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker/baidu"
	"github.com/ngworks/nglive/worker/baidu/baidutest"
)

// hurry makes the uploader's minutes seconds, and leaves a busy machine the time it needs.
const hurry = 0.1

// baiduOf is a worker's settings for a fake Baidu.
func baiduOf(u baidutest.URLs) Baidu {
	app := baidutest.DefaultApp()
	return Baidu{
		Mode: tasks.ModeOAuth, AppKey: app.ClientID, AppSecret: app.ClientSecret, AppName: app.Folder, Patience: hurry,
		Endpoints: baidu.Endpoints{Pan: u.Pan, PCS: u.PCS, OpenAPI: u.OpenAPI},
	}
}

// baiduStation is a station whose default account is logged in at a fake Baidu.
func baiduStation(t *testing.T, o baidutest.Options) (*station, *baidutest.Server) {
	t.Helper()
	s, fake := newStation(t), baidutest.New(t, o)
	s.cfg.Baidu = baiduOf(fake.URLs())
	s.cfg.Defaults.BaiduPath = "/apps/nglive/{room}/{date}/{file}"
	s.logIn(tasks.DefaultAccount, baidutest.DefaultAccount())
	return s, fake
}

// logIn keeps a pair as if the account had gone through a login.
func (s *station) logIn(account string, a baidutest.Account) {
	s.t.Helper()
	require.NoError(s.t, tasks.NewVault(s.rdb, s.cfg.Secret).Replace(s.t.Context(), account, tasks.Credential{
		Mode: tasks.ModeOAuth, Access: a.AccessToken, Refresh: a.RefreshToken, ExpiresAt: time.Now().Add(30 * 24 * time.Hour),
	}))
}

func baiduFlow(with map[string]any) tasks.Flow {
	all := map[string]any{"target": "baidu"}
	maps.Copy(all, with)
	return tasks.Flow{ID: "netdisk", Version: 1, Steps: []tasks.Step{{ID: "up", Type: tasks.StepUpload, With: all}}}
}

// big puts a file of so many bytes that do not compress into the recordings' folder.
func (s *station) big(rel string, size int) []byte {
	s.t.Helper()
	content := make([]byte, size)
	_, _ = rand.Read(content)
	s.file(rel, string(content))
	return content
}

// frames are the lifecycle events of a kind.
func (s *station) frames(cmd string) []tasks.Event {
	s.t.Helper()
	all, err := s.store.Since(s.t.Context(), "0", 10000)
	require.NoError(s.t, err)
	var out []tasks.Event
	for _, f := range all {
		if e, err := f.Decode(); err == nil && e.CMD == cmd {
			out = append(out, e)
		}
	}
	return out
}

const mib = 1 << 20

// TestBaidu_wholeWay: a recording becomes an MP4, goes to the netdisk with its comments, gets a link, and the link is in the API's
// recording and in the notification, and nowhere else.
func TestBaidu_wholeWay(t *testing.T) {
	t.Parallel()
	s, fake := baiduStation(t, baidutest.Options{KeepContent: true, Strict: baidutest.Strict{UserAgent: true, StickyHost: true}})
	a := baidutest.DefaultAccount()
	s.cfg.Baidu.BDUSS, s.cfg.Baidu.STOKEN = a.BDUSS, a.STOKEN
	var log loud
	s.cfg.Log = log.logger()
	var hook bodies
	s.cfg.NotifyURLs, s.cfg.NotifyEvents = []string{hook.serve(t)}, []string{"*"}
	s.clip("a.flv", nil)
	s.file("a.xml", "<i></i>")
	s.start()
	flow := tasks.DefaultFlow()
	flow.Steps[1].With = map[string]any{"target": "baidu", "share": true, "share_days": 30}
	r := s.closed("a.flv", flow)
	s.reaches(r.ID, tasks.Finished)

	out := s.step(r.ID, "upload").Output
	require.NotNil(t, out)
	require.NotNil(t, out.Share, s.step(r.ID, "upload").Warning)
	files := fake.Files("")
	require.Len(t, files, 2)
	assert.Equal(t, "/"+out.Path, files[0].Path)
	assert.True(t, strings.HasPrefix(files[0].Path, "/apps/nglive/23058/"), files[0].Path)
	made, err := os.ReadFile(filepath.Join(s.cfg.OutputDir, s.step(r.ID, "transcode").Output.Path))
	require.NoError(t, err)
	assert.Equal(t, made, files[0].Content, "what is there is what was made")
	info, err := os.Stat(filepath.Join(s.cfg.OutputDir, s.step(r.ID, "transcode").Output.Path))
	require.NoError(t, err)
	taken := hashes{sessions{s.worker.journal}}.of(info)
	require.NotNil(t, taken, "the transcode took what the upload is asked for")
	assert.Equal(t, files[0].Blocks, taken.Blocks)
	assert.True(t, strings.HasSuffix(files[1].Path, ".xml"), files[1].Path)
	require.Len(t, fake.Shares(), 1)
	link := fake.Shares()[0]
	assert.Equal(t, link.Password, out.Share.Password)
	assert.Equal(t, 30, link.Period)
	assert.Regexp(t, `^[0-9a-z]{4}$`, out.Share.Password)

	s.until("the summary arrives", func() bool { return strings.Contains(hook.all(), out.Share.Password) })
	assert.Contains(t, hook.all(), out.Share.Link)
	for _, e := range s.frames(tasks.UpEnded) {
		assert.Nil(t, e.OUT.Share, "events are kept and replayed")
	}
	s.until("everything is told", func() bool { return s.worker.outbox.empty() })
	for _, secret := range []string{a.AccessToken, a.RefreshToken, a.BDUSS, a.STOKEN, s.cfg.Baidu.AppSecret} {
		assert.NotContains(t, log.String(), secret)
		assert.NotContains(t, hook.all(), secret)
		assert.NotContains(t, s.everythingInRedis(), secret)
		assert.False(t, foundBelow(t, s.cfg.DataDir, secret), "on the disk it is sealed")
	}
	assert.NotContains(t, log.String(), out.Share.Password)
	assert.NotContains(t, s.queuesInRedis(), out.Share.Password, "the dashboard shows payloads")
	s.noParts()
}

// TestBaidu_useWhatTheTranscodeHashed: several slices that the netdisk has already are not sent, since the md5 of the whole file is
// known without another reading. Hashes of a file that changed afterwards are nobody's.
func TestBaidu_useWhatTheTranscodeHashed(t *testing.T) {
	t.Parallel()
	s, fake := baiduStation(t, baidutest.Options{KeepContent: true})
	w, err := New(s.cfg, s.rdb, s.store, s.queue)
	require.NoError(t, err)
	kept := baidu.NewMemorySessions()
	w.netdisk.mem = func() baidu.Sessions { return kept }
	target, err := w.netdisk.target(t.Context(), tasks.DefaultAccount)
	require.NoError(t, err)
	content := s.big("made.mp4", 9*mib+3)
	f, err := os.OpenFile(filepath.Join(s.cfg.RecordingsDir, "made.mp4"), os.O_RDWR, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	put := func(name string) {
		t.Helper()
		_, sum, err := target.Put(t.Context(), f, "apps/nglive/"+name, false, func(int64) {})
		require.NoError(t, err)
		require.NoError(t, target.Check(t.Context(), "apps/nglive/"+name, int64(len(content)), sum))
	}
	put("a.mp4")
	require.Equal(t, 3, fake.Requests("superfile2"))

	require.NoError(t, hashes{kept}.take(t.Context(), f))
	put("b.mp4")
	assert.Equal(t, 3, fake.Requests("superfile2"), "nothing is sent again")
	assert.Equal(t, content, fake.Files("")[1].Content)

	content = slices.Concat(content[:len(content)-1], []byte{content[len(content)-1] ^ 1})
	_, err = f.WriteAt(content[len(content)-1:], int64(len(content)-1))
	require.NoError(t, err)
	put("c.mp4")
	assert.Equal(t, content, fake.Files("")[2].Content)
}

// loud is a log that keeps everything.
type loud struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *loud) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(b)
}

func (l *loud) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

// bodies is a receiver that keeps whatever it is sent.
type bodies struct{ loud }

func (b *bodies) serve(t *testing.T) string {
	t.Helper()
	return serveOn(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = b.Write(append(body, '\n'))
		w.WriteHeader(http.StatusNoContent)
	})
}

func (b *bodies) all() string { return b.String() }

// everythingInRedis reads every key there is, of every type, unpacked.
func (s *station) everythingInRedis() string { return s.inRedis("*") }

func (s *station) queuesInRedis() string { return s.inRedis("asynq:*") }

func (s *station) inRedis(pattern string) string {
	s.t.Helper()
	ctx := s.t.Context()
	var all strings.Builder
	keys, err := s.rdb.Keys(ctx, pattern).Result()
	require.NoError(s.t, err)
	for _, key := range keys {
		all.WriteString(key + "\n")
		switch kind := s.rdb.Type(ctx, key).Val(); kind {
		case "string":
			all.WriteString(s.rdb.Get(ctx, key).Val())
		case "hash":
			for k, v := range s.rdb.HGetAll(ctx, key).Val() {
				all.WriteString(k + "=" + v + "\n")
			}
		case "stream":
			for _, m := range s.rdb.XRange(ctx, key, "-", "+").Val() {
				b, _ := json.Marshal(m.Values)
				all.Write(b)
			}
		}
	}
	if pattern == "*" { // those that are over are packed
		list, _, err := s.store.List(ctx, tasks.Query{Limit: 1000})
		require.NoError(s.t, err)
		b, _ := json.Marshal(list)
		all.Write(b)
	}
	return all.String()
}

// foundBelow reports whether a file below dir holds the text.
func foundBelow(t *testing.T, dir, text string) bool {
	t.Helper()
	found := false
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		found = found || bytes.Contains(b, []byte(text))
		return err
	})
	require.NoError(t, err)
	return found
}

func (l *loud) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(io.MultiWriter(l, testLog()), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func serveOn(t *testing.T, f http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return server.URL + "/hook"
}
