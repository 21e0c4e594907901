package baidu_test

import (
	"testing"

	"github.com/ngworks/nglive/worker/baidu"
	"github.com/ngworks/nglive/worker/baidu/baidutest"
)

func TestUpload_bringsAFileAndProvesIt(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, by front) {
		t.Helper()
		p := open(t, by, baidutest.Options{Strict: baidutest.Strict{UserAgent: true, Parts: true, StickyHost: true}})
		src := record(t, 18*mib+7)
		var last baidu.Progress
		r := p.mustUpload(src, baidu.Options{Report: func(g baidu.Progress) {
			if g.Done < last.Done {
				t.Errorf("progress went back from %d to %d", last.Done, g.Done)
			}
			last = g
		}})
		if !r.Confirmed || r.Rapid || r.Standing || r.Path != appPath || r.Sent < src.size || r.Sent > src.size+src.size/20 {
			t.Errorf("the result is %+v", r)
		}
		if last.Done != src.size || last.Total != src.size {
			t.Errorf("the last progress is %+v", last)
		}
		if got := p.fake.Bytes(); got < src.size || got > src.size+src.size/20 {
			t.Errorf("%d bytes were sent for %d", got, src.size)
		}
		if err := p.client().Verify(t.Context(), r.Path, r.Size, r.MD5); err != nil {
			t.Errorf("verify: %v", err)
		}
		if s := p.sessions.all(); s != "map[]" {
			t.Errorf("a session is left: %s", s)
		}
	})
}

func TestUpload_isDoneAtOnceWhenTheContentStands(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, by front) {
		t.Helper()
		p := open(t, by, baidutest.Options{})
		src := record(t, 9*mib)
		p.mustUpload(src)
		p.fake.Forget()
		if r := p.mustUpload(src); !r.Standing || r.Sent != 0 || p.fake.Bytes() != 0 {
			t.Errorf("the second upload sent %d bytes: %+v", p.fake.Bytes(), r)
		}
	})
}
