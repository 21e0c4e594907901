package baidu_test

import (
	"context"
	"encoding/base64"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ngworks/nglive/worker/baidu"
	"github.com/ngworks/nglive/worker/baidu/baidutest"
)

// halfway uploads until half of the file is there, and stops.
func (p *place) halfway(src *recording) {
	p.t.Helper()
	ctx, stop := context.WithCancel(p.t.Context())
	defer stop()
	cfg := p.cfg
	cfg.RateLimit = 40 * mib
	c := baidu.New(cfg)
	defer c.Close()
	_, err := c.Upload(ctx, src.open(p.t), appPath, baidu.Options{Report: func(baidu.Progress) {
		if p.fake.Bytes() >= src.size/2 {
			stop()
		}
	}})
	if baidu.ReasonOf(err) != baidu.ReasonStopped || !errors.Is(err, context.Canceled) {
		p.t.Fatalf("stopped half-way, the upload says %v\n%s", err, p.log)
	}
}

// inFlight is the most that may be under way when an upload dies.
const inFlight = baidu.SlotsDefault * 4 * mib

func TestUpload_resumesAndSendsOnlyWhatIsMissing(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, by front) {
		t.Helper()
		p := open(t, by, baidutest.Options{})
		src := record(t, 50*mib+9)
		p.halfway(src)
		p.mustUpload(src)
		if got := p.fake.Bytes(); got > src.size+inFlight {
			t.Errorf("%d bytes were sent in all for %d", got, src.size)
		}
		if n := p.fake.Requests(baidutest.Create); n != 1 {
			t.Errorf("the file was created %d times", n)
		}
	})
}

func TestUpload_resumesAfterAKill(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, by front) {
		t.Helper()
		p := open(t, by, baidutest.Options{})
		src := record(t, 64*mib)
		dir := t.TempDir()
		p.killed(src, dir)
		p.cfg.Sessions = onDisk(dir)
		p.mustUpload(src)
		if got := p.fake.Bytes(); got > src.size+inFlight {
			t.Errorf("%d bytes were sent in all for %d", got, src.size)
		}
	})
}

// killed has a process of its own upload until half is there, and kills it.
func (p *place) killed(src *recording, dir string) {
	p.t.Helper()
	u := p.fake.URLs()
	cmd := exec.CommandContext(p.t.Context(), os.Args[0], "-test.run=^TestChild$")
	cmd.Env = append(os.Environ(), "BAIDU_CHILD="+strings.Join([]string{string(p.by), src.path, dir, u.Pan, u.PCS, u.OpenAPI}, "|"))
	out := &bytesLog{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); p.fake.Bytes() < src.size/2; <-time.After(time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("the other process did not upload half in a minute:\n%s", out)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	_ = cmd.Wait()
	if n := p.fake.Requests(baidutest.Create); n != 0 {
		p.t.Fatalf("the other process was done before it was killed")
	}
}

// TestChild is the process that is killed.
func TestChild(t *testing.T) {
	order := strings.Split(os.Getenv("BAIDU_CHILD"), "|")
	if len(order) != 6 {
		return // nobody's child
	}
	a, app := baidutest.DefaultAccount(), baidutest.DefaultApp()
	cfg := baidu.Config{
		Account: "alice", Endpoints: baidu.Endpoints{Pan: order[3], PCS: order[4], OpenAPI: order[5]}, Sessions: onDisk(order[2]), Patience: 0.1,
		Credential: baidu.Cookie{BDUSS: a.BDUSS, STOKEN: a.STOKEN}, RateLimit: 16 * mib,
		Tokens: baidu.NewMemoryTokens(baidu.Pair{Access: a.AccessToken, Refresh: a.RefreshToken}),
	}
	if front(order[0]) == byToken {
		cfg.Credential = baidu.OAuth{AppKey: app.ClientID, SecretKey: app.ClientSecret, AppFolder: "/apps/" + app.Folder}
	}
	src := &recording{path: order[1]}
	if _, err := baidu.New(cfg).Upload(t.Context(), src.open(t), appPath, baidu.Options{}); err != nil {
		t.Fatal(err)
	}
}

// onDisk are sessions in a folder.
type onDisk string

func (d onDisk) file(key string) string {
	return filepath.Join(string(d), base64.RawURLEncoding.EncodeToString([]byte(key)))
}

func (d onDisk) Load(key string) ([]byte, error) {
	doc, err := os.ReadFile(d.file(key))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return doc, err
}

func (d onDisk) Save(key string, doc []byte) error {
	tmp := d.file(key) + ".new"
	return errors.Join(os.WriteFile(tmp, doc, 0o600), os.Rename(tmp, d.file(key)))
}

func (d onDisk) Delete(key string) error { return os.Remove(d.file(key)) }

func TestUpload_ofAChangedFileBeginsAnew(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, by front) {
		t.Helper()
		p := open(t, by, baidutest.Options{})
		src := record(t, 24*mib)
		p.halfway(src)
		other := record(t, 24*mib-4096) // another size and other blocks
		if err := os.Rename(other.path, src.path); err != nil {
			t.Fatal(err)
		}
		other.path = src.path
		p.mustUpload(other)
	})
}

func TestUpload_findsTheFileOfACreateWhoseAnswerWasLost(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, by front) {
		t.Helper()
		look := map[front]string{byToken: baidutest.List, byCookie: baidutest.Meta}[by]
		p := open(t, by, baidutest.Options{Faults: append(blind(look), once(baidutest.Create, baidutest.LoseAnswer))})
		src := record(t, 9*mib)
		if _, err := p.upload(src); baidu.ReasonOf(err) != baidu.ReasonServer {
			t.Fatalf("with a blind eye the upload ended with %v", err)
		}
		p.fake.Forget()
		r := p.mustUpload(src)
		if p.fake.Bytes() != 0 || p.fake.Requests(baidutest.Create) > 0 || !r.Confirmed {
			t.Errorf("%d bytes and %d creates for a file that was there: %+v", p.fake.Bytes(), p.fake.Requests(baidutest.Create), r)
		}
	})
}

// blind lets the first look, before the upload, succeed; then one rule after the other acts: two looks of five tries.
func blind(look string) []baidutest.Rule {
	var rules []baidutest.Rule
	for range 10 {
		rules = append(rules, baidutest.Rule{Endpoint: look, Action: baidutest.Status, Status: 502, Nth: 2})
	}
	return rules
}

// TestUpload_findsTheRenamedFileOfALostCreate: Baidu gave the file another name and nobody heard of it. The next life looks for it
// under names like that, and creates nothing.
func TestUpload_findsTheRenamedFileOfALostCreate(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, by front) {
		t.Helper()
		look := map[front]string{byToken: baidutest.List, byCookie: baidutest.Meta}[by]
		p := open(t, by, baidutest.Options{})
		p.mustUpload(record(t, 5*mib))
		p.fake.Fault(append(blind(look), once(baidutest.Create, baidutest.LoseAnswer))...)
		src, rename := record(t, 9*mib), baidu.Options{Conflict: baidu.ConflictRename}
		if _, err := p.upload(src, rename); baidu.ReasonOf(err) != baidu.ReasonServer {
			t.Fatalf("with a blind eye the upload ended with %v", err)
		}
		p.fake.Forget()
		r, err := p.upload(src, rename)
		if err != nil || r.Path == appPath || p.fake.Bytes() != 0 || p.fake.Requests(baidutest.Create) > 0 || len(p.fake.Files("")) != 2 {
			t.Errorf("%+v %v; %d bytes, %d creates, %d files", r, err, p.fake.Bytes(), p.fake.Requests(baidutest.Create), len(p.fake.Files("")))
		}
	})
}

// TestUpload_looksBeforeItCreatesAgain: a create whose answer was lost is not repeated, it is looked for.
func TestUpload_looksBeforeItCreatesAgain(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, by front) {
		t.Helper()
		p := open(t, by, baidutest.Options{Faults: []baidutest.Rule{once(baidutest.Create, baidutest.LoseAnswer)}})
		p.mustUpload(record(t, 5*mib))
		if n := p.fake.Requests(baidutest.Create); n != 1 {
			t.Errorf("%d creates were sent", n)
		}
	})
}

// TestUpload_writesDownThatItCreatesBeforeItDoes: when Baidu hears the create, the journal knows of it already, so that a death in that
// moment is followed by a look and not by a second file.
func TestUpload_writesDownThatItCreatesBeforeItDoes(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, by front) {
		t.Helper()
		p := open(t, by, baidutest.Options{Faults: []baidutest.Rule{once(baidutest.Create, baidutest.Hang)}})
		src := record(t, 5*mib)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			_, err := p.client().Upload(ctx, src.open(t), appPath, baidu.Options{})
			ended <- err
		}()
		for deadline := time.Now().Add(time.Minute); p.fake.Requests(baidutest.Create) == 0; <-time.After(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("no create was sent in a minute:\n%s", p.log)
			}
		}
		if known := p.sessions.all(); !strings.Contains(known, `"creating":true`) {
			t.Errorf("while the create is under way, the journal says %s", known)
		}
		stop()
		if err := <-ended; baidu.ReasonOf(err) != baidu.ReasonStopped {
			t.Errorf("it ended with %v", err)
		}
	})
}

func TestUpload_goesOnWhenThereIsRoomAgain(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, by front) {
		t.Helper()
		p := open(t, by, baidutest.Options{Faults: []baidutest.Rule{slice(baidutest.ShrinkQuota, func(r *baidutest.Rule) { r.Bytes = mib })}})
		src := record(t, 13*mib)
		_, err := p.upload(src)
		var e *baidu.Error
		if !errors.As(err, &e) || e.Class() != "space" || !e.AccountWide() {
			t.Fatalf("on a full netdisk the upload ended with %v", err)
		}
		if _, err = p.upload(src); baidu.ReasonOf(err) != baidu.ReasonSpace || p.fake.Bytes() > src.size+src.size/20 {
			t.Errorf("still full, it ended with %v after %d bytes", err, p.fake.Bytes())
		}
		p.fake.SetQuota("", baidutest.GiB)
		p.mustUpload(src)
		if got := p.fake.Bytes(); got > src.size+src.size/20 {
			t.Errorf("%d bytes were sent in all for %d", got, src.size)
		}
	})
}

func TestUpload_heedsAWrongClockNot(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, by front) {
		t.Helper()
		p := open(t, by, baidutest.Options{})
		src := record(t, 24*mib)
		p.halfway(src)
		p.cfg.Now = func() time.Time { return time.Now().Add(30 * time.Hour) } // and the session is a minute old
		p.mustUpload(src)
		if got := p.fake.Bytes(); got > src.size+inFlight || p.fake.Requests(baidutest.Precreate) > 2 {
			t.Errorf("%d bytes were sent for %d, in %d sessions", got, src.size, p.fake.Requests(baidutest.Precreate))
		}
		if n := p.fake.Refreshes(""); n > 0 {
			t.Errorf("tokens that are good were renewed %d times", n)
		}
	})
}

func TestUpload_trustsNoSessionOlderThanADay(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, by front) {
		t.Helper()
		p := open(t, by, baidutest.Options{})
		src := record(t, 24*mib)
		p.halfway(src)
		p.fake.Advance(25 * time.Hour)
		p.mustUpload(src)
	})
}
