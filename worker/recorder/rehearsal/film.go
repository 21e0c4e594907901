package rehearsal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"time"
)

const (
	flvHeader  = 13 // with the size of no tag before the first
	tagHeader  = 11
	tagTrailer = 4
	audioTag   = 8
	videoTag   = 9
	scriptTag  = 18
)

// tag is one tag of an FLV.
type tag struct {
	kind byte
	at   uint32 // milliseconds
	body []byte
}

// config holds for a decoder's configuration, which has to come first in each file.
func (t tag) config() bool { return len(t.body) > 1 && t.body[1] == 0 }

// film is a clip that can be shown for ever: its tags follow each other with rewritten times.
type film struct {
	head   []tag // the decoders' configurations
	frames []tag
	length uint32 // milliseconds until the first frame may come again
}

var errNoFilm = errors.New("the film is no FLV with pictures")

func newFilm(clip []byte) (*film, error) {
	if len(clip) < flvHeader || !bytes.HasPrefix(clip, []byte("FLV")) {
		return nil, errNoFilm
	}
	f := &film{}
	for b := clip[flvHeader:]; len(b) >= tagHeader; {
		size := int(b[1])<<16 | int(b[2])<<8 | int(b[3])
		if len(b) < tagHeader+size {
			break
		}
		t := tag{b[0], uint32(b[7])<<24 | uint32(b[4])<<16 | uint32(b[5])<<8 | uint32(b[6]), b[tagHeader : tagHeader+size]}
		b = b[min(len(b), tagHeader+size+tagTrailer):]
		switch {
		case t.kind != audioTag && t.kind != videoTag || len(t.body) < 2:
		case t.config():
			f.head = append(f.head, t)
		case len(t.body) > 1 && t.kind == videoTag && t.body[0]&0x0f == 7 && t.body[1] == 2: // the end of AVC's sequence
		default:
			f.frames = append(f.frames, t)
		}
	}
	if len(f.frames) == 0 || f.frames[0].body == nil {
		return nil, errNoFilm
	}
	const gap = 33
	first := f.frames[0].at
	for i := range f.frames {
		f.frames[i].at -= min(first, f.frames[i].at)
		f.length = max(f.length, f.frames[i].at+gap)
	}
	return f, nil
}

// reel is one showing of a film.
type reel struct {
	film  *film
	next  int
	round uint32
	last  uint32 // time of the last tag
}

// until gives the tags from where the reel stands to a point of time.
func (r *reel) until(at time.Duration) []byte {
	var out []byte
	for {
		t := r.film.frames[r.next]
		when := t.at + r.round*r.film.length
		if time.Duration(when)*time.Millisecond > at {
			return out
		}
		r.last = max(r.last, when)
		out = appendTag(out, tag{t.kind, when, t.body})
		if r.next++; r.next == len(r.film.frames) {
			r.next, r.round = 0, r.round+1
		}
	}
}

func appendTag(b []byte, t tag) []byte {
	n := len(t.body)
	b = append(b, t.kind, byte(n>>16), byte(n>>8), byte(n), byte(t.at>>16), byte(t.at>>8), byte(t.at), byte(t.at>>24), 0, 0, 0)
	b = append(b, t.body...)
	return binary.BigEndian.AppendUint32(b, uint32(tagHeader+n)) //nolint:gosec // a tag has 24 bits of size
}
