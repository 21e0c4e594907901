//go:build unix

package main

import (
	"context"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/shirou/gopsutil/v4/disk"

	"github.com/ngworks/nglive/tasks"
)

func find(t *testing.T, all findings, name string) finding {
	t.Helper()
	for _, f := range all {
		if strings.Contains(f.name, name) {
			return f
		}
	}
	t.Fatalf("nothing about %s in %v", name, all)
	return finding{}
}

func TestDoctor_findsThisMachineWellEnough(t *testing.T) {
	_, environ := home(t)
	c, stdout, _ := testConsole(environ...)
	if code := c.run(t.Context(), []string{"doctor"}); code != exitDone {
		t.Errorf("exit code %d:\n%s", code, stdout)
	}
	for _, want := range []string{"✓ settings", "✓ Redis", "✓ ffmpeg", "✓ ffprobe", "libx264", "HEVC in FLV", "RECORDINGS_DIR", "free of", "clock", "access"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("%q is missing:\n%s", want, stdout)
		}
	}
}

func TestDoctor_everyFaultIsMendable(t *testing.T) {
	_, environ := home(t)
	tests := map[string]string{ // setting → what is wrong with it
		"NGLIVE_FFMPEG=/nowhere/ffmpeg":                                         "ffmpeg",
		"NGLIVE_FFPROBE=/nowhere/ffprobe":                                       "ffprobe",
		"NGLIVE_REDIS_URL=redis://:pass-word@127.0.0.1:1/0":                     "Redis",
		"NGLIVE_ARCHIVE_DIR=/proc/1":                                            "ARCHIVE_DIR", // even root makes no file there
		"NGLIVE_TRANSCODE_CRF=99":                                               "settings",
		"NGLIVE_DISK_HOLD=100%\x00NGLIVE_DISK_WARN=100%":                        "RECORDINGS_DIR",
		"NGLIVE_REDIS_URL=redis-socket:///nowhere/s":                            "Redis",
		"NGLIVE_LISTEN=192.0.2.1:80\x00NGLIVE_TOKEN=" + strings.Repeat("t", 20): "NGLIVE_LISTEN",
	}
	for setting, name := range tests {
		c, stdout, _ := testConsole(append(environ, strings.Split(setting, "\x00")...)...)
		cfg, err := LoadConfig(c.environ, "")
		all := examine(t.Context(), c, cfg, err, false)
		f := find(t, all, name)
		if f.mark != bad || f.mend == "" {
			t.Errorf("%s: %+v", setting, f)
		}
		if !strings.Contains(stdout.String(), "✗") || !strings.Contains(stdout.String(), "    → ") {
			t.Errorf("%s: not on the screen:\n%s", setting, stdout)
		}
		if strings.Contains(stdout.String(), "pass-word") {
			t.Errorf("%s: a password on the screen:\n%s", setting, stdout)
		}
	}
}

func TestDoctor_failsWhenSomethingIsBroken(t *testing.T) {
	_, environ := home(t)
	c, stdout, _ := testConsole(append(environ, "NGLIVE_FFMPEG=/nowhere/ffmpeg")...) // and so no encoder to try
	if code := c.run(t.Context(), []string{"doctor"}); code != exitFailed {
		t.Errorf("exit code %d:\n%s", code, stdout)
	}
}

// TestStartChecks_anArchiveThatIsAwayKeepsNobodyFromStarting: a NAS that comes up late is no reason to record nothing.
func TestStartChecks_anArchiveThatIsAwayKeepsNobodyFromStarting(t *testing.T) {
	t.Parallel()
	dir, environ := home(t)
	away := filepath.Join(dir, "mount", "nglive", "videos")
	c, _, stderr := testConsole(append(environ, "NGLIVE_ARCHIVE_DIR="+away)...)
	i, err := c.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := i.startChecks(t.Context(), false, true); err != nil {
		t.Errorf("an archive that is away: %v", err)
	}
	if !strings.Contains(stderr.String(), away+" is away") {
		t.Errorf("nobody was told: %s", stderr)
	}
	if _, err := os.Stat(filepath.Join(dir, "mount")); err == nil {
		t.Error("a folder was made on the disk below")
	}
}

// TestStartChecks_aFullDiskKeepsNobodyFromStarting: uploads, and the cleaning that makes room, are the worker's own work.
func TestStartChecks_aFullDiskKeepsNobodyFromStarting(t *testing.T) {
	t.Parallel()
	_, environ := home(t)
	c, _, stderr := testConsole(append(environ, "NGLIVE_DISK_WARN=100%", "NGLIVE_DISK_HOLD=100%")...)
	i, err := c.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := i.startChecks(t.Context(), false, true); err != nil {
		t.Errorf("a disk below its reserve: %v", err)
	}
	if !strings.Contains(stderr.String(), "NGLIVE_DISK_HOLD") {
		t.Errorf("nobody was told: %s", stderr)
	}
	full := place{name: "OUTPUT_DIR"}
	for _, f := range full.unwritable("/out", &fs.PathError{Op: "write", Path: "/out", Err: syscall.ENOSPC}) {
		if !f.waits || strings.Contains(f.mend, "chown") {
			t.Errorf("a full disk: %+v", f)
		}
	}
}

func TestDoctor_looksAtTheRedisThatRuns(t *testing.T) {
	url, start := foreignRedis(t, "--appendonly", "no")
	start()
	f := find(t, examineRedis(t.Context(), config(t, "NGLIVE_REDIS_URL="+url)), "Redis")
	if f.mark != bad || !strings.Contains(f.text, "appendonly") || !strings.Contains(f.mend, "appendonly yes") {
		t.Errorf("unsafe: %+v", f)
	}
	cfg := config(t)
	serve(t, testRedisServer(t, cfg.DataDir))
	all := examineRedis(t.Context(), cfg)
	if f := find(t, all, "Redis"); f.mark != good || strings.Contains(f.text, "redis-server") {
		t.Errorf("our own was not asked: %+v", f)
	}
	if f := find(t, all, "clock"); f.mark != good {
		t.Errorf("the clocks: %+v", f)
	}
}

func TestDoctor_aPortInUseByUsIsFine(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	status := http.StatusOK
	srv := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	if f := find(t, examineListen(t.Context(), "NGLIVE_LISTEN", l.Addr().String(), good), "port"); f.mark != good {
		t.Errorf("ours: %+v", f)
	}
	if f := find(t, examineListen(t.Context(), "NGLIVE_LISTEN", l.Addr().String(), bad), "port"); f.mark != bad {
		t.Errorf("ours at a start: %+v", f)
	}
	status = http.StatusNotFound
	if f := find(t, examineListen(t.Context(), "NGLIVE_LISTEN", l.Addr().String(), good), "port"); f.mark != bad {
		t.Errorf("another program's: %+v", f)
	}
}

func TestDisks_tellOneFromAnother(t *testing.T) {
	mount := func(point, device string) *place {
		return &place{disk: disk.PartitionStat{Mountpoint: point, Device: device}}
	}
	for _, test := range []struct {
		a, b *place
		same bool
	}{
		{mount("/", "/dev/sda1"), mount("/", "/dev/sda1"), true},
		{mount("/", "/dev/sda1"), mount("/bind", "/dev/sda1"), true},
		{mount("/", "/dev/sda1"), mount("/mnt/nas", "nas:/video"), false},
		{mount("/a", "tmpfs"), mount("/b", "tmpfs"), false},
		{mount("", ""), mount("", ""), false},
	} {
		if got := test.a.sameDisk(test.b); got != test.same {
			t.Errorf("%+v and %+v: %v", test.a.disk, test.b.disk, got)
		}
	}
	mounts := []disk.PartitionStat{{Mountpoint: "/mnt"}, {Mountpoint: "/mnt/nas"}, {Mountpoint: "/"}}
	for path, want := range map[string]string{"/mnt/nas/video": "/mnt/nas", "/mnt/nasty": "/mnt", "/mnt/nas": "/mnt/nas", "/home": "/"} {
		if got := partitionOf(path, mounts).Mountpoint; got != want {
			t.Errorf("%s lies on %s, want %s", path, got, want)
		}
	}
}

func TestShowWebhook_hasItsOwnTokenAndNoOther(t *testing.T) {
	_, environ := home(t)
	const token = "0123456789abcdef-token"
	c, stdout, _ := testConsole(append(environ, "NGLIVE_TOKEN="+token, "NGLIVE_LISTEN=127.0.0.1:8100")...)
	i, err := c.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if code := c.run(context.Background(), []string{"doctor", "--show-webhook"}); code != exitDone {
		t.Fatal(code)
	}
	want := "http://127.0.0.1:8100/webhook/?token=" + tasks.WebhookToken(i.secret) + "\n"
	if stdout.String() != want {
		t.Errorf("it prints %q, want %q", stdout, want)
	}
}

func TestBytesText_readsLikeADiskLabel(t *testing.T) {
	for n, want := range map[uint64]string{0: "0 B", 1023: "1023 B", 1536: "1.5 KiB", 5 << 30: "5.0 GiB", 3 << 50: "3072.0 TiB"} {
		if got := bytesText(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
