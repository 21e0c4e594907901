package worker

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/hibiken/asynq"

	"github.com/ngworks/nglive/tasks"
)

// sweepFigures count what the sweep mended.
type sweepFigures struct {
	requeued, archived, adopted, found, vanished, standing, leftovers, emptied, cleaned atomic.Int64

	rounds atomic.Int64 // full looks at everything
}

// sweep proves on start and every interval that every closed file of this node is a recording, and that what should happen to it
// has a task; and it mends what is amiss: a webhook got lost, web died between state and queue, somebody deleted a task, Redis forgot one.
func (w *Worker) sweep(ctx context.Context) error {
	for ctx.Err() == nil {
		began := time.Now()
		for _, round := range []func(context.Context) error{
			w.sweepTasks, w.wakeStanding, w.lookForFiles, w.endVanished, w.clearLeftovers, w.emptyTrash,
		} {
			if err := round(ctx); err != nil && ctx.Err() == nil {
				w.log.Warn("sweep waits for the next round", "error", err)
			}
		}
		w.swept.rounds.Add(1)
		w.awaitRound(ctx, began.Add(max(w.cfg.SweepInterval, time.Second)))
	}
	return ctx.Err()
}

// awaitRound waits for the next full round. Files that were not still yet are looked at alone as soon as they could be.
func (w *Worker) awaitRound(ctx context.Context, next time.Time) {
	for ctx.Err() == nil {
		still := w.search.nextStill(w.cfg.SweepSettle)
		if left := time.Until(next); still < 0 || still >= left {
			pause(ctx, left)
			return
		}
		pause(ctx, still+10*time.Millisecond)
		if err := w.lookAtPending(ctx); err != nil && ctx.Err() == nil {
			w.log.Warn("sweep waits for the next round", "error", err)
		}
	}
}

func (w *Worker) sweepTasks(ctx context.Context) error {
	if time.Since(w.forgot) > time.Hour {
		w.forgot = time.Now()
		if err := w.journal.forget(w.forgot.Add(-forgetAfter)); err != nil {
			return err
		}
	}
	if !w.outbox.empty() {
		return nil // Redis does not know yet what we know
	}
	ids, err := w.store.Unfinished(ctx)
	if err != nil {
		return err
	}
	const at = 200
	for len(ids) > 0 {
		n := min(at, len(ids))
		recs, err := w.store.Recordings(ctx, ids[:n])
		if err != nil {
			return err
		}
		for i := range recs {
			if recs[i].Node == w.cfg.Node {
				if err := w.sweepRecording(ctx, &recs[i]); err != nil {
					return err
				}
			}
		}
		ids = ids[n:]
	}
	return nil
}

// young recordings may be between two of their own writes.
const young = 10 * time.Second

func (w *Worker) sweepRecording(ctx context.Context, r *tasks.Recording) error {
	info := r.Current()
	if info == nil || time.Since(r.UpdatedAt).Abs() < tasks.Hasten(young) {
		return nil
	}
	flow, err := w.store.PinnedFlow(ctx, r.FlowKey)
	if err != nil {
		return err
	}
	step, ok := flow.Step(info.ID)
	if !ok {
		return nil
	}
	t, err := w.queue.Inspector().GetTaskInfo(tasks.QueueOf(step.KindOf(info), r.Node), r.TaskID(info))
	switch {
	case errors.Is(err, asynq.ErrTaskNotFound), errors.Is(err, asynq.ErrQueueNotFound):
		return w.requeue(ctx, r, info, step)
	case err != nil:
		return err
	case t.State == asynq.TaskStateArchived:
		return w.tellArchived(ctx, r, info)
	case t.State == asynq.TaskStateCompleted:
		return w.completedTooSoon(ctx, r, info, step)
	}
	return nil
}

func (w *Worker) requeue(ctx context.Context, r *tasks.Recording, info *tasks.StepInfo, step tasks.Step) error {
	if err := w.queue.Step(ctx, *r, info, step); err != nil {
		return err
	}
	w.swept.requeued.Add(1)
	w.log.Warn("lost task put back", "recording", r.ID, "step", info.ID)
	return w.repaired(r, info.ID, "its task was lost and is in the queue again")
}

// repaired tells of something that the sweep mended about a recording.
func (w *Worker) repaired(r *tasks.Recording, step, what string) error {
	return w.journal.post(letter{Event: &tasks.Event{
		CMD: tasks.Repaired, ID: r.ID, TS: tasks.Stamp(time.Now()), NODE: r.Node, ROOM: r.RoomID, STEP: step, STATE: r.State, NAME: r.Name,
		TITLE: r.Title, FILE: r.Path, RUN: r.Run, MSG: what, EVENT: "repair-" + uuid.NewString(),
	}})
}

// completedTooSoon: the queue says done, the recording does not, and nothing is left to be sent. The journal that knew is gone.
func (w *Worker) completedTooSoon(ctx context.Context, r *tasks.Recording, info *tasks.StepInfo, step tasks.Step) error {
	id := r.TaskID(info)
	e, err := w.journal.read(id)
	if err != nil {
		return err
	}
	if e.Final != nil {
		return w.journal.post(letter{Fact: e.Final})
	}
	if err := w.queue.Inspector().DeleteTask(tasks.QueueOf(step.KindOf(info), r.Node), id); err != nil {
		return err
	}
	return w.requeue(ctx, r, info, step)
}

// archivedByHand is the dead letter of a task that a person archived.
const archivedByHand = "its task was archived from the queue's dashboard; retry it when it should go on"

// tellArchived: a person pressed Archive in the dashboard. That is the step's dead letter.
func (w *Worker) tellArchived(_ context.Context, r *tasks.Recording, info *tasks.StepInfo) error {
	w.swept.archived.Add(1)
	return w.journal.post(letter{Fact: &tasks.Fact{
		ID: uuid.NewString(), Kind: tasks.StepGaveUp, At: time.Now(), Recording: r.ID, Run: info.Run, Step: info.ID,
		Error: archivedByHand,
	}})
}
