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
