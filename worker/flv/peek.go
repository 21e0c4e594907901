package flv

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// peekLimit bounds what Peek reads: the metadata's keyframe index may be long,
// and sound may begin some pictures after the video.
const peekLimit = 4 << 20

// Head is what the first tags of a file say.
type Head struct {
	HasVideo, HasAudio bool
	VideoCodec         Codec
	AudioCodec         Codec
	HasMetadata        bool
	Metadata           Metadata
	Tags               int // how many were read
}

// Empty says that the file holds a header and no sound or picture: the
// recorder opened it and the stream sent nothing.
func (h Head) Empty() bool { return !h.HasVideo && !h.HasAudio }

// Peek reads the header and the first tags of a file of the given size, at
// most 4 MiB, and stops once it has seen the metadata, a picture and a sound.
// A file that ends early gives what it holds; only a file that is not FLV is
// an error, which wraps ErrNotFLV.
func Peek(r io.ReaderAt, size int64) (Head, error) {
	section := io.NewSectionReader(r, 0, min(size, peekLimit))
	in := bufio.NewReaderSize(section, 64<<10)
	if err := readFileHeader(in); err != nil {
		return Head{}, err
	}
	var h Head
	for !h.complete() {
		more, err := h.readTag(in)
		if err != nil {
			return h, fmt.Errorf("read the first tags: %w", err)
		}
		if !more {
			break
		}
	}
	return h, nil
}

func (h *Head) complete() bool { return h.HasMetadata && h.HasVideo && h.HasAudio }

// readTag consumes one tag. more is false at the end of the file, and at bytes
// that are no tag.
func (h *Head) readTag(in *bufio.Reader) (more bool, err error) {
	prefix, err := in.Peek(prefixSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	t, ok := parseTag(prefix)
	if !ok {
		return false, nil
	}
	h.Tags++
	switch t.kind {
	case tagVideo:
		h.noteVideo(parseVideo(t.body))
	case tagAudio:
		h.noteAudio(parseAudio(t.body))
	case tagScript:
		return h.readScript(in, t)
	}
	return discard(in, tagHeaderSize+t.size+4)
}

func (h *Head) noteVideo(p packet) {
	if p.codec == None || !p.header && !p.frame {
		return
	}
	h.HasVideo = true
	if h.VideoCodec == None {
		h.VideoCodec = p.codec
	}
}

func (h *Head) noteAudio(p packet) {
	if p.codec == None || !p.header && !p.frame {
		return
	}
	h.HasAudio = true
	if h.AudioCodec == None {
		h.AudioCodec = p.codec
	}
}

func (h *Head) readScript(in *bufio.Reader, t tag) (more bool, err error) {
	if more, err := discard(in, tagHeaderSize); !more {
		return false, err
	}
	// ReadAll grows with what is there, never with what the tag claims.
	body, err := io.ReadAll(io.LimitReader(in, int64(t.size)))
	if err != nil {
		return false, err
	}
	if m, ok := parseMetadata(body); ok && !h.HasMetadata {
		h.HasMetadata, h.Metadata = true, m
	}
	return discard(in, 4)
}

func discard(in *bufio.Reader, n int) (more bool, err error) {
	_, err = in.Discard(n)
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	return err == nil, err
}
