package flv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Scan is what one pass over all tags of a file found.
type Scan struct {
	Bytes int64

	// Tags as they stand in the file; frames are those that hold a picture or
	// a sound. Pictures before the first key frame cannot be decoded and are
	// not counted as frames.
	VideoTags, AudioTags     int
	VideoFrames, AudioFrames int
	VideoCodec, AudioCodec   Codec

	FirstTS, LastTS time.Duration // of the frames, as written

	// Media is the length of what the source holds: the frames' own intervals
	// and the pauses that are believable. Span is the reach of the timestamps
	// as written. They differ when the timestamps jump.
	Media, Span time.Duration

	Jumps     []Jump // steps of more than 1 s and steps back; at most 1000
	JumpCount int

	// VideoHeaders counts decoder configurations. VideoHeadersDiffer says
	// that pictures follow a second, different one: an MP4 track holds one.
	VideoHeaders, AudioHeaders             int
	VideoHeadersDiffer, AudioHeadersDiffer bool

	// ProbeBytes and ProbeTime say how far one must read to have met every
	// stream; ffmpeg forgets a stream that begins beyond its -probesize.
	ProbeBytes int64
	ProbeTime  time.Duration

	Truncated bool  // the file ends inside a tag
	Garbage   int64 // bytes that are no tag, skipped
}

// ReadScan reads all tags of r, which holds a whole FLV file. It skips what is
// no tag, and a file that ends early is no error: only one that is not FLV
// (ErrNotFLV), one that cannot be read, or the context's end is.
func ReadScan(ctx context.Context, r io.Reader) (Scan, error) {
	s := newScanner(r)
	if err := s.begin(); err != nil {
		return s.result(), err
	}
	const contextEvery = 4096 // tags; about 20 MB, 10 ms
	for n := 0; ; n++ {
		if n%contextEvery == 0 && ctx.Err() != nil {
			return Scan{}, ctx.Err()
		}
		if err := s.tag(); errors.Is(err, io.EOF) {
			return s.result(), nil
		} else if err != nil {
			return s.result(), fmt.Errorf("read the tags at byte %d: %w", s.pos, err)
		}
	}
}
