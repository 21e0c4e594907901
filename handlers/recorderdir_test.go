package handlers

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/ngworks/nglive/tasks"
)

func TestWebhook_findsTheRecordersFolderInsideOurs(t *testing.T) {
	s := newSite(t)
	s.post("/webhook/?dir=brec/rec/", fileClosed).is(http.StatusOK)
	if rec := s.only(); rec.Path != "brec/rec/"+flvPath || rec.State != tasks.Closed {
		t.Errorf("recording is %+v", rec)
	}
}

func TestWebhook_aFolderLeadsNowhereElse(t *testing.T) {
	for _, dir := range []string{"..", "../x", "/etc", "a/../../b", `C:\x`, `a\..\..`} {
		s := newSite(t)
		if got := s.post("/webhook/?dir="+url.QueryEscape(dir), fileClosed); got.status != http.StatusUnprocessableEntity {
			t.Errorf("dir=%s: %d %s", dir, got.status, got.body)
		}
		if n := len(s.recordings()); n != 0 {
			t.Errorf("dir=%s: %d recordings", dir, n)
		}
	}
	for _, path := range []string{"/etc/passwd", "../x", ""} {
		if got := inFolder("brec", path); got != path {
			t.Errorf("%q became %q, which hides its fault", path, got)
		}
	}
}
