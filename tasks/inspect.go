package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hibiken/asynq"
)

// QueuedTask is a task in a queue, as people see it.
type QueuedTask struct {
	ID        string    `json:"id"`
	Queue     string    `json:"queue"`
	Type      string    `json:"type"`
	State     string    `json:"state" enum:"active,retry,pending,scheduled,archived,completed"`
	Recording string    `json:"recording,omitempty" doc:"The recording's id"`
	Step      string    `json:"step,omitempty"`
	Run       int       `json:"run,omitempty"`
	Room      int64     `json:"room,omitempty"`
	File      string    `json:"file,omitempty"`
	Retried   int       `json:"retried"`
	LastError string    `json:"last_error,omitempty"`
	NextAt    time.Time `json:"next_at,omitzero"`
}

// QueueStatus is how a queue is doing.
type QueueStatus struct {
	Name           string  `json:"name"`
	Kind           string  `json:"kind" doc:"encode, remux, upload, room or notify"`
	Node           string  `json:"node,omitempty" doc:"Empty for the queue that all nodes share"`
	Pending        int     `json:"pending"`
	Active         int     `json:"active"`
	Scheduled      int     `json:"scheduled"`
	Retry          int     `json:"retry"`
	Archived       int     `json:"archived"`
	Completed      int     `json:"completed"`
	Paused         bool    `json:"paused"`
	LatencySeconds float64 `json:"latency_seconds" doc:"How long the oldest pending task has waited"`
}

// TaskStates lists the states a queued task can be in, the liveliest first.
func TaskStates() []string {
	return []string{"active", "retry", "pending", "scheduled", "archived", "completed"}
}

// ErrNoTask says that no queue has a task with that id.
var ErrNoTask = errors.New("no such task")

// ErrTaskBusy says that a task cannot be changed in the state it is in.
var ErrTaskBusy = errors.New("the task is at work or done already")

// Queues tells how every queue is doing, by name.
func (q *Queue) Queues() ([]QueueStatus, error) {
	names, err := q.inspector.Queues()
	if err != nil {
		return nil, fmt.Errorf("list queues: %w", err)
	}
	slices.Sort(names)
	all := make([]QueueStatus, 0, len(names))
	for _, name := range names {
		i, err := q.inspector.GetQueueInfo(name)
		if errors.Is(err, asynq.ErrQueueNotFound) {
			continue // gone between the two looks
		}
		if err != nil {
			return nil, fmt.Errorf("look at queue %s: %w", name, err)
		}
		kind, node, _ := strings.Cut(name, ".")
		all = append(all, QueueStatus{
			Name: name, Kind: kind, Node: node, Pending: i.Pending, Active: i.Active, Scheduled: i.Scheduled, Retry: i.Retry,
			Archived: i.Archived, Completed: i.Completed, Paused: i.Paused, LatencySeconds: i.Latency.Seconds(),
		})
	}
	return all, nil
}

// Tasks lists up to limit tasks of a queue that are in one state.
func (q *Queue) Tasks(queue, state string, limit int) ([]QueuedTask, error) {
	list := map[string]func(string, ...asynq.ListOption) ([]*asynq.TaskInfo, error){
		"active": q.inspector.ListActiveTasks, "retry": q.inspector.ListRetryTasks, "pending": q.inspector.ListPendingTasks,
		"scheduled": q.inspector.ListScheduledTasks, "archived": q.inspector.ListArchivedTasks, "completed": q.inspector.ListCompletedTasks,
	}[state]
	if list == nil {
		return nil, fmt.Errorf("%q is no state of a task", state)
	}
	infos, err := list(queue, asynq.PageSize(limit))
	if errors.Is(err, asynq.ErrQueueNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list %s tasks of %s: %w", state, queue, err)
	}
	out := make([]QueuedTask, 0, len(infos))
	for _, i := range infos {
		out = append(out, queuedTask(i))
	}
	return out, nil
}

func queuedTask(i *asynq.TaskInfo) QueuedTask {
	t := QueuedTask{
		ID: i.ID, Queue: i.Queue, Type: i.Type, State: i.State.String(), Retried: i.Retried, LastError: i.LastErr,
	}
	if i.State == asynq.TaskStateRetry || i.State == asynq.TaskStateScheduled {
		t.NextAt = At(i.NextProcessAt)
	}
	var payload struct {
		StepTask
		Event Event `json:"event"`
	}
	if json.Unmarshal(i.Payload, &payload) != nil {
		return t
	}
	t.Recording, t.Step, t.Run, t.Room, t.File = payload.Recording, payload.Step, payload.Run, payload.Room, payload.File
	if payload.Recording == "" {
		t.Room, t.File = payload.Event.ROOM, payload.Event.FILE
	}
	return t
}

// RetryNotify sends a notification again, now: one that failed for good, waits for its next try, or was sent already.
func (q *Queue) RetryNotify(id string) error {
	i, err := q.notification(id)
	if err != nil {
		return err
	}
	if i.State == asynq.TaskStateActive || i.State == asynq.TaskStatePending {
		return ErrTaskBusy
	}
	if err := q.inspector.RunTask(QueueNotify, id); err != nil {
		return fmt.Errorf("run task %s: %w", id, err)
	}
	return nil
}

// CancelNotify takes a notification out of its queue, or tells the worker that sends it to stop.
func (q *Queue) CancelNotify(id string) error {
	i, err := q.notification(id)
	switch {
	case err != nil:
		return err
	case i.State == asynq.TaskStateCompleted:
		return ErrTaskBusy
	case i.State == asynq.TaskStateActive:
		err = q.inspector.CancelProcessing(id)
	default:
		err = q.inspector.DeleteTask(QueueNotify, id)
	}
	if err != nil {
		return fmt.Errorf("cancel task %s: %w", id, err)
	}
	return nil
}

func (q *Queue) notification(id string) (*asynq.TaskInfo, error) {
	i, err := q.inspector.GetTaskInfo(QueueNotify, id)
	if errors.Is(err, asynq.ErrTaskNotFound) || errors.Is(err, asynq.ErrQueueNotFound) {
		return nil, ErrNoTask
	}
	if err != nil {
		return nil, fmt.Errorf("look for task %s: %w", id, err)
	}
	return i, nil
}

// CutTaskID takes a step's task id apart: recording, run, step.
func CutTaskID(id string) (recording string, run int, step string, ok bool) {
	var number string
	recording, number, _ = strings.Cut(id, ".")
	number, step, ok = strings.Cut(number, ".")
	if !ok || len(recording) != idLength || strings.Trim(recording, "0123456789abcdef") != "" || !nameRule().MatchString(step) {
		return "", 0, "", false
	}
	for _, c := range number {
		if c < '0' || c > '9' || run > 1<<30 {
			return "", 0, "", false
		}
		run = run*10 + int(c-'0')
	}
	return recording, run, step, run > 0
}

// idLength is how many hex digits a recording's id has.
const idLength = 16

// Ping asks Redis whether it is there.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.rdb.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("redis: %w", err)
	}
	return nil
}
