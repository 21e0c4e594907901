package flv

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// Mended reads an FLV stream with its broken timestamps straightened: what
// jumped goes on where the frames before it ended. Nothing else is changed.
// Pauses that a broadcast can have stay, so that comments by the clock fit.
type Mended struct {
	in    *bufio.Reader
	clock clock
	begun bool
	ready []byte // what is to be handed out next
	body  int    // how much then follows straight from the source
	head  [tagHeaderSize]byte
	err   error
}

// Mend wraps a whole FLV file. The reader ends where the source ends, also
// when that is inside a tag; bytes that are no tag are left out.
func Mend(r io.Reader) *Mended {
	return &Mended{in: bufio.NewReaderSize(r, scanBuffer)}
}

func (m *Mended) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(m.ready) == 0 && m.body == 0 && m.err == nil {
		m.err = m.advance()
	}
	if len(m.ready) > 0 {
		n := copy(p, m.ready)
		m.ready = m.ready[n:]
		return n, nil
	}
	if m.body > 0 {
		n, err := m.in.Read(p[:min(len(p), m.body)])
		m.body -= n
		m.err = err
		if err != nil {
			m.body = 0
		}
		return n, err
	}
	return 0, m.err
}

// advance prepares the file header, then one tag after the other.
func (m *Mended) advance() error {
	if !m.begun {
		return m.begin()
	}
	prefix, err := m.in.Peek(prefixSize)
	if len(prefix) < tagHeaderSize {
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("mend the timestamps: %w", err)
		}
		return io.EOF
	}
	t, ok := parseTag(prefix)
	if !ok {
		return m.resync()
	}
	copy(m.head[:], prefix)
	ts := m.timestamp(t)
	m.head[4], m.head[5], m.head[6], m.head[7] = byte(ts>>16), byte(ts>>8), byte(ts), byte(ts>>24)
	m.ready, m.body = m.head[:], t.size+4
	_, err = m.in.Discard(tagHeaderSize)
	return err
}

func (m *Mended) begin() error {
	m.begun = true
	head, err := m.in.Peek(fileHeaderSize)
	if err == nil {
		flags := head[4]
		m.ready = []byte{'F', 'L', 'V', 1, flags, 0, 0, 0, fileHeaderSize, 0, 0, 0, 0}
	}
	if err := readFileHeader(m.in); err != nil {
		m.ready = nil
		return err
	}
	return nil
}

// timestamp is a tag's place on the mended timeline. Tags without a picture or
// a sound stand beside the last frame of their kind.
func (m *Mended) timestamp(t tag) int64 {
	if parsePacket(t).frame {
		return m.clock.next(t.kind, t.ts)
	}
	if t.kind == tagAudio {
		return m.clock.audio.out
	}
	return m.clock.video.out
}

func (m *Mended) resync() error {
	s := scanner{in: m.in}
	return s.resync()
}
