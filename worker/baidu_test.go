package worker

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker/baidu"
	"github.com/ngworks/nglive/worker/baidu/baidutest"
	"github.com/ngworks/nglive/worker/targettest"
)

// TestBaidu_conforms: what holds for the archive holds for the netdisk, by both ways in.
func TestBaidu_conforms(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{tasks.ModeOAuth, tasks.ModeCookie} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			targettest.Run(t, func(t *testing.T) (targettest.Target, targettest.Inspect) {
				t.Helper()
				// As fast as lets the suite stop an upload half-way: progress is told twice a second.
				fake := baidutest.New(t, baidutest.Options{KeepContent: true, Shape: baidutest.Shape{Total: 12 * mib}})
				a, u := baidutest.DefaultAccount(), fake.URLs()
				ends := baidu.Endpoints{Pan: u.Pan, PCS: u.PCS, OpenAPI: u.OpenAPI}
				byCookie := baidu.Config{Account: "alice", Endpoints: ends, Credential: baidu.Cookie{BDUSS: a.BDUSS, STOKEN: a.STOKEN}, Patience: hurry}
				cfg := byCookie
				cfg.Slots = baidu.NewFixedSlots(1) // half of the bytes is then half of the slices, not four begun ones
				if app := baidutest.DefaultApp(); mode == tasks.ModeOAuth {
					cfg.Credential = baidu.OAuth{AppKey: app.ClientID, SecretKey: app.ClientSecret, AppFolder: "/apps/" + app.Folder}
					cfg.Tokens = baidu.NewMemoryTokens(baidu.Pair{Access: a.AccessToken, Refresh: a.RefreshToken})
				}
				target := &baiduTarget{name: "baidu", client: baidu.New(cfg), root: "/apps/nglive"}
				return target, &stranger{t: t, fake: fake, target: target, client: baidu.New(byCookie)}
			})
		})
	}
}

// stranger looks at the netdisk from outside, with a client of its own.
type stranger struct {
	t      *testing.T
	fake   *baidutest.Server
	target *baiduTarget
	client *baidu.Client
}

func (s *stranger) remote(name string) string {
	remote, err := s.target.remote(name)
	if err != nil {
		s.t.Error(err)
	}
	return remote
}

func (s *stranger) Names() (names []string) {
	for _, f := range s.fake.Files("") {
		names = append(names, strings.TrimPrefix(f.Path, s.target.root+"/"))
	}
	return names
}

func (s *stranger) Content(name string) []byte {
	files, remote := s.fake.Files(""), s.remote(name)
	at := slices.IndexFunc(files, func(f baidutest.File) bool { return f.Path == remote })
	if at < 0 {
		return nil
	}
	return files[at].Content
}

func (s *stranger) Plant(name string, content []byte) {
	path := filepath.Join(s.t.TempDir(), "planted")
	require.NoError(s.t, os.WriteFile(path, content, 0o600))
	f, err := os.Open(path)
	require.NoError(s.t, err)
	defer func() { _ = f.Close() }()
	_, err = s.client.Upload(s.t.Context(), f, s.remote(name), baidu.Options{Conflict: baidu.ConflictReplace})
	require.NoError(s.t, err)
}

// Parts: what was begun there counts against nobody's room.
func (s *stranger) Parts() int { return 0 }

func (s *stranger) TakesEmpty() bool { return false }

// Sum is what Baidu says of a file in slices of 4 MiB.
func (s *stranger) Sum(content []byte) string {
	var sums []string
	for block := range slices.Chunk(content, int(baidutest.BlockSize)) {
		sums = append(sums, baidutest.MD5(block))
	}
	if len(sums) == 1 {
		return md5Mark + sums[0]
	}
	list, _ := json.Marshal(sums)
	return md5Mark + baidutest.MD5(list)
}

// SpoilPart lets Baidu forget what was sent.
func (s *stranger) SpoilPart(string, []byte) bool {
	s.fake.Fault(baidutest.Rule{Endpoint: baidutest.Precreate, Times: 1, Action: baidutest.Expire})
	return s.fake.Requests(baidutest.SuperFile2) > 0
}
