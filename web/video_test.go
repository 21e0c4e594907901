package web

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/ngworks/nglive/tasks"
)

// finished is a recording whose transcode says that it made that file.
func finished(t *testing.T, s *site, output string) tasks.Recording {
	t.Helper()
	flow := tasks.Flow{ID: "f", Version: 1, Steps: []tasks.Step{{ID: "transcode", Type: tasks.StepTranscode}}}
	rec, err := s.store.Ingest(t.Context(), tasks.Fact{
		ID: "closed." + output, Kind: tasks.FileWasClosed, Seen: tasks.Sighting{Node: "n1", Path: output + ".flv", RoomID: 23058},
	}, func(tasks.Recording) (tasks.Flow, error) { return flow, nil })
	if err != nil {
		t.Fatal(err)
	}
	rec, err = s.store.Apply(t.Context(), tasks.Fact{
		ID: "done." + output, Kind: tasks.StepSucceeded, Recording: rec.ID, Run: 1, Step: "transcode", Output: &tasks.Output{Path: output},
	})
	if err != nil || rec.State != tasks.Finished {
		t.Fatalf("the recording is %s (%v)", rec.State, err)
	}
	return rec
}

func TestVideo_playsWithRanges(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	if err := os.MkdirAll(filepath.Join(s.dir, "20261122", "23058"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "20261122", "23058", "小明.mp4"), []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	rec := finished(t, s, "20261122/23058/小明.mp4")
	w := s.ask(t, http.MethodGet, "/api/recordings/"+rec.ID+"/video", func(r *http.Request) { r.Header.Set("Range", "bytes=2-4") })
	if w.Code != http.StatusPartialContent || w.Body.String() != "234" || w.Header().Get("Content-Type") != "video/mp4" {
		t.Errorf("answered %d %q %v", w.Code, w.Body, w.Header())
	}
}

func TestVideo_opensNothingOutsideTheOutputFolder(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	outside := filepath.Join(filepath.Dir(s.dir), "outside.mp4")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(outside) })
	if err := os.Symlink(outside, filepath.Join(s.dir, "link.mp4")); err != nil {
		t.Fatal(err)
	}
	for _, output := range []string{"../outside.mp4", outside, "link.mp4", "missing.mp4", "."} {
		rec := finished(t, s, output)
		w := s.ask(t, http.MethodGet, "/api/recordings/"+rec.ID+"/video", nil)
		if code, _ := refusalIn(t, w.Body); w.Code != http.StatusNotFound || code != "video_gone" {
			t.Errorf("output %q: %d %s", output, w.Code, code)
		}
	}
}

func TestVideo_saysWhyThereIsNone(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *Config) { c.Node = "n2" })
	rec := finished(t, s, "a.mp4")
	for id, want := range map[string]string{rec.ID: "other_node", another(t, s).ID: "no_video", "ffffffffffffffff": "not_found"} {
		w := s.ask(t, http.MethodGet, "/api/recordings/"+id+"/video", nil)
		if code, _ := refusalIn(t, w.Body); w.Code != http.StatusNotFound || code != want {
			t.Errorf("%s: %d %s, want %s", id, w.Code, code, want)
		}
	}
	s.redis.Stop()
	if w := s.ask(t, http.MethodGet, "/api/recordings/"+rec.ID+"/video", nil); w.Code != http.StatusServiceUnavailable {
		t.Errorf("without Redis: %d", w.Code)
	}
}
