package worker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ngworks/nglive/tasks"
)

// TestProgress_isWholePerCentAndEachTasksOwn: the original shared the last value between tasks, and stumbled over a length that
// nobody knows.
func TestProgress_isWholePerCentAndEachTasksOwn(t *testing.T) {
	t.Parallel()
	w := &Worker{live: make(chan tasks.Event, 10)}
	of := func(id string, total float64) *progress {
		return w.progress(tasks.IsTranscode, &assignment{rec: tasks.Recording{ID: id, Node: "test"}, step: tasks.Step{ID: "transcode"}}, total)
	}
	a, b, unknown := of("a", 300), of("b", 300), of("c", 0)
	a.at(-1, 0)
	a.at(100, 0) // within half a second of the one before
	b.at(199, 0)
	unknown.at(17, 0)
	a.last = time.Now().Add(-progressEvery)
	a.at(199.9, 0)
	a.at(400, 0) // the end is told at once, whatever the length was thought to be
	close(w.live)
	var got []string
	var said []int
	for e := range w.live {
		got, said = append(got, e.ID), append(said, *e.COMP)
	}
	assert.Equal(t, []string{"a", "b", "c", "a", "a"}, got)
	assert.Equal(t, []int{0, 66, 0, 66, 100}, said)
}

// TestProgress_neverHoldsUpTheWork: nobody takes the frames, and the step goes on.
func TestProgress_neverHoldsUpTheWork(t *testing.T) {
	t.Parallel()
	w := &Worker{live: make(chan tasks.Event)}
	p := w.progress(tasks.IsUp, &assignment{}, 1)
	p.at(1, 0)
	p.bytes(1)
}
