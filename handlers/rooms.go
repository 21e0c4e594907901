package handlers

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/ngworks/nglive/tasks"
)

// recentRecordings is how far back rooms are looked for.
const recentRecordings = 500

type room struct {
	RoomID int64  `json:"room_id"`
	Name   string `json:"name,omitempty" doc:"The streamer, as the newest recording says"`
	Flow   string `json:"flow" doc:"The room's own flow; empty = by match, else the default one"`
}

type roomsOutput struct {
	Body struct {
		Rooms []room `json:"rooms" nullable:"false"`
	}
}

func (h *handlers) listRooms(ctx context.Context, _ *struct{}) (*roomsOutput, error) {
	flows, err := h.Store.Flows(ctx)
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	recordings, _, err := h.Store.List(ctx, tasks.Query{Limit: recentRecordings})
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	known := map[int64]room{}
	for id, flow := range flows.Rooms {
		if n, err := strconv.ParseInt(id, 10, 64); err == nil {
			known[n] = room{RoomID: n, Flow: flow}
		}
	}
	for _, r := range recordings {
		if r.RoomID > 0 {
			x := known[r.RoomID]
			known[r.RoomID] = room{RoomID: r.RoomID, Flow: x.Flow, Name: cmp.Or(x.Name, r.Name)}
		}
	}
	out := &roomsOutput{}
	out.Body.Rooms = make([]room, 0, len(known))
	for _, x := range known {
		out.Body.Rooms = append(out.Body.Rooms, x)
	}
	slices.SortFunc(out.Body.Rooms, func(a, b room) int { return cmp.Compare(a.RoomID, b.RoomID) })
	return out, nil
}

type roomInput struct {
	Room int64 `path:"room" minimum:"1" maximum:"999999999999" doc:"Real or short room id"`
}

type roomFlowInput struct {
	Room int64 `path:"room" minimum:"1" maximum:"999999999999" doc:"Real or short room id"`
	Body struct {
		Flow string `json:"flow" minLength:"1" maxLength:"40" doc:"The flow's id"`
	}
}

type roomOutput struct{ Body room }

func (h *handlers) setRoomFlow(ctx context.Context, in *roomFlowInput) (*roomOutput, error) {
	err := h.Store.ChangeFlows(ctx, func(all *tasks.Flows) error {
		if _, ok := all.Flow(in.Body.Flow); !ok {
			return noSuchFlow("flow")
		}
		if all.Rooms == nil {
			all.Rooms = map[string]string{}
		}
		all.Rooms[strconv.FormatInt(in.Room, 10)] = in.Body.Flow
		return nil
	})
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	return &roomOutput{Body: room{RoomID: in.Room, Flow: in.Body.Flow}}, nil
}

func (h *handlers) deleteRoomFlow(ctx context.Context, in *roomInput) (*struct{}, error) {
	err := h.Store.ChangeFlows(ctx, func(all *tasks.Flows) error {
		delete(all.Rooms, strconv.FormatInt(in.Room, 10))
		return nil
	})
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	return nil, nil //nolint:nilnil // Huma: an answer without a body
}
