package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/joho/godotenv"
)

// imported runs the command on a config.ini of that text, in a folder of its own.
func imported(t *testing.T, text string) (dotenv map[string]string, stdout, stderr string) {
	t.Helper()
	path := writeTemp(t, "config.ini", text)
	out := filepath.Join(filepath.Dir(path), ".env")
	var o, e bytes.Buffer
	if code := importINI([]string{path, "--out", out}, &o, &e); code != 0 {
		t.Fatalf("exit code %d: %s", code, e.String())
	}
	dotenv, err := godotenv.Read(out)
	if err != nil {
		t.Fatal(err)
	}
	return dotenv, o.String(), e.String()
}

const originalINI = `[BASIC]
; a comment
RecorderPath = ./BililiveRecorder/BililiveRecorder.Cli
api_port = 8201
works_path = /srv/录播 姬
out_path = .\out\
NGhost = 127.0.0.1
NGport = 8101
wspath = wss://master.example/nglive/a/ws?token=hunter2%%2F;x#y

[TRANSCODE]
model = CRF
encoder = X264
crf = 20
cq = 22
Bitrate = 4000
bufsize = 1500
preset = fast

[COOKIES]
BDUSS = hunter2
hunter2hunter2

[FACTORY]
steps = hunter2
`

func TestImport_carriesEverySetting(t *testing.T) {
	t.Parallel()
	dotenv, stdout, stderr := imported(t, originalINI)
	want := map[string]string{
		"NGLIVE_LISTEN":            "127.0.0.1:8101",
		"NGLIVE_RECORDER_LISTEN":   "127.0.0.1:8201",
		"NGLIVE_RECORDER_PATH":     "./BililiveRecorder/BililiveRecorder.Cli",
		"NGLIVE_RECORDINGS_DIR":    "/srv/录播 姬",
		"NGLIVE_OUTPUT_DIR":        "./out",
		"NGLIVE_REVERSE_WS_URL":    "wss://master.example/nglive/a/ws?token=hunter2%2F;x#y",
		"NGLIVE_TRANSCODE_MODE":    "CRF",
		"NGLIVE_TRANSCODE_ENCODER": "libx264",
		"NGLIVE_TRANSCODE_CRF":     "20",
		"NGLIVE_TRANSCODE_CQ":      "22",
		"NGLIVE_TRANSCODE_BITRATE": "4000k",
		"NGLIVE_TRANSCODE_BUFSIZE": "1500k",
		"NGLIVE_TRANSCODE_PRESET":  "fast",
	}
	for name, value := range want {
		if dotenv[name] != value {
			t.Errorf("%s = %q, want %q", name, dotenv[name], value)
		}
	}
	if len(dotenv) != len(want) {
		t.Errorf("%d lines, want %d: %v", len(dotenv), len(want), dotenv)
	}
	if !strings.Contains(stdout, "未沿用: [COOKIES], [FACTORY] steps\n") || !strings.Contains(stdout, "wss://master.example/…") {
		t.Errorf("the report is\n%s", stdout)
	}
	if strings.Contains(stdout+stderr, "hunter2") {
		t.Errorf("a secret was printed:\n%s%s", stdout, stderr)
	}
	if !strings.Contains(stderr, "NGLIVE_LISTEN and NGLIVE_WORKER_LISTEN") {
		t.Errorf("the clash of ports is not told: %s", stderr)
	}
}

func TestImport_saysWhatModesReallyDid(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string]string{
		"COPY": "re-encode", "CRF": "Same as before", "CQ": "-qp", "B": "x264 abr", "ABR": "x264 cbr", "VBR": "CRF 23", "cq": "-qp",
	} {
		dotenv, stdout, _ := imported(t, "[TRANSCODE]\nmodel = "+mode+"\n")
		if dotenv["NGLIVE_TRANSCODE_MODE"] != strings.ToUpper(mode) {
			t.Errorf("%s became %q", mode, dotenv["NGLIVE_TRANSCODE_MODE"])
		}
		line := regexp.MustCompile(`model → .*\n    (.+)\n    (.+)\n`).FindStringSubmatch(stdout)
		if line == nil || !strings.Contains(line[1], want) || !hasHan(line[2]) {
			t.Errorf("%s: %q in\n%s", mode, line, stdout)
		}
	}
}

func TestImport_translatesSingleValues(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ ini, name, want, told string }{
		{"[BASIC]\nNGhost=192.168.1.5\nNGport=8100", "NGLIVE_LISTEN", "192.168.1.5:8100", "NGLIVE_TOKEN=(set)"},
		{"[BASIC]\nNGhost=::1", "NGLIVE_LISTEN", "[::1]:8100", "really listens"},
		{"[BASIC]\nNGport=http", "NGLIVE_LISTEN", "", "no port number"},
		{"[BASIC]\napi_port=0", "NGLIVE_RECORDER_LISTEN", "", "no port number"},
		{`[BASIC]` + "\n" + `works_path = F:\\录播`, "NGLIVE_RECORDINGS_DIR", "", `NGLIVE_RECORDINGS_DIR=F:\录播   (switched off`},
		{`[BASIC]` + "\n" + `works_path = "F:\a b\"`, "NGLIVE_RECORDINGS_DIR", "", `F:\a b   (switched off`},
		{`[BASIC]` + "\n" + `works_path = D:\`, "NGLIVE_RECORDINGS_DIR", "", `D:/   (switched off`},
		{`[BASIC]` + "\n" + `out_path = \\nas\video`, "NGLIVE_OUTPUT_DIR", "", "Windows"},
		{"[BASIC]\nRecorderPath=./B.Cli.EXE", "NGLIVE_RECORDER_PATH", "", "switched off"},
		{"[BASIC]\nworks_path = /srv/100%%", "NGLIVE_RECORDINGS_DIR", "/srv/100%", ""},
		{"[basic]\nWORKS_PATH : /srv/a#b;c", "NGLIVE_RECORDINGS_DIR", "/srv/a#b;c", ""},
		{"[BASIC]\nwspath=", "NGLIVE_REVERSE_WS_URL", "", ""},
		{"[BASIC]\nwspath=http://hunter2", "NGLIVE_REVERSE_WS_URL", "", "does not begin with ws://"},
		{"[BASIC]\nwspath=ws://lb.ngworks.cn/nglive/nglive_xa/ws?token=hunter2", "NGLIVE_REVERSE_WS_URL", "ws://lb.ngworks.cn/nglive/nglive_xa/ws?token=hunter2", "sample address"},
		{"[TRANSCODE]\nmodel=FAST", "NGLIVE_TRANSCODE_MODE", "", "none of COPY"},
		{"[TRANSCODE]\nencoder=h264_nvenc", "NGLIVE_TRANSCODE_ENCODER", "h264_nvenc", ""},
		{"[TRANSCODE]\nencoder=-f x", "NGLIVE_TRANSCODE_ENCODER", "", "no name of an encoder"},
		{"[TRANSCODE]\ncqp=30", "NGLIVE_TRANSCODE_CQ", "30", ""},
		{"[TRANSCODE]\ncqp=30\ncq=31", "NGLIVE_TRANSCODE_CQ", "31", ""},
		{"[TRANSCODE]\ncrf=99", "NGLIVE_TRANSCODE_CRF", "", "crf does not fit"},
		{"[TRANSCODE]\nBitrate=6000K", "NGLIVE_TRANSCODE_BITRATE", "6000k", ""},
		{"[TRANSCODE]\nBitrate=lots", "NGLIVE_TRANSCODE_BITRATE", "", "Bitrate does not fit"},
		{"[BASIC]\nfuture_key=hunter2", "", "", "[BASIC] future_key"},
	} {
		dotenv, stdout, stderr := imported(t, tc.ini+"\n")
		if dotenv[tc.name] != tc.want || !strings.Contains(stdout, tc.told) {
			t.Errorf("%q: %s=%q, want %q, and told %q:\n%s", tc.ini, tc.name, dotenv[tc.name], tc.want, tc.told, stdout)
		}
		if strings.Contains(stdout+stderr, "hunter2") || stderr != "" {
			t.Errorf("%q: a secret or a mistake: %s%s", tc.ini, stdout, stderr)
		}
	}
}

func TestImport_keepsRelativeFoldersInTheirPlace(t *testing.T) {
	t.Parallel()
	path := writeTemp(t, "config.ini", "[BASIC]\nout_path = ./out\n")
	out := filepath.Join(t.TempDir(), ".env")
	if code := importINI([]string{"--out=" + out, path}, &bytes.Buffer{}, &bytes.Buffer{}); code != 0 {
		t.Fatal(code)
	}
	dotenv, err := godotenv.Read(out)
	if want := filepath.Join(filepath.Dir(path), "out"); err != nil || dotenv["NGLIVE_OUTPUT_DIR"] != want {
		t.Errorf("%v, %v, want %s", dotenv, err, want)
	}
}

func TestImport_tokenOfAnOpenListenerIsNew(t *testing.T) {
	t.Parallel()
	const ini = "[BASIC]\nNGhost=0.0.0.0\n"
	first, stdout, _ := imported(t, ini)
	second, _, _ := imported(t, ini)
	if len(first["NGLIVE_TOKEN"]) != 48 || first["NGLIVE_TOKEN"] == second["NGLIVE_TOKEN"] || strings.Contains(stdout, first["NGLIVE_TOKEN"]) {
		t.Errorf("%d characters, or twice the same, or printed", len(first["NGLIVE_TOKEN"]))
	}
}

func TestImport_readsWhatNotepadWrites(t *testing.T) {
	t.Parallel()
	const text = "[BASIC]\r\nout_path = /srv/录播\r\n"
	units := utf16.Encode([]rune("\ufeff" + text))
	var little, big bytes.Buffer
	for _, u := range units {
		little.Write([]byte{byte(u), byte(u >> 8)})
		big.Write([]byte{byte(u >> 8), byte(u)})
	}
	for name, content := range map[string]string{"plain": text, "with a mark": "\ufeff" + text, "UTF-16": little.String(), "UTF-16 BE": big.String()} {
		if dotenv, _, _ := imported(t, content); dotenv["NGLIVE_OUTPUT_DIR"] != "/srv/录播" {
			t.Errorf("%s: %v", name, dotenv)
		}
	}
}

func TestImport_exitCodes(t *testing.T) {
	t.Parallel()
	good := writeTemp(t, "config.ini", "[BASIC]\nNGport=8100\n")
	existing := writeTemp(t, ".env", "NGLIVE_NODE=mine\n")
	out := func() string { return filepath.Join(t.TempDir(), ".env") }
	for _, tc := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"no file named", nil, 2, "usage:"},
		{"two files", []string{good, good}, 2, "usage:"},
		{"unknown flag", []string{good, "--forse"}, 2, "usage:"},
		{"empty --out", []string{good, "--out="}, 2, "usage:"},
		{"absent", []string{"no/such/config.ini", "--out", out()}, 1, "no/such/config.ini"},
		{"GBK", []string{writeTemp(t, "c.ini", "[BASIC]\nworks_path = F:\\\xc2\xbc\xb2\xa5\n"), "--out", out()}, 1, "UTF-8"},
		{"no ini", []string{writeTemp(t, "c.ini", "[BASIC\nx"), "--out", out()}, 1, "c.ini"},
		{"another program's", []string{writeTemp(t, "c.ini", "[server]\nport=1\n"), "--out", out()}, 1, "is it the original"},
		{"a value no .env holds", []string{writeTemp(t, "c.ini", "[BASIC]\nout_path = /a'b\"c\n"), "--out", out()}, 1, "NGLIVE_OUTPUT_DIR"},
		{"existing .env", []string{good, "--out", existing}, 1, "--force"},
		{"folder of --out absent", []string{good, "--out", "no/such/dir/.env"}, 1, "no/such/dir/.env"},
		{"good", []string{good, "--out", out()}, 0, ""},
	} {
		var stdout, stderr bytes.Buffer
		if code := importINI(tc.args, &stdout, &stderr); code != tc.code || !strings.Contains(stderr.String(), tc.want) {
			t.Errorf("%s: exit code %d, want %d and %q: %s", tc.name, code, tc.code, tc.want, stderr.String())
		}
	}
	if content, _ := os.ReadFile(existing); string(content) != "NGLIVE_NODE=mine\n" {
		t.Errorf("the existing .env now holds %q", content)
	}
}

func TestImport_forceReplacesPrivately(t *testing.T) {
	t.Parallel()
	existing := writeTemp(t, ".env", "NGLIVE_NODE=mine\n")
	if err := os.Chmod(existing, 0o644); err != nil {
		t.Fatal(err)
	}
	ini := writeTemp(t, "config.ini", "[BASIC]\nNGport=8100\n")
	if code := importINI([]string{ini, "--force", "--out", existing}, &bytes.Buffer{}, &bytes.Buffer{}); code != 0 {
		t.Fatal(code)
	}
	info, err := os.Stat(existing)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, want 0600 (%v)", info.Mode(), err)
	}
	if dotenv, _ := godotenv.Read(existing); dotenv["NGLIVE_LISTEN"] != "127.0.0.1:8100" || dotenv["NGLIVE_NODE"] != "" {
		t.Errorf("the file holds %v", dotenv)
	}
}

// FuzzImport feeds whole files: none may panic, show a secret, or make a .env
// that reads back as something else.
func FuzzImport(f *testing.F) {
	f.Add([]byte(originalINI))
	f.Add([]byte("[BASIC]\nworks_path = `\n[TRANSCODE]\nmodel=\"\"\""))
	f.Add([]byte("\xff\xfe[BASIC]\nRecorderPath = \\\nout_path=%(x)s\n[[x]]\n=\n:"))
	f.Fuzz(func(t *testing.T, content []byte) {
		file, err := parseINI(content)
		if err != nil {
			return
		}
		moved := migrate(file, "config.ini", ".env")
		text, err := moved.dotenv()
		if err != nil {
			return
		}
		dotenv, err := parseDotenv(text)
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		for _, l := range moved.lines {
			if got, on := dotenv[l.name]; on == l.off || on && got != l.value {
				t.Errorf("%s reads back as %q, want %q", l.name, got, l.value)
			}
		}
	})
}

// FuzzDotenv feeds whole .env files: none may panic, and no error may repeat a value.
func FuzzDotenv(f *testing.F) {
	f.Add([]byte("NGLIVE_NODE=a\nNGLIVE_TOKEN='b c'\n"))
	f.Add([]byte("\ufeff# x\r\nexport NGLIVE_TOKEN: \"$NGLIVE_NODE\\n\" # y\n'"))
	f.Fuzz(func(t *testing.T, content []byte) {
		if _, err := parseDotenv(append(content, "\nNGLIVE_TOKEN='hunter2"...)); err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Error(err)
		}
	})
}
