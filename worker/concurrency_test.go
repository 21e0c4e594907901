package worker

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ngworks/nglive/tasks"
)

// TestConcurrency_isEachKindsOwn: as many uploads are under way as may be, and a transcode waits for none of them.
func TestConcurrency_isEachKindsOwn(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	s.cfg.UploadConcurrency = 2
	names := []string{"a.flv", "b.flv", "c.flv"}
	for _, name := range names {
		s.file(name, "content of "+name)
	}
	s.clip("d.flv", nil)
	s.start()
	var ids []string
	for _, name := range names {
		ids = append(ids, s.closed(name, slowFlow()).ID)
	}
	s.until("two uploads are under way", func() bool { return s.slow.count() == 2 })
	transcoded := s.closed("d.flv", tasks.Flow{ID: "t", Version: 1, Steps: []tasks.Step{{ID: "transcode", Type: tasks.StepTranscode}}})
	s.reaches(transcoded.ID, tasks.Finished)
	assert.Equal(t, 2, s.slow.count(), "a third upload began")
	close(s.slow.gate)
	for _, id := range ids {
		s.reaches(id, tasks.Finished)
	}
	assert.Equal(t, len(names), s.slow.count())
}
