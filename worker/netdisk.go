package worker

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker/baidu"
)

// Baidu is what a worker is told of Baidu Netdisk. Without an application and without a cookie this node has no such target.
type Baidu struct {
	Mode          string // of the default account: tasks.ModeOAuth or tasks.ModeCookie
	AppKey        string
	AppSecret     string
	AppName       string // its folder: /apps/<name>
	BDUSS, STOKEN string // of the default account: the way in with ModeCookie, else for share links alone
	Rate          int64  // bytes a second and account, 0 = as fast as it goes
	Window        Window // when uploads may run
	Host          string // upload to this host instead of the one Baidu proposes

	Endpoints baidu.Endpoints // empty but in tests
	Patience  float64         // likewise
	Most      int64           // likewise: the largest file, where the membership allows more
}

func (b Baidu) app() bool    { return b.AppKey != "" && b.AppSecret != "" }
func (b Baidu) cookie() bool { return b.Mode == tasks.ModeCookie && b.BDUSS != "" }
func (b Baidu) set() bool    { return b.app() || b.cookie() }

// folder is the only place OAuth may write to.
func (b Baidu) folder() string { return "/apps/" + b.AppName }

// credentialsDir stands in DATA_DIR.
const credentialsDir = "baidu"

// netdisk is Baidu Netdisk on this node: its accounts, each with a client of its own.
type netdisk struct {
	cfg   Baidu
	dir   string
	vault *tasks.Vault
	rdb   redis.UniversalClient
	store *tasks.Store
	node  string
	log   *slog.Logger
	mem   func() baidu.Sessions // the journal, once it is open

	refused refusals

	mu     sync.Mutex
	open   map[string]*netAccount
	logins map[string]*loginUnderWay // the worker's own loop
}

// netAccount is one account at work.
type netAccount struct {
	name   string
	mode   string
	kind   string // what the client was made from; another one is another client
	client *baidu.Client
	keeper *keeper
	shares bool
}

func newNetdisk(w *Worker) *netdisk {
	return &netdisk{
		cfg: w.cfg.Baidu, dir: filepath.Join(w.cfg.DataDir, credentialsDir), vault: tasks.NewVault(w.rdb, w.cfg.Secret), rdb: w.rdb,
		store: w.store, node: w.cfg.Node, log: w.log, mem: func() baidu.Sessions { return sessions{w.journal} },
		open: map[string]*netAccount{}, logins: map[string]*loginUnderWay{},
	}
}

// account returns an account's client, made anew when its way in changed.
func (n *netdisk) account(ctx context.Context, name string) (*netAccount, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	kept := tasks.Credential{}
	k := newKeeper(n, name)
	if former := n.open[name]; former != nil {
		k = former.keeper
	}
	if name != tasks.DefaultAccount || !n.cfg.cookie() {
		var err error
		if kept, err = k.newest(ctx); err != nil && !errors.Is(err, tasks.ErrNoCredential) && !errors.Is(err, tasks.ErrSealed) {
			return nil, &held{reason: errRedisAway.Error()}
		}
	}
	cfg, mode, err := n.clientConfig(name, kept)
	if err != nil {
		return nil, err
	}
	kind := strings.Join([]string{mode, kept.BDUSS, kept.STOKEN}, "\x00")
	if a := n.open[name]; a != nil && a.kind == kind {
		return a, nil
	}
	cfg.Tokens = k
	a := &netAccount{name: name, mode: mode, kind: kind, client: baidu.New(cfg), keeper: k}
	_, byCookie := cfg.Credential.(baidu.Cookie)
	a.shares = byCookie || cfg.ShareBy != nil
	n.open[name] = a
	return a, nil
}

// clientConfig is the account's way in: of the settings for the default one, else of the kept credential.
func (n *netdisk) clientConfig(name string, kept tasks.Credential) (baidu.Config, string, error) {
	c := baidu.Config{
		Account: name, Endpoints: n.cfg.Endpoints, Sessions: n.mem(), Slots: newSharedSlots(n.rdb, name), RateLimit: n.cfg.Rate,
		PinnedHost: n.cfg.Host, Log: n.log, Patience: n.cfg.Patience,
	}
	cookie := baidu.Cookie{BDUSS: kept.BDUSS, STOKEN: kept.STOKEN}
	if name == tasks.DefaultAccount && n.cfg.BDUSS != "" {
		cookie = baidu.Cookie{BDUSS: n.cfg.BDUSS, STOKEN: n.cfg.STOKEN}
	}
	switch {
	case name == tasks.DefaultAccount && n.cfg.cookie(), kept.Mode == tasks.ModeCookie:
		c.Credential = cookie
		return c, tasks.ModeCookie, nil
	case !n.cfg.app():
		return c, "", problemf(tell, "the account %q of Baidu Netdisk is not set up on this node: set NGLIVE_BAIDU_APP_KEY and "+
			"NGLIVE_BAIDU_APP_SECRET, run `nglive baidu login`, then retry (docs/baidu.md)", name)
	}
	c.Credential = baidu.OAuth{AppKey: n.cfg.AppKey, SecretKey: n.cfg.AppSecret, AppFolder: n.cfg.folder()}
	if cookie.BDUSS != "" {
		c.ShareBy = &cookie
	}
	return c, tasks.ModeOAuth, nil
}

// drop closes an account's client; running uploads keep theirs.
func (n *netdisk) drop(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.open, name)
}

// names are the accounts this node can upload to: the one of the settings, and all that logged in.
func (n *netdisk) names(ctx context.Context) []string {
	var names []string
	if n.cfg.set() {
		names = append(names, tasks.DefaultAccount)
	}
	lines, err := n.vault.Lines(ctx)
	if err != nil {
		return names
	}
	for name, line := range lines {
		if c, err := n.vault.Open(name, line); err == nil && (n.cfg.app() || c.Mode == tasks.ModeCookie) {
			names = append(names, name)
		}
	}
	return unique(names)
}

// target is an account as an upload target.
func (n *netdisk) target(ctx context.Context, name string) (Target, error) {
	a, err := n.account(ctx, name)
	if err != nil {
		return nil, err
	}
	root := ""
	if a.mode == tasks.ModeOAuth {
		root = n.cfg.folder()
	}
	return &baiduTarget{name: tasks.BaiduTarget(name), client: a.client, root: root, most: n.cfg.Most, hashes: hashes{n.mem()}}, nil
}

// target finds an upload target by its name.
func (w *Worker) target(ctx context.Context, name string) (Target, error) {
	if t, ok := w.targets[name]; ok {
		return t, nil
	}
	if account, ok := tasks.BaiduAccount(name); ok {
		return w.netdisk.target(ctx, account)
	}
	return nil, problemf(tell, "there is no upload target %q on this node; choose one of %s in the flow, then retry", name,
		strings.Join(w.targetNames(ctx), ", "))
}

func (w *Worker) targetNames(ctx context.Context) []string {
	var names []string
	for n := range w.targets {
		names = append(names, n)
	}
	for _, account := range w.netdisk.names(ctx) {
		names = append(names, tasks.BaiduTarget(account))
	}
	slices.Sort(names)
	return slices.Compact(names)
}
