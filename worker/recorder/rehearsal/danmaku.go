package rehearsal

import (
	"encoding/xml"
	"fmt"
	"os"
	"strings"
	"time"
)

func (r *Recorder) danmaku() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	on, set := r.global["optionalRecordDanmaku"].Value.(bool)
	return r.cfg.Danmaku || set && on
}

func attr(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}

// danmakuBegin is written at once: a file without comments still exists.
func danmakuBegin(s Streamer, at time.Time) []byte {
	return fmt.Appendf(nil, `<?xml version="1.0" encoding="utf-8"?>
<i>
<BililiveRecorderRecordInfo roomid="%d" shortid="%d" name="%s" title="%s" areanameparent="%s" areanamechild="%s" start_time="%s" />
`, s.RoomID, s.ShortID, attr(s.Name), attr(s.Title), attr(s.Parent), attr(s.Child), stamp(at))
}

func danmakuEnd(path string, seconds float64) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o666) //nolint:gosec // the user's umask decides
	if err != nil {
		return err
	}
	for i, text := range []string{"第一条弹幕", "NGlive 你好", "完结撒花"} {
		_, _ = fmt.Fprintf(f, "<d p=\"%.3f,1,25,16777215,%d,0,0,0\" user=\"观众\">%s</d>\n", seconds*float64(i)/3, time.Now().UnixMilli(), text)
	}
	_, _ = fmt.Fprint(f, "</i>\n")
	return f.Close()
}
