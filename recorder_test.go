package main

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker/recorder/recordertest"
	"github.com/ngworks/nglive/worker/recorder/rehearsal"
)

// opened is an installation with these settings.
func opened(t *testing.T, environ ...string) *installation {
	t.Helper()
	_, all := home(t)
	c, _, log := testConsole(append(all, environ...)...)
	i, err := c.open(t.Context())
	if err != nil {
		t.Fatal(err, log)
	}
	return i
}

func TestRecorderWebhook_namesTheNodeAndItsOwnTokenOnly(t *testing.T) {
	t.Parallel()
	const token = "0123456789abcdef-token"
	i := opened(t, "NGLIVE_LISTEN=0.0.0.0:8123", "NGLIVE_TOKEN="+token, "NGLIVE_NODE=my.nas")
	u, err := url.Parse(i.recorderWebhook())
	if err != nil || u.Scheme+"://"+u.Host+u.Path != "http://127.0.0.1:8123/webhook/" {
		t.Errorf("%v, %v", u, err)
	}
	want := url.Values{"node": {"my.nas"}, "token": {tasks.WebhookToken(i.secret)}}
	if u.Query().Encode() != want.Encode() {
		t.Errorf("it asks %v, want %v", u.Query(), want)
	}
	if strings.Contains(u.String(), token) {
		t.Error("the token of the whole API is in the recorder's settings")
	}
	elsewhere := opened(t, "NGLIVE_NODE=a", "NGLIVE_RECORDER_WEBHOOK=http://host.docker.internal:8100/webhook/", "NGLIVE_RECORDER_URL=http://127.0.0.1:2356", "NGLIVE_RECORDER_DIR=brec/rec")
	if got := elsewhere.recorderWebhook(); !strings.HasPrefix(got, "http://host.docker.internal:8100/webhook/?dir=brec%2Frec&node=a&token=") {
		t.Errorf("it is %q", got)
	}
}

func TestRecorder_inheritsNoneOfOurSettings(t *testing.T) {
	t.Parallel()
	got := withoutOurs([]string{"PATH=/bin", "NGLIVE_TOKEN=secret", "nglive_token=secret", "NOTIFY_SOCKET=/run/x", "HTTP_PROXY=http://p", "TZ=Asia/Shanghai"})
	if !slices.Equal(got, []string{"PATH=/bin", "HTTP_PROXY=http://p", "TZ=Asia/Shanghai"}) {
		t.Errorf("it inherits %q", got)
	}
	if env := opened(t, "NGLIVE_TOKEN=0123456789abcdef-token").recorder().Environ; slices.ContainsFunc(env, func(s string) bool { return strings.Contains(s, "0123456789abcdef") }) {
		t.Errorf("the token is in %q", env)
	}
}

func TestDoctor_looksAtTheRecorder(t *testing.T) {
	t.Parallel()
	d := recordertest.Start(t, recordertest.Quick(rehearsal.Config{}))
	for _, test := range []struct {
		name    string
		environ []string
		mark    mark
		text    string
	}{
		{"none", nil, note, "none is set"},
		{"one that answers", []string{"NGLIVE_RECORDER_URL=" + d.URL, "NGLIVE_RECORDER_USER=" + recordertest.User, "NGLIVE_RECORDER_PASSWORD=" + recordertest.Password}, good, "2.17.3"},
		{"a wrong password", []string{"NGLIVE_RECORDER_URL=" + d.URL}, bad, "401"},
		{"nobody there", []string{"NGLIVE_RECORDER_URL=http://127.0.0.1:1"}, bad, "nobody answers"},
		{"a program that is not there", []string{"NGLIVE_RECORDER_PATH=/nowhere/BililiveRecorder.Cli"}, bad, "cannot be run"},
		{"a program", []string{"NGLIVE_RECORDER_PATH=/bin/sh"}, good, "looked after"},
	} {
		f := find(t, examineRecorder(t.Context(), config(t, test.environ...)), "recorder")
		if f.mark != test.mark || !strings.Contains(f.text, test.text) {
			t.Errorf("%s: %+v", test.name, f)
		}
	}
}
