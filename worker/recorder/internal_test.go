package recorder

import (
	"slices"
	"strings"
	"testing"
)

func TestProgram_handsOverItsPasswordAndNoProxy(t *testing.T) {
	t.Parallel()
	p := Program{
		Path: "/opt/b rec/BililiveRecorder.Cli.dll", Folder: "/rec ord", Listen: "127.0.0.1:8200", User: "u", Password: "p", Direct: []string{"nas.local"},
		Environ: []string{"PATH=/bin", "http_proxy=http://proxy", "no_proxy=example.com", "BREC_HTTP_OPEN_ACCESS=1", "BREC_HTTP_BASIC_PASS=old"},
	}
	env := p.environ()
	for _, want := range []string{
		"PATH=/bin", "http_proxy=http://proxy", "BREC_HTTP_BASIC_USER=u", "BREC_HTTP_BASIC_PASS=p",
		"NO_PROXY=127.0.0.1,localhost,nas.local,example.com", "no_proxy=127.0.0.1,localhost,nas.local,example.com",
	} {
		if !slices.Contains(env, want) {
			t.Errorf("%s is missing: %q", want, env)
		}
	}
	if text := strings.Join(env, "\n"); strings.Contains(text, "OPEN_ACCESS") || strings.Contains(text, "PASS=old") {
		t.Errorf("it inherits %q", env)
	}
	program, args := p.argv()
	if program != "dotnet" || !slices.Equal(args, []string{p.Path, "run", "/rec ord", "--bind", "http://127.0.0.1:8200"}) {
		t.Errorf("%s %q", program, args)
	}
}

func TestLines_areWholeAndBoundedHoweverTheyCome(t *testing.T) {
	t.Parallel()
	var got []string
	l := &lines{hide: strings.NewReplacer("secret", "***").Replace, pass: func(s string) { got = append(got, s) }}
	for _, piece := range []string{"one\r\ntw", "o\n\n", strings.Repeat("x", 3*longestLine), "\nhalf a sec", "ret"} {
		if n, err := l.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Fatal(n, err)
		}
	}
	l.flush()
	if want := []string{"one", "two", strings.Repeat("x", longestLine), "half a ***"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// TestLines_knowATakenAddressInEveryWording, of Linux and of Windows, and whatever is said after it.
func TestLines_knowATakenAddressInEveryWording(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"System.IO.IOException: Failed to bind to address http://127.0.0.1:8200: address already in use.",
		"System.Net.Sockets.SocketException (98): Address already in use",
		"System.Net.Sockets.SocketException (10013): An attempt was made to access a socket in a way forbidden by its access permissions.",
		"System.Net.Sockets.SocketException (10048): Only one usage of each socket address is normally permitted.",
		"System.Net.Sockets.SocketException (10049): The requested address is not valid in its context.",
	} {
		l := &lines{}
		_, _ = l.Write([]byte("[INF] hello\n" + line + "\n[ERR] the end"))
		l.flush()
		if why := l.cause("127.0.0.1:8200"); !strings.Contains(why, "127.0.0.1:8200") || !strings.Contains(why, "NGLIVE_RECORDER_LISTEN") {
			t.Errorf("%s: %q", line, why)
		}
	}
	l := &lines{}
	_, _ = l.Write([]byte("[INF] room 10013 was added, 10049 frames\n"))
	if why := l.cause("x"); why != "" {
		t.Errorf("nothing is wrong, and it says %q", why)
	}
}

func TestKeeper_waitsLongerEachTimeAndNeverLongerThanTheLongest(t *testing.T) {
	t.Parallel()
	k := &Keeper{times: Times{}.settled()}
	var got []string
	for short := 1; short <= 8; short++ {
		got = append(got, k.wait(short).String())
	}
	if want := []string{"1s", "2s", "4s", "8s", "16s", "32s", "1m0s", "1m0s"}; !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}
