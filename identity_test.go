package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

func TestNodeID_staysTheSame(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "not", "there", "yet")
	first, err := LoadOrCreateNodeID(dir)
	if err != nil {
		t.Fatal(err)
	}
	again, err := LoadOrCreateNodeID(dir)
	if err != nil || again != first {
		t.Errorf("first %q, then %q (%v)", first, again, err)
	}
	if !regexp.MustCompile(`^[a-z0-9-]{1,24}-[0-9a-f]{4}$`).MatchString(first) {
		t.Errorf("%q is not short and readable", first)
	}
	if _, err := load(t, "NGLIVE_NODE="+first); err != nil {
		t.Error(err)
	}
	if other, _ := LoadOrCreateNodeID(t.TempDir()); other == first {
		t.Errorf("two folders share the id %q", first)
	}
}

func TestNodeID_readsLikeTheHost(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"NAS.lan": "nas", "": "node", "localhost": "node", "客厅": "node", "My PC_2": "my-pc-2",
		strings.Repeat("a", 23) + "-b-c": strings.Repeat("a", 23),
	} {
		if got := slug(host); got != want {
			t.Errorf("slug(%q) = %q, want %q", host, got, want)
		}
	}
}

func TestSecretKey_isPrivateAndStays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := LoadOrCreateSecretKey(dir)
	if err != nil || len(first) != 43 {
		t.Fatalf("%d characters, %v", len(first), err)
	}
	if again, err := LoadOrCreateSecretKey(dir); err != nil || again != first {
		t.Errorf("the key changed (%v)", err)
	}
	info, err := os.Stat(filepath.Join(dir, "secret_key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, want 0600 (%v)", info.Mode(), err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("drafts were left behind: %v", files)
	}
	if _, err := load(t, "NGLIVE_SECRET_KEY="+string(first)); err != nil {
		t.Error(err)
	}
}

func TestIdentity_refusesDamagedFiles(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"", "hunter2", strings.Repeat("hunter2!", 6)} {
		path := writeTemp(t, "secret_key", content)
		if key, err := LoadOrCreateSecretKey(filepath.Dir(path)); err == nil || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q gave a key of %d characters, %v", content, len(key), err)
		}
	}
	for _, content := range []string{"", "a b", "../x"} {
		path := writeTemp(t, "node", content)
		if id, err := LoadOrCreateNodeID(filepath.Dir(path)); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%q gave %q, %v", content, id, err)
		}
	}
}

// Whoever comes first wins, and nobody ever reads another key or half of one.
func TestIdentity_concurrentStartsAgree(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	start, keys := make(chan struct{}), make(chan Secret, 32)
	var wg sync.WaitGroup
	for range cap(keys) {
		wg.Go(func() {
			<-start
			key, err := LoadOrCreateSecretKey(dir)
			if err != nil {
				t.Error(err)
			}
			keys <- key
		})
	}
	close(start)
	wg.Wait()
	first := <-keys
	for range cap(keys) - 1 {
		if key := <-keys; key != first {
			t.Fatal("two starts got different keys")
		}
	}
}

const identityChild = "IDENTITY_TEST_DIR"

// TestIdentity_twoProcessesAgree starts this test binary again as the others.
func TestIdentity_twoProcessesAgree(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ids := make(chan string, 4)
	var wg sync.WaitGroup
	for range cap(ids) {
		wg.Go(func() {
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestIdentity_child$")
			child.Env = append(os.Environ(), identityChild+"="+dir)
			out, err := child.CombinedOutput()
			if err != nil {
				t.Errorf("%v: %s", err, out)
			}
			ids <- regexp.MustCompile(`id=\S+`).FindString(string(out))
		})
	}
	wg.Wait()
	first := <-ids
	if first == "" {
		t.Error("the child told no id")
	}
	for range cap(ids) - 1 {
		if id := <-ids; id != first {
			t.Errorf("one process is %q, another %q", first, id)
		}
	}
}

// TestIdentity_child is the other process; by itself it has nothing to do.
func TestIdentity_child(t *testing.T) {
	dir := os.Getenv(identityChild)
	if dir == "" {
		return
	}
	id, err := LoadOrCreateNodeID(dir)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("id=" + id)
}

func TestWriteNew_worksWithoutHardLinks(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	place := func(draft string) error { return renameNew(draft, path) }
	if err := viaDraft(path, []byte("first"), place); err != nil {
		t.Fatal(err)
	}
	if err := viaDraft(path, []byte("second"), place); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second file was written: %v", err)
	}
	if content, _ := os.ReadFile(path); string(content) != "first" {
		t.Errorf("the file holds %q", content)
	}
}

func TestIdentity_saysWhatCannotBeWritten(t *testing.T) {
	t.Parallel()
	file := writeTemp(t, "file", "x")
	if _, err := LoadOrCreateNodeID(filepath.Join(file, "data")); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("got %v", err)
	}
}
