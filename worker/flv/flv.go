// Package flv reads FLV files: their first tags, their metadata, and the whole
// run of their timestamps. It never runs a program and never writes a file.
package flv

import (
	"errors"
	"fmt"
	"io"
)

// ErrNotFLV is wrapped by every error about a file that does not begin as FLV.
var ErrNotFLV = errors.New("not an FLV file")

const (
	fileHeaderSize = 9
	tagHeaderSize  = 11
	// prefixSize is what a tag's kind can be told from: its header and the
	// first bytes of its body (codec, packet type, fourcc).
	prefixSize = tagHeaderSize + 6

	tagAudio  = 8
	tagVideo  = 9
	tagScript = 18
)

// readFileHeader consumes the file header and the first PreviousTagSize.
func readFileHeader(r io.Reader) error {
	var head [fileHeaderSize]byte
	n, err := io.ReadFull(r, head[:])
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it is %d bytes long, an FLV header has %d", ErrNotFLV, n, fileHeaderSize)
	}
	if err != nil {
		return fmt.Errorf("read the FLV header: %w", err)
	}
	if string(head[:3]) != "FLV" {
		return fmt.Errorf("%w: it begins with %q", ErrNotFLV, head[:3])
	}
	// The header says how long it is. Every known writer says 9; a larger
	// value is skipped over, within reason.
	extra := int64(be32(head[5:9])) - fileHeaderSize
	if extra < 0 || extra > 4096 {
		return fmt.Errorf("%w: its header claims a length of %d bytes", ErrNotFLV, extra+fileHeaderSize)
	}
	_, err = io.CopyN(io.Discard, r, extra+4)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the FLV header: %w", err)
	}
	return nil
}

// tag is a tag's header with what its first body bytes tell.
type tag struct {
	kind byte // tagAudio, tagVideo or tagScript
	size int  // of the body
	ts   int64
	body []byte // the first bytes of the body, at most 6
}

// parseTag reads a tag from its first bytes. ok is false when they cannot be
// the beginning of a tag.
func parseTag(b []byte) (t tag, ok bool) {
	if len(b) < tagHeaderSize {
		return tag{}, false
	}
	// Bits 6 and 7 are reserved; bit 5 marks encrypted tags, which no
	// recorder writes. The stream id is always 0.
	if b[0] != tagAudio && b[0] != tagVideo && b[0] != tagScript {
		return tag{}, false
	}
	if b[8]|b[9]|b[10] != 0 {
		return tag{}, false
	}
	t = tag{kind: b[0], size: be24(b[1:4])}
	t.ts = int64(b[7])<<24 | int64(be24(b[4:7]))
	t.body = b[tagHeaderSize:min(len(b), tagHeaderSize+min(t.size, prefixSize-tagHeaderSize))]
	return t, true
}

func be24(b []byte) int { return int(b[0])<<16 | int(b[1])<<8 | int(b[2]) }

func be32(b []byte) uint32 {
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}
