package main

import (
	"context"
	"io"
	"log/slog"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/term"

	"github.com/ngworks/nglive/tasks"
)

// newLog writes text for people at a terminal and JSON for programs. The
// settings' secrets are taken out of every value, whoever logs them.
func newLog(w io.Writer, cfg Config) *slog.Logger {
	hide := hider(cfg)
	options := &slog.HandlerOptions{
		Level: cfg.LogLevel,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			return hidden(a, hide)
		},
	}
	if cfg.LogFormat == "json" || cfg.LogFormat != "text" && !isTerminal(w) {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

func isTerminal(w any) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// hidden takes secrets out of one value of a log line.
func hidden(a slog.Attr, hide func(string) string) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(hide(a.Value.String()))
	case slog.KindAny:
		if err, ok := a.Value.Any().(error); ok {
			a.Value = slog.StringValue(hide(err.Error()))
		}
	case slog.KindBool, slog.KindDuration, slog.KindFloat64, slog.KindInt64, slog.KindTime, slog.KindUint64, slog.KindGroup, slog.KindLogValuer:
	}
	return a
}

// hider replaces the settings' secrets, and any token in an address, in a text.
func hider(cfg Config) func(string) string {
	const mark = "(secret)"
	var pairs []string
	for _, secret := range secretsOf(cfg) {
		pairs = append(pairs, secret, mark)
	}
	known := strings.NewReplacer(pairs...)
	token := regexp.MustCompile(`([?&]token=)[^&\s"]+`)
	return func(text string) string {
		return token.ReplaceAllString(known.Replace(text), "${1}"+mark)
	}
}

// secretsOf leaves out what is so short that it would match everywhere.
func secretsOf(cfg Config) []string {
	const shortest, shortestPath = 4, 12
	secrets := []string{
		string(cfg.Token), string(cfg.SecretKey), string(cfg.NotifySecret), string(cfg.RecorderPassword),
		string(cfg.BaiduBDUSS), string(cfg.BaiduSTOKEN), string(cfg.BaiduAppSecret),
	}
	if cfg.SecretKey != "" {
		secrets = append(secrets, tasks.WebhookToken(keyBytes(cfg.SecretKey)))
	}
	for _, address := range append([]SecretURL{cfg.RedisURL, cfg.ReverseWSURL, cfg.ReverseHTTPURL}, cfg.NotifyURLs...) {
		u, err := url.Parse(string(address))
		if err != nil {
			secrets = append(secrets, string(address))
			continue
		}
		if password, ok := u.User.Password(); ok {
			secrets = append(secrets, password, url.QueryEscape(password))
		}
		if strings.HasPrefix(u.Scheme, "http") || strings.HasPrefix(u.Scheme, "ws") {
			for _, part := range []string{u.RawQuery, strings.Trim(u.EscapedPath(), "/")} {
				if len(part) >= shortestPath {
					secrets = append(secrets, part)
				}
			}
		}
	}
	return slices.DeleteFunc(secrets, func(s string) bool { return len(s) < shortest })
}

// silence is the Redis client's own log: whoever called the client reports the
// error anyway, in words.
type silence struct{}

// Printf is what the client calls.
func (silence) Printf(context.Context, string, ...any) {}
