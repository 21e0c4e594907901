package handlers

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/ngworks/nglive/tasks"
)

const changeDoc = "A command for the recorder of a node. 202: not over yet, `GET /api/rooms/commands/{id}` follows it; it is carried out within 30 s or not at all."

func commandPath(id string) string { return "/api/rooms/commands/" + id }

type addRoomInput struct {
	Wait int `query:"wait" default:"10" minimum:"0" maximum:"35" doc:"Seconds to wait for the outcome"`
	Body struct {
		RoomID int64  `json:"room_id" minimum:"1" maximum:"2147483647" doc:"Real or short id"`
		Node   string `json:"node,omitempty" maxLength:"64" doc:"Whose recorder shall record it; by default this node's"`
	}
}

type changeRoomInput struct {
	Wait int    `query:"wait" default:"10" minimum:"0" maximum:"35" doc:"Seconds to wait for the outcome"`
	Room int64  `path:"room" minimum:"1" maximum:"2147483647" doc:"Real or short room id"`
	Node string `query:"node" maxLength:"64" doc:"By default the node that has the room"`
}

type commandOutput struct {
	Status   int
	Location string `header:"Location"`
	Body     tasks.RoomReply
}

func (h *handlers) postRoom(ctx context.Context, in *addRoomInput) (*commandOutput, error) {
	banned, err := h.Store.Blacklist(ctx)
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	if banned.Has(in.Body.RoomID) {
		return nil, refuse(http.StatusForbidden, "The room is on the blacklist. GET /api/blacklist shows it.")
	}
	return h.command(ctx, in.Body.Node, tasks.RoomCommand{Action: tasks.AddRoom, RoomID: in.Body.RoomID}, in.Wait)
}

// change makes the operation of one action on a room that is there.
func (h *handlers) change(action tasks.RoomAction) func(context.Context, *changeRoomInput) (*commandOutput, error) {
	return func(ctx context.Context, in *changeRoomInput) (*commandOutput, error) {
		node, err := h.nodeOf(ctx, in.Room, in.Node)
		if err != nil {
			return nil, err
		}
		return h.command(ctx, node, tasks.RoomCommand{Action: action, RoomID: in.Room}, in.Wait)
	}
}

// nodeOf is the node that is meant: the one that was named, else the one that has the room, else this one.
func (h *handlers) nodeOf(ctx context.Context, room int64, named string) (string, error) {
	if named != "" {
		return named, nil
	}
	all, err := h.Store.AllRooms(ctx)
	if err != nil {
		return "", h.mishap(ctx, err)
	}
	node := h.Node
	for _, n := range all {
		if _, ok := n.Find(room); !ok || n.Away == tasks.NoRecorder {
			continue
		}
		if n.Node == h.Node {
			return n.Node, nil
		}
		node = n.Node
	}
	return node, nil
}

func (h *handlers) command(ctx context.Context, node string, c tasks.RoomCommand, wait int) (*commandOutput, error) {
	node, err := h.recorderOf(ctx, node)
	if err != nil {
		return nil, err
	}
	r, err := h.Queue.AskRoom(ctx, node, c, time.Duration(wait)*time.Second)
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	return commandAnswer(r)
}

// recorderOf refuses a node where nobody would take the command.
func (h *handlers) recorderOf(ctx context.Context, node string) (string, error) {
	if node == "" {
		node = h.Node
	}
	n, told, err := h.Store.NodeRooms(ctx, node)
	switch {
	case err != nil:
		return "", h.mishap(ctx, err)
	case !told && node != h.Node:
		return "", refuse(http.StatusNotFound, "There is no such node, or its worker never told of a recorder. GET /api/nodes lists the nodes.")
	case !told || n.Away == tasks.WorkerSilent:
		return "", refuse(http.StatusBadGateway, "The worker of that node is not running, so its recorder cannot be reached. Start it, then try again.")
	case n.Away == tasks.NoRecorder:
		return "", refuse(http.StatusBadGateway, "That node drives no recorder. Set NGLIVE_RECORDER_URL or NGLIVE_RECORDER_PATH there.")
	}
	return node, nil
}

// commandAnswer turns an outcome into a status.
func commandAnswer(r tasks.RoomReply) (*commandOutput, error) {
	if !r.Over() {
		return &commandOutput{Status: http.StatusAccepted, Location: commandPath(r.ID), Body: r}, nil
	}
	switch r.Outcome {
	case tasks.RoomDone, tasks.RoomUnverified:
		if r.Action == tasks.AddRoom {
			return &commandOutput{Status: http.StatusCreated, Body: r}, nil
		}
		return &commandOutput{Status: http.StatusOK, Body: r}, nil
	case tasks.RoomExists:
		return nil, refuse(http.StatusConflict, r.Message)
	case tasks.RoomMissing:
		return nil, refuse(http.StatusNotFound, r.Message)
	case tasks.RoomBlacklisted:
		return nil, refuse(http.StatusForbidden, r.Message)
	case tasks.RoomExpired:
		return nil, refuse(http.StatusGatewayTimeout, r.Message)
	case tasks.RoomFailed:
		return nil, refuse(http.StatusUnprocessableEntity, r.Message)
	case tasks.RoomAway:
	}
	return nil, refuse(http.StatusBadGateway, r.Message)
}

type commandInput struct {
	ID   string `path:"id" pattern:"^[0-9a-f-]{36}$" patternDescription:"a command's id"`
	Wait int    `query:"wait" minimum:"0" maximum:"35" doc:"Seconds to wait for the outcome"`
}

func (h *handlers) getCommand(ctx context.Context, in *commandInput) (*commandOutput, error) {
	r, err := h.Store.AwaitCommand(ctx, in.ID, time.Duration(in.Wait)*time.Second)
	if errors.Is(err, tasks.ErrNoCommand) {
		return nil, refuse(http.StatusNotFound, "There is no such command, or it was more than 10 minutes ago. GET /api/rooms shows the rooms as they are.")
	}
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	return &commandOutput{Status: http.StatusOK, Body: r}, nil
}
