package flv

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

const (
	scanBuffer = 1 << 20
	// resyncWindow is how far ahead the next tag is looked for at once.
	resyncWindow = 256 << 10
	// headerLimit bounds how much of a decoder configuration is compared.
	headerLimit = 64 << 10
)

// scanner walks over the tags and fills a Scan.
type scanner struct {
	in    *bufio.Reader
	pos   int64
	scan  Scan
	clock clock
	video configWatch
	audio configWatch
	keyed bool // a key frame came
}

func newScanner(r io.Reader) *scanner {
	return &scanner{in: bufio.NewReaderSize(r, scanBuffer)}
}

func (s *scanner) begin() error {
	counted := &countingReader{r: s.in}
	err := readFileHeader(counted)
	s.pos = counted.n
	return err
}

// tag consumes one tag, or the garbage before the next one.
func (s *scanner) tag() error {
	prefix, err := s.in.Peek(prefixSize)
	if len(prefix) == 0 || err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	t, ok := parseTag(prefix)
	switch {
	case !ok && len(prefix) < tagHeaderSize && isTagKind(prefix[0]):
		s.scan.Truncated = true
		return s.skip(len(prefix))
	case !ok:
		return s.resync()
	}
	p := parsePacket(t)
	if p.header {
		s.compare(t)
	}
	if err := s.skip(tagHeaderSize + t.size); err != nil {
		s.scan.Truncated = s.scan.Truncated || errors.Is(err, io.EOF)
		return err
	}
	s.count(t, p)
	return s.skip(4)
}

func isTagKind(b byte) bool { return b == tagAudio || b == tagVideo || b == tagScript }

func parsePacket(t tag) packet {
	switch t.kind {
	case tagVideo:
		return parseVideo(t.body)
	case tagAudio:
		return parseAudio(t.body)
	default:
		return packet{}
	}
}

// count notes a tag that is there to its end.
func (s *scanner) count(t tag, p packet) {
	switch t.kind {
	case tagVideo:
		s.keyed = s.keyed || p.frame && p.key
		s.scan.VideoTags++
		s.meet(&s.scan.VideoCodec, p)
		if p.frame && s.keyed {
			s.scan.VideoFrames++
			s.scan.VideoHeadersDiffer = s.scan.VideoHeadersDiffer || s.video.differs
		}
	case tagAudio:
		s.scan.AudioTags++
		s.meet(&s.scan.AudioCodec, p)
		if p.frame {
			s.scan.AudioFrames++
			s.scan.AudioHeadersDiffer = s.scan.AudioHeadersDiffer || s.audio.differs
		}
	}
	if p.frame {
		s.time(t)
	}
}

func (s *scanner) time(t tag) {
	if !s.clock.audio.begun && !s.clock.video.begun {
		s.scan.FirstTS = millis(t.ts)
	}
	s.scan.LastTS = millis(t.ts)
	s.clock.next(t.kind, t.ts)
}

// meet notes a stream's codec and how far into the file it begins.
func (s *scanner) meet(codec *Codec, p packet) {
	if *codec != None || p.codec == None {
		return
	}
	*codec = p.codec
	s.scan.ProbeBytes = s.pos
	s.scan.ProbeTime = s.clock.media()
}

// compare looks at a decoder configuration without consuming it.
func (s *scanner) compare(t tag) {
	body, err := s.in.Peek(tagHeaderSize + min(t.size, headerLimit))
	if err != nil {
		return // cut short; the caller will find that out
	}
	if t.kind == tagVideo {
		s.video.note(body[tagHeaderSize:])
	} else {
		s.audio.note(body[tagHeaderSize:])
	}
}

// resync skips bytes that are no tag, up to the next tag whose end confirms it.
func (s *scanner) resync() error {
	window, err := s.in.Peek(resyncWindow)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	skipped := len(window)
	if err == nil {
		skipped -= prefixSize // a tag may begin at the window's end
	}
	for i := 1; i < len(window)-prefixSize; i++ {
		if confirmedTag(window[i:]) {
			skipped = i
			break
		}
	}
	s.scan.Garbage += int64(skipped)
	return s.skip(skipped)
}

// confirmedTag says whether a tag begins here and its length is repeated after
// it, as FLV demands.
func confirmedTag(b []byte) bool {
	if !isTagKind(b[0]) {
		return false
	}
	t, ok := parseTag(b)
	end := tagHeaderSize + t.size
	return ok && t.size > 0 && len(b) >= end+4 && int(be32(b[end:])) == end
}

func (s *scanner) skip(n int) error {
	skipped, err := s.in.Discard(n)
	s.pos += int64(skipped)
	return err
}

func (s *scanner) result() Scan {
	scan := s.scan
	scan.Bytes = s.pos
	scan.Media, scan.Span = s.clock.media(), s.clock.span()
	scan.Jumps, scan.JumpCount = s.clock.jumps, s.clock.jumpCount
	scan.VideoHeaders, scan.AudioHeaders = s.video.count, s.audio.count
	return scan
}

// configWatch sees whether a stream's decoder configuration changes.
type configWatch struct {
	count   int
	first   []byte
	differs bool
}

func (w *configWatch) note(body []byte) {
	w.count++
	if w.count == 1 {
		w.first = bytes.Clone(body)
		return
	}
	w.differs = w.differs || !bytes.Equal(w.first, body)
}

type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
