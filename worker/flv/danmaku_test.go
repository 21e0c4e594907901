package flv_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ngworks/nglive/worker/flv"
)

const danmaku = `<?xml version="1.0" encoding="utf-8"?>
<?xml-stylesheet type="text/xsl" href="#s"?>
<i><chatserver>chat.bilibili.com</chatserver><chatid>0</chatid>
<BililiveRecorder version="2.11.0" />
<BililiveRecorderRecordInfo roomid="23058" shortid="3" name="3号直播间" title="&quot;a&quot; &lt;b&gt;" areanameparent="生活" areanamechild="影音馆" start_time="2021-05-14T17:52:44.4960899+08:00" />
<BililiveRecorderXmlStyle><z:stylesheet version="1.0" id="s" xmlns:z="x"><z:output method="html"/></z:stylesheet></BililiveRecorderXmlStyle>
<d p="1.5,1,25,16777215,1620985964000,0,1,0" user="u">hello</d>
</i>`

func TestDanmaku_readsTheNote(t *testing.T) {
	before, _, _ := strings.Cut(danmaku, "<BililiveRecorderXmlStyle")
	want := flv.RecorderNote{
		RoomID: 23058, ShortID: 3, Name: "3号直播间", StreamTitle: `"a" <b>`,
		AreaNameParent: "生活", AreaNameChild: "影音馆",
	}
	for name, file := range map[string]string{
		"whole":                   danmaku,
		"cut behind the note":     before,
		"cut within the comments": danmaku[:len(danmaku)-20],
	} {
		got, err := flv.ReadDanmaku(strings.NewReader(file))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got.StartTime.UTC().Format(time.DateTime) != "2021-05-14 09:52:44" {
			t.Errorf("%s: StartTime %v", name, got.StartTime)
		}
		got.StartTime = time.Time{}
		if got != want {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestDanmaku_saysWhenThereIsNone(t *testing.T) {
	for _, file := range []string{"", "<i>", "\x00\x01", danmaku[:200], strings.Repeat("<a>", 200_000) + danmaku} {
		if _, err := flv.ReadDanmaku(strings.NewReader(file)); !errors.Is(err, flv.ErrNoRecorderNote) {
			t.Errorf("%.20q: %v", file, err)
		}
	}
}
