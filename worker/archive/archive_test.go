package archive_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ngworks/nglive/worker/archive"
	"github.com/ngworks/nglive/worker/targettest"
)

// TestMain is also the child of the tests that need a process of their own: os.Args are then "child-<what>" and its
// arguments.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && strings.HasPrefix(os.Args[1], "child-") {
		if err := child(os.Args[1], os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestFolder_conforms(t *testing.T) {
	t.Parallel()
	targettest.Run(t, func(t *testing.T) (targettest.Target, targettest.Inspect) {
		t.Helper()
		dir := t.TempDir()
		return archive.New(dir), &shelf{t: t, dir: dir}
	})
}

// shelf looks at an archive folder from outside.
type shelf struct {
	t   *testing.T
	dir string
}

const partSuffix = ".nglive-part"

func (s *shelf) files(part bool) (names []string) {
	err := filepath.WalkDir(s.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, partSuffix) != part {
			return err
		}
		name, err := filepath.Rel(s.dir, path)
		names = append(names, filepath.ToSlash(name))
		return err
	})
	if err != nil && !os.IsNotExist(err) { // a part may go away while we walk
		s.t.Error(err)
	}
	return names
}

func (s *shelf) Names() []string { return s.files(false) }

func (s *shelf) Sum(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func (s *shelf) TakesEmpty() bool { return true }

func (s *shelf) Parts() int { return len(s.files(true)) }

func (s *shelf) Content(name string) []byte {
	data, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		return nil
	}
	return data
}

func (s *shelf) Plant(name string, content []byte) {
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Error(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		s.t.Error(err)
	}
}

func (s *shelf) SpoilPart(_ string, garbage []byte) bool {
	parts := s.files(true)
	if len(parts) != 1 {
		return false
	}
	part, err := os.OpenFile(filepath.Join(s.dir, parts[0]), os.O_WRONLY, 0)
	if err != nil {
		s.t.Error(err)
		return false
	}
	_, err = part.WriteAt(garbage, 0)
	if err := errors.Join(err, part.Close()); err != nil {
		s.t.Error(err)
	}
	return true
}
