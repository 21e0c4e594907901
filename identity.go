package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
)

const (
	secretKeyBytes = 32
	maxSlugLength  = 24
)

// LoadOrCreateNodeID gives the short, readable id of this installation, such as
// nas-3f9a. It is made once and kept in dataDir: a copy of that folder is the
// same node, another folder on the same machine is another node.
func LoadOrCreateNodeID(dataDir string) (string, error) {
	host, _ := os.Hostname() // no name is a name too: node-3f9a
	id, err := loadOrCreate(filepath.Join(dataDir, "node"), slug(host)+"-"+hex.EncodeToString(randomBytes(2)))
	if err == nil {
		err = checkPattern("NODE", id, `[A-Za-z0-9._-]{1,64}`, "letters and digits, or delete the file "+filepath.Join(dataDir, "node"))
	}
	if err != nil {
		return "", fmt.Errorf("this node's id: %w", err)
	}
	return id, nil
}

// LoadOrCreateSecretKey gives the key that signs cookies and webhook addresses,
// made once and kept in dataDir for this user's eyes only.
func LoadOrCreateSecretKey(dataDir string) (Secret, error) {
	path := filepath.Join(dataDir, "secret_key")
	key, err := loadOrCreate(path, base64.RawURLEncoding.EncodeToString(randomBytes(secretKeyBytes)))
	if err != nil {
		return "", fmt.Errorf("the secret key: %w", err)
	}
	if raw, err := base64.RawURLEncoding.DecodeString(key); err != nil || len(raw) != secretKeyBytes {
		return "", fmt.Errorf("the secret key in %s is damaged: put it back from a backup, or delete the file and sign in again", path)
	}
	return Secret(key), nil
}

// slug turns a host's name into the readable part of an id.
func slug(host string) string {
	host, _, _ = strings.Cut(strings.ToLower(host), ".")
	s := regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(host, "-")
	if s = strings.Trim(s[:min(len(s), maxSlugLength)], "-"); s == "" || s == "localhost" {
		return "node"
	}
	return s
}

// randomBytes cannot fall short: crypto/rand ends the program instead.
func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// loadOrCreate gives the line in the file at path, or writes fresh there first.
// Of two processes that start together one wins and both get the winner's.
func loadOrCreate(path, fresh string) (string, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = os.MkdirAll(filepath.Dir(path), 0o700)
		if err == nil {
			err = writeNew(path, []byte(fresh+"\n"))
		}
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return "", err
		}
		content, err = os.ReadFile(path)
	}
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(content)), nil
}

// writeNew puts a whole file, readable by this user only, where none may be
// yet: fs.ErrExist otherwise. A crash leaves the file whole or absent.
func writeNew(path string, content []byte) error {
	return viaDraft(path, content, func(draft string) error {
		err := os.Link(draft, path) // unlike a rename it never replaces a file
		if err == nil || errors.Is(err, fs.ErrExist) {
			return err
		}
		return renameNew(draft, path)
	})
}

// renameNew serves disks without hard links (exFAT, some NAS mounts). Two
// processes within the same instant may both write there; each reads the file
// again afterwards, and Redis refuses a second key.
func renameNew(draft, path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fs.ErrExist
	}
	return os.Rename(draft, path)
}

// replaceFile puts a whole file, readable by this user only, in the place of
// another. (renameio would keep the former file's mode.)
func replaceFile(path string, content []byte) error {
	return viaDraft(path, content, func(draft string) error { return os.Rename(draft, path) })
}

// viaDraft writes and syncs content beside path before place puts it there.
func viaDraft(path string, content []byte, place func(draft string) error) error {
	dir := filepath.Dir(path)
	draft, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(draft.Name()) }()
	_, err = draft.Write(content)
	if err = errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return err
	}
	return errors.Join(place(draft.Name()), syncDir(dir))
}

// syncDir makes a new name in dir survive a power cut, where the system can
// sync a folder at all (Windows and some network disks cannot).
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) || runtime.GOOS == "windows" {
		return nil
	}
	return err
}
