package baidu

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/ngworks/nglive/worker/baidu/baidutest"
)

const testPath = "/apps/nglive/23058/a.mp4"

// inside is a client of a fake Baidu, seen from inside the package.
func inside(t *testing.T, by Credential, fake *baidutest.Server) *Client {
	t.Helper()
	a, u := baidutest.DefaultAccount(), fake.URLs()
	c := New(Config{
		Account: "alice", Endpoints: Endpoints{Pan: u.Pan, PCS: u.PCS, OpenAPI: u.OpenAPI}, Credential: by, Patience: 0.02,
		Tokens: NewMemoryTokens(Pair{Access: a.AccessToken, Refresh: a.RefreshToken}), RateLimit: 100 * mib,
	})
	t.Cleanup(c.Close)
	return c
}

func credentials() map[string]Credential {
	a, app := baidutest.DefaultAccount(), baidutest.DefaultApp()
	return map[string]Credential{
		"OAuth":  OAuth{AppKey: app.ClientID, SecretKey: app.ClientSecret, AppFolder: "/apps/" + app.Folder},
		"cookie": Cookie{BDUSS: a.BDUSS, STOKEN: a.STOKEN},
	}
}

func fileOf(t *testing.T, size int64) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "a.mp4"))
	if err == nil {
		err = f.Truncate(size)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// TestUpload_ofAFileThatChangesMakesNothing: shrunk, grown or rewritten while it is sent, it ends as changed, and nothing is created.
func TestUpload_ofAFileThatChangesMakesNothing(t *testing.T) {
	t.Parallel()
	const size = 24 * mib
	changes := map[string]func(*os.File) error{
		"shrinks": func(f *os.File) error { return f.Truncate(size / 4) },
		"grows":   func(f *os.File) error { return f.Truncate(size + 1) },
		"is rewritten": func(f *os.File) error {
			_, err := f.WriteAt([]byte("other"), size-100)
			return err
		},
	}
	for what, change := range changes {
		for by, credential := range credentials() {
			t.Run(what+" by "+by, func(t *testing.T) {
				t.Parallel()
				fake := baidutest.New(t, baidutest.Options{})
				c := inside(t, credential, fake)
				f := fileOf(t, size)
				var changed error
				done := false
				_, err := c.Upload(t.Context(), f, testPath, Options{Report: func(p Progress) {
					if !done && p.Done > size/8 {
						done, changed = true, change(f)
					}
				}})
				if changed != nil || !done {
					t.Fatalf("changed: %v %v", done, changed)
				}
				var e *Error
				if !errors.As(err, &e) || e.Reason() != ReasonChanged || e.Class() != classAgain {
					t.Fatalf("it ended with %v", err)
				}
				if n := len(fake.Files("")); n != 0 {
					t.Errorf("%d files were made", n)
				}
				if doc, _ := c.cfg.Sessions.Load("alice|" + testPath); doc != nil {
					t.Error("the session of a file that is no more was kept")
				}
				if _, err := c.Upload(t.Context(), f, testPath, Options{}); err != nil {
					t.Errorf("the next upload: %v", err)
				}
			})
		}
	}
}

func TestUpload_ofAFileThatVanishesGoesOn(t *testing.T) {
	t.Parallel()
	for by, credential := range credentials() {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			fake := baidutest.New(t, baidutest.Options{})
			f := fileOf(t, 12*mib)
			_, err := inside(t, credential, fake).Upload(t.Context(), f, testPath, Options{Report: func(Progress) { _ = os.Remove(f.Name()) }})
			if err != nil || len(fake.Files("")) != 1 {
				t.Errorf("its last copy is what was open: %v", err)
			}
		})
	}
}

// badDisk cannot read one place.
type badDisk struct {
	io.ReaderAt
	at int64
}

func (d badDisk) ReadAt(p []byte, off int64) (int, error) {
	if off <= d.at && d.at < off+int64(len(p)) {
		return int(d.at - off), syscall.EIO
	}
	return d.ReaderAt.ReadAt(p, off)
}

func TestUpload_ofAnUnreadableSectorSaysSoAndKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	for by, credential := range credentials() {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			fake := baidutest.New(t, baidutest.Options{})
			c := inside(t, credential, fake)
			f := fileOf(t, 13*mib)
			src, err := openSource(f)
			if err != nil {
				t.Fatal(err)
			}
			src.file = badDisk{f, 12*mib + 5}
			_, err = c.uploadSource(t.Context(), src, testPath, Options{})
			var e *Error
			if !errors.As(err, &e) || e.Reason() != ReasonUnreadable || !errors.Is(err, syscall.EIO) || e.AccountWide() {
				t.Fatalf("it ended with %v", err)
			}
			if n := len(fake.Files("")); n != 0 {
				t.Errorf("%d files were made", n)
			}
			if _, err := c.Upload(t.Context(), f, testPath, Options{}); err != nil { // the disk is well again
				t.Fatal(err)
			}
			if got := fake.Bytes(); got > 13*mib+4*4*mib {
				t.Errorf("%d bytes were sent in all for %d", got, 13*mib)
			}
		})
	}
}

func TestUpload_takesOrdinaryFilesOnly(t *testing.T) {
	t.Parallel()
	fake := baidutest.New(t, baidutest.Options{})
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	if _, err := inside(t, credentials()["cookie"], fake).Upload(context.Background(), dir, testPath, Options{}); ReasonOf(err) != ReasonUnreadable {
		t.Errorf("a folder ended with %v", err)
	}
}
