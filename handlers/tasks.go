package handlers

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/ngworks/nglive/tasks"
)

type tasksInput struct {
	Queue string   `query:"queue" maxLength:"100" doc:"One queue; none = all"`
	State []string `query:"state" enum:"active,retry,pending,scheduled,archived,completed" doc:"Several with commas; none = all"`
	Limit int      `query:"limit" default:"200" minimum:"1" maximum:"1000" doc:"At most so many tasks"`
}

type tasksOutput struct {
	Body struct {
		Tasks  []tasks.QueuedTask  `json:"tasks" nullable:"false"`
		Queues []tasks.QueueStatus `json:"queues" nullable:"false" doc:"All queues, whatever was asked for"`
	}
}

func (h *handlers) listTasks(ctx context.Context, in *tasksInput) (*tasksOutput, error) {
	queues, err := h.Queue.Queues()
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	out := &tasksOutput{}
	out.Body.Queues, out.Body.Tasks = queues, []tasks.QueuedTask{}
	for _, state := range tasks.TaskStates() {
		if len(in.State) > 0 && !slices.Contains(in.State, state) {
			continue
		}
		for _, q := range queues {
			left := in.Limit - len(out.Body.Tasks)
			if left == 0 || (in.Queue != "" && q.Name != in.Queue) {
				continue
			}
			some, err := h.Queue.Tasks(q.Name, state, left)
			if err != nil {
				return nil, h.mishap(ctx, err)
			}
			out.Body.Tasks = append(out.Body.Tasks, some...)
		}
	}
	return out, nil
}

type taskInput struct {
	ID string `path:"id" maxLength:"200" pattern:"^[A-Za-z0-9._:@-]+$" patternDescription:"the id of a task" doc:"The task's id: <recording>.<run>.<step>, or <event>.<channel> of a notification"`
}

type taskOutput struct {
	Body struct {
		TaskID    string           `json:"task_id" doc:"The task that goes on; a retried step has a new one"`
		Recording *tasks.Recording `json:"recording,omitempty"`
	}
}

func (h *handlers) retryTask(ctx context.Context, in *taskInput) (*taskOutput, error) {
	recording, run, step, ok := tasks.CutTaskID(in.ID)
	if !ok {
		return h.notification(ctx, in.ID, h.Queue.RetryNotify)
	}
	rec, err := h.retry(ctx, recording, func(r tasks.Recording) error { return current(r, run, step) })
	if err != nil {
		return nil, err
	}
	return taskAnswer(rec, in.ID), nil
}

func (h *handlers) cancelTask(ctx context.Context, in *taskInput) (*taskOutput, error) {
	recording, run, step, ok := tasks.CutTaskID(in.ID)
	if !ok {
		return h.notification(ctx, in.ID, h.Queue.CancelNotify)
	}
	rec, err := h.cancel(ctx, recording, func(r tasks.Recording) error { return current(r, run, step) })
	if err != nil {
		return nil, err
	}
	return taskAnswer(rec, in.ID), nil
}

// current refuses a task that its recording has left behind.
func current(r tasks.Recording, run int, step string) error {
	s := r.Step(step)
	if s == nil || (s.Run != run && s.Run != 0) {
		return refuse(http.StatusConflict, "This task belongs to an earlier run of its recording and does nothing any more. Look at the recording instead.")
	}
	if s.State == tasks.StepDone || s.State == tasks.StepSkipped {
		return refuse(http.StatusConflict, "This step is done. To do it once more, run a flow on the recording.")
	}
	return nil
}

func taskAnswer(rec tasks.Recording, id string) *taskOutput {
	out := &taskOutput{}
	out.Body.Recording, out.Body.TaskID = &rec, id
	if due := rec.Due(); due != nil {
		out.Body.TaskID = rec.TaskID(due)
	}
	return out
}

func (h *handlers) notification(ctx context.Context, id string, do func(string) error) (*taskOutput, error) {
	err := do(id)
	switch {
	case errors.Is(err, tasks.ErrNoTask):
		return nil, refuse(http.StatusNotFound, "There is no task with this id. GET /api/tasks lists them; finished ones are kept for a day.")
	case errors.Is(err, tasks.ErrTaskBusy):
		return nil, refuse(http.StatusConflict, "This notification is being sent right now, or was sent already.")
	case err != nil:
		return nil, h.mishap(ctx, err)
	}
	out := &taskOutput{}
	out.Body.TaskID = id
	return out, nil
}
