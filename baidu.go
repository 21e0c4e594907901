package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/mdp/qrterminal/v3"
	"golang.org/x/term"

	"github.com/ngworks/nglive/tasks"
)

const baiduUsage = `usage 用法:
  nglive baidu login  [--account NAME] [--qr] [--server URL]   log in with a code / 用授权码登录
  nglive baidu login  --cookie [--share-only] [--account NAME]  with a cookie, read from stdin / 用 Cookie 登录（从标准输入读取）
  nglive baidu logout [--account NAME] [--server URL]          log out on every node / 在所有节点上退出
  nglive baidu status [--account NAME] [--server URL]          membership, room, expiry / 会员等级、空间、有效期
`

// runBaidu is the command "nglive baidu"; it speaks to a running NGlive, whose worker speaks to Baidu.
func runBaidu(ctx context.Context, c *console, args []string) int {
	b := &baiduCommand{console: c}
	flags := flag.NewFlagSet("baidu", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	server := flags.String("server", "", "")
	flags.StringVar(&b.account, "account", "", "")
	flags.BoolVar(&b.qr, "qr", false, "")
	flags.BoolVar(&b.cookie, "cookie", false, "")
	flags.BoolVar(&b.shareOnly, "share-only", false, "")
	do := map[string]func(context.Context) error{"login": b.login, "logout": b.logout, "status": b.status}
	if len(args) == 0 || do[args[0]] == nil || flags.Parse(args[1:]) != nil || flags.NArg() > 0 || b.account != "" && !tasks.AccountName(b.account) {
		c.complain("%s", baiduUsage)
		return exitUsage
	}
	cfg, err := c.settings()
	b.only, b.account = b.account, cmp.Or(b.account, tasks.DefaultAccount)
	if err == nil {
		b.client, err = newClient(cmp.Or(*server, localServer(cfg)), cfg.Token)
	}
	if err == nil {
		err = do[args[0]](ctx)
	}
	if errors.Is(err, errNobody) {
		return (&submission{console: c}).answer(err)
	}
	return c.ended(ctx, err)
}

type baiduCommand struct {
	*console
	client                *client
	account, only         string // only: status shows no other
	qr, cookie, shareOnly bool
}

const (
	baiduLoginPath    = "/api/targets/baidu/login"
	baiduAccountsPath = "/api/targets/baidu/accounts"
	loginLooks        = 2 * time.Second
)

// login asks for a code, shows it, and waits for the person.
func (b *baiduCommand) login(ctx context.Context) error {
	body := map[string]any{"account": b.account}
	if b.cookie {
		cookie, err := b.readCookie()
		if err != nil {
			return err
		}
		body["cookie"] = cookie
	}
	var l tasks.Login
	if err := b.client.call(ctx, http.MethodPost, baiduLoginPath, body, &l); err != nil {
		return err
	}
	shown := false
	for began := time.Now(); !l.Over(); {
		if l.State == tasks.LoginWaiting {
			if !shown {
				b.show(l)
			}
			shown = true
			b.complain("\rwaiting for you / 等待确认 … %ds ", int(time.Since(began).Seconds()))
		}
		if !pause(ctx, loginLooks) {
			b.complain("\n")
			return ctx.Err()
		}
		if err := b.client.call(ctx, http.MethodGet, baiduLoginPath+"?account="+url.QueryEscape(b.account), nil, &l); err != nil {
			return err
		}
	}
	if shown {
		b.complain("\n")
	}
	if l.State != tasks.LoginDone {
		return fmt.Errorf("not logged in (%s) / 登录未完成: %s", l.State, l.Message)
	}
	b.say("logged in: uploads name the target %s / 登录成功，上传目标为 %s\n", tasks.BaiduTarget(b.account), tasks.BaiduTarget(b.account))
	return nil
}

// show prints the code, the address and, on a terminal, the QR code.
func (b *baiduCommand) show(l tasks.Login) {
	b.say("Open %s and type in / 打开网址并输入授权码:\n\n    %s\n\nor scan / 或扫描二维码: %s\n", l.URL, l.UserCode, l.ScanURL)
	if f, ok := b.stdout.(*os.File); b.qr || ok && term.IsTerminal(int(f.Fd())) { //nolint:gosec // descriptors are small
		qrterminal.GenerateHalfBlock(l.ScanURL, qrterminal.M, b.stdout)
	}
	b.say("good until / 有效期至 %s\n", l.ExpiresAt.Local().Format("15:04:05"))
}

// readCookie takes BDUSS and STOKEN from stdin, so that neither a shell's history nor a list of processes has them.
func (b *baiduCommand) readCookie() (map[string]any, error) {
	b.complain("Paste the cookie of pan.baidu.com (BDUSS=…; STOKEN=…), then Enter. It opens your whole account: docs/baidu.md.\n" +
		"请粘贴 pan.baidu.com 的 Cookie（BDUSS=…; STOKEN=…）并回车。它等同于整个账号的凭证，详见 docs/baidu.zh-CN.md。\n")
	line, err := b.readLine()
	if err != nil {
		return nil, err
	}
	values := map[string]string{}
	for pair := range strings.SplitSeq(line, ";") {
		if name, value, ok := strings.Cut(strings.TrimSpace(pair), "="); ok {
			values[strings.ToUpper(strings.TrimSpace(name))] = strings.TrimSpace(value)
		}
	}
	if values["BDUSS"] == "" {
		return nil, errors.New("there is no BDUSS=… in it / 其中没有 BDUSS")
	}
	return map[string]any{"bduss": values["BDUSS"], "stoken": values["STOKEN"], "share_only": b.shareOnly}, nil
}

func (b *baiduCommand) readLine() (string, error) {
	if f, ok := b.stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) { //nolint:gosec // descriptors are small
		line, err := term.ReadPassword(int(f.Fd())) //nolint:gosec // likewise
		return string(line), err
	}
	line, err := bufio.NewReader(io.LimitReader(b.stdin, 16<<10)).ReadString('\n')
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return line, err
}

func (b *baiduCommand) logout(ctx context.Context) error {
	if err := b.client.call(ctx, http.MethodDelete, baiduAccountsPath+"/"+url.PathEscape(b.account), nil, nil); err != nil {
		return err
	}
	b.say("%s is logged out / 已退出\n", b.account)
	return nil
}

func (b *baiduCommand) status(ctx context.Context) error {
	var list struct {
		Accounts []tasks.Account `json:"accounts"`
	}
	if err := b.client.call(ctx, http.MethodGet, baiduAccountsPath, nil, &list); err != nil {
		return err
	}
	if len(list.Accounts) == 0 {
		b.say("no account yet; docs/baidu.md says how to set one up / 还没有账号，设置方法见 docs/baidu.zh-CN.md\n")
	}
	for _, a := range list.Accounts {
		if b.only == "" || b.only == a.Name {
			b.describe(a)
		}
	}
	return nil
}

func (b *baiduCommand) describe(a tasks.Account) {
	states := map[string]string{
		tasks.AccountReady: "ready 可用", tasks.AccountNoLogin: "not logged in 未登录", tasks.AccountStopped: "its uploads wait 上传等待中",
	}
	b.say("%s (%s): %s\n", a.Target, a.Mode, states[a.State])
	if !a.StoppedAt.IsZero() {
		b.say("  since / 开始于 %s\n", a.StoppedAt.Local().Format("2006-01-02 15:04:05"))
	}
	if a.Reason != "" {
		b.say("  %s\n", a.Reason)
	}
	if a.User != "" {
		tiers := map[string]string{"normal": "normal 普通用户", "member": "member 会员", "svip": "SVIP 超级会员"}
		b.say("  %s · %s · files up to / 单文件上限 %s\n", a.User, tiers[a.Tier], gibs(a.MaxBytes))
		b.say("  %s free of / 剩余，共 %s\n", gibs(a.TotalBytes-a.UsedBytes), gibs(a.TotalBytes))
	}
	if !a.ExpiresAt.IsZero() {
		b.say("  the token ends / 令牌到期 %s, and is renewed before / 会提前自动更新\n", a.ExpiresAt.Local().Format("2006-01-02"))
	}
	if !a.Shares {
		b.say("  no share links (they need a cookie) / 无法创建分享链接（需要 Cookie）\n")
	}
	if !a.CheckedAt.IsZero() {
		b.say("  as of / 查询时间 %s, node 节点 %s\n", a.CheckedAt.Local().Format("2006-01-02 15:04:05"), a.Node)
	}
}

func gibs(n int64) string { return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30)) }
