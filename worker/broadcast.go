package worker

import (
	"context"
	"fmt"
	"time"

	"github.com/ngworks/nglive/tasks"
)

// goesOn holds a step that waits for the end of its recording's broadcast; nil when that is over. A step that is not for this
// recording at all does not wait.
func (w *Worker) goesOn(ctx context.Context, a *assignment) error {
	if a.step.When == nil || !a.step.When.BroadcastEnded || unmet(a, "") != "" {
		return nil
	}
	b, err := w.store.BroadcastOf(ctx, a.rec)
	if err != nil {
		return &held{reason: errRedisAway.Error()}
	}
	if b.Over || w.over(ctx, b) {
		return nil
	}
	return &held{reason: fmt.Sprintf("the broadcast in room %d goes on; this step begins when nothing new was recorded for a while after its end", a.rec.RoomID)}
}

// over looks at the files that are said to be written: a recorder that was killed never says that it closed one.
func (w *Worker) over(ctx context.Context, b tasks.Broadcast) bool {
	if len(b.Open) == 0 || !b.Quiet {
		return false
	}
	recs, err := w.store.Recordings(ctx, b.Open)
	if err != nil {
		return false
	}
	for i := range recs {
		if recs[i].State == tasks.Opening && w.written(&recs[i]) {
			return false
		}
	}
	return true
}

// written reports whether a recorder still writes a file. Another node's is believed for as long as one file can be.
func (w *Worker) written(r *tasks.Recording) bool {
	if r.Node != w.cfg.Node {
		return time.Since(r.CreatedAt) < longestOpening
	}
	src, err := w.openSource(r)
	if err != nil {
		return false
	}
	defer src.close()
	return time.Since(src.info.ModTime()) < max(w.cfg.SweepSettle, freshly)
}

// longestOpening is how long another node's open file keeps a broadcast going.
const longestOpening = 24 * time.Hour
