package flvtest

import "time"

// Truncate cuts the file after the given part of its bytes, as a power cut does.
func Truncate(file []byte, part float64) []byte { return file[:int(float64(len(file))*part)] }

// HeaderOnly is what a recorder leaves that got no data.
func HeaderOnly() []byte { return Join(nil) }

// ThreeBytes is what is left when the disk was full at once.
func ThreeBytes() []byte { return []byte("FLV") }

// Jump adds a step to all timestamps from the given time on. A result below 0
// stays at 0.
func Jump(file []byte, at, by time.Duration) []byte {
	tags := Tags(file)
	for i, t := range tags {
		if time.Duration(t.TS)*time.Millisecond >= at && t.Kind != Script {
			tags[i].TS = uint32(max(int64(t.TS)+by.Milliseconds(), 0))
		}
	}
	return Join(tags)
}

// SecondVideoHeader puts the second file's tags behind the first's, as when a
// streamer changes the picture's size in the middle of a broadcast.
func SecondVideoHeader(first, second []byte) []byte {
	tags := Tags(first)
	const frame = 33
	offset := tags[len(tags)-1].TS + frame
	for _, t := range Tags(second) {
		if t.Kind == Script {
			continue
		}
		t.TS += offset
		tags = append(tags, t)
	}
	return Join(tags)
}

// NoAudio leaves out the sound.
func NoAudio(file []byte) []byte { return without(file, Audio) }

// NoVideo leaves out the pictures.
func NoVideo(file []byte) []byte { return without(file, Video) }

func without(file []byte, kind byte) []byte {
	var kept []Tag
	for _, t := range Tags(file) {
		if t.Kind != kind {
			kept = append(kept, t)
		}
	}
	return Join(kept)
}

// HEVC12 marks the pictures as HEVC by the codec id 12 that Chinese CDNs use.
// The pictures themselves stay what they are: it is for telling the codec.
func HEVC12(file []byte) []byte {
	return patchVideo(file, func(body []byte) []byte {
		return append([]byte{body[0]&0xf0 | 12}, body[1:]...)
	})
}

// Enhanced marks the pictures by a fourcc such as hvc1 or av01, as Enhanced
// RTMP does. The pictures themselves stay what they are.
func Enhanced(file []byte, fourcc string) []byte {
	return patchVideo(file, func(body []byte) []byte {
		const bit = 0x80
		head := append([]byte{bit | body[0]&0x70 | body[1]&0x0f}, fourcc...)
		return append(head, body[2:]...)
	})
}

func patchVideo(file []byte, patch func(body []byte) []byte) []byte {
	tags := Tags(file)
	for i, t := range tags {
		if t.Kind == Video && len(t.Body) > 2 {
			tags[i].Body = patch(t.Body)
		}
	}
	return Join(tags)
}
