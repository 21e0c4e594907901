package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ngworks/nglive/tasks"
)

const (
	minTokenLength     = 16
	minSecretKeyLength = 32
	maxConcurrency     = 64
	// The widest scale of any encoder in the table is SVT-AV1's 0..63.
	maxQuality = 63
	// tokenExample stands in .env.example, so everybody knows it.
	tokenExample = "paste-32-random-characters-here"
)

// check reports everything that would not work later; the values have parsed.
func (c *Config) check() []error {
	return slices.DeleteFunc(slices.Concat(
		c.checkAccess(),
		c.checkFolders(),
		c.checkPathMaps(),
		c.checkDurations(),
		c.checkAddresses(),
		c.checkRecorder(),
		c.checkWork(),
		c.checkBaidu(),
	), func(err error) bool { return err == nil })
}

// checkAccess keeps anything that answers other machines behind a token.
func (c *Config) checkAccess() []error {
	errs := []error{
		checkListen("LISTEN", c.Listen),
		checkListen("WORKER_LISTEN", c.WorkerListen),
		checkListen("RECORDER_LISTEN", c.RecorderListen),
	}
	for _, l := range []struct{ name, address string }{{"LISTEN", c.Listen}, {"WORKER_LISTEN", c.WorkerListen}} {
		if c.Token == "" && !loopback(l.address) {
			errs = append(errs, fmt.Errorf("NGLIVE_%s=%s lets other machines in: set NGLIVE_TOKEN (openssl rand -hex 24 makes one), or listen on 127.0.0.1", l.name, l.address))
		}
	}
	if c.Listen == c.WorkerListen && !strings.HasSuffix(c.Listen, ":0") {
		errs = append(errs, fmt.Errorf("NGLIVE_LISTEN and NGLIVE_WORKER_LISTEN are both %s: give each its own port", c.Listen))
	}
	switch {
	case c.Token == tokenExample:
		errs = append(errs, errors.New("NGLIVE_TOKEN is the example from .env.example: put your own random characters there (openssl rand -hex 24)"))
	case c.Token != "" && len(c.Token) < minTokenLength:
		errs = append(errs, fmt.Errorf("NGLIVE_TOKEN is too short to be safe: use at least %d characters (openssl rand -hex 24)", minTokenLength))
	}
	if c.SecretKey != "" && len(c.SecretKey) < minSecretKeyLength {
		errs = append(errs, fmt.Errorf("NGLIVE_SECRET_KEY is too short to be safe: use at least %d characters, or leave it out and NGlive makes one", minSecretKeyLength))
	}
	return errs
}

func checkListen(name, address string) error {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("NGLIVE_%s=%s is no address: write host:port, such as 127.0.0.1:8100", name, address)
	}
	return nil
}

// loopback takes only what cannot be anything else: a name may change its address.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err != nil || host == "localhost" || ip != nil && ip.IsLoopback()
}

// checkFolders keeps finished files out of the folder that is searched for new ones.
func (c *Config) checkFolders() []error {
	dirs := []struct{ name, path string }{
		{"NGLIVE_RECORDINGS_DIR", c.RecordingsDir},
		{"NGLIVE_OUTPUT_DIR", c.OutputDir},
		{"NGLIVE_ARCHIVE_DIR", c.ArchiveDir},
		{"NGLIVE_DATA_DIR", c.DataDir},
	}
	var errs []error
	for i, d := range dirs {
		if foreignWindowsPath(d.path) {
			errs = append(errs, fmt.Errorf("%s=%s is a Windows folder and this machine runs %s: give the folder's path here", d.name, d.path, runtime.GOOS))
		}
		for j, other := range dirs[:i] {
			switch {
			case realPath(d.path) == realPath(other.path):
				errs = append(errs, fmt.Errorf("%s and %s are the same folder, %s: give each its own", other.name, d.name, d.path))
			case j == 0 && inside(realPath(d.path), realPath(other.path)):
				errs = append(errs, fmt.Errorf("%s=%s lies inside %s=%s, where NGlive looks for new recordings: move it beside", d.name, d.path, other.name, other.path))
			}
		}
	}
	return errs
}

// checkPathMaps refuses maps that lead where nothing is ever taken from.
func (c *Config) checkPathMaps() []error {
	var errs []error
	for _, text := range c.PathMaps {
		m, err := readPathMap(text)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("NGLIVE_PATH_MAPS has %q: %w; separate several with ;", text, err))
		case m.To != c.RecordingsDir && !inside(m.To, c.RecordingsDir):
			errs = append(errs, fmt.Errorf("NGLIVE_PATH_MAPS leads %s to %s, outside NGLIVE_RECORDINGS_DIR=%s, from where nothing is taken: "+
				"let NGLIVE_RECORDINGS_DIR be the folder that holds them all", m.From, m.To, c.RecordingsDir))
		}
	}
	return errs
}

// readPathMap reads one map, with its folder here in full.
func readPathMap(text string) (tasks.PathMap, error) {
	m, err := tasks.ReadPathMap(text)
	if err != nil {
		return m, err
	}
	if full, err := filepath.Abs(m.To); err == nil {
		m.To = full
	}
	return m, nil
}

// pathMaps are those of a checked configuration.
func (c *Config) pathMaps() []tasks.PathMap {
	var maps []tasks.PathMap
	for _, text := range c.PathMaps {
		if m, err := readPathMap(text); err == nil {
			maps = append(maps, m)
		}
	}
	return maps
}

func inside(path, parent string) bool {
	rel, err := filepath.Rel(parent, path)
	return err == nil && filepath.IsLocal(rel) && rel != "."
}

// realPath follows the links of the part of a path that exists already.
func realPath(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	if parent := filepath.Dir(path); parent != path {
		return filepath.Join(realPath(parent), filepath.Base(path))
	}
	return path
}

// foreignWindowsPath is F:\… anywhere but on Windows, where it would become a
// strange file name.
func foreignWindowsPath(path string) bool {
	return runtime.GOOS != "windows" && regexp.MustCompile(`^[A-Za-z]:[\\/]|^\\\\`).MatchString(path)
}

// checkDurations covers every duration in Config: none may be zero or less.
func (c *Config) checkDurations() []error {
	var errs []error
	for field, value := range reflect.ValueOf(*c).Fields() {
		if d, ok := reflect.TypeAssert[time.Duration](value); ok && d <= 0 {
			errs = append(errs, fmt.Errorf("NGLIVE_%s=%s: give it more than zero, such as 1m", field.Tag.Get("env"), d))
		}
	}
	return errs
}

func (c *Config) checkAddresses() []error {
	errs := []error{
		checkURL("REDIS_URL", string(c.RedisURL), "redis", "rediss", "redis-socket"),
		checkURL("REVERSE_WS_URL", string(c.ReverseWSURL), "ws", "wss"),
		checkURL("REVERSE_HTTP_URL", string(c.ReverseHTTPURL), "http", "https"),
	}
	for _, u := range c.NotifyURLs {
		errs = append(errs, checkURL("NOTIFY_URLS", string(u), "http", "https"))
	}
	return errs
}

// checkURL never repeats the address: most of them hold a password or a token.
func checkURL(name, address string, schemes ...string) error {
	if address == "" {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil || !slices.Contains(schemes, u.Scheme) || u.Hostname() == "" && u.Scheme != "redis-socket" || u.Scheme == "redis-socket" && u.Path == "" {
		return fmt.Errorf("NGLIVE_%s is no address that works here: it begins with %s:// and names a host; in a password write %%40 for @, %%23 for #, %%2F for /",
			name, strings.Join(schemes, ":// or "))
	}
	return nil
}

// checkWork covers the settings of the steps and of the node itself.
func (c *Config) checkWork() []error {
	errs := []error{
		checkRange("TRANSCODE_CRF", c.TranscodeCRF, 0, maxQuality),
		checkRange("TRANSCODE_CQ", c.TranscodeCQ, 0, maxQuality),
		checkRange("ENCODE_CONCURRENCY", c.EncodeConcurrency, 1, maxConcurrency),
		checkRange("REMUX_CONCURRENCY", c.RemuxConcurrency, 1, maxConcurrency),
		checkRange("UPLOAD_CONCURRENCY", c.UploadConcurrency, 1, maxConcurrency),
		checkPattern("UPLOAD_TARGET", c.UploadTarget, `archive|baidu(:[A-Za-z0-9_-]{1,40})?`, "archive, baidu or baidu:<account>"),
		checkOneOf("LOG_FORMAT", c.LogFormat, "auto", "text", "json"),
		checkPattern("TRANSCODE_PRESET", c.TranscodePreset, `[a-z0-9]+`, "ffmpeg's name of one in small letters, such as veryfast"),
		checkPattern("NODE", c.Node, `([A-Za-z0-9._-]{1,64})?`, "up to 64 letters, digits, dots, - and _"),
	}
	if c.Node == "." || c.Node == ".." {
		errs = append(errs, fmt.Errorf("NGLIVE_NODE=%s is no name: use letters and digits", c.Node))
	}
	if c.DiskWarn.percent < c.DiskHold.percent && c.DiskWarn.bytes == 0 || c.DiskWarn.bytes > 0 && c.DiskWarn.bytes < c.DiskHold.bytes {
		errs = append(errs, fmt.Errorf("NGLIVE_DISK_WARN=%s is less than NGLIVE_DISK_HOLD=%s: the warning must come first", c.DiskWarn, c.DiskHold))
	}
	for _, event := range c.NotifyEvents {
		if !slices.Contains(tasks.Notifiable(), event) {
			errs = append(errs, fmt.Errorf("NGLIVE_NOTIFY_EVENTS=%q is no event; give events such as errors,StepHeld,NodeDown with commas between them. There are %s", event, strings.Join(tasks.Notifiable()[1:], " ")))
		}
	}
	return errs
}

func checkRange(name string, value, low, high int) error {
	if value < low || value > high {
		return fmt.Errorf("NGLIVE_%s=%d: give a number from %d to %d", name, value, low, high)
	}
	return nil
}

func checkOneOf(name, value string, choices ...string) error {
	if !slices.Contains(choices, value) {
		return fmt.Errorf("NGLIVE_%s=%q: use %s", name, value, strings.Join(choices, " or "))
	}
	return nil
}

func checkPattern(name, value, pattern, want string) error {
	if !regexp.MustCompile(`^(?:` + pattern + `)$`).MatchString(value) {
		return fmt.Errorf("NGLIVE_%s=%q: use %s", name, value, want)
	}
	return nil
}
