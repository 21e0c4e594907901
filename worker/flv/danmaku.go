package flv

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
)

// danmakuLimit bounds how far the note is looked for: it stands in the file's
// header, before a style sheet of some 10 kB.
const danmakuLimit = 256 << 10

// ErrNoRecorderNote says that a comment file has no note about the broadcast:
// another program wrote it, or it was cut before the note.
var ErrNoRecorderNote = errors.New("no BililiveRecorderRecordInfo in the comment file")

// ReadDanmaku reads the note about the broadcast from the header of the .xml
// that BililiveRecorder writes beside a recording. It reads no comments, and
// does not mind that the file ends early.
func ReadDanmaku(r io.Reader) (RecorderNote, error) {
	d := xml.NewDecoder(io.LimitReader(r, danmakuLimit))
	d.Strict = false
	for {
		// RawToken keeps no stack, so depth costs nothing.
		token, err := d.RawToken()
		if err != nil {
			return RecorderNote{}, fmt.Errorf("%w: %w", ErrNoRecorderNote, err)
		}
		start, ok := token.(xml.StartElement)
		if ok && start.Name.Local == "BililiveRecorderRecordInfo" {
			return danmakuNote(start.Attr), nil
		}
	}
}

func danmakuNote(attributes []xml.Attr) RecorderNote {
	value := make(map[string]string, len(attributes))
	for _, a := range attributes {
		value[a.Name.Local] = a.Value
	}
	return RecorderNote{
		RoomID:         whole(value["roomid"]),
		ShortID:        whole(value["shortid"]),
		Name:           value["name"],
		StreamTitle:    value["title"],
		StartTime:      moment(value["start_time"]),
		AreaNameParent: value["areanameparent"],
		AreaNameChild:  value["areanamechild"],
	}
}
