package worker

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker/baidu"
)

const (
	netdiskEvery  = time.Second
	accountsEvery = 10 * time.Minute // how old what is told of an account may be
	askWithin     = 30 * time.Second
	loginsFor     = time.Hour // how long the end of a login can be read
)

// loginUnderWay is a login this worker waits for.
type loginUnderWay struct {
	id   string
	stop context.CancelFunc
}

// run takes up logins that people ask for, keeps this node's copies of the credentials up to date, and tells of the accounts. It
// asks Baidu nothing on a node without Baidu's settings.
func (n *netdisk) run(ctx context.Context) error {
	n.bringBack(ctx)
	seen := map[string]string{}
	tick := time.NewTicker(netdiskEvery)
	defer tick.Stop()
	for {
		if err := n.look(ctx, seen); err != nil && ctx.Err() == nil {
			n.log.Debug("accounts not looked at", "error", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// bringBack gives Redis what it lost and this node's disk still has.
func (n *netdisk) bringBack(ctx context.Context) {
	entries, err := os.ReadDir(n.dir)
	if err != nil {
		return // none was ever kept
	}
	for _, e := range entries {
		if tasks.AccountName(e.Name()) && e.Type().IsRegular() {
			if _, err := newKeeper(n, e.Name()).newest(ctx); err != nil && !errors.Is(err, tasks.ErrNoCredential) {
				n.log.Warn("kept login not usable", "account", e.Name(), "error", err)
			}
		}
	}
}

// firstLook is no account's name; it marks that the first look is over.
const firstLook = "first look"

func (n *netdisk) look(ctx context.Context, seen map[string]string) error {
	if err := n.lookAtLogins(ctx); err != nil {
		return err
	}
	lines, err := n.vault.Lines(ctx)
	if err != nil {
		return err
	}
	fresh, started := map[string]bool{}, seen[firstLook] != ""
	seen[firstLook] = firstLook
	for name, line := range lines {
		if seen[name] != line {
			n.drop(name) // it may be somebody else now
			_, _ = newKeeper(n, name).newest(ctx)
			fresh[name] = started // a start is no news
			seen[name] = line
		}
	}
	return n.tellAccounts(ctx, fresh)
}

func (n *netdisk) lookAtLogins(ctx context.Context) error {
	logins, err := n.store.Logins(ctx)
	if err != nil {
		return err
	}
	for _, l := range logins {
		switch under := n.logins[l.Account]; {
		case l.Over() && time.Since(l.AskedAt) > loginsFor:
			_ = n.store.ForgetLogin(ctx, l.Account) // else the next look does
		case under != nil && under.id != l.ID:
			under.stop()
			delete(n.logins, l.Account)
		case l.Node != n.node:
		case l.State == tasks.LoginAsked && under == nil:
			n.begin(ctx, l)
		case l.State == tasks.LoginWaiting && under == nil:
			l.State, l.Message = tasks.LoginFailed, "the worker was started anew meanwhile; start the login again / 任务进程已重启，请重新登录"
			_ = n.store.MoveLogin(ctx, l)
		}
	}
	return nil
}

func (n *netdisk) begin(ctx context.Context, l tasks.Login) {
	within, stop := context.WithCancel(ctx)
	n.logins[l.Account] = &loginUnderWay{id: l.ID, stop: stop}
	go func() {
		defer stop()
		l = n.login(within, l)
		if within.Err() != nil {
			return // another login took its place, or the worker stops
		}
		for {
			err := n.store.MoveLogin(within, l)
			if err == nil || errors.Is(err, tasks.ErrNoLogin) || within.Err() != nil {
				return
			}
			n.log.Warn("end of a login not told yet", "account", l.Account, "error", err)
			pause(within, time.Second)
		}
	}()
}

// login goes through the device flow and keeps what comes of it.
func (n *netdisk) login(ctx context.Context, l tasks.Login) tasks.Login {
	l.State = tasks.LoginFailed
	if !n.cfg.app() {
		l.Message = "node " + n.node + " has no NGLIVE_BAIDU_APP_KEY and NGLIVE_BAIDU_APP_SECRET; set them and start it again / 请先设置应用密钥"
		return l
	}
	client := baidu.New(baidu.Config{
		Account: l.Account, Endpoints: n.cfg.Endpoints, Tokens: baidu.NewMemoryTokens(baidu.Pair{}), Log: n.log, Patience: n.cfg.Patience,
		Credential: baidu.OAuth{AppKey: n.cfg.AppKey, SecretKey: n.cfg.AppSecret, AppFolder: n.cfg.folder()},
	})
	defer client.Close()
	code, err := client.Device(ctx)
	if err != nil {
		l.Message = words(err)
		return l
	}
	l.State, l.UserCode, l.URL, l.ScanURL, l.ExpiresAt = tasks.LoginWaiting, code.UserCode, code.URL, code.ScanURL, tasks.At(code.ExpiresAt)
	if err := n.store.MoveLogin(ctx, l); err != nil {
		l.State, l.Message = tasks.LoginFailed, words(err)
		return l
	}
	pair, err := client.AwaitToken(ctx, code)
	switch reason := baidu.ReasonOf(err); {
	case err == nil:
		err = n.keep(ctx, l.Account, pair)
	case reason == baidu.ReasonDeclined:
		l.State, l.Message = tasks.LoginDeclined, words(err)
		return l
	case reason == baidu.ReasonExpired:
		l.State, l.Message = tasks.LoginExpired, words(err)
		return l
	}
	if err != nil {
		l.State, l.Message = tasks.LoginFailed, words(err)
		return l
	}
	l.State, l.Message = tasks.LoginDone, ""
	n.log.Info("account logged in", "account", l.Account)
	return l
}

// keep stores a new login. A cookie that the account had for its share links stays.
func (n *netdisk) keep(ctx context.Context, name string, pair baidu.Pair) error {
	k := newKeeper(n, name)
	before, err := k.newest(ctx)
	if err != nil && !errors.Is(err, tasks.ErrNoCredential) && !errors.Is(err, tasks.ErrSealed) {
		return err
	}
	err = k.save(ctx, tasks.Credential{
		Mode: tasks.ModeOAuth, Access: pair.Access, Refresh: pair.Refresh, ExpiresAt: pair.ExpiresAt, ObtainedAt: pair.ObtainedAt,
		BDUSS: before.BDUSS, STOKEN: before.STOKEN,
	}, before.Version)
	if err != nil {
		return err
	}
	n.drop(name)
	return n.store.MoveTarget(ctx, tasks.BaiduTarget(name))
}

// tellAccounts tells the others what Baidu says of each account, when that is old or something happened.
func (n *netdisk) tellAccounts(ctx context.Context, fresh map[string]bool) error {
	names := n.names(ctx)
	if len(names) == 0 {
		return nil
	}
	known, err := n.store.Accounts(ctx)
	if err != nil {
		return err
	}
	told := map[string]tasks.Account{}
	for _, a := range known {
		told[a.Name] = a
	}
	for _, name := range names {
		if a, ok := told[name]; ok && !fresh[name] && time.Since(a.CheckedAt).Abs() < accountsEvery {
			continue
		}
		if err := n.store.PublishAccount(ctx, n.describe(ctx, name, told[name])); err != nil {
			return err
		}
	}
	return nil
}

// describe asks Baidu about an account; what it does not answer stays as it was known.
func (n *netdisk) describe(ctx context.Context, name string, a tasks.Account) tasks.Account {
	ctx, stop := context.WithTimeout(ctx, askWithin)
	defer stop()
	a.Name, a.Target, a.Node, a.CheckedAt, a.State, a.Reason = name, tasks.BaiduTarget(name), n.node, tasks.At(time.Now()), tasks.AccountReady, ""
	acc, err := n.account(ctx, name)
	if err != nil {
		a.State, a.Reason = tasks.AccountNoLogin, words(err)
		return a
	}
	a.Mode, a.Shares = acc.mode, acc.shares
	if acc.mode == tasks.ModeOAuth {
		c, err := acc.keeper.newest(ctx)
		if a.ExpiresAt = tasks.At(c.ExpiresAt); err != nil || c.Access == "" {
			a.State, a.Reason = tasks.AccountNoLogin, "nobody has logged in: run `nglive baidu login` / 尚未登录，请运行 nglive baidu login"
			return a
		}
	}
	user, err := acc.client.User(ctx)
	if err == nil {
		a.User, a.Tier, a.MaxBytes = user.Name, tierName(user.Tier), user.Tier.MaxFile()
		var q baidu.Quota
		if q, err = acc.client.Quota(ctx); err == nil {
			a.TotalBytes, a.UsedBytes = q.Total, q.Used
		}
	}
	if err != nil {
		a.Reason = words(err)
		if baidu.ReasonOf(err) == baidu.ReasonLogin {
			a.State = tasks.AccountNoLogin
		}
	}
	return a
}

func tierName(t baidu.Tier) string {
	switch t {
	case baidu.TierMember:
		return "member"
	case baidu.TierSVIP:
		return "svip"
	case baidu.TierNormal:
	}
	return "normal"
}
