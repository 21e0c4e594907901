package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fill writes files into dir, named by their paths there.
func fill(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // a test's folder
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	list := make([]string, 0, len(entries))
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func testSubmission(t *testing.T) *submission {
	t.Helper()
	c, _, _ := testConsole()
	return &submission{console: c, cfg: config(t), node: "nas"}
}

func TestPlace_usesWhatLiesInTheFolderAlready(t *testing.T) {
	s := testSubmission(t)
	fill(t, s.cfg.RecordingsDir, map[string]string{"23058/a.flv": "video"})
	link := filepath.Join(t.TempDir(), "link.flv")
	if err := os.Symlink(filepath.Join(s.cfg.RecordingsDir, "23058/a.flv"), link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(s.cfg.RecordingsDir, "23058/a.flv"), link} {
		got, err := s.place(t.Context(), path)
		if err != nil || got != filepath.Join("23058", "a.flv") {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
	if list := names(t, filepath.Join(s.cfg.RecordingsDir, submittedDir)); len(list) > 0 {
		t.Errorf("copied %v", list)
	}
}

func TestPlace_copiesWhatTravelsWithTheVideo(t *testing.T) {
	s := testSubmission(t)
	outside := t.TempDir()
	fill(t, outside, map[string]string{
		"好 名.flv": "video", "好 名.xml": "comments", "好 名.cover.jpg": "cover", "好 名.txt": "notes",
		"好 名.flv.bak": "other", "好 名2.flv": "other", "好 名2.xml": "other",
	})
	got, err := s.place(t.Context(), filepath.Join(outside, "好 名.flv"))
	if err != nil || got != filepath.Join(submittedDir, "好 名.flv") {
		t.Fatalf("%q, %v", got, err)
	}
	want := []string{"好 名.cover.jpg", "好 名.flv", "好 名.txt", "好 名.xml"}
	if list := names(t, filepath.Join(s.cfg.RecordingsDir, submittedDir)); !slices.Equal(list, want) {
		t.Errorf("there is %v, want %v", list, want)
	}
	content, err := os.ReadFile(filepath.Join(s.cfg.RecordingsDir, got))
	if err != nil || string(content) != "video" {
		t.Errorf("the copy holds %q, %v", content, err)
	}
}

func TestPlace_takesNoOthersName(t *testing.T) {
	s := testSubmission(t)
	var got []string
	for _, content := range []string{"first", "second one", "the third"} {
		outside := t.TempDir()
		fill(t, outside, map[string]string{"a.flv": content, "a.xml": content})
		for range 2 { // the second time it is there already
			path, err := s.place(t.Context(), filepath.Join(outside, "a.flv"))
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, filepath.Base(path))
			for _, ext := range []string{".flv", ".xml"} {
				stem := path[:len(path)-len(".flv")]
				if b, err := os.ReadFile(filepath.Join(s.cfg.RecordingsDir, stem+ext)); string(b) != content {
					t.Errorf("%s%s holds %q, %v", stem, ext, b, err)
				}
			}
		}
	}
	if want := []string{"a.flv", "a.flv", "a-2.flv", "a-2.flv", "a-3.flv", "a-3.flv"}; !slices.Equal(got, want) {
		t.Errorf("the names are %v", got)
	}
}

func TestPlace_leavesNothingHalfCopied(t *testing.T) {
	s := testSubmission(t)
	outside := t.TempDir()
	fill(t, outside, map[string]string{"a.flv": "video"})
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := s.place(ctx, filepath.Join(outside, "a.flv")); !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
	if list := names(t, filepath.Join(s.cfg.RecordingsDir, submittedDir)); len(list) > 0 {
		t.Errorf("left behind: %v", list)
	}
}

func TestPlace_refusesWhatIsNoFile(t *testing.T) {
	s := testSubmission(t)
	for _, path := range []string{t.TempDir(), filepath.Join(t.TempDir(), "nothing.flv")} {
		if got, err := s.place(t.Context(), path); err == nil {
			t.Errorf("%s became %s", path, got)
		}
	}
}

func TestPlace_takesTheLongestNames(t *testing.T) {
	s := testSubmission(t)
	outside := t.TempDir()
	long := strings.Repeat("x", 251)
	fill(t, outside, map[string]string{long + ".flv": "video"})
	if got, err := s.place(t.Context(), filepath.Join(outside, long+".flv")); err != nil {
		t.Errorf("%s: %v", got, err)
	}
}

func TestCopyTo_replacesNothing(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, map[string]string{"new": "new", "old": "old"})
	if err := copyTo(t.Context(), filepath.Join(dir, "new"), filepath.Join(dir, "old")); !errors.Is(err, os.ErrExist) {
		t.Errorf("it ended with %v", err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "old")); string(b) != "old" || len(names(t, dir)) != 2 {
		t.Errorf("the other file holds %q, %v; beside it %v", b, err, names(t, dir))
	}
}
