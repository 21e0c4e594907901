package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

const (
	// blockSize is what is read, hashed and written at a time. Each block looks at the context, so at 10 MB/s a cancel
	// takes 100 ms.
	blockSize = 1 << 20
	// window is how much goes to the disk at a time while the copy runs, so that the sync at the end is short and progress
	// tells of bytes on the disk rather than in memory.
	window = 8 << 20
)

// fill brings the whole source into the part and onto the disk.
func (u *upload) fill(ctx context.Context) error {
	done, err := u.resume(ctx)
	if err != nil {
		return err
	}
	if err := reserve(u.part, u.size()); err != nil {
		return err
	}
	u.report(done)
	if err := u.copyFrom(ctx, done); err != nil {
		return err
	}
	if err := u.sourceUnchanged(); err != nil {
		return err
	}
	// Some network drives refuse to set times; the time is a courtesy, the bytes are not.
	_ = u.root.Chtimes(partName(u.name), time.Time{}, u.before.ModTime())
	return u.part.Sync()
}

// resume finds how much of the part is right, byte by byte, and cuts off the rest.
func (u *upload) resume(ctx context.Context) (done int64, err error) {
	info, err := u.part.Stat()
	if err != nil {
		return 0, err
	}
	done, err = u.equalBytes(ctx, u.part, min(info.Size(), u.size()))
	if err != nil {
		return 0, err
	}
	if info.Size() > done {
		return done, u.part.Truncate(done)
	}
	return done, nil
}

// equalBytes compares the source with file up to limit, block by block, and leaves the hash at what was equal.
func (u *upload) equalBytes(ctx context.Context, file io.ReaderAt, limit int64) (equal int64, err error) {
	u.hash.Reset()
	theirs := make([]byte, blockSize)
	for equal < limit {
		size := min(blockSize, limit-equal)
		if err := u.readSource(ctx, u.block[:size], equal); err != nil {
			return equal, err
		}
		switch n, err := file.ReadAt(theirs[:size], equal); {
		case err != nil && !errors.Is(err, io.EOF):
			return equal, err
		case int64(n) < size || !bytes.Equal(u.block[:size], theirs[:size]):
			return equal, nil
		}
		u.hash.Write(u.block[:size])
		equal += size
	}
	return equal, nil
}

func (u *upload) copyFrom(ctx context.Context, done int64) error {
	started := done
	for done < u.size() {
		block := u.block[:min(blockSize, u.size()-done)]
		if err := u.readSource(ctx, block, done); err != nil {
			return err
		}
		if _, err := u.part.WriteAt(block, done); err != nil {
			return err
		}
		u.hash.Write(block)
		done += int64(len(block))
		if done-started >= window {
			if err := writeBack(u.part, started, window); err != nil {
				return err
			}
			started += window
		}
		u.report(done)
	}
	return nil
}

// readSource fills block from the source; a source that ends early has changed since the start.
func (u *upload) readSource(ctx context.Context, block []byte, offset int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	switch _, err := u.src.ReadAt(block, offset); {
	case errors.Is(err, io.EOF):
		return fmt.Errorf("%w: it ends before byte %d of %d", errChanged, offset+int64(len(block)), u.size())
	case err != nil:
		return fmt.Errorf("%w: %w", errSource, err)
	}
	return nil
}

// sourceUnchanged tells whether the source still is what it was at the start.
func (u *upload) sourceUnchanged() error {
	now, err := u.src.Stat()
	if err != nil {
		return fmt.Errorf("%w: %w", errSource, err)
	}
	if now.Size() != u.size() || !now.ModTime().Equal(u.before.ModTime()) {
		return fmt.Errorf("%w: from %d bytes to %d", errChanged, u.size(), now.Size())
	}
	return nil
}

// provePart reads the part back. One that is wrong is removed, so that the next try writes to another place on the disk.
func (u *upload) provePart(ctx context.Context) error {
	err := prove(ctx, u.part, u.size(), u.sum())
	if errors.Is(err, errDiffers) {
		return errors.Join(fmt.Errorf("%w: %s", errMisread, err), u.removePart()) //nolint:errorlint // not errDiffers, which blames a finished file
	}
	return err
}

// prove reads file from the disk, past the page cache where the system allows, and compares size and checksum.
func prove(ctx context.Context, file *os.File, size int64, sum string) error {
	dropCache(file)
	hash := sha256.New()
	read, err := io.CopyBuffer(hash, &untilCancelled{ctx, io.NewSectionReader(file, 0, size+1)}, make([]byte, blockSize))
	if err != nil {
		return err
	}
	if got := hex.EncodeToString(hash.Sum(nil)); read != size || !strings.EqualFold(got, sum) {
		return fmt.Errorf("%w: %d bytes (at least) with checksum %s, want %d with %s", errDiffers, read, got, size, sum)
	}
	return nil
}

// untilCancelled is a reader that ends with its context.
type untilCancelled struct {
	ctx context.Context
	io.Reader
}

func (r *untilCancelled) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}
