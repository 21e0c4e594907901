package main

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker"
)

// Window is when something may run each day, written 01:00-08:00; empty is always.
type Window struct{ from, to int } // minutes of the day

// UnmarshalText reads two times of day with a dash between; the second may be past midnight.
func (w *Window) UnmarshalText(text []byte) error {
	t := strings.TrimSpace(string(text))
	if t == "" {
		*w = Window{}
		return nil
	}
	m := regexp.MustCompile(`^([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-4]):([0-5]\d)$`).FindStringSubmatch(t)
	if m == nil {
		return fmt.Errorf("%q is no time of day: write it as 01:00-08:00", text)
	}
	number := func(i int) int { n, _ := strconv.Atoi(m[i]); return n }
	*w = Window{from: number(1)*60 + number(2), to: (number(3)*60 + number(4)) % (24 * 60)}
	if w.from == w.to {
		return fmt.Errorf("%q has no length: leave it out for all day", text)
	}
	return nil
}

// String is a form that UnmarshalText reads back.
func (w Window) String() string {
	if w.from == w.to {
		return ""
	}
	return fmt.Sprintf("%02d:%02d-%02d:%02d", w.from/60, w.from%60, w.to/60, w.to%60)
}

// checkBaidu finds what would only show at the first upload.
func (c *Config) checkBaidu() []error {
	account, wanted := tasks.BaiduAccount(c.UploadTarget)
	app := c.BaiduAppKey != "" && c.BaiduAppSecret != ""
	errs := []error{
		checkOneOf("BAIDU_MODE", c.BaiduMode, tasks.ModeOAuth, tasks.ModeCookie),
		checkRange("BAIDU_SHARE_DAYS", c.BaiduShareDays, 0, 365),
		checkPattern("BAIDU_APP_NAME", c.BaiduAppName, `[^/\\:*?"<>|]{1,60}`, "the name of your application at pan.baidu.com/union, which is its folder's name too"),
		checkPattern("BAIDU_HOST", c.BaiduHost, `([a-z0-9-]+\.)*baidu\.com|[a-z0-9-]+\.baidupcs\.com|`, "a host of Baidu's, such as c3.pcs.baidu.com"),
	}
	switch {
	case (c.BaiduAppKey == "") != (c.BaiduAppSecret == ""):
		errs = append(errs, errors.New("NGLIVE_BAIDU_APP_KEY and NGLIVE_BAIDU_APP_SECRET belong together: set both (pan.baidu.com/union shows them)"))
	case c.BaiduMode == tasks.ModeCookie && c.BaiduBDUSS == "":
		errs = append(errs, errors.New("NGLIVE_BAIDU_MODE=cookie wants NGLIVE_BAIDU_BDUSS (and NGLIVE_BAIDU_STOKEN); docs/baidu.md says what that means"))
	case wanted && account == tasks.DefaultAccount && c.BaiduMode == tasks.ModeOAuth && !app:
		errs = append(errs, errors.New("NGLIVE_UPLOAD_TARGET=baidu wants NGLIVE_BAIDU_APP_KEY and NGLIVE_BAIDU_APP_SECRET; docs/baidu.md says how to get them"))
	case c.BaiduSTOKEN != "" && c.BaiduBDUSS == "":
		errs = append(errs, errors.New("NGLIVE_BAIDU_STOKEN alone is of no use: set NGLIVE_BAIDU_BDUSS too"))
	}
	for _, s := range []struct {
		name  string
		value Secret
	}{{"BAIDU_BDUSS", c.BaiduBDUSS}, {"BAIDU_STOKEN", c.BaiduSTOKEN}} {
		if strings.ContainsFunc(string(s.value), func(r rune) bool { return r == ';' || r == '=' && s.name == "BAIDU_STOKEN" || unicode.IsSpace(r) }) {
			errs = append(errs, fmt.Errorf("NGLIVE_%s holds more than the cookie's value: copy what stands after the = and before the ;", s.name))
		}
	}
	if c.BaiduRate.percent != 0 {
		errs = append(errs, errors.New("NGLIVE_BAIDU_RATE wants bytes a second, such as 5MiB, or 0 for no limit"))
	}
	return errs
}

// baidu is what the worker is told of Baidu Netdisk.
func (c *Config) baidu() worker.Baidu {
	return worker.Baidu{
		Mode: c.BaiduMode, AppKey: string(c.BaiduAppKey), AppSecret: string(c.BaiduAppSecret), AppName: c.BaiduAppName,
		BDUSS: string(c.BaiduBDUSS), STOKEN: string(c.BaiduSTOKEN), Rate: int64(c.BaiduRate.bytes), //nolint:gosec // checked when it was read
		Window: worker.Window{From: c.BaiduWindow.from, To: c.BaiduWindow.to}, Host: c.BaiduHost,
	}
}
