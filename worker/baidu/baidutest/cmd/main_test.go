package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// screen is what the command prints.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// shows waits until the screen shows a pattern, and returns its first group.
func (s *screen) shows(t *testing.T, pattern string) string {
	t.Helper()
	want := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if m := want.FindStringSubmatch(s.String()); m != nil {
			return m[len(m)-1]
		}
	}
	t.Fatalf("the command never printed %s, but\n%s", pattern, s.String())
	return ""
}

func TestCmd_servesAClientAndSaysWhatItDid(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ca, script := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "faults.json")
	if err := os.WriteFile(script, []byte(`[{"endpoint":"quota","nth":1,"action":"status","status":504}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	out, done := &screen{}, make(chan int, 1)
	go func() {
		done <- run(ctx, []string{"-listen", "127.0.0.1:0", "-ca", ca, "-faults", script, "-tier", "member", "-quota", "1G", "-name", "bob", "-approve", "-code", "a-code-of-bob"}, out, out)
	}()
	proxy, err := url.Parse(out.shows(t, `proxy +(\S+)`))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(ca)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}
	t.Cleanup(client.CloseIdleConnections)
	get := func(address string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		body, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(body)
	}
	token := out.shows(t, `access (\S+)`)
	if status, _ := get("https://pan.baidu.com/api/quota?access_token=" + token); status != http.StatusGatewayTimeout {
		t.Errorf("the fault script was not obeyed: %d", status)
	}
	if _, body := get("https://pan.baidu.com/api/quota?access_token=" + token); !strings.Contains(body, `"total":1073741824`) {
		t.Errorf("quota: %s", body)
	}
	if _, body := get("https://pan.baidu.com/rest/2.0/xpan/nas?method=uinfo&access_token=" + token); !strings.Contains(body, `"vip_type":1`) || !strings.Contains(body, "bob") {
		t.Errorf("uinfo: %s", body)
	}
	out.shows(t, `quota +pan.baidu.com +504`)
	code := out.shows(t, `code +(\S+)`)
	exchange := "https://openapi.baidu.com/oauth/2.0/token?grant_type=authorization_code&redirect_uri=oob&client_id=fake-client-id&client_secret=fake-client-secret&code="
	if status, body := get(exchange + code); status != http.StatusOK || !strings.Contains(body, "refresh_token") {
		t.Errorf("the code that was printed: %d %s", status, body)
	}
	stop()
	if code := <-done; code != 0 {
		t.Errorf("it ended with %d", code)
	}
	out.shows(t, `4 requests, 0 slices`)
}

func TestCmd_refusesWhatItDoesNotUnderstand(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"-tier", "gold"},
		{"-kind", "x"},
		{"-listen", "8900"},
		{"-listen", "127.0.0.1:http"},
		{"-hash", "x"},
		{"-log", "x"},
		{"-quota", "2X"},
		{"-faults", "/nothing/there"},
		{"-unknown"},
		{"upload"},
	} {
		var out bytes.Buffer
		if code := run(t.Context(), args, &out, &out); code != 2 || out.Len() == 0 {
			t.Errorf("%v: exit %d, %q", args, code, out.String())
		}
	}
}

func TestCmd_explainsEveryFlagAndTheDocumentsKnowThem(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if code := run(t.Context(), []string{"-h"}, &out, &out); code != 0 {
		t.Fatalf("-h: exit %d", code)
	}
	for _, name := range []string{"baidu-fake.md", "baidu-fake.zh-CN.md"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "docs", name))
		if err != nil {
			t.Fatal(err)
		}
		(&setup{}).flags(io.Discard).VisitAll(func(f *flag.Flag) {
			if f.Usage == "" || !strings.Contains(out.String(), f.Usage) {
				t.Errorf("-h does not explain -%s", f.Name)
			}
			if !strings.Contains(string(text), "`-"+f.Name+"`") {
				t.Errorf("%s does not name -%s", name, f.Name)
			}
		})
	}
}
