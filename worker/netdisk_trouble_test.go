package worker

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker/baidu"
	"github.com/ngworks/nglive/worker/baidu/baidutest"
)

// TestBaidu_resumesAfterAKill: a worker is killed in the middle of an upload. The next one sends what is missing, not the file.
func TestBaidu_resumesAfterAKill(t *testing.T) {
	t.Parallel()
	const size = 96 * mib
	s, fake := baiduStation(t, baidutest.Options{KeepContent: true, Shape: baidutest.Shape{Total: 24 * mib}})
	dir := t.TempDir()
	settings := s.cfg.Baidu
	s.cfg = testConfig(t, dir)
	s.cfg.Baidu = settings
	content := s.big("a.flv", size)
	cmd := s.child(dir)
	r := s.closed("a.flv", baiduFlow(nil))
	s.within(60*time.Second, "half is there", func() bool { return fake.Bytes() >= size/2 })
	kill(cmd)
	before := fake.Bytes()
	cmd = s.child(dir)
	s.reaches(r.ID, tasks.Finished)
	kill(cmd)
	require.Len(t, fake.Files(""), 1)
	assert.Equal(t, content, fake.Files("")[0].Content)
	assert.LessOrEqual(t, fake.Bytes(), int64(size+baidu.SlotsMax*4*mib), "only what was under way is sent twice")
	t.Logf("killed after %d MiB; %d MiB sent in all for %d MiB", before/mib, fake.Bytes()/mib, size/mib)
}

// TestBaidu_stopsAnAccountOnceForAll: when the login is over, every recording waits, one message is sent, and a fresh login lets
// all go on.
func TestBaidu_stopsAnAccountOnceForAll(t *testing.T) {
	t.Parallel()
	s, fake := baiduStation(t, baidutest.Options{})
	s.cfg.NotifyEvents = []string{"errors", tasks.StepHeld}
	var hook bodies
	s.cfg.NotifyURLs = []string{hook.serve(t)}
	fake.RevokeTokens("")
	s.start()
	s.until("the relay begins", func() bool { return s.rdb.Exists(t.Context(), keyRelayCursor).Val() == 1 })
	var list []tasks.Recording
	for i := range 5 {
		rel := fmt.Sprintf("%d.flv", i)
		s.big(rel, mib+i)
		list = append(list, s.closed(rel, baiduFlow(nil)))
	}
	for _, r := range list {
		s.reaches(r.ID, tasks.Waiting)
		assert.Contains(t, s.step(r.ID, "up").Reason, "nglive baidu login")
	}
	assert.Zero(t, fake.Requests(baidutest.Precreate), "no doomed upload began")
	assert.Equal(t, 1, fake.Requests(baidutest.Token), "a no is believed: neither those that wait nor those that look ask for a renewal again")
	s.until("it is told", func() bool { return strings.Contains(hook.all(), tasks.TargetStopped) })

	next := fake.Authorise("")
	s.logIn(tasks.DefaultAccount, baidutest.Account{AccessToken: next.Access, RefreshToken: next.Refresh})
	require.NoError(t, s.store.MoveTarget(t.Context(), "baidu"))
	for _, r := range list {
		s.within(3*time.Minute, "it goes on by itself", func() bool { return s.recording(r.ID).State == tasks.Finished })
		assert.Zero(t, s.step(r.ID, "up").Attempts-1, "waiting costs no attempt")
	}
	s.until("that is told too", func() bool { return len(s.frames(tasks.TargetResumed)) == 1 })
	assert.Len(t, s.frames(tasks.TargetStopped), 1, "once, not once a recording")
	assert.Equal(t, 1, strings.Count(hook.all(), `"CMD":"`+tasks.TargetStopped))
	assert.NotContains(t, hook.all(), `"CMD":"`+tasks.StepHeld, "the stop was told already")
}

// TestBaidu_oneRenewalForAllProcesses: two workers' keepers meet an expired token with many uploads at once. The refresh token is
// good for one use.
func TestBaidu_oneRenewalForAllProcesses(t *testing.T) {
	t.Parallel()
	s, fake := baiduStation(t, baidutest.Options{})
	var clients []*baidu.Client
	for range 3 { // three machines: nothing in common but Redis
		cfg := testConfig(t, t.TempDir())
		cfg.Baidu = s.cfg.Baidu
		w, err := New(cfg, s.rdb, s.store, s.queue)
		require.NoError(t, err)
		w.netdisk.mem = func() baidu.Sessions { return baidu.NewMemorySessions() }
		a, err := w.netdisk.account(t.Context(), tasks.DefaultAccount)
		require.NoError(t, err)
		_, err = a.client.User(t.Context())
		require.NoError(t, err)
		clients = append(clients, a.client)
	}
	for round := 1; round <= 3; round++ {
		fake.ExpireTokens("")
		var wg sync.WaitGroup
		for i := range 18 {
			wg.Go(func() {
				_, err := clients[i%len(clients)].Quota(t.Context())
				assert.NoError(t, err)
			})
		}
		wg.Wait()
		assert.Equal(t, round, fake.Refreshes(""), "one renewal a round")
	}
}

// TestBaidu_newPairIsOnTheDiskBeforeItIsUsed, also while Redis is away between the two: the disk's newer pair goes back to Redis.
func TestBaidu_newestPairWins(t *testing.T) {
	t.Parallel()
	s, fake := baiduStation(t, baidutest.Options{})
	w, err := New(s.cfg, s.rdb, s.store, s.queue)
	require.NoError(t, err)
	w.netdisk.mem = func() baidu.Sessions { return baidu.NewMemorySessions() }
	k := newKeeper(w.netdisk, tasks.DefaultAccount)
	old, err := k.Load(t.Context())
	require.NoError(t, err)
	oldLine := s.rdb.HGet(t.Context(), "nglive:baidu:credentials", tasks.DefaultAccount).Val()
	fresh := fake.Authorise("")
	got, err := k.Renew(t.Context(), old, func(context.Context, baidu.Pair) (baidu.Pair, error) {
		return baidu.Pair{Access: fresh.Access, Refresh: fresh.Refresh, ObtainedAt: time.Now()}, nil
	})
	require.NoError(t, err)
	assert.Equal(t, fresh.Access, got.Access)
	info, err := os.Stat(filepath.Join(s.cfg.DataDir, credentialsDir, tasks.DefaultAccount))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	for what, lose := range map[string]func(){
		"Redis lost it":                func() { s.rdb.Del(t.Context(), "nglive:baidu:credentials") },
		"Redis has the one before":     func() { s.rdb.HSet(t.Context(), "nglive:baidu:credentials", tasks.DefaultAccount, oldLine) },
		"this disk has the one before": func() { require.NoError(t, writeSecret(k.path(), oldLine)) },
		"this disk lost it":            func() { require.NoError(t, os.Remove(k.path())) },
	} {
		lose()
		pair, err := newKeeper(w.netdisk, tasks.DefaultAccount).Load(t.Context())
		require.NoError(t, err, what)
		assert.Equal(t, fresh.Access, pair.Access, what)
		kept, _, err := k.vault.Load(t.Context(), tasks.DefaultAccount)
		require.NoError(t, err, what)
		assert.Equal(t, fresh.Access, kept.Access, what)
	}
	require.NoError(t, k.vault.Remove(t.Context(), tasks.DefaultAccount))
	_, err = newKeeper(w.netdisk, tasks.DefaultAccount).Load(t.Context())
	require.ErrorIs(t, err, baidu.ErrNoTokens, "logged out on one node is logged out on all")
}

// TestBaidu_splitsWhatIsTooLarge into parts that each play, proves each, and lets go of the local ones.
func TestBaidu_splitsWhatIsTooLarge(t *testing.T) {
	t.Parallel()
	s, fake := baiduStation(t, baidutest.Options{KeepContent: true})
	a := baidutest.DefaultAccount()
	s.cfg.Baidu.BDUSS, s.cfg.Baidu.STOKEN = a.BDUSS, a.STOKEN
	s.clip("a.flv", nil)
	info, err := os.Stat(filepath.Join(s.cfg.RecordingsDir, "a.flv"))
	require.NoError(t, err)
	s.cfg.Baidu.Most = info.Size()*2/3 + 1
	s.start()
	flow := tasks.DefaultFlow()
	flow.Steps = append(flow.Steps[:2:2], tasks.Step{ID: "clean", Type: tasks.StepDelete})
	flow.Steps[1].With = map[string]any{"target": "baidu", "share": true}
	r := s.closed("a.flv", flow)
	s.reaches(r.ID, tasks.Finished)
	out := s.step(r.ID, "upload").Output
	require.GreaterOrEqual(t, len(out.Parts), 2)
	var total float64
	for i, p := range out.Parts {
		assert.Contains(t, p.Path, fmt.Sprintf(".p%02d.mp4", i+1))
		assert.LessOrEqual(t, p.SizeBytes, s.cfg.Baidu.Most)
		require.NotNil(t, p.Share)
		at := slices.IndexFunc(fake.Files(""), func(f baidutest.File) bool { return f.Path == "/"+p.Path })
		require.GreaterOrEqual(t, at, 0, p.Path)
		copied := filepath.Join(t.TempDir(), "part.mp4")
		require.NoError(t, os.WriteFile(copied, fake.Files("")[at].Content, 0o600))
		m, err := s.worker.tools.Probe(t.Context(), copied)
		require.NoError(t, err, "each plays")
		total += m.Duration.Seconds()
	}
	assert.InDelta(t, s.step(r.ID, "transcode").Output.Seconds, total, 0.5)
	assert.NoDirExists(t, filepath.Join(s.cfg.OutputDir, splitDir, r.ID+".upload"))
	assert.NoFileExists(t, filepath.Join(s.cfg.RecordingsDir, "a.flv"), "all parts were proved, so the source could go")
}

func TestBaidu_refusesWhatIsTooLargeWhenToldTo(t *testing.T) {
	t.Parallel()
	s, fake := baiduStation(t, baidutest.Options{})
	s.cfg.Baidu.Most = mib
	s.big("a.flv", 2*mib)
	s.start()
	r := s.closed("a.flv", baiduFlow(map[string]any{"oversize": "refuse"}))
	s.reaches(r.ID, tasks.Failed)
	assert.Contains(t, s.recording(r.ID).Error, "larger")
	assert.Zero(t, fake.Requests(baidutest.Precreate))
}

// TestBaidu_aLinkThatIsRefusedIsAWarning: the upload is done, once.
func TestBaidu_aLinkThatIsRefusedIsAWarning(t *testing.T) {
	t.Parallel()
	refusing := baidutest.DefaultAccount()
	refusing.ShareErrno = 115
	s, fake := baiduStation(t, baidutest.Options{Accounts: []baidutest.Account{refusing}})
	s.cfg.Baidu.BDUSS, s.cfg.Baidu.STOKEN = refusing.BDUSS, refusing.STOKEN
	s.big("a.flv", mib)
	s.start()
	r := s.closed("a.flv", baiduFlow(map[string]any{"share": true}))
	s.reaches(r.ID, tasks.Finished)
	assert.Contains(t, s.step(r.ID, "up").Warning, "without a share link")
	assert.Nil(t, s.step(r.ID, "up").Output.Share)
	assert.Equal(t, int64(mib), fake.Bytes())
}

// TestBaidu_aLinkIsTriedAgainAndMadeOnce: Baidu's own trouble passes, and a step that is done again tells the same link.
func TestBaidu_aLinkIsTriedAgainAndMadeOnce(t *testing.T) {
	t.Parallel()
	s, fake := baiduStation(t, baidutest.Options{Faults: []baidutest.Rule{{Endpoint: baidutest.SharePSet, Times: 1, Action: baidutest.Status, Status: 502}}})
	a := baidutest.DefaultAccount()
	s.cfg.Baidu.BDUSS, s.cfg.Baidu.STOKEN = a.BDUSS, a.STOKEN
	s.big("a.flv", mib)
	s.start()
	r := s.closed("a.flv", baiduFlow(map[string]any{"share": true}))
	s.reaches(r.ID, tasks.Finished)
	require.NotNil(t, s.step(r.ID, "up").Output.Share)
	e, err := s.worker.journal.read(r.TaskID(r.Step("up")))
	require.NoError(t, err)
	assert.Len(t, e.Links, 1, "journalled")
	assert.Len(t, fake.Shares(), 1)
}

// TestBaidu_waitsForItsHours outside of the window, with the reason.
func TestBaidu_waitsForItsHours(t *testing.T) {
	t.Parallel()
	s, fake := baiduStation(t, baidutest.Options{})
	minute := time.Now().Hour()*60 + time.Now().Minute()
	s.cfg.Baidu.Window = Window{From: (minute + 120) % dayMinutes, To: (minute + 180) % dayMinutes}
	s.big("a.flv", mib)
	s.start()
	r := s.closed("a.flv", baiduFlow(nil))
	s.reaches(r.ID, tasks.Waiting)
	assert.Contains(t, s.step(r.ID, "up").Reason, "NGLIVE_BAIDU_WINDOW")
	assert.Zero(t, fake.Bytes())
	s.stopWorker()
	s.cfg.Baidu.Window = Window{}
	s.start()
	s.reaches(r.ID, tasks.Finished)
}

// TestBaidu_goesOnWhenItsHoursBeginAgain: the hours end in the middle of an upload. It waits, keeps what is there, and later sends
// only what is missing.
func TestBaidu_goesOnWhenItsHoursBeginAgain(t *testing.T) {
	t.Parallel()
	const size = 40 * mib
	s, fake := baiduStation(t, baidutest.Options{KeepContent: true, Shape: baidutest.Shape{Total: 6 * mib}})
	s.cfg.Baidu.Window = Window{From: 1 * 60, To: 2 * 60}
	var clock atomic.Pointer[time.Time]
	set := func(hour, minute, second int) {
		at := time.Date(2026, 1, 1, hour, minute, second, 0, time.Local)
		clock.Store(&at)
	}
	s.prepare = func(w *Worker) { w.clock = func() time.Time { return *clock.Load() } }
	content := s.big("a.flv", size)
	set(1, 59, 55) // five seconds are left: the link takes seven
	s.start()
	r := s.closed("a.flv", baiduFlow(nil))
	s.until("it began", func() bool { return fake.Bytes() > 0 })
	set(2, 0, 0)
	s.reaches(r.ID, tasks.Waiting)
	assert.Contains(t, s.step(r.ID, "up").Reason, "NGLIVE_BAIDU_WINDOW")
	assert.Less(t, fake.Bytes(), int64(size))
	assert.Zero(t, fake.Requests(baidutest.Create))
	sent := fake.Requests(baidutest.SuperFile2)
	set(1, 10, 0)
	s.within(3*time.Minute, "it goes on by itself", func() bool { return s.recording(r.ID).State == tasks.Finished })
	require.Len(t, fake.Files(""), 1)
	assert.Equal(t, content, fake.Files("")[0].Content)
	assert.Equal(t, 1, s.step(r.ID, "up").Attempts, "waiting costs no attempt")
	assert.LessOrEqual(t, fake.Bytes(), int64(size+baidu.SlotsDefault*4*mib), "only what was under way is sent twice")
	assert.LessOrEqual(t, fake.Requests(baidutest.SuperFile2), size/(4*mib)+baidu.SlotsDefault)
	assert.LessOrEqual(t, fake.Requests(baidutest.Precreate), 2, "the session was opened once, and asked once what it lacks")
	t.Logf("the hours ended after %d slices of %d; %d were sent in all", sent, size/(4*mib), fake.Requests(baidutest.SuperFile2))
}

// TestBaidu_aDeathAtTheLinkMakesNoSecondOne: the worker is killed after Baidu made the link and before it heard of it. The next one
// finds the link by its password. An answer that is lost on the way is the same, without a death.
func TestBaidu_aDeathAtTheLinkMakesNoSecondOne(t *testing.T) {
	t.Parallel()
	a := baidutest.DefaultAccount()
	one := func(t *testing.T, s *station, fake *baidutest.Server, r tasks.Recording) {
		t.Helper()
		s.reaches(r.ID, tasks.Finished)
		shares := fake.Shares()
		require.Len(t, shares, 1)
		got := s.step(r.ID, "up").Output.Share
		require.NotNil(t, got, s.step(r.ID, "up").Warning)
		assert.Equal(t, shares[0].Password, got.Password)
		assert.Contains(t, got.Link, shares[0].Link)
		assert.WithinDuration(t, time.Now().Add(7*24*time.Hour), got.ExpiresAt, time.Hour)
	}
	t.Run("killed", func(t *testing.T) {
		t.Parallel()
		never := baidutest.Rule{Endpoint: baidutest.SharePSet, Times: 1, Action: baidutest.Slow, Delay: baidutest.Duration{Duration: time.Hour}}
		s, fake := baiduStation(t, baidutest.Options{Faults: []baidutest.Rule{never}})
		dir, settings := t.TempDir(), s.cfg.Baidu
		s.cfg = testConfig(t, dir)
		s.cfg.Baidu = settings
		s.cfg.Baidu.BDUSS, s.cfg.Baidu.STOKEN = a.BDUSS, a.STOKEN
		s.big("a.flv", mib)
		cmd := s.child(dir)
		r := s.closed("a.flv", baiduFlow(map[string]any{"share": true}))
		s.until("the link is there", func() bool { return len(fake.Shares()) == 1 })
		kill(cmd)
		cmd = s.child(dir)
		one(t, s, fake, r)
		kill(cmd)
	})
	t.Run("lost", func(t *testing.T) {
		t.Parallel()
		s, fake := baiduStation(t, baidutest.Options{Faults: []baidutest.Rule{{Endpoint: baidutest.SharePSet, Times: 1, Action: baidutest.LoseAnswer}}})
		s.cfg.Baidu.BDUSS, s.cfg.Baidu.STOKEN = a.BDUSS, a.STOKEN
		s.big("a.flv", mib)
		s.start()
		one(t, s, fake, s.closed("a.flv", baiduFlow(map[string]any{"share": true})))
	})
}

// TestBaidu_secondAccountByCookie: a target names its account; emoji and other characters are spelled for Baidu.
func TestBaidu_secondAccountByCookie(t *testing.T) {
	t.Parallel()
	other := baidutest.Account{Name: "bob", UK: 7, BDUSS: "fake-bduss-of-bob", STOKEN: "fakestokenofbob", NeedsSTOKEN: true, Quota: baidutest.GiB}
	s, fake := baiduStation(t, baidutest.Options{Accounts: []baidutest.Account{baidutest.DefaultAccount(), other}, Strict: baidutest.Strict{UserAgent: true}})
	require.NoError(t, tasks.NewVault(s.rdb, s.cfg.Secret).Replace(t.Context(), "bob",
		tasks.Credential{Mode: tasks.ModeCookie, BDUSS: other.BDUSS, STOKEN: other.STOKEN}))
	s.big("深夜🔞:第1场?.flv", mib)
	s.start()
	r := s.closed("深夜🔞:第1场?.flv", baiduFlow(map[string]any{"target": "baidu:bob", "path": "直播/{room}/{file}", "share": true}))
	s.reaches(r.ID, tasks.Finished)
	require.Len(t, fake.Files("bob"), 1)
	assert.Empty(t, fake.Files("alice"))
	assert.Equal(t, "/"+s.step(r.ID, "up").Output.Path, fake.Files("bob")[0].Path)
	assert.NotContains(t, fake.Files("bob")[0].Path, "🔞")
	require.NotNil(t, s.step(r.ID, "up").Output.Share)
}

// TestBaidu_loginThroughAWorker: what the API asks for, a worker does; then the account is told of, without secrets.
func TestBaidu_loginThroughAWorker(t *testing.T) {
	t.Parallel()
	s, fake := baiduStation(t, baidutest.Options{})
	require.NoError(t, tasks.NewVault(s.rdb, s.cfg.Secret).Remove(t.Context(), tasks.DefaultAccount))
	s.start()
	for _, account := range []string{tasks.DefaultAccount, "second"} {
		l := tasks.Login{ID: uuid.NewString(), Account: account, Node: "test", State: tasks.LoginAsked, AskedAt: time.Now()}
		require.NoError(t, s.store.AskLogin(t.Context(), l))
		s.until("a code is there", func() bool {
			l, _ = s.store.Login(t.Context(), account)
			return l.State == tasks.LoginWaiting
		})
		assert.NotEmpty(t, l.URL)
		assert.Contains(t, l.ScanURL, l.UserCode)
		require.NoError(t, fake.Approve(l.UserCode, "alice"))
		s.until("it is logged in", func() bool {
			l, _ = s.store.Login(t.Context(), account)
			return l.State == tasks.LoginDone
		})
		s.until("it is told of", func() bool {
			list, err := s.store.Accounts(t.Context())
			return err == nil && slices.ContainsFunc(list, func(a tasks.Account) bool {
				return a.Name == account && a.State == tasks.AccountReady && a.Tier == "svip" && a.TotalBytes == 2048*baidutest.GiB
			})
		})
	}
	s.big("a.flv", mib)
	r := s.closed("a.flv", baiduFlow(map[string]any{"target": "baidu:second"}))
	s.reaches(r.ID, tasks.Finished)
	l := tasks.Login{ID: uuid.NewString(), Account: "third", Node: "test", State: tasks.LoginAsked, AskedAt: time.Now()}
	require.NoError(t, s.store.AskLogin(t.Context(), l))
	s.until("a code is there", func() bool { l, _ = s.store.Login(t.Context(), "third"); return l.State == tasks.LoginWaiting })
	require.NoError(t, fake.Decline(l.UserCode))
	s.until("it was declined", func() bool { l, _ = s.store.Login(t.Context(), "third"); return l.State == tasks.LoginDeclined })
	assert.NotEmpty(t, l.Message)
}

// order looks at a file at the moment at which Redis is told.
type order struct {
	path string
	then *string
}

func (o order) DialHook(next redis.DialHook) redis.DialHook { return next }

func (o order) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if b, err := os.ReadFile(o.path); err == nil && cmd.Name() == "evalsha" {
			*o.then = string(b)
		}
		return next(ctx, cmd)
	}
}

func (o order) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// TestBaidu_aRenewedLoginIsKeptWhereItCanBe: on the disk first, then in Redis, and one of the two is enough: the refresh token that it
// came from is used up.
func TestBaidu_aRenewedLoginIsKeptWhereItCanBe(t *testing.T) {
	t.Parallel()
	s, _ := baiduStation(t, baidutest.Options{})
	w, err := New(s.cfg, s.rdb, s.store, s.queue)
	require.NoError(t, err)
	rdb, blocked := s.redis.Client(), filepath.Join(t.TempDir(), "no-folder")
	require.NoError(t, os.WriteFile(blocked, nil, 0o600))
	k := newKeeper(w.netdisk, tasks.DefaultAccount)
	k.vault = tasks.NewVault(rdb, s.cfg.Secret)
	dir, onDisk := k.dir, ""
	rdb.AddHook(order{k.path(), &onDisk})
	version := time.Now().UnixMilli()
	for _, c := range []struct {
		what        string
		disk, redis bool
	}{{"both", true, true}, {"the disk alone", true, false}, {"Redis alone", false, true}, {"neither", false, false}} {
		version++
		if k.dir = dir; !c.disk {
			k.dir = blocked
		}
		if !c.redis {
			rdb.AddHook(away("evalsha"))
		}
		err := k.save(t.Context(), tasks.Credential{Mode: tasks.ModeOAuth, Access: c.what}, version)
		if !c.disk && !c.redis {
			require.ErrorContains(t, err, "cannot be kept")
			continue
		}
		require.NoError(t, err, c.what)
		pair, err := newKeeper(w.netdisk, tasks.DefaultAccount).Load(t.Context())
		require.NoError(t, err, c.what)
		assert.Equal(t, c.what, pair.Access)
		if c.disk && c.redis {
			kept, err := k.vault.Open(tasks.DefaultAccount, onDisk)
			require.NoError(t, err)
			assert.Equal(t, c.what, kept.Access, "it was on the disk before Redis was told")
		}
	}
}
