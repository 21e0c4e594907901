package worker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ngworks/nglive/tasks"
)

// TestCrashes_areThoseOfFormerLives: a step during which the worker died ten times is given up, and says why. An attempt of this life
// whose end could not be written, since the journal's disk was full, is no death.
func TestCrashes_areThoseOfFormerLives(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	s.start()
	close(s.slow.gate)
	queue := tasks.QueueOf(tasks.KindUpload, "test")
	require.NoError(t, s.queue.Inspector().PauseQueue(queue))
	ends := map[string]tasks.State{}
	for name, life := range map[string]string{"full.flv": s.worker.life, "died.flv": "a former one"} {
		s.file(name, "content")
		r := s.closed(name, slowFlow())
		_, err := s.worker.journal.change(tasks.TaskID(r.ID, 1, "up"), func(e *entry) []letter {
			*e = entry{Queue: queue, Recording: r.ID, Attempts: 1, Crashes: maxCrashes - 1, Began: time.Now(), Life: life}
			return nil
		})
		require.NoError(t, err)
		ends[r.ID] = tasks.Finished
		if life != s.worker.life {
			ends[r.ID] = tasks.Failed
		}
	}
	require.NoError(t, s.queue.Inspector().UnpauseQueue(queue))
	for id, end := range ends {
		s.reaches(id, end)
		assert.Equal(t, 1, s.step(id, "up").Attempts)
		if end == tasks.Failed {
			assert.Contains(t, s.recording(id).Error, "the worker died 10 times")
		}
	}
}
