package main

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

const settingPrefix = "NGLIVE_"

// Config is every setting of NGlive, one line each; .env.example explains them.
// Only package main reads it: each package gets its own Config made from this one.
type Config struct {
	Listen       string `env:"LISTEN" envDefault:"127.0.0.1:8100"`
	WorkerListen string `env:"WORKER_LISTEN" envDefault:"127.0.0.1:8101"`
	Token        Secret `env:"TOKEN"`
	SecretKey    Secret `env:"SECRET_KEY"`

	RedisURL     SecretURL `env:"REDIS_URL"`
	RedisUnsafe  bool      `env:"REDIS_UNSAFE" envDefault:"false"`
	RedisReserve Space     `env:"REDIS_RESERVE" envDefault:"1GiB"`

	Node          string `env:"NODE"`
	DataDir       string `env:"DATA_DIR" envDefault:"./data"`
	RecordingsDir string `env:"RECORDINGS_DIR" envDefault:"./recordings"`
	OutputDir     string `env:"OUTPUT_DIR" envDefault:"./out"`
	ArchiveDir    string `env:"ARCHIVE_DIR" envDefault:"./archive"`
	FFmpeg        string `env:"FFMPEG" envDefault:"ffmpeg"`
	FFprobe       string `env:"FFPROBE" envDefault:"ffprobe"`

	SweepInterval time.Duration `env:"SWEEP_INTERVAL" envDefault:"1m"`
	SweepSettle   time.Duration `env:"SWEEP_SETTLE" envDefault:"1m"`
	BroadcastGap  time.Duration `env:"BROADCAST_GAP" envDefault:"10m"`
	EventsKeep    time.Duration `env:"EVENTS_KEEP" envDefault:"168h"`
	DiskWarn      Space         `env:"DISK_WARN" envDefault:"10%"`
	DiskHold      Space         `env:"DISK_HOLD" envDefault:"5%"`
	TrashLifetime time.Duration `env:"TRASH_LIFETIME" envDefault:"72h"`
	GuardCleans   bool          `env:"GUARD_CLEANS" envDefault:"false"`

	TranscodeMode     Mode          `env:"TRANSCODE_MODE" envDefault:"COPY"`
	TranscodeEncoder  Encoder       `env:"TRANSCODE_ENCODER" envDefault:"libx264"`
	TranscodeCRF      int           `env:"TRANSCODE_CRF" envDefault:"24"`
	TranscodeCQ       int           `env:"TRANSCODE_CQ" envDefault:"24"`
	TranscodeBitrate  Bitrate       `env:"TRANSCODE_BITRATE" envDefault:"5000k"`
	TranscodeBufsize  Bitrate       `env:"TRANSCODE_BUFSIZE" envDefault:"2000k"`
	TranscodePreset   string        `env:"TRANSCODE_PRESET" envDefault:"veryfast"`
	EncodeConcurrency int           `env:"ENCODE_CONCURRENCY" envDefault:"1"`
	RemuxConcurrency  int           `env:"REMUX_CONCURRENCY" envDefault:"2"`
	UploadConcurrency int           `env:"UPLOAD_CONCURRENCY" envDefault:"2"`
	StallTimeout      time.Duration `env:"STALL_TIMEOUT" envDefault:"2m"`
	UploadTarget      string        `env:"UPLOAD_TARGET" envDefault:"archive"`

	NotifyURLs     []SecretURL `env:"NOTIFY_URLS"`
	NotifySecret   Secret      `env:"NOTIFY_SECRET"`
	NotifyEvents   []string    `env:"NOTIFY_EVENTS" envDefault:"errors,StepHeld,NodeDown,DiskLow"`
	ReverseWSURL   SecretURL   `env:"REVERSE_WS_URL"`
	ReverseHTTPURL SecretURL   `env:"REVERSE_HTTP_URL"`

	RecorderURL      string `env:"RECORDER_URL"`
	RecorderPath     string `env:"RECORDER_PATH"`
	RecorderUser     string `env:"RECORDER_USER"`
	RecorderPassword Secret `env:"RECORDER_PASSWORD"`
	RecorderListen   string `env:"RECORDER_LISTEN" envDefault:"127.0.0.1:8200"`

	LogLevel  slog.Level `env:"LOG_LEVEL" envDefault:"info"`
	LogFormat string     `env:"LOG_FORMAT" envDefault:"auto"`
}

// LoadConfig reads the settings from environ (as os.Environ gives it), from
// secret files and systemd credentials, and from the .env at dotenvPath, which
// may be absent and never overrides the rest. It reports every mistake at once
// and repeats no secret.
func LoadConfig(environ []string, dotenvPath string) (Config, error) {
	values, errs := readSources(environ, dotenvPath)
	var cfg Config
	err := env.ParseWithOptions(&cfg, env.Options{Environment: values, Prefix: settingPrefix})
	errs = append(errs, parseErrors(err)...)
	cfg.tidy()
	if len(parseErrors(err)) == 0 {
		errs = append(errs, cfg.check()...)
	}
	return cfg, errors.Join(errs...)
}

// tidy brings each value to the one form that the rest of the program relies on.
func (c *Config) tidy() {
	for _, dir := range []*string{&c.DataDir, &c.RecordingsDir, &c.OutputDir, &c.ArchiveDir} {
		// Abs fails only where the working directory is gone; the folder checks
		// at start then name the folder.
		if abs, err := filepath.Abs(*dir); err == nil && !foreignWindowsPath(*dir) {
			*dir = abs
		}
	}
	c.NotifyURLs = trimmed(c.NotifyURLs)
	c.NotifyEvents = trimmed(c.NotifyEvents)
	for _, s := range []*Secret{&c.Token, &c.SecretKey, &c.NotifySecret} {
		*s = Secret(strings.TrimSpace(string(*s)))
	}
}

func trimmed[S ~string](list []S) []S {
	var kept []S
	for _, item := range list {
		if item = S(strings.TrimSpace(string(item))); item != "" {
			kept = append(kept, item)
		}
	}
	return kept
}

// Setting is one line of the effective configuration, fit to print.
type Setting struct{ Name, Value string }

// Redacted lists every setting in the order of Config, secrets hidden.
func (c Config) Redacted() []Setting {
	v := reflect.ValueOf(c)
	settings := make([]Setting, 0, v.NumField())
	for i := range v.NumField() {
		name := settingPrefix + v.Type().Field(i).Tag.Get("env")
		settings = append(settings, Setting{name, printable(v.Field(i))})
	}
	return settings
}

func printable(v reflect.Value) string {
	if v.Kind() != reflect.Slice {
		return fmt.Sprint(v.Interface())
	}
	items := make([]string, v.Len())
	for i := range items {
		items[i] = fmt.Sprint(v.Index(i).Interface())
	}
	return strings.Join(items, ",")
}

// LogValue keeps secrets out of the log even when a whole Config is logged.
func (c Config) LogValue() slog.Value {
	var attrs []slog.Attr
	for _, s := range c.Redacted() {
		attrs = append(attrs, slog.String(s.Name, s.Value))
	}
	return slog.GroupValue(attrs...)
}
