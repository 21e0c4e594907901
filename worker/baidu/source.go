package baidu

import (
	"context"
	"crypto/md5" //nolint:gosec // what Baidu compares by
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const (
	headSize  = 256 << 10 // what slice-md5 covers, and what tells a changed file
	readBlock = 256 << 10
)

var (
	errNoFile = errors.New("this is no ordinary file")
	errShrank = errors.New("the file is shorter than it was")
	errGrew   = errors.New("the file changed while it was sent")
	errOther  = errors.New("the file's bytes changed while it was sent")
)

// source is the file as it was at the start.
type source struct {
	file  io.ReaderAt
	stat  func() (fs.FileInfo, error)
	size  int64
	mtime time.Time
	inode uint64
	head  string // md5 of the first 256 KiB
}

func openSource(f *os.File) (*source, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errNoFile
	}
	s := &source{file: f, stat: f.Stat, size: info.Size(), mtime: info.ModTime(), inode: inodeOf(info)}
	return s, s.readHead()
}

func (s *source) readHead() error {
	head, err := s.hash(0, min(s.size, headSize), make([]byte, readBlock))
	s.head = hex.EncodeToString(head[:])
	return err
}

// unchanged tells whether the file is still what it was at the start.
func (s *source) unchanged() error {
	info, err := s.stat()
	switch {
	case err != nil:
		return err
	case info.Size() < s.size:
		return errShrank
	case info.Size() != s.size, !info.ModTime().Equal(s.mtime):
		return errGrew
	}
	return nil
}

// hash reads a part of the file.
func (s *source) hash(at, n int64, block []byte) (sum, error) {
	h := md5.New() //nolint:gosec // as Baidu does
	for end := at + n; at < end; {
		got, err := s.file.ReadAt(block[:min(int64(len(block)), end-at)], at)
		h.Write(block[:got])
		at += int64(got)
		if at < end && errors.Is(err, io.EOF) {
			return sum{}, errShrank
		}
		if at < end && err != nil {
			return sum{}, err
		}
	}
	return sum(h.Sum(nil)), nil
}

// hashAll fills in the slices' md5s that are not known, on all cores.
func (s *source) hashAll(ctx context.Context, slice int64, sums []sum) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(sums)) {
		wg.Go(func() {
			block := make([]byte, readBlock)
			for ctx.Err() == nil {
				i := next.Add(1) - 1
				if i >= int64(len(sums)) {
					return
				}
				if sums[i].known() {
					continue
				}
				got, err := s.hash(i*slice, s.lengthOf(int(i), slice), block)
				if err != nil {
					cancel(fmt.Errorf("read slice %d: %w", i, err))
					return
				}
				sums[i] = got
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// lengthOf is how long the i-th slice is.
func (s *source) lengthOf(i int, slice int64) int64 { return min(slice, s.size-int64(i)*slice) }

// sourceProblem classes an error of reading the file.
func (c *Client) sourceProblem(err error) *Error {
	reason := ReasonUnreadable
	if errors.Is(err, errShrank) || errors.Is(err, errGrew) || errors.Is(err, errOther) {
		reason = ReasonChanged
	}
	return c.problem(reason, "read the file", err)
}
