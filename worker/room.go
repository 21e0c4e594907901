package worker

import (
	"context"
	"encoding/json"
	"time"

	"github.com/hibiken/asynq"

	"github.com/ngworks/nglive/tasks"
)

// room refuses commands to a recorder that came too late, and all of them while this node drives no recorder.
func (w *Worker) room(_ context.Context, t *asynq.Task) error {
	var c tasks.RoomCommand
	if err := json.Unmarshal(t.Payload(), &c); err != nil {
		return deadLetter("the command is not readable")
	}
	if time.Now().After(c.Before) {
		return deadLetter("the command waited longer than 30 s, so it was not carried out; send it again")
	}
	return deadLetter("this node drives no recorder")
}
