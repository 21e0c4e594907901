package main

import (
	"strings"
	"testing"
)

func TestConfigBaidu_saysWhatIsMissing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		environ string
		says    string // empty: it works
	}{
		{"NGLIVE_UPLOAD_TARGET=baidu", "NGLIVE_BAIDU_APP_KEY"},
		{"NGLIVE_UPLOAD_TARGET=baidu NGLIVE_BAIDU_APP_KEY=hunter2k NGLIVE_BAIDU_APP_SECRET=hunter2s", ""},
		{"NGLIVE_UPLOAD_TARGET=baidu NGLIVE_BAIDU_MODE=cookie", "NGLIVE_BAIDU_BDUSS"},
		{"NGLIVE_UPLOAD_TARGET=baidu NGLIVE_BAIDU_MODE=cookie NGLIVE_BAIDU_BDUSS=hunter2b", ""},
		{"NGLIVE_UPLOAD_TARGET=baidu:second", ""},
		{"NGLIVE_UPLOAD_TARGET=baidu:a/b", "NGLIVE_UPLOAD_TARGET"},
		{"NGLIVE_UPLOAD_TARGET=bypy", "NGLIVE_UPLOAD_TARGET"},
		{"NGLIVE_BAIDU_MODE=browser", "NGLIVE_BAIDU_MODE"},
		{"NGLIVE_BAIDU_APP_KEY=hunter2k", "NGLIVE_BAIDU_APP_SECRET"},
		{"NGLIVE_BAIDU_STOKEN=hunter2s", "NGLIVE_BAIDU_BDUSS"},
		{"NGLIVE_BAIDU_BDUSS=hunter2;STOKEN=hunter2", "NGLIVE_BAIDU_BDUSS"},
		{"NGLIVE_BAIDU_APP_NAME=a/b", "NGLIVE_BAIDU_APP_NAME"},
		{"NGLIVE_BAIDU_RATE=10%", "NGLIVE_BAIDU_RATE"},
		{"NGLIVE_BAIDU_RATE=5MiB", ""},
		{"NGLIVE_BAIDU_WINDOW=23:30-06:00", ""},
		{"NGLIVE_BAIDU_WINDOW=25:00-06:00", "NGLIVE_BAIDU_WINDOW"},
		{"NGLIVE_BAIDU_WINDOW=06:00-06:00", "NGLIVE_BAIDU_WINDOW"},
		{"NGLIVE_BAIDU_SHARE_DAYS=-1", "NGLIVE_BAIDU_SHARE_DAYS"},
		{"NGLIVE_BAIDU_HOST=evil.example.com", "NGLIVE_BAIDU_HOST"},
		{"NGLIVE_BAIDU_HOST=c3.pcs.baidu.com", ""},
	} {
		_, err := load(t, strings.Fields(c.environ)...)
		switch {
		case c.says == "" && err != nil:
			t.Errorf("%s: %v", c.environ, err)
		case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%s: %v, want %s in it", c.environ, err, c.says)
		case err != nil && strings.Contains(err.Error(), "hunter2"):
			t.Errorf("%s: the error shows a secret: %v", c.environ, err)
		}
	}
}

func TestConfigBaidu_fillsInTheApplication(t *testing.T) {
	t.Parallel()
	i := &installation{cfg: config(t, "NGLIVE_BAIDU_APP_NAME=my-app")}
	if got := i.defaults().BaiduPath; got != "/apps/my-app/{room}/{date}/{file}" {
		t.Errorf("the template is %s", got)
	}
}
