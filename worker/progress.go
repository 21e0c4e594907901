package worker

import (
	"context"
	"time"

	"github.com/ngworks/nglive/tasks"
)

// progressEvery keeps progress to two frames a second and task.
const progressEvery = 500 * time.Millisecond

// progress turns how far a step is into live frames.
type progress struct {
	w     *Worker
	cmd   string
	rec   *tasks.Recording
	step  string
	total float64
	from  float64 // where it was when it began: an upload that resumes did not send that now
	began time.Time
	last  time.Time
}

func (w *Worker) progress(cmd string, a *assignment, total float64) *progress {
	return &progress{w: w, cmd: cmd, rec: &a.rec, step: a.step.ID, total: total, began: time.Now()}
}

// at tells that done of the total is done; bps is in bytes per second, 0 when unknown. It never blocks: a frame that finds no
// room is dropped, the next one says more.
func (p *progress) at(done float64, bps int64) {
	now := time.Now()
	if now.Sub(p.last) < progressEvery && done < p.total {
		return
	}
	p.last = now
	percent := 0
	if p.total > 0 {
		percent = min(max(int(done*100/p.total), 0), 100)
	}
	e := tasks.Event{
		CMD: p.cmd, ID: p.rec.ID, COMP: &percent, TS: tasks.Stamp(now), NODE: p.rec.Node, ROOM: p.rec.RoomID, STEP: p.step, BPS: bps,
	}
	if spent := now.Sub(p.began).Seconds(); done > p.from && p.total > done && spent > 1 {
		e.ETA = int64((p.total - done) * spent / (done - p.from))
	}
	select {
	case p.w.live <- e:
	default:
	}
}

// bytes tells that so many bytes of an upload are there, and how fast they came since it began.
func (p *progress) bytes(done int64) {
	if p.from == 0 && done > 0 {
		p.from, p.began = float64(done), time.Now()
	}
	p.at(float64(done), int64((float64(done)-p.from)/max(time.Since(p.began).Seconds(), 0.001)))
}

// publishLive sends live frames; what Redis does not take at once is dropped.
func (w *Worker) publishLive(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case e := <-w.live:
			within, stop := context.WithTimeout(ctx, time.Second)
			if err := w.store.PublishLive(within, e); err != nil {
				w.log.Debug("live frame dropped", "error", err)
			}
			stop()
		}
	}
}
