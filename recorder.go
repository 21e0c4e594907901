package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path"
	"path/filepath"
	"strings"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker"
	"github.com/ngworks/nglive/worker/recorder"
)

// checkRecorder covers the settings of the node's recorder.
func (c *Config) checkRecorder() []error {
	errs := []error{
		checkURL("RECORDER_URL", c.RecorderURL, "http", "https"),
		checkURL("RECORDER_WEBHOOK", c.RecorderWebhook, "http", "https"),
	}
	for name, address := range map[string]string{"RECORDER_URL": c.RecorderURL, "RECORDER_WEBHOOK": c.RecorderWebhook} {
		if u, err := url.Parse(address); err == nil && u.User != nil {
			errs = append(errs, fmt.Errorf("NGLIVE_%s holds a user or a password: move them to NGLIVE_RECORDER_USER and NGLIVE_RECORDER_PASSWORD", name))
		}
	}
	if c.RecorderURL != "" && c.RecorderPath != "" {
		errs = append(errs, errors.New("NGLIVE_RECORDER_URL and NGLIVE_RECORDER_PATH are both set: keep the address of a recorder that runs by itself, or the path of one for NGlive to run"))
	}
	if host, port, err := net.SplitHostPort(c.RecorderListen); err == nil && c.RecorderPath != "" {
		switch {
		case host == "" || strings.Contains(host, ":"): // its own parser takes anything else for localhost and another port
			errs = append(errs, fmt.Errorf("NGLIVE_RECORDER_LISTEN=%s: BililiveRecorder takes an IPv4 address here, such as 127.0.0.1:8200", c.RecorderListen))
		case port == "0":
			errs = append(errs, fmt.Errorf("NGLIVE_RECORDER_LISTEN=%s: a recorder needs a fixed port, such as 127.0.0.1:8200", c.RecorderListen))
		case c.RecorderListen == c.Listen || c.RecorderListen == c.WorkerListen:
			errs = append(errs, fmt.Errorf("NGLIVE_RECORDER_LISTEN=%s is NGlive's own address: give the recorder its own port", c.RecorderListen))
		}
	}
	if c.RecorderDir != "" && !filepath.IsLocal(filepath.FromSlash(c.RecorderDir)) {
		errs = append(errs, fmt.Errorf("NGLIVE_RECORDER_DIR=%s: give the folder as it is called inside NGLIVE_RECORDINGS_DIR, such as brec; choose a NGLIVE_RECORDINGS_DIR that holds it", c.RecorderDir))
	}
	if c.RecorderWebhook != "" && recorder.NeverPosts(c.RecorderWebhook) {
		errs = append(errs, errors.New("NGLIVE_RECORDER_WEBHOOK names a host that BililiveRecorder refuses to post to: use another name or its IP address"))
	}
	return errs
}

// recorder is what the worker is told of its recorder.
func (i *installation) recorder() worker.RecorderConfig {
	cfg := i.cfg
	return worker.RecorderConfig{
		URL: cfg.RecorderURL, Path: cfg.RecorderPath, Listen: cfg.RecorderListen, User: cfg.RecorderUser, Password: string(cfg.RecorderPassword),
		Webhook: i.recorderWebhook(), Environ: withoutOurs(i.environ),
	}
}

// recorderWebhook is our webhook as the node's recorder finds it. Its token is good for nothing else.
func (i *installation) recorderWebhook() string {
	address := i.cfg.RecorderWebhook
	if address == "" {
		address = localServer(i.cfg) + "/webhook/"
	}
	u, err := url.Parse(address)
	if err != nil { // the settings were checked
		return ""
	}
	q := u.Query()
	q.Set("node", i.node)
	q.Set("token", tasks.WebhookToken(i.secret))
	if dir := path.Clean(filepath.ToSlash(i.cfg.RecorderDir)); dir != "." && i.cfg.RecorderURL != "" {
		q.Set("dir", dir)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// withoutOurs keeps our settings, tokens among them, out of the environment of a program that is not ours.
func withoutOurs(environ []string) []string {
	var kept []string
	for _, line := range environ {
		if name, _, _ := strings.Cut(line, "="); !strings.HasPrefix(strings.ToUpper(name), settingPrefix) && name != "NOTIFY_SOCKET" {
			kept = append(kept, line)
		}
	}
	return kept
}
