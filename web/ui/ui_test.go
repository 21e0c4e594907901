package ui_test

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/web/ui"
)

func get(t *testing.T, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	return ask(t, http.MethodGet, path, header...)
}

func ask(t *testing.T, method, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, http.NoBody)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	ui.Handler().ServeHTTP(w, r)
	return w
}

func TestHandler_servesEachFileWithItsType(t *testing.T) {
	for path, want := range map[string]string{
		"/": "text/html; charset=utf-8", "/ui/app.js": "text/javascript; charset=utf-8", "/ui/style.css": "text/css; charset=utf-8",
		"/ui/favicon.svg": "image/svg+xml", "/ui/vendor/htm.mjs": "text/javascript; charset=utf-8",
		"/ui/vendor/LICENSE-htm": "text/plain; charset=utf-8",
	} {
		res := get(t, path)
		if res.Code != http.StatusOK || res.Header().Get("Content-Type") != want || res.Body.String() == "" {
			t.Errorf("%s: %d, type %q; want 200 and %q", path, res.Code, res.Header().Get("Content-Type"), want)
		}
		if c := res.Header().Get("Cache-Control"); c != "no-cache" {
			t.Errorf("%s: Cache-Control %q; an upgrade would not show", path, c)
		}
	}
}

func TestHandler_servesNothingElse(t *testing.T) {
	for _, path := range []string{"/ui/", "/ui/index.html", "/ui/ui.go", "/ui/test/", "/ui/package.json", "/ui/../ui.go", "/nothing", "/ui/vendor.sh"} {
		res := get(t, path)
		if res.Code != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, res.Code)
		}
	}
	res := ask(t, http.MethodPost, "/")
	if res.Code != http.StatusMethodNotAllowed || res.Header().Get("Allow") == "" {
		t.Errorf("POST /: %d, Allow %q; want 405 that names what is allowed", res.Code, res.Header().Get("Allow"))
	}
}

func TestHandler_packsForThoseWhoAcceptIt(t *testing.T) {
	plain := get(t, "/ui/words.js").Body.String()
	for accept, want := range map[string]string{
		"gzip, deflate, br": "gzip", "br;q=1.0, gzip;q=0.8": "gzip", "*": "gzip", "": "", "br": "", "gzip;q=0": "", "identity": "",
	} {
		res := get(t, "/ui/words.js", "Accept-Encoding", accept)
		if got := res.Header().Get("Content-Encoding"); got != want {
			t.Errorf("Accept-Encoding %q: answered %q, want %q", accept, got, want)
		}
		if res.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("Accept-Encoding %q: a cache would mix packed and plain up", accept)
		}
	}
	res := get(t, "/ui/words.js", "Accept-Encoding", "gzip")
	z, err := gzip.NewReader(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if unpacked, err := io.ReadAll(z); err != nil || string(unpacked) != plain {
		t.Errorf("unpacked %d bytes (%v) differ from the %d plain ones", len(unpacked), err, len(plain))
	}
}

func TestHandler_answersKnownContentWith304(t *testing.T) {
	for _, accept := range []string{"", "gzip"} {
		tag := get(t, "/", "Accept-Encoding", accept).Header().Get("ETag")
		for _, known := range []string{tag, `"other", ` + tag, "W/" + tag, "*"} {
			res := get(t, "/", "Accept-Encoding", accept, "If-None-Match", known)
			if res.Code != http.StatusNotModified || res.Body.String() != "" {
				t.Errorf("If-None-Match %s: %d, want 304 without a body", known, res.Code)
			}
		}
		res := get(t, "/", "Accept-Encoding", accept, "If-None-Match", `"other"`)
		if res.Code != http.StatusOK || res.Body.String() == "" {
			t.Errorf("another tag: %d, want the page", res.Code)
		}
	}
	if get(t, "/").Header().Get("ETag") == get(t, "/ui/app.js").Header().Get("ETag") {
		t.Error("two files have one ETag")
	}
}

func TestImportMapHash_isTheInlineScripts(t *testing.T) {
	page := get(t, "/").Body.String()
	_, rest, _ := strings.Cut(page, `<script type="importmap">`)
	inline, rest, _ := strings.Cut(rest, "</script>")
	sum := sha256.Sum256([]byte(inline))
	if want := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; ui.ImportMapHash() != want || !strings.Contains(ui.Policy(), want) {
		t.Errorf("hash %s (policy %s), want %s", ui.ImportMapHash(), ui.Policy(), want)
	}
	for _, inlined := range []string{"<style", "style=", "onclick=", "<script>"} {
		if strings.Contains(page, inlined) || strings.Contains(rest, inlined) {
			t.Errorf("index.html has %s, which the policy forbids", inlined)
		}
	}
}

// Without the preloads a browser finds the modules one behind the other, and the page opens a second later on a slow line.
func TestIndex_preloadsEveryModule(t *testing.T) {
	page := get(t, "/").Body.String()
	modules, _ := filepath.Glob("*.js")
	vendored, _ := filepath.Glob("vendor/*.mjs")
	for _, m := range append(modules, vendored...) {
		if !strings.Contains(page, `<link rel="modulepreload" href="/ui/`+filepath.ToSlash(m)+`">`) {
			t.Errorf("index.html does not preload %s", m)
		}
	}
	if n := strings.Count(page, "modulepreload"); n != len(modules)+len(vendored) {
		t.Errorf("index.html preloads %d modules, there are %d", n, len(modules)+len(vendored))
	}
}

func TestVendor_isWhatItsAuthorsPublished(t *testing.T) {
	list, err := os.ReadFile("vendor/VERSIONS")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]string{}
	licences := map[string]bool{}
	for line := range strings.Lines(string(list)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(strings.TrimSpace(line), "\t")
		if len(f) != 5 {
			t.Fatalf("vendor/VERSIONS: %q has %d fields, want 5", line, len(f))
		}
		named[f[0]] = f[4]
		licences[f[1]] = licences[f[1]] || strings.HasPrefix(f[0], "LICENSE-")
	}
	for library, ok := range licences {
		if !ok {
			t.Errorf("vendor/VERSIONS names no licence text of %s", library)
		}
	}
	entries, err := os.ReadDir("vendor")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() { // `go install …@version` leaves folders inside a folder named vendor out, and the program would not build
			t.Errorf("vendor/%s is a folder; keep vendor flat", e.Name())
			continue
		}
		if e.Name() == "VERSIONS" {
			continue
		}
		content, err := os.ReadFile(filepath.Join("vendor", e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(content)
		if got := hex.EncodeToString(sum[:]); got != named[e.Name()] {
			t.Errorf("vendor/%s has sha256 %s; VERSIONS says %q. Run web/ui/vendor.sh and look at what changed", e.Name(), got, named[e.Name()])
		}
		delete(named, e.Name())
	}
	for name := range named {
		t.Errorf("vendor/VERSIONS names %s, which is not there", name)
	}
}

func TestWords_coverEveryStateAndEvent(t *testing.T) {
	words := get(t, "/ui/words.js").Body.String()
	keys := make([]string, 0, 50)
	for _, s := range tasks.States() {
		keys = append(keys, "state."+string(s))
	}
	for _, s := range []tasks.StepState{
		tasks.StepPending, tasks.StepQueued, tasks.StepRunning, tasks.StepRetrying, tasks.StepWaiting, tasks.StepDone, tasks.StepSkipped,
		tasks.StepFailed, tasks.StepCancelled,
	} {
		keys = append(keys, "stepState."+string(s))
	}
	for _, s := range []string{tasks.StepTranscode, tasks.StepUpload, tasks.StepNotify, tasks.StepDelete} {
		keys = append(keys, "step."+s)
	}
	for _, cmd := range []string{
		tasks.SessionStarted, tasks.FileOpening, tasks.FileClosed, tasks.SessionEnded, tasks.TranscodeStarted, tasks.TranscodeEnded,
		tasks.TranscodeError, tasks.UpStarted, tasks.UpEnded, tasks.UpError, tasks.StreamStarted, tasks.StreamEnded, tasks.NotifyEnded,
		tasks.NotifyError, tasks.DeleteEnded, tasks.DeleteError, tasks.StepHeld, tasks.StepRetry, tasks.StepLeftOut, tasks.FlowStarted,
		tasks.FlowFinished, tasks.RecordingFound, tasks.Refused, tasks.Repaired, tasks.FilesTrashed, tasks.TrashEmptied, tasks.DiskLow, tasks.DiskOK, tasks.NodeUp, tasks.NodeDown,
	} {
		keys = append(keys, "event."+cmd)
	}
	for _, k := range keys {
		if n := strings.Count(words, "  '"+k+"':"); n != 2 {
			t.Errorf("words.js has %s %d times, want once in each of two languages", k, n)
		}
	}
}

func TestModules_passTheirOwnTests(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed; the same modules run in Chromium in the tests of the page")
	}
	tests, _ := filepath.Glob("test/*.test.mjs")
	if len(tests) == 0 {
		t.Fatal("no test/*.test.mjs")
	}
	cmd := exec.CommandContext(t.Context(), node, append([]string{"--test"}, tests...)...)
	cmd.Env = append(os.Environ(), "TZ=UTC")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("node --test: %v\n%s", err, out)
	}
}
