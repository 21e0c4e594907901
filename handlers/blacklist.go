package handlers

import (
	"context"
	"net/http"
	"slices"

	"github.com/ngworks/nglive/tasks"
)

const blacklistDoc = "By real or short id. A room on it is not added (4033); one that is there already stays, because nothing that is being recorded is stopped."

type blacklistOutput struct {
	Body struct {
		Rooms tasks.Blacklist `json:"rooms" nullable:"false"`
	}
}

func (h *handlers) listBlacklist(ctx context.Context, _ *struct{}) (*blacklistOutput, error) {
	list, err := h.Store.Blacklist(ctx)
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	out := &blacklistOutput{}
	out.Body.Rooms = list
	return out, nil
}

type banInput struct {
	Body struct {
		RoomID int64  `json:"room_id" minimum:"1" maximum:"2147483647" doc:"Real or short id"`
		Reason string `json:"reason,omitempty" maxLength:"200"`
	}
}

type banOutput struct {
	Body struct {
		tasks.Banned
		Nodes []string `json:"nodes" nullable:"false" doc:"Nodes that have the room at present; remove it there if it should go"`
	}
}

func (h *handlers) banRoom(ctx context.Context, in *banInput) (*banOutput, error) {
	x, err := h.Store.Ban(ctx, tasks.Banned{RoomID: in.Body.RoomID, Reason: in.Body.Reason, By: tasks.ByPeople})
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	all, err := h.Store.AllRooms(ctx)
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	out := &banOutput{}
	out.Body.Banned, out.Body.Nodes = x, []string{}
	for _, n := range all {
		if _, ok := n.Find(x.RoomID); ok {
			out.Body.Nodes = append(out.Body.Nodes, n.Node)
		}
	}
	return out, nil
}

type replaceBlacklistInput struct {
	Body struct {
		By    string  `json:"by,omitempty" enum:"people,master" default:"master" doc:"Whose list it is; the other one stays as it is"`
		Rooms []int64 `json:"rooms" maxItems:"10000" nullable:"false" doc:"Real or short ids: all of them, those that are on the list now are replaced"`
	}
}

func (h *handlers) replaceBlacklist(ctx context.Context, in *replaceBlacklistInput) (*blacklistOutput, error) {
	if i := slices.IndexFunc(in.Body.Rooms, func(id int64) bool { return id <= 0 || id > tasks.LastRoomID }); i >= 0 {
		return nil, refuse(http.StatusUnprocessableEntity, "The list holds a number that is no room id; nothing was changed.",
			Fault{Location: "rooms", Message: "wants numbers from 1 to 2147483647"})
	}
	if err := h.Store.ReplaceBlacklist(ctx, in.Body.By, in.Body.Rooms); err != nil {
		return nil, h.mishap(ctx, err)
	}
	return h.listBlacklist(ctx, nil)
}

type unbanInput struct {
	Room int64  `path:"room" minimum:"1" maximum:"2147483647" doc:"The id as it stands on the list"`
	By   string `query:"by" enum:"people,master" default:"people" doc:"Whose list it is taken from"`
}

func (h *handlers) unbanRoom(ctx context.Context, in *unbanInput) (*struct{}, error) {
	was, err := h.Store.Unban(ctx, in.By, in.Room)
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	if !was {
		return nil, refuse(http.StatusNotFound, "This id is not on that list. GET /api/blacklist shows them; the list of a master is by=master.")
	}
	return nil, nil //nolint:nilnil // Huma: an answer without a body
}
