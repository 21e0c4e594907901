package archive_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/ngworks/nglive/worker/archive"
)

// makeFile writes size bytes that look like video, 1 MiB at a time, and opens the file for reading.
func makeFile(tb testing.TB, path string, size int64) *os.File {
	tb.Helper()
	file, err := os.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = file.Close() }) // a test's own source
	if _, err := io.CopyN(file, rand.NewChaCha8([32]byte{1}), size); err != nil {
		tb.Fatal(err)
	}
	if err := file.Sync(); err != nil { // also keeps its modification time from being set later
		tb.Fatal(err)
	}
	return file
}

// putInStep prints a line for each report and waits for a byte on stdin before it goes on.
func putInStep(dir, source, name string) error {
	src, err := os.Open(source)
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }() // only read
	_, _, err = archive.New(dir).Put(context.Background(), src, name, false, func(done int64) {
		fmt.Println(done)
		if _, err := io.ReadFull(os.Stdin, make([]byte, 1)); err != nil {
			os.Exit(2) // the parent is gone
		}
	})
	return err
}

func TestPut_resumesAfterKill(t *testing.T) {
	t.Parallel()
	const size, name = 200<<20 + 333, "room/video.mp4"
	dir, final := filepath.Join(t.TempDir(), "archive"), ""
	final = filepath.Join(dir, name)
	src := makeFile(t, filepath.Join(t.TempDir(), "source.mp4"), size)

	resumed := int64(0)
	for _, limit := range []int64{60 << 20, 130 << 20, size} { // the last one: around the proof and the rename
		first := putAndKill(t, limit, final, dir, src.Name(), name)
		if first < resumed {
			t.Errorf("after a kill at %d the next process began at %d", resumed, first)
		}
		resumed = limit
	}

	first := int64(-1)
	_, sum, err := archive.New(dir).Put(t.Context(), src, name, false, func(done int64) {
		if first < 0 {
			first = done
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if first < resumed {
		t.Errorf("after the kills the copy began at %d, want at least %d", first, resumed)
	}
	if want := hashOf(t, src.Name()); sum != want || hashOf(t, final) != want {
		t.Errorf("the sum is %s, the file's %s, want %s", sum, hashOf(t, final), want)
	}
	if left, err := os.ReadDir(filepath.Dir(final)); err != nil || len(left) != 1 {
		t.Errorf("beside the file there is %v (%v)", left, err)
	}
}

// putAndKill lets a process copy until limit, then kills it while it goes on, and returns where it had begun.
func putAndKill(t *testing.T, limit int64, final string, args ...string) (first int64) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], append([]string{"child-put"}, args...)...)
	child.Stderr = os.Stderr
	stdin, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	first = -1
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		done, err := strconv.ParseInt(lines.Text(), 10, 64)
		if err != nil {
			t.Fatalf("the child says %q", lines.Text())
		}
		if first < 0 {
			first = done
		}
		if _, err := os.Lstat(final); err == nil {
			t.Errorf("%s is visible at byte %d", final, done)
		}
		if _, err := stdin.Write([]byte{1}); err != nil {
			t.Fatal(err)
		}
		if done >= limit {
			break
		}
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := child.Wait(); err == nil {
		t.Log("the child was done before the kill reached it")
	}
	if data, err := os.ReadFile(final); err == nil && !bytes.Equal(data, mustRead(t, args[1])) {
		t.Errorf("after the kill %s holds %d bytes that are not the source", final, len(data))
	}
	return first
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func hashOf(t *testing.T, path string) string {
	t.Helper()
	sum := sha256.Sum256(mustRead(t, path))
	return hex.EncodeToString(sum[:])
}
