//go:build linux

package main

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// TestNGlive_needsNothingButWhatTheReadmeNames: with no other program to be found it takes a recording to the archive.
func TestNGlive_needsNothingButWhatTheReadmeNames(t *testing.T) {
	path := t.TempDir()
	for file, sentence := range map[string]string{"README.md": `installs (\S+) and (\S+) with apt-get`, "README.zh-CN.md": `apt-get 装好 (\S+) 和 (\S+)（`} {
		named := regexp.MustCompile(sentence).FindStringSubmatch(document(t, file))
		if named == nil {
			t.Fatalf("%s does not say what it needs", file)
		}
		for _, program := range append(named[1:], "ffprobe") { // which comes with ffmpeg
			found := must(filepath.Abs(must(exec.LookPath(program))))
			if err := os.Symlink(found, filepath.Join(path, program)); err != nil && !errors.Is(err, fs.ErrExist) {
				t.Fatal(err)
			}
		}
	}
	if list := must(os.ReadDir(path)); len(list) != 3 {
		t.Fatalf("the two READMEs name different programs: %v", list)
	}
	_, environ := home(t)
	environ = append(environ, "PATH="+path)
	startUp(t, environ)
	sample := start(t, environ, "sample", "--seconds", "2")
	if code := sample.exit(t, 2*time.Minute); code != exitDone {
		t.Errorf("sample: exit code %d", code)
	}
}
