package ffmpeg

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
)

// checkWhole walks over an MP4's outermost boxes. With the index at the front
// ffprobe is content with a file whose pictures are cut off.
func checkWhole(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open it: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("look at it: %w", err)
	}
	return walkBoxes(f, info.Size())
}

// walkBoxes checks that the boxes fill the size to the last byte.
func walkBoxes(r io.ReaderAt, size int64) error {
	const headSize, largeSize = 8, 16
	for at := int64(0); at < size; {
		var head [largeSize]byte
		n, err := r.ReadAt(head[:], at)
		if n < headSize {
			return fmt.Errorf("read its box at byte %d: %w", at, err)
		}
		length := int64(binary.BigEndian.Uint32(head[:4]))
		if length == 1 && n == largeSize { // the length did not fit into 32 bits
			length = int64(binary.BigEndian.Uint64(head[8:]))
		}
		if length < headSize || length > size-at {
			return fmt.Errorf("it is cut: its box %q at byte %d claims %d bytes of %d", head[4:8], at, length, size-at)
		}
		at += length
	}
	return nil
}
