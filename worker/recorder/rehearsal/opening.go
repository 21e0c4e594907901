package rehearsal

import (
	"encoding/binary"
	"math"
	"strconv"
)

// opening is how each file begins: FLV's own header, the recorder's note about the room, and the decoders' configurations.
// durationAt is where the length in seconds goes once it is known.
func (f *film) opening(s Streamer, started string) (begin []byte, durationAt int64) {
	begin = []byte{'F', 'L', 'V', 1, 5, 0, 0, 0, 9, 0, 0, 0, 0}
	note := appendKey([]byte{2}, "onMetaData")
	note = append(note, 8, 0, 0, 0, 5) // an array of five
	note = appendKey(note, "duration")
	durationAt = int64(len(begin) + tagHeader + len(note) + 1)
	note = appendNumber(note, 0)
	note = appendText(appendKey(note, "Title"), s.Title)
	note = appendText(appendKey(note, "Artist"), s.Name)
	note = appendText(appendKey(note, "Comment"), "NGlive rehearsal")
	note = append(appendKey(note, "BililiveRecorder"), 8, 0, 0, 0, 7)
	for _, pair := range [][2]string{
		{"RoomId", strconv.FormatInt(s.RoomID, 10)},
		{"ShortId", strconv.FormatInt(s.ShortID, 10)},
		{"Name", s.Name},
		{"StreamTitle", s.Title},
		{"StartTime", started},
		{"AreaNameParent", s.Parent},
		{"AreaNameChild", s.Child},
	} {
		note = appendText(appendKey(note, pair[0]), pair[1])
	}
	note = append(note, 0, 0, 9, 0, 0, 9)
	begin = appendTag(begin, tag{kind: scriptTag, body: note})
	for _, t := range f.head {
		begin = appendTag(begin, tag{kind: t.kind, body: t.body})
	}
	return begin, durationAt
}

func appendKey(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...) //nolint:gosec // titles are short
}

func appendText(b []byte, s string) []byte { return appendKey(append(b, 2), s) }

func appendNumber(b []byte, v float64) []byte {
	return binary.BigEndian.AppendUint64(append(b, 0), math.Float64bits(v))
}
