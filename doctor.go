package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/ngworks/nglive/tasks"
)

// mark says how bad a finding is.
type mark string

const (
	good mark = "✓"
	note mark = "!" // works, and may disappoint later
	bad  mark = "✗"
)

// finding is one line of the doctor: what was looked at, what it is like, and
// how to mend it.
type finding struct {
	mark       mark
	name, text string
	mend       string
	waits      bool // bad as it is, it keeps nobody from starting: what needs it waits, and the rest goes on
}

// findings is a whole examination.
type findings []finding

func (f *findings) add(m mark, name, text, mend string) {
	*f = append(*f, finding{mark: m, name: name, text: text, mend: mend})
}

// addWaiting adds what is bad but is waited for while everything else works.
func (f *findings) addWaiting(name, text, mend string) {
	*f = append(*f, finding{mark: bad, name: name, text: text, mend: mend, waits: true})
}

func (f findings) any(m mark) bool {
	for _, x := range f {
		if x.mark == m {
			return true
		}
	}
	return false
}

func (f finding) print(w io.Writer) {
	_, _ = fmt.Fprintf(w, "%s %s: %s\n", f.mark, f.name, f.text)
	if f.mend != "" && f.mark != good {
		_, _ = fmt.Fprintf(w, "    → %s\n", f.mend)
	}
}

// runDoctor is the command "nglive doctor".
func runDoctor(ctx context.Context, c *console, args []string) int {
	var showWebhook bool
	flags := flag.NewFlagSet("doctor", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.BoolVar(&showWebhook, "show-webhook", false, "")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		c.complain("usage 用法: nglive doctor [--show-webhook]\n  --show-webhook  print the address for the recorder, token and all / 显示录播姬要填的 Webhook 地址（含令牌）\n")
		return exitUsage
	}
	cfg, err := LoadConfig(c.environ, c.dotenv)
	if showWebhook {
		if err != nil {
			_, err = c.settings()
			return c.ended(ctx, err)
		}
		return c.showWebhook(ctx, cfg)
	}
	all := examine(ctx, c, cfg, err, true)
	if all.any(bad) {
		c.say("\nMend what has a ✗, then run this again. / 请按提示解决带 ✗ 的项目，再运行一次。\n")
		return exitFailed
	}
	c.say("\nAll is well enough to work. / 可以正常工作。\n")
	return exitDone
}

// examine prints each part as soon as it is known; what takes seconds is for a
// thorough one.
func examine(ctx context.Context, c *console, cfg Config, settings error, thorough bool) findings {
	var all findings
	for _, look := range []func() findings{
		func() findings { return examineSettings(settings) },
		func() findings { return examineRedis(ctx, cfg) },
		func() findings { return examineFFmpeg(ctx, cfg, thorough) },
		func() findings { return examineFolders(ctx, cfg) },
		examineClock,
		func() findings { return examineListeners(ctx, cfg) },
		func() findings { return examineRecorder(ctx, cfg) },
	} {
		found := look()
		for _, f := range found {
			f.print(c.stdout)
		}
		all = append(all, found...)
	}
	return all
}

func examineSettings(err error) findings {
	var f findings
	if err == nil {
		f.add(good, "settings 设置", "all can be read / 全部有效", "")
		return f
	}
	for line := range strings.Lines(err.Error()) {
		f.add(bad, "settings 设置", strings.TrimSpace(line), "change it in .env or in the environment / 请修改 .env 或环境变量")
	}
	return f
}

// startChecks examines what concerns the parts that are about to run: what may
// disappoint goes into the log, what cannot work is the error.
func (i *installation) startChecks(ctx context.Context, web, worker bool) error {
	all := examineClock()
	if web {
		all = append(all, examineListen(ctx, "NGLIVE_LISTEN", i.cfg.Listen, bad)...)
	}
	if worker {
		all = append(all, examineFolders(ctx, i.cfg)...)
		all = append(all, examineFFmpeg(ctx, i.cfg, false)...)
	}
	var wrong []string
	for _, f := range all {
		switch {
		case f.mark == bad && !f.waits:
			wrong = append(wrong, fmt.Sprintf("%s: %s\n    → %s", f.name, f.text, f.mend))
		case f.mark != good: // without ffmpeg, or with a full disk, uploads and the page still work
			i.log.Warn("start check", "of", f.name, "found", f.text, "mend", f.mend)
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("it cannot start like this / 无法启动：\n  ✗ %s", strings.Join(wrong, "\n  ✗ "))
	}
	return nil
}

// showWebhook prints the one address that carries a token, because a person
// asked for it. The token opens /webhook and nothing else.
func (c *console) showWebhook(ctx context.Context, cfg Config) int {
	address, err := c.webhookAddress(cfg, localServer(cfg), "")
	if err != nil {
		return c.ended(ctx, err)
	}
	c.say("%s\n", address)
	return exitDone
}

// webhookAddress is the webhook of a web process that shares this installation's key, for the recorder of a node; without one
// it means web's own.
func (c *console) webhookAddress(cfg Config, base, node string) (string, error) {
	q := url.Values{}
	if node != "" {
		q.Set("node", node)
	}
	if cfg.Token != "" {
		key := cfg.SecretKey
		if key == "" {
			var err error
			if _, err = os.Stat(cfg.DataDir); err != nil {
				return "", fmt.Errorf("there is no key yet: start nglive once, and run this where its .env is / 请先启动一次 nglive，并在 .env 所在目录运行: %w", err)
			}
			if key, err = LoadOrCreateSecretKey(cfg.DataDir); err != nil {
				return "", err
			}
		}
		q.Set("token", tasks.WebhookToken(keyBytes(key)))
	}
	address := base + "/webhook/"
	if len(q) > 0 {
		address += "?" + q.Encode()
	}
	return address, nil
}

// localServer is where this installation's web is found.
func localServer(cfg Config) string {
	if noted, err := os.ReadFile(filepath.Join(cfg.DataDir, webAddressFile)); err == nil && strings.HasSuffix(cfg.Listen, ":0") {
		return strings.TrimSpace(string(noted))
	}
	return baseURL(cfg.Listen)
}
