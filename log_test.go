package main

import (
	"errors"
	"strings"
	"testing"
)

func TestLog_hidesSecretsWhereverTheyStand(t *testing.T) {
	cfg := Config{
		Token: "token-of-the-house", SecretKey: "key-of-the-house", NotifySecret: "whsec_notify", RecorderPassword: "hunter22",
		RedisURL:   "redis://me:p%40ssword@redis.example/0",
		NotifyURLs: []SecretURL{"https://sc.example/SCT0123456789abcdef.send"},
		LogFormat:  "json",
	}
	var out screen
	log := newLog(&out, cfg)
	log.Warn("tried", "error", errors.New("dial with p@ssword and token-of-the-house"),
		"url", "http://x/webhook?node=a&token=derived-one&x=1", "key", "key-of-the-house")
	log.Warn("tried", "to", "https://sc.example/SCT0123456789abcdef.send", "with", "whsec_notify", "as", "hunter22")
	for _, secret := range []string{"p@ssword", "token-of-the-house", "derived-one", "key-of-the-house", "SCT0123", "whsec_notify", "hunter22"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%q stands in the log:\n%s", secret, &out)
		}
	}
	if !strings.Contains(out.String(), "node=a") || !strings.Contains(out.String(), "x=1") {
		t.Errorf("too much is hidden:\n%s", &out)
	}
}

func TestLog_formatFollowsTheSetting(t *testing.T) {
	for format, want := range map[string]string{"text": "msg=hello", "json": `"msg":"hello"`, "auto": `"msg":"hello"`} {
		var out screen
		newLog(&out, Config{LogFormat: format}).Info("hello")
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s gives %s", format, &out)
		}
	}
}
