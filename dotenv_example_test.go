package main

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// exampleSetting is one block of .env.example:
//
//	# type; default: …; example: …
//	# English
//	# 中文
//	#NGLIVE_NAME=default
type exampleSetting struct {
	kind, standard, example, english, chinese, name, value string
}

func readExample(t *testing.T) []exampleSetting {
	t.Helper()
	content, err := os.ReadFile(".env.example")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile(`(?m)^# (.+); default: (.+); example: (.+)\n# (.+)\n# (.+)\n#(NGLIVE_\w+)=(.*)$`)
	var settings []exampleSetting
	for _, m := range block.FindAllStringSubmatch(string(content), -1) {
		settings = append(settings, exampleSetting{m[1], m[2], m[3], m[4], m[5], m[6], m[7]})
	}
	if lines := regexp.MustCompile(`(?m)^#?NGLIVE_\w+=`).FindAllString(string(content), -1); len(lines) != len(settings) {
		t.Errorf("%d settings, but only %d with their three lines above", len(lines), len(settings))
	}
	return settings
}

func TestEnvExample_namesEverySettingAndDefault(t *testing.T) {
	t.Parallel()
	inExample := map[string]exampleSetting{}
	var names []string
	for _, s := range readExample(t) {
		inExample[s.name] = s
		names = append(names, s.name)
	}
	var inCode []string
	for field := range reflect.TypeFor[Config]().Fields() {
		name, standard := settingPrefix+field.Tag.Get("env"), field.Tag.Get("envDefault")
		inCode = append(inCode, name)
		s := inExample[name]
		if s.value != standard || s.standard != standard && (standard != "" || s.standard != "empty") {
			t.Errorf("%s: .env.example says %q and %q, the code has %q", name, s.standard, s.value, standard)
		}
		if kinds := exampleKinds(field.Type); !slices.Contains(kinds, s.kind) {
			t.Errorf("%s: .env.example calls it %q, the code wants one of %q", name, s.kind, kinds)
		}
	}
	slices.Sort(names)
	slices.Sort(inCode)
	if !slices.Equal(names, inCode) {
		t.Errorf(".env.example has %q\nthe code has    %q", names, inCode)
	}
}

// exampleKinds are the words that .env.example may use for a Go type.
func exampleKinds(goType reflect.Type) []string {
	kinds := map[string][]string{
		"string":           {"host:port", "folder", "program", "name", "preset", "target", "address", "text", "format", "way"},
		"[]string":         {"list"},
		"main.Secret":      {"secret"},
		"main.SecretURL":   {"secret address"},
		"[]main.SecretURL": {"list of secret addresses"},
		"main.Space":       {"disk space", "bytes"},
		"main.Window":      {"hours"},
		"time.Duration":    {"duration"},
		"slog.Level":       {"log level"},
	}[goType.String()]
	return append(kinds, strings.ToLower(strings.TrimPrefix(goType.String(), "main.")))
}

func TestEnvExample_examplesWork(t *testing.T) {
	t.Parallel()
	for _, s := range readExample(t) {
		environ := []string{s.name + "=" + s.example}
		environ = append(environ, partners(s.name)...)
		if _, err := load(t, environ...); (err != nil) != (s.name == "NGLIVE_TOKEN") { // that one is there to be replaced
			t.Errorf("%s=%s: %v", s.name, s.example, err)
		}
		if strings.ContainsAny(s.example+s.value, "$# '\"`") {
			t.Errorf("%s: %q and %q would not survive every reader of .env files", s.name, s.example, s.value)
		}
		if s.example == s.standard {
			t.Errorf("%s: the example only repeats the default", s.name)
		}
		if hasHan(s.english) || !hasHan(s.chinese) {
			t.Errorf("%s: explain it in English, then in 简体中文", s.name)
		}
	}
}

// partners are what a setting does not work without.
func partners(name string) []string {
	return map[string][]string{
		"NGLIVE_LISTEN":           {"NGLIVE_TOKEN=0123456789abcdef"},
		"NGLIVE_BAIDU_APP_KEY":    {"NGLIVE_BAIDU_APP_SECRET=x"},
		"NGLIVE_BAIDU_APP_SECRET": {"NGLIVE_BAIDU_APP_KEY=x"},
		"NGLIVE_BAIDU_MODE":       {"NGLIVE_BAIDU_BDUSS=x"},
		"NGLIVE_BAIDU_STOKEN":     {"NGLIVE_BAIDU_BDUSS=x"},
	}[name]
}

func hasHan(s string) bool { return regexp.MustCompile(`\p{Han}`).MatchString(s) }

func TestEnvExample_asItIsChangesNothing(t *testing.T) {
	t.Parallel()
	asIs, err := LoadConfig(nil, ".env.example")
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(".env.example")
	if err != nil {
		t.Fatal(err)
	}
	switchedOn := regexp.MustCompile(`(?m)^#(NGLIVE_)`).ReplaceAllString(string(content), "$1")
	allOn, err := LoadConfig(nil, writeTemp(t, ".env", switchedOn))
	if err != nil {
		t.Fatal(err)
	}
	defaults, err := LoadConfig(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprint(defaults); fmt.Sprint(asIs) != want || fmt.Sprint(allOn) != want {
		t.Errorf("the defaults are\n%s\nas it is\n%v\nall lines on\n%v", want, asIs, allOn)
	}
}
