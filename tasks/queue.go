package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

// Options every task of a step has. Asynq would kill after 30 minutes and give up after 25 tries: our own limits are the
// worker's (worker/retry.go), so these are out of reach.
const (
	taskTimeout   = 240 * time.Hour
	taskMaxRetry  = 1_000_000
	taskRetention = 24 * time.Hour
	enqueueWithin = 2 * time.Second
)

// StepTask is the payload of transcode:file, upload:file, delete:file and a flow's notify:event. It carries no secret: people
// see it in the queue's dashboard.
type StepTask struct {
	Recording string `json:"recording"`
	Run       int    `json:"run"`
	Step      string `json:"step"`
	Node      string `json:"node"`
	Room      int64  `json:"room,omitempty"`
	File      string `json:"file"`
}

// ID names the task.
func (t StepTask) ID() string { return TaskID(t.Recording, t.Run, t.Step) }

// NotifyTask is the payload of a notify:event that delivers one event to one channel.
type NotifyTask struct {
	Channel string          `json:"channel"`
	Event   json.RawMessage `json:"event"`
}

// NotifyID names the task that brings one event to one channel.
func NotifyID(event, channel string) string { return event + "." + channel }

// Queue puts tasks into Asynq, each with the options its type wants.
type Queue struct {
	client    *asynq.Client
	inspector *asynq.Inspector
	store     *Store
}

// NewQueue enqueues on the store's Redis.
func NewQueue(rdb redis.UniversalClient, store *Store) *Queue {
	return &Queue{client: asynq.NewClientFromRedisClient(store.bulk), inspector: asynq.NewInspectorFromRedisClient(rdb), store: store}
}

// Inspector looks into the queues.
func (q *Queue) Inspector() *asynq.Inspector { return q.inspector }

// Follow enqueues what the recording's flow has due; nothing due is nothing done. Enqueueing again is harmless.
func (q *Queue) Follow(ctx context.Context, r Recording) error {
	info := r.Due()
	if info == nil {
		return nil
	}
	flow, err := q.store.PinnedFlow(ctx, r.FlowKey)
	if err != nil {
		return err
	}
	step, ok := flow.Step(info.ID)
	if !ok {
		return fmt.Errorf("recording %s: its flow %s has no step %q", r.ID, r.FlowID, info.ID)
	}
	return q.Step(ctx, r, info, step)
}

// Step enqueues the task of one step.
func (q *Queue) Step(ctx context.Context, r Recording, info *StepInfo, step Step) error {
	p := StepTask{Recording: r.ID, Run: info.Run, Step: info.ID, Node: r.Node, Room: r.RoomID, File: r.Path}
	queue := QueueOf(step.KindOf(info), r.Node)
	err := q.enqueue(ctx, taskType(step.Type), queue, p.ID(), p)
	if errors.Is(err, asynq.ErrTaskIDConflict) {
		return q.conflict(ctx, r, info, queue)
	}
	return err
}

// Notify enqueues the delivery of one event to one channel; a repeat is harmless.
func (q *Queue) Notify(ctx context.Context, event string, t NotifyTask) error {
	err := q.enqueue(ctx, TypeNotify, QueueNotify, NotifyID(event, t.Channel), t)
	if errors.Is(err, asynq.ErrTaskIDConflict) {
		return nil
	}
	return err
}

func (q *Queue) enqueue(ctx context.Context, kind, queue, id string, payload any) error {
	b, err := json.Marshal(payload)
	if err != nil {
		return fmt.Errorf("payload of task %s: %w", id, err)
	}
	ctx, stop := context.WithTimeout(ctx, enqueueWithin)
	defer stop()
	Failpoint("queue.enqueue.before")
	defer Failpoint("queue.enqueue.after")
	_, err = q.client.EnqueueContext(ctx, asynq.NewTask(kind, b), asynq.Queue(queue), asynq.TaskID(id),
		asynq.Timeout(taskTimeout), asynq.MaxRetry(taskMaxRetry), asynq.Retention(taskRetention))
	if err != nil {
		return fmt.Errorf("enqueue task %s in %s: %w", id, queue, err)
	}
	return nil
}

// conflict: the id is in the queue already. Somebody may have archived it from the dashboard while its step is not done: then
// that is the step's dead letter. All else means it is where it should be.
func (q *Queue) conflict(ctx context.Context, r Recording, info *StepInfo, queue string) error {
	id := TaskID(r.ID, info.Run, info.ID)
	t, err := q.inspector.GetTaskInfo(queue, id)
	if err != nil || t.State != asynq.TaskStateArchived {
		return nil //nolint:nilerr // it was there a moment ago: whatever it is now, it was delivered
	}
	_, err = q.store.Apply(ctx, Fact{
		ID: "archived." + id, Kind: StepGaveUp, At: time.Now(), Recording: r.ID, Run: info.Run, Step: info.ID,
		Error: "its task was archived from the queue's dashboard; retry it when it should go on",
	})
	return err
}

// Retire takes the task of a former run out of the queue, so that the dashboard shows no dead letter that is dealt with. A
// running one is told to stop. It is a courtesy: a task of a former run does nothing anyway.
func (q *Queue) Retire(r Recording, info StepInfo, step Step) {
	queue, id := QueueOf(step.KindOf(&info), r.Node), TaskID(r.ID, info.Run, info.ID)
	if err := q.inspector.DeleteTask(queue, id); err == nil {
		return
	}
	_ = q.inspector.CancelProcessing(id)
}

func taskType(step string) string {
	switch step {
	case StepTranscode:
		return TypeTranscode
	case StepUpload:
		return TypeUpload
	case StepNotify:
		return TypeNotify
	}
	return TypeDelete
}

// Register makes the queues visible to the dashboard again, which forgets them when Redis lost its data or somebody removed
// an empty one.
func (q *Queue) Register(ctx context.Context, rdb redis.UniversalClient, queues ...string) error {
	names := make([]any, len(queues))
	for i, n := range queues {
		names[i] = n
	}
	if err := rdb.SAdd(ctx, "asynq:queues", names...).Err(); err != nil {
		return fmt.Errorf("redis: register queues: %w", err)
	}
	return nil
}
