// Package flvtest makes FLV files for tests: clean ones with the real ffmpeg,
// and the faults that recorders' files have by patching tags. It is for tests
// only and never part of the program.
package flvtest

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
)

// The kinds of tags.
const (
	Audio  = 8
	Video  = 9
	Script = 18
)

// Tag is one tag of an FLV file.
type Tag struct {
	Kind byte
	TS   uint32 // milliseconds
	Body []byte
}

// Frame says whether the tag holds a picture or a sound, and is no decoder
// configuration. It knows AVC, HEVC (id 12) and AAC.
func (t Tag) Frame() bool {
	return t.Kind != Script && len(t.Body) > 1 && t.Body[1] == 1
}

// Tags takes a whole file apart. It is for well-formed files.
func Tags(file []byte) []Tag {
	var tags []Tag
	for b := file[13:]; len(b) >= 15; {
		size := int(b[1])<<16 | int(b[2])<<8 | int(b[3])
		if len(b) < 15+size {
			break
		}
		ts := uint32(b[7])<<24 | uint32(b[4])<<16 | uint32(b[5])<<8 | uint32(b[6])
		tags = append(tags, Tag{Kind: b[0], TS: ts, Body: b[11 : 11+size]})
		b = b[15+size:]
	}
	return tags
}

// Join puts tags together to a file whose header announces sound and picture.
func Join(tags []Tag) []byte {
	file := []byte{'F', 'L', 'V', 1, 5, 0, 0, 0, 9, 0, 0, 0, 0}
	for _, t := range tags {
		n := len(t.Body)
		file = append(file, t.Kind, byte(n>>16), byte(n>>8), byte(n),
			byte(t.TS>>16), byte(t.TS>>8), byte(t.TS), byte(t.TS>>24), 0, 0, 0)
		file = append(file, t.Body...)
		file = binary.BigEndian.AppendUint32(file, uint32(11+n))
	}
	return file
}

// Read reads a file or ends the test.
func Read(tb testing.TB, path string) []byte {
	tb.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// Write writes a file into the folder or ends the test, and returns its path.
func Write(tb testing.TB, dir, name string, file []byte) string {
	tb.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, file, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}
