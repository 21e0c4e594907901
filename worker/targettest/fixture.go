package targettest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// big is long enough for several steps at every target (Baidu's slices are 4 MiB) and short enough for a quick suite.
const big = 16<<20 + 12345

// content makes size bytes that look like video: they do not compress and differ for each seed.
func content(size int, seed byte) []byte {
	made := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(made) // never fails, by its documentation
	return made
}

// source writes data to a file and opens it for reading.
func source(t *testing.T, data []byte) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "source.mp4")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() }) // only read
	return file
}

// classedError is what the worker decides by.
type classedError interface {
	error
	Class() string
	UserMessage() string
}

// classOf is the error's class, or a sentence about what is wrong with the error.
func classOf(err error) string {
	if err == nil {
		return "no error at all"
	}
	classed, ok := errors.AsType[classedError](err)
	switch {
	case !ok:
		return "unclassed error: " + err.Error()
	case classed.UserMessage() == "":
		return "nothing to tell the user: " + err.Error()
	}
	return classed.Class()
}

// steps records what a Put reports and fails the test when it goes backwards.
type steps struct {
	t     *testing.T
	first int64
	last  int64
	count int
	then  func(done int64) // called after each report; may be nil
}

func (s *steps) report(done int64) {
	if s.count == 0 {
		s.first = done
	}
	if done < s.last {
		s.t.Errorf("progress went back from %d to %d", s.last, done)
	}
	s.last = done
	s.count++
	if s.then != nil {
		s.then(done)
	}
}

// mustPut puts data under name and checks everything Put promises about a success.
func mustPut(t *testing.T, target Target, inspect Inspect, name string, data []byte, replace bool) {
	t.Helper()
	mustPutFile(t, target, inspect, name, source(t, data), data, replace)
}

// mustPutFile does the same with a file that was used before: a target may know it again.
func mustPutFile(t *testing.T, target Target, inspect Inspect, name string, src *os.File, data []byte, replace bool) *steps {
	t.Helper()
	seen := &steps{t: t}
	location, sum, err := target.Put(t.Context(), src, name, replace, seen.report)
	if err != nil {
		t.Fatalf("put %q: %v", name, err)
	}
	if sum != inspect.Sum(data) {
		t.Errorf("put %q: sum is %s, want %s", name, sum, inspect.Sum(data))
	}
	if location == "" {
		t.Errorf("put %q: no location to show to people", name)
	}
	if seen.last != int64(len(data)) {
		t.Errorf("put %q: the last progress was %d of %d", name, seen.last, len(data))
	}
	mustHold(t, inspect, name, data)
	return seen
}

func mustHold(t *testing.T, inspect Inspect, name string, data []byte) {
	t.Helper()
	got := inspect.Content(name)
	if got == nil {
		t.Fatalf("nothing is under %q", name)
	}
	if !bytes.Equal(got, data) {
		t.Fatalf("%q holds %d bytes that are not the %d bytes put there", name, len(got), len(data))
	}
}

func mustBeEmpty(t *testing.T, inspect Inspect) {
	t.Helper()
	if names := inspect.Names(); len(names) != 0 {
		t.Fatalf("under final names there is %q, want nothing", names)
	}
}

// leaveHalf cancels a Put of data in the middle, proves that nothing is to be seen of it, and returns the file it was put from.
func leaveHalf(t *testing.T, target Target, inspect Inspect, name string, data []byte) *os.File {
	t.Helper()
	src := source(t, data)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	half := &steps{t: t, then: func(done int64) {
		if done >= int64(len(data)/2) {
			cancel()
		}
	}}
	_, _, err := target.Put(ctx, src, name, false, half.report)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("a cancelled put answered %v, want the context's error inside", err)
	}
	if half.last >= int64(len(data)) {
		t.Fatalf("cancelled at %d of %d, and yet it went on to the end", len(data)/2, len(data))
	}
	mustBeEmpty(t, inspect)
	return src
}

// midway moves src away from its start: a target must not rely on the position.
func midway(t *testing.T, src *os.File, offset int64) *os.File {
	t.Helper()
	if _, err := src.Seek(offset, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	return src
}
