package handlers

import (
	"context"
	"time"

	"github.com/ngworks/nglive/tasks"
)

const broadcastsDoc = "Recordings of one room with no longer pause than NGLIVE_BROADCAST_GAP between them; newest first. " +
	"`GET /api/recordings?broadcast=` lists what belongs to one."

type broadcastsInput struct {
	Room   int64     `query:"room" minimum:"0" doc:"Real room id; none = all rooms"`
	Before time.Time `query:"before" doc:"Only those that began earlier: the started_at of the last one of the page before"`
	Limit  int       `query:"limit" default:"50" minimum:"1" maximum:"500"`
}

type broadcastsOutput struct {
	Body struct {
		Broadcasts []tasks.Broadcast `json:"broadcasts" nullable:"false"`
	}
}

func (h *handlers) listBroadcasts(ctx context.Context, in *broadcastsInput) (*broadcastsOutput, error) {
	all, err := h.Store.Broadcasts(ctx, in.Room, in.Before, in.Limit)
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	out := &broadcastsOutput{}
	out.Body.Broadcasts = append([]tasks.Broadcast{}, all...)
	return out, nil
}
