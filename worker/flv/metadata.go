package flv

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Metadata is what the file's onMetaData tag says. A recorder that was killed
// leaves it incomplete or wrong; only Scan knows the duration.
type Metadata struct {
	Duration      time.Duration
	Width, Height int
	Title         string
	Artist        string
	Comment       string
	Recorder      RecorderNote
}

// RecorderNote is what BililiveRecorder writes about the broadcast.
type RecorderNote struct {
	RoomID         int64
	ShortID        int64
	Name           string
	StreamTitle    string
	StartTime      time.Time
	AreaNameParent string
	AreaNameChild  string
}

// parseMetadata reads a script tag's body. ok is false when it is not
// onMetaData. A damaged body gives what stands before the damage.
func parseMetadata(body []byte) (m Metadata, ok bool) {
	a := amf{b: body}
	name, err := a.value(0)
	if err != nil || name != "onMetaData" {
		return Metadata{}, false
	}
	// An error here means a cut or damaged tag; the map has what came before.
	value, _ := a.value(0)
	object, _ := value.(map[string]any)
	m = Metadata{
		Duration: seconds(object["duration"]),
		Width:    int(whole(object["width"])),
		Height:   int(whole(object["height"])),
		Title:    text(object["Title"]),
		Artist:   text(object["Artist"]),
		Comment:  text(object["Comment"]),
	}
	if note, ok := object["BililiveRecorder"].(map[string]any); ok {
		m.Recorder = parseRecorderNote(note)
	}
	return m, true
}

func parseRecorderNote(note map[string]any) RecorderNote {
	return RecorderNote{
		RoomID:         whole(note["RoomId"]),
		ShortID:        whole(note["ShortId"]),
		Name:           text(note["Name"]),
		StreamTitle:    text(note["StreamTitle"]),
		StartTime:      moment(note["StartTime"]),
		AreaNameParent: text(note["AreaNameParent"]),
		AreaNameChild:  text(note["AreaNameChild"]),
	}
}

func text(v any) string {
	s, _ := v.(string)
	return strings.ToValidUTF8(s, "\uFFFD")
}

// whole reads a number that may be written as text. Nonsense gives 0.
func whole(v any) int64 {
	switch v := v.(type) {
	case float64:
		if v > 0 && v < math.MaxInt32 {
			return int64(v)
		}
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		if err == nil && n > 0 {
			return n
		}
	}
	return 0
}

func seconds(v any) time.Duration {
	const tooLong = 1e9 // 31 years
	s, _ := v.(float64)
	if math.IsNaN(s) || s <= 0 || s > tooLong {
		return 0
	}
	return time.Duration(s * float64(time.Second))
}

// moment reads a time that may be written as a date or as ISO 8601 text.
func moment(v any) time.Time {
	switch v := v.(type) {
	case time.Time:
		return v
	case string:
		t, err := time.Parse(time.RFC3339Nano, v)
		if err == nil {
			return t
		}
	}
	return time.Time{}
}
