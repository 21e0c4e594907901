package flvtest

import (
	"encoding/binary"
	"math"
)

// Pair is one entry of an AMF0 object; the value is a string, a float64, or
// []Pair.
type Pair struct {
	Key   string
	Value any
}

// RecorderNote is onMetaData as BililiveRecorder writes it.
func RecorderNote(room, name, title string) []Pair {
	return []Pair{
		{"duration", 4.0},
		{"width", 320.0},
		{"height", 180.0},
		{"Title", title},
		{"Artist", name},
		{"Comment", "a recording of room " + room},
		{"BililiveRecorder", []Pair{
			{"RoomId", room},
			{"ShortId", "3"},
			{"Name", name},
			{"StreamTitle", title},
			{"StartTime", "2021-05-14T17:52:44.4960899+08:00"},
			{"AreaNameParent", "生活"},
			{"AreaNameChild", "影音馆"},
		}},
	}
}

// WithMetadata puts the entries as onMetaData at the beginning, in place of
// what stood there.
func WithMetadata(file []byte, entries []Pair) []byte {
	body := appendString([]byte{2}, "onMetaData")
	body = appendValue(body, entries)
	tags := []Tag{{Kind: Script, Body: body}}
	for _, t := range Tags(file) {
		if t.Kind != Script {
			tags = append(tags, t)
		}
	}
	return Join(tags)
}

func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return appendString(append(b, 2), v)
	case float64:
		return binary.BigEndian.AppendUint64(append(b, 0), math.Float64bits(v))
	case []Pair:
		b = binary.BigEndian.AppendUint32(append(b, 8), uint32(len(v)))
		for _, p := range v {
			b = appendValue(appendString(b, p.Key), p.Value)
		}
		return append(b, 0, 0, 9)
	default:
		panic("flvtest: a metadata value must be a string, a float64 or []Pair")
	}
}

func appendString(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}
