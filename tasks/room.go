package tasks

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/hibiken/asynq"
)

// roomDeadline is how long a command to a recorder may wait: a room that is added an hour late is a surprise, not a service.
const roomDeadline = 30 * time.Second

// RoomCommand is the payload of room:command.
type RoomCommand struct {
	ID     string    `json:"id"`
	Action string    `json:"action"`
	RoomID int64     `json:"room_id"`
	Before time.Time `json:"before"` // a worker refuses it from then on
}

// Room enqueues a command for the recorder of a node.
func (q *Queue) Room(ctx context.Context, node string, c RoomCommand) error {
	c.Before = At(time.Now().Add(roomDeadline))
	b, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("room command: %w", err)
	}
	ctx, stop := context.WithTimeout(ctx, enqueueWithin)
	defer stop()
	_, err = q.client.EnqueueContext(ctx, asynq.NewTask(TypeRoom, b), asynq.Queue(QueueOf(KindRoom, node)), asynq.TaskID(c.ID),
		asynq.Deadline(c.Before), asynq.MaxRetry(0), asynq.Retention(time.Minute))
	if err != nil {
		return fmt.Errorf("enqueue room command %s: %w", c.ID, err)
	}
	return nil
}
