package baidu

import (
	"context"
	"crypto/md5" //nolint:gosec // what Baidu compares by
	"encoding/hex"
	"os"
	"sync"
)

// Hash reads a file once and gives all that an upload of it may be asked for: the md5 of each block, and that of the whole. It
// ends when ctx does, and fails when the file changes meanwhile.
func Hash(ctx context.Context, f *os.File) (*Hashes, error) {
	src, err := openSource(f)
	if err != nil {
		return nil, err
	}
	h := &Hashes{BlockSize: sliceFor(src.size, slicesMost, TierSVIP.maxSlice())}
	whole, part := md5.New(), md5.New() //nolint:gosec // as Baidu does
	piece := make([]byte, hashedAtOnce)
	for at := int64(0); at < src.size; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		got := piece[:min(int64(len(piece)), src.size-at)]
		if n, err := f.ReadAt(got, at); n < len(got) {
			return nil, err
		}
		var both sync.WaitGroup
		both.Go(func() { whole.Write(got) }) // on another core
		part.Write(got)
		both.Wait()
		if at += int64(len(got)); at%h.BlockSize == 0 || at == src.size {
			h.Blocks = append(h.Blocks, hex.EncodeToString(part.Sum(nil)))
			part.Reset()
		}
	}
	h.ContentMD5 = hex.EncodeToString(whole.Sum(nil))
	return h, src.unchanged()
}

// hashedAtOnce divides every size of a slice.
const hashedAtOnce = 1 << 20

// sliceFor is the smallest size that keeps the number of slices within a limit: small ones lose less and pass slow links.
func sliceFor(size int64, most int, largest int64) int64 {
	slice := int64(sliceLeast)
	for (size+slice-1)/slice > int64(most) && slice < largest {
		slice *= 2
	}
	return slice
}
