package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/quick"
	"time"
)

func load(t *testing.T, environ ...string) (Config, error) {
	t.Helper()
	return LoadConfig(environ, filepath.Join(t.TempDir(), ".env"))
}

func writeTemp(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestConfig_startsWithDefaults(t *testing.T) {
	t.Parallel()
	cfg, err := load(t)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Listen != "127.0.0.1:8100" || cfg.TranscodeMode != "COPY" || cfg.EventsKeep != 7*24*time.Hour ||
		cfg.DiskWarn.Of(1000) != 100 || cfg.TranscodeBitrate != 5_000_000 {
		t.Errorf("defaults are %+v", cfg)
	}
	if want, _ := filepath.Abs("recordings"); cfg.RecordingsDir != want {
		t.Errorf("RecordingsDir = %s, want it absolute: %s", cfg.RecordingsDir, want)
	}
}

func TestConfig_takesTheOriginalsSpelling(t *testing.T) {
	t.Parallel()
	cfg, err := load(t, "NGLIVE_TRANSCODE_ENCODER=X264", "NGLIVE_TRANSCODE_MODE=crf",
		"NGLIVE_NOTIFY_EVENTS= errors , NodeDown ,", "NGLIVE_NOTIFY_URLS=https://a.example/1, http://b.example/2 ")
	if err != nil {
		t.Fatal(err)
	}
	if cfg.TranscodeEncoder != "libx264" || cfg.TranscodeMode != "CRF" {
		t.Errorf("encoder %q, mode %q", cfg.TranscodeEncoder, cfg.TranscodeMode)
	}
	if !slices.Equal(cfg.NotifyEvents, []string{"errors", "NodeDown"}) {
		t.Errorf("events are not trimmed: %q", cfg.NotifyEvents)
	}
	if !slices.Equal(cfg.NotifyURLs, []SecretURL{"https://a.example/1", "http://b.example/2"}) {
		t.Errorf("%d addresses, not trimmed: %q", len(cfg.NotifyURLs), string(cfg.NotifyURLs[len(cfg.NotifyURLs)-1]))
	}
}

func TestConfig_refuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ setting, want string }{
		{"NGLIVE_LISTEN=0.0.0.0:8100", "set NGLIVE_TOKEN"},
		{"NGLIVE_LISTEN=:8100", "set NGLIVE_TOKEN"},
		{"NGLIVE_LISTEN=nas.local:8100", "set NGLIVE_TOKEN"},
		{"NGLIVE_WORKER_LISTEN=[::]:8101", "set NGLIVE_TOKEN"},
		{"NGLIVE_WORKER_LISTEN=127.0.0.1:8100", "its own port"},
		{"NGLIVE_LISTEN=8100", "host:port"},
		{"NGLIVE_LISTEN=127.0.0.1:99999", "host:port"},
		{"NGLIVE_TOKEN=tooshort", "at least 16"},
		{"NGLIVE_TOKEN=" + tokenExample, "is the example"},
		{"NGLIVE_SECRET_KEY=tooshort", "at least 32"},
		{"NGLIVE_REDIS_URL=127.0.0.1:6379", "redis://"},
		{"NGLIVE_REDIS_URL=redis-socket://", "redis-socket://"},
		{"NGLIVE_REVERSE_WS_URL=http://a.example", "ws://"},
		{"NGLIVE_REVERSE_HTTP_URL=ws://a.example", "http://"},
		{"NGLIVE_NOTIFY_URLS=https://a.example,/hook", "NGLIVE_NOTIFY_URLS"},
		{"NGLIVE_RECORDER_URL=http://user:pw@127.0.0.1:2356", "NGLIVE_RECORDER_USER"},
		{"NGLIVE_RECORDER_URL=http://127.0.0.1:2356\nNGLIVE_RECORDER_PATH=/opt/brec", "both set"},
		{"NGLIVE_RECORDER_LISTEN=127.0.0.1:0\nNGLIVE_RECORDER_PATH=/opt/brec", "fixed port"},
		{"NGLIVE_RECORDER_LISTEN=127.0.0.1:8100\nNGLIVE_RECORDER_PATH=/opt/brec", "its own port"},
		{"NGLIVE_RECORDER_DIR=../elsewhere", "inside NGLIVE_RECORDINGS_DIR"},
		{"NGLIVE_RECORDER_WEBHOOK=http://my.bilibili.com/webhook/", "refuses to post"},
		{"NGLIVE_RECORDER_WEBHOOK=http://u:pw@10.0.0.1/webhook/", "NGLIVE_RECORDER_WEBHOOK"},
		{"NGLIVE_NODE=客厅", "letters"},
		{"NGLIVE_NODE=..", "letters"},
		{"NGLIVE_NODE=" + strings.Repeat("a", 65), "64"},
		{"NGLIVE_TRANSCODE_MODE=FAST", "COPY, CRF"},
		{"NGLIVE_TRANSCODE_ENCODER=-f lavfi", "libx264"},
		{"NGLIVE_TRANSCODE_PRESET=very fast", "veryfast"},
		{"NGLIVE_TRANSCODE_CRF=64", "0 to 63"},
		{"NGLIVE_TRANSCODE_CQ=twenty", "whole number"},
		{"NGLIVE_TRANSCODE_BITRATE=0k", "5000k"},
		{"NGLIVE_ENCODE_CONCURRENCY=0", "1 to 64"},
		{"NGLIVE_REMUX_CONCURRENCY=65", "1 to 64"},
		{"NGLIVE_UPLOAD_CONCURRENCY=-1", "1 to 64"},
		{"NGLIVE_SWEEP_INTERVAL=10", "unit"},
		{"NGLIVE_SWEEP_SETTLE=-1s", "more than zero"},
		{"NGLIVE_TRASH_LIFETIME=0s", "more than zero"},
		{"NGLIVE_GUARD_CLEANS=yes", "true or false"},
		{"NGLIVE_DISK_WARN=1%", "warning must come first"},
		{"NGLIVE_DISK_HOLD=5", "10%"},
		{"NGLIVE_UPLOAD_TARGET=dropbox", "use archive"},
		{"NGLIVE_NOTIFY_EVENTS=errors;NodeDown", "errors,StepHeld"},
		{"NGLIVE_LOG_LEVEL=loud", "debug, info"},
		{"NGLIVE_LOG_FORMAT=xml", "auto or text or json"},
		{"NGLIVE_OUTPUT_DIR=./recordings/out", "lies inside"},
		{"NGLIVE_ARCHIVE_DIR=./recordings/a/b", "lies inside"},
		{"NGLIVE_DATA_DIR=recordings/../recordings/data", "lies inside"},
		{"NGLIVE_ARCHIVE_DIR=./out/", "same folder"},
		{`NGLIVE_RECORDINGS_DIR=F:\录播`, "Windows folder"},
	} {
		t.Run(tc.setting, func(t *testing.T) {
			t.Parallel()
			name, _, _ := strings.Cut(tc.setting, "=")
			_, err := load(t, strings.Split(tc.setting, "\n")...)
			if err == nil {
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), name) {
				t.Errorf("%q should name %s and say %q", err, name, tc.want)
			}
			if lines := strings.Count(err.Error(), "\n"); lines > 0 {
				t.Errorf("one mistake gave %d errors: %v", lines+1, err)
			}
		})
	}
}

func TestConfig_seesThroughLinkedFolders(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	recordings, link := filepath.Join(dir, "recordings"), filepath.Join(dir, "link")
	if err := os.Mkdir(recordings, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(recordings, link); err != nil {
		t.Fatal(err)
	}
	_, err := load(t, "NGLIVE_RECORDINGS_DIR="+recordings, "NGLIVE_OUTPUT_DIR="+link+"/not/there/yet")
	if err == nil || !strings.Contains(err.Error(), "lies inside") {
		t.Errorf("an output folder inside through a link: %v", err)
	}
	if _, err := load(t, "NGLIVE_RECORDINGS_DIR="+recordings, "NGLIVE_OUTPUT_DIR="+recordings+"-out"); err != nil {
		t.Errorf("a folder beside with a longer name: %v", err)
	}
}

func TestConfig_listensBeyondLoopbackWithToken(t *testing.T) {
	t.Parallel()
	if _, err := load(t, "NGLIVE_LISTEN=0.0.0.0:8100", "NGLIVE_TOKEN=0123456789abcdef"); err != nil {
		t.Error(err)
	}
	for _, address := range []string{"localhost:8100", "[::1]:8100", "127.0.0.2:0"} {
		if _, err := load(t, "NGLIVE_LISTEN="+address); err != nil {
			t.Errorf("%s is this machine only: %v", address, err)
		}
	}
}

func TestConfig_reportsEveryMistakeAtOnce(t *testing.T) {
	t.Parallel()
	_, err := load(t, "NGLIVE_SWEEP_INTERVAL=often", "NGLIVE_DISK_WARN=much", "NGLIVE_TOKN=x")
	for _, name := range []string{"NGLIVE_SWEEP_INTERVAL", "NGLIVE_DISK_WARN", "NGLIVE_TOKN"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is missing in: %v", name, err)
		}
	}
}

func TestConfig_suggestsNamesForTypos(t *testing.T) {
	t.Parallel()
	for typo, want := range map[string]string{
		"NGLIVE_TOKN":                 "did you mean NGLIVE_TOKEN?",
		"NGLIVE_RECORDING_DIR":        "did you mean NGLIVE_RECORDINGS_DIR?",
		"NGLIVE_TRANSCODE_MODEL":      "did you mean NGLIVE_TRANSCODE_MODE?",
		"NGLIVE_TOKEN_FLE":            "did you mean NGLIVE_TOKEN_FILE?",
		"NGLIVE_LISTEN_FILE":          "no setting",
		"NGLIVE_SOMETHING_ALTOGETHER": ".env.example lists them all",
	} {
		if _, err := load(t, typo+"=hunter2hunter2hunter2"); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want %q and no value", typo, err, want)
		}
		dotenv := writeTemp(t, ".env", typo+"=hunter2hunter2hunter2")
		if _, err := LoadConfig(nil, dotenv); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), dotenv) {
			t.Errorf("%s in .env: %v", typo, err)
		}
	}
}

func TestConfig_dotenvNeverOverridesTheEnvironment(t *testing.T) {
	t.Parallel()
	dotenv := writeTemp(t, ".env", "\ufeffNGLIVE_NODE=from-dotenv\nNGLIVE_TOKEN=dotenv-dotenv-dotenv\nNGLIVE_UPLOAD_CONCURRENCY=7\nOTHER=1\nNGLIVE_SECRET_KEY_FILE=absent\n")
	tokenFile := writeTemp(t, "token", "from-file-from-file\n")
	cfg, err := LoadConfig([]string{"NGLIVE_NODE=from-env", "NGLIVE_TOKEN_FILE=" + tokenFile, "NGLIVE_SECRET_KEY=" + strings.Repeat("k", 32)}, dotenv)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Node != "from-env" || string(cfg.Token) != "from-file-from-file" || cfg.UploadConcurrency != 7 {
		t.Errorf("node %q, token %q, uploads %d", cfg.Node, string(cfg.Token), cfg.UploadConcurrency)
	}
}

func TestConfig_namesTheBadLineOfDotenvOnly(t *testing.T) {
	t.Parallel()
	dotenv := writeTemp(t, ".env", "NGLIVE_NODE=a\nthis is no line\nNGLIVE_TOKEN=hunter2hunter2hunter2\n")
	_, err := LoadConfig(nil, dotenv)
	if err == nil || !strings.Contains(err.Error(), "line 2") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

func TestConfig_readsSecretsFromFilesAndCredentials(t *testing.T) {
	t.Parallel()
	for _, name := range secretNames() {
		want := map[string]string{
			"NGLIVE_REDIS_URL": "redis://:pw@127.0.0.1:1/0", "NGLIVE_NOTIFY_URLS": "https://a.example/x",
			"NGLIVE_REVERSE_WS_URL": "wss://a.example/x", "NGLIVE_REVERSE_HTTP_URL": "https://a.example/x",
		}[name]
		if want == "" {
			want = strings.Repeat("s", 32)
		}
		path := writeTemp(t, name, " "+want+"\r\n")
		for _, environ := range [][]string{{name + "_FILE=" + path}, {"CREDENTIALS_DIRECTORY=" + filepath.Dir(path)}} {
			values, errs := readSources(environ, "")
			environ = append(environ, partners(name)...)
			if _, err := LoadConfig(environ, ""); len(errs) > 0 || err != nil || values[name] != want {
				t.Errorf("%s by %s: %q, %v %v", name, environ[0], values[name], errs, err)
			}
			_, err := LoadConfig(append(environ, name+"="+want), "")
			if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "keep one") || strings.Contains(err.Error(), want) {
				t.Errorf("%s set twice: %v", name, err)
			}
		}
	}
}

func TestConfig_secretsAreTheSecretOnes(t *testing.T) {
	t.Parallel()
	want := []string{
		"NGLIVE_TOKEN", "NGLIVE_SECRET_KEY", "NGLIVE_REDIS_URL", "NGLIVE_BAIDU_APP_KEY", "NGLIVE_BAIDU_APP_SECRET",
		"NGLIVE_BAIDU_BDUSS", "NGLIVE_BAIDU_STOKEN", "NGLIVE_NOTIFY_URLS", "NGLIVE_NOTIFY_SECRET",
		"NGLIVE_REVERSE_WS_URL", "NGLIVE_REVERSE_HTTP_URL", "NGLIVE_RECORDER_PASSWORD",
	}
	if got := secretNames(); !slices.Equal(got, want) {
		t.Errorf("secrets are %q, want %q", got, want)
	}
}

func TestConfig_unreadableSecretFileIsNotEchoed(t *testing.T) {
	t.Parallel()
	_, err := load(t, "NGLIVE_TOKEN_FILE=hunter2hunter2hunter2")
	if err == nil || !strings.Contains(err.Error(), "NGLIVE_TOKEN_FILE") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
	if _, err := load(t, "NGLIVE_TOKEN_FILE="+writeTemp(t, "empty", "\n")); err == nil || !strings.Contains(err.Error(), "empty") {
		t.Errorf("an empty file: %v", err)
	}
}

// hunter2 stands wherever a secret may stand; none of it may come out anywhere.
func TestConfig_neverShowsSecrets(t *testing.T) {
	t.Parallel()
	environ := []string{
		"NGLIVE_TOKEN=hunter2hunter2hunter2", "NGLIVE_SECRET_KEY=" + strings.Repeat("hunter2", 5),
		"NGLIVE_REDIS_URL=rediss://user:hunter2@redis.example:6380/1", "NGLIVE_NOTIFY_SECRET=whsec_hunter2",
		"NGLIVE_NOTIFY_URLS=https://push.example/hunter2.send,https://hunter2@b.example", "NGLIVE_RECORDER_PASSWORD=hunter2",
		"NGLIVE_REVERSE_WS_URL=wss://master.example/ws?token=hunter2", "NGLIVE_REVERSE_HTTP_URL=https://m.example/hunter2",
	}
	cfg, err := load(t, environ...)
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&logged, nil))
	log.Info("settings", "config", cfg, "token", cfg.Token, "redis", cfg.RedisURL, "nested", struct{ S Secret }{cfg.Token})
	asJSON, _ := json.Marshal(cfg)
	shown := fmt.Sprintf("%v %+v %#v %s %q %s %s", cfg, cfg, cfg, cfg.Token, cfg.NotifyURLs, logged.String(), asJSON)
	if strings.Contains(shown, "hunter2") || strings.Contains(shown, fmt.Sprintf("%x", "hunter2")) {
		t.Errorf("a secret shows in %s", shown)
	}
	for _, want := range []string{"rediss://redis.example:6380/…", "https://push.example/…,https://b.example/…", "NGLIVE_TOKEN (set)"} {
		if settings := fmt.Sprintf("%s", cfg.Redacted()); !strings.Contains(settings, want) {
			t.Errorf("%q is missing in %s", want, settings)
		}
	}
	for _, setting := range environ { // now each of them wrong in some way
		name, _, _ := strings.Cut(setting, "=")
		if _, err := load(t, name+"=hunter2://hunter2\x00%zz", "NGLIVE_LOG_FORMAT=xml"); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSecretURL_hidesBadlyWrittenPasswords(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"redis://:12#hunter2@host", "redis://user:12/hunter2@host", "redis://:1?hunter2@host", "redis://:a@hunter2@host:1",
		"redis://:hunter2", "hunter2", "redis-socket://:hunter2@/run/redis.sock",
	} {
		if shown := SecretURL(address).String(); shown != "(set)" {
			t.Errorf("%s shows as %s", address, shown)
		}
	}
	if shown := SecretURL("ws://master.example:1").String(); shown != "ws://master.example:1" {
		t.Errorf("an address without secrets shows as %s", shown)
	}
}

func TestSpace_readsWhatItWrites(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]uint64{
		"10%": 100_000, "0.5%": 5_000, "0": 0, "1GiB": 1 << 30, "1.5KiB": 1536, "500MB": 500_000_000, "7B": 7, "2 TiB": 2 << 40,
	} {
		var s, again Space
		if err := s.UnmarshalText([]byte(text)); err != nil || s.Of(1_000_000) != want {
			t.Errorf("%s is %d bytes of a megabyte, want %d (%v)", text, s.Of(1_000_000), want, err)
		}
		if err := again.UnmarshalText([]byte(s.String())); err != nil || again != s {
			t.Errorf("%s wrote %s and read back %v (%v)", text, s, again, err)
		}
	}
	for _, text := range []string{"", "10", "101%", "-1%", "NaN%", "Inf%", "1e3B", "1 XB", "9999999TiB", "%", "B", "1.2.3%"} {
		var s Space
		if err := s.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was read as %s", text, s)
		}
	}
}

func TestBitrate_readsWhatItWrites(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Bitrate{"5000k": 5_000_000, "5M": 5_000_000, "800": 800, "2K": 2_000} {
		var b, again Bitrate
		if err := b.UnmarshalText([]byte(text)); err != nil || b != want {
			t.Errorf("%s = %d, want %d (%v)", text, b, want, err)
		}
		if err := again.UnmarshalText([]byte(b.String())); err != nil || again != b {
			t.Errorf("%s wrote %s", text, b)
		}
	}
	for _, text := range []string{"", "k", "-5k", "5G", "1.5M", "99999999999999999k", "0"} {
		var b Bitrate
		if err := b.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was read as %s", text, b)
		}
	}
}

func TestDotenvLine_readsBackTheSame(t *testing.T) {
	t.Parallel()
	readsBack := func(value string) bool {
		line, err := dotenvLine("NGLIVE_NODE", value)
		if err != nil {
			return true
		}
		path := writeTemp(t, ".env", line+"\nNGLIVE_TOKEN=next\n")
		got, err := readDotenv(path)
		return err == nil && got["NGLIVE_NODE"] == value && got["NGLIVE_TOKEN"] == "next"
	}
	for _, value := range []string{"", `F:\录播`, `F:\rec`, "a b#c$d", "it's", `say "hi"`, "%2F", `\\nas\x`, "=", "a'b#c", " x ", `back'tick`} {
		if !readsBack(value) {
			t.Errorf("%q does not read back", value)
		}
	}
	if err := quick.Check(readsBack, nil); err != nil {
		t.Error(err)
	}
}

func TestConfig_pathMapsLeadIntoTheRecordingsFolder(t *testing.T) {
	t.Parallel()
	cfg, err := load(t, `NGLIVE_PATH_MAPS=/rec=>/srv/rec/blrec; D:\rec => /srv/rec ;`, "NGLIVE_RECORDINGS_DIR=/srv/rec")
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(cfg.pathMaps()); got != `[{/rec /srv/rec/blrec} {D:\rec /srv/rec}]` {
		t.Errorf("maps are %s", got)
	}
	for _, wrong := range []string{"/rec", "/rec=>", "=>/srv/rec", "/=>/srv/rec", "/rec=>/srv", "/rec=>/srv/recordings", "/rec=>/srv/rec/../x"} {
		if _, err := load(t, "NGLIVE_PATH_MAPS="+wrong, "NGLIVE_RECORDINGS_DIR=/srv/rec"); err == nil || !strings.Contains(err.Error(), "NGLIVE_PATH_MAPS") {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}
