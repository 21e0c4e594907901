package tasks

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Codes of the original, and of what it had none for. The first one is a string there, so it is one here.
const (
	SeedWrongID     = "4031"
	SeedExists      = 4032
	SeedBlacklisted = 4033
	SeedMissing     = 4042
	SeedAwayCode    = 5001 // the recorder, or its node, does not answer
	SeedPending     = 5002 // not over yet: the answer has the command's id
	SeedUnverified  = 5003 // added, but nobody knows whether there is such a room
	SeedFailed      = 5004 // the recorder refused it; msg says why
)

// SeedAnswer is how the original answered. Either Data or Msg may be absent.
type SeedAnswer struct {
	Code    any    `json:"code"`
	Msg     string `json:"msg,omitempty"`
	Data    any    `json:"data,omitempty"`
	Node    string `json:"node,omitempty"`    // of 4032, when another node has the room
	Command string `json:"command,omitempty"` // of 5002, to follow it
}

// ErrNoNode says that no worker of that name was ever seen.
var ErrNoNode = errors.New("no worker of that node has ever been seen here")

// SeedDesk answers the original's four questions about rooms, for whoever passes them on: the HTTP API, or a link to a master.
// Its errors are Redis's, and ErrNoNode.
type SeedDesk struct {
	Store  *Store
	Queue  *Queue
	Node   string        // meant when a question names none
	Within time.Duration // how long a change may take before it is answered with 5002
}

// AllRoom lists the rooms of one node, or of all of them.
func (d SeedDesk) AllRoom(ctx context.Context, node string) (SeedAnswer, error) {
	var all []NodeRooms
	var err error
	if node == "" {
		all, err = d.Store.AllRooms(ctx)
	} else {
		var one NodeRooms
		one, err = d.rooms(ctx, node)
		all = []NodeRooms{one}
	}
	if err != nil {
		return SeedAnswer{}, err
	}
	list, known := SeedRooms{Rooms: []SeedRoom{}}, false
	for _, n := range all {
		if n.Away != NotAway {
			if n.Away != NoRecorder || node != "" {
				list.Away = append(list.Away, SeedAway{n.Node, n.seedAway().Msg})
			}
			continue
		}
		known = true
		list.Rooms = slices.Grow(list.Rooms, len(n.Rooms))
		for _, r := range n.Rooms {
			list.Rooms = append(list.Rooms, r.Seed(n.Node))
		}
	}
	if known {
		return SeedAnswer{Code: 0, Data: list}, nil
	}
	if i := slices.IndexFunc(all, func(n NodeRooms) bool { return n.Node == d.Node }); i >= 0 {
		return all[i].seedAway(), nil
	}
	if len(all) > 0 {
		return all[0].seedAway(), nil
	}
	return NodeRooms{Away: NoRecorder}.seedAway(), nil
}

// GetRoom shows one room of a node.
func (d SeedDesk) GetRoom(ctx context.Context, node string, id int64) (SeedAnswer, error) {
	if id <= 0 {
		return seedWrongID(), nil
	}
	n, err := d.rooms(ctx, node)
	if err != nil {
		return SeedAnswer{}, err
	}
	if n.Away != NotAway {
		return n.seedAway(), nil
	}
	r, ok := n.Find(id)
	if !ok {
		return SeedAnswer{Code: SeedMissing, Msg: noSuchRoom}, nil
	}
	return SeedAnswer{Code: 0, Data: r.Seed(n.Node)}, nil
}

// noSuchRoom are the original's own words.
const noSuchRoom = "没有这个房间哦"

// AddRoom has a node record a room from now on.
func (d SeedDesk) AddRoom(ctx context.Context, node string, id int64) (SeedAnswer, error) {
	if id <= 0 || id > LastRoomID {
		return seedWrongID(), nil
	}
	banned, err := d.Store.Blacklist(ctx)
	if err != nil {
		return SeedAnswer{}, err
	}
	if banned.Has(id) {
		return seedBlacklisted(), nil
	}
	return d.command(ctx, node, RoomCommand{Action: AddRoom, RoomID: id})
}

// RemoveRoom takes a room from a node; what is being recorded is closed first.
func (d SeedDesk) RemoveRoom(ctx context.Context, node string, id int64) (SeedAnswer, error) {
	if id <= 0 {
		return seedWrongID(), nil
	}
	if id > LastRoomID { // no recorder can have it
		return SeedAnswer{Code: SeedMissing, Msg: noSuchRoom}, nil
	}
	return d.command(ctx, node, RoomCommand{Action: RemoveRoom, RoomID: id})
}

// command asks the node's worker, unless it is known that nobody would answer.
func (d SeedDesk) command(ctx context.Context, node string, c RoomCommand) (SeedAnswer, error) {
	n, err := d.rooms(ctx, node)
	if err != nil {
		return SeedAnswer{}, err
	}
	if n.Away == NoRecorder || n.Away == WorkerSilent {
		return n.seedAway(), nil
	}
	r, err := d.Queue.AskRoom(ctx, n.Node, c, d.Within)
	if err != nil {
		return SeedAnswer{}, err
	}
	return r.Seed(), nil
}

func (d SeedDesk) rooms(ctx context.Context, node string) (NodeRooms, error) {
	own := node == "" || node == d.Node
	if own {
		node = d.Node
	}
	n, told, err := d.Store.NodeRooms(ctx, node)
	if err != nil || told {
		return n, err
	}
	n = NodeRooms{Node: node, Away: WorkerSilent}
	if !own {
		_, known, err := d.Store.Node(ctx, node)
		if err == nil && !known {
			err = ErrNoNode
		}
		return n, err
	}
	return n, nil
}

// Seed is the reply in the original's words.
func (r RoomReply) Seed() SeedAnswer {
	if !r.Over() {
		return SeedAnswer{Code: SeedPending, Msg: "录播姬还没有完成，请稍后查看结果", Command: r.ID}
	}
	switch r.Outcome {
	case RoomDone:
		return SeedAnswer{Code: 0, Data: r.seedData()}
	case RoomUnverified:
		return SeedAnswer{Code: SeedUnverified, Msg: "房间已添加，但没能核实它存在，请检查房间号", Data: r.seedData()}
	case RoomExists:
		return SeedAnswer{Code: SeedExists, Msg: "房间已经存在", Node: r.Other}
	case RoomMissing:
		return SeedAnswer{Code: SeedMissing, Msg: noSuchRoom}
	case RoomBlacklisted:
		return seedBlacklisted()
	case RoomAway, RoomExpired:
		return SeedAnswer{Code: SeedAwayCode, Msg: "录播姬没有应答：" + r.Message}
	case RoomFailed:
	}
	return SeedAnswer{Code: SeedFailed, Msg: "录播姬拒绝了：" + r.Message}
}

func (r RoomReply) seedData() any {
	var room Room
	if r.Room != nil {
		room = *r.Room
	}
	if r.Action == RemoveRoom {
		return room.removed(r.Node)
	}
	seed := room.Seed(r.Node)
	if r.Action == AddRoom {
		seed.Stats = nil
	}
	return seed
}

func seedWrongID() SeedAnswer { return SeedAnswer{Code: SeedWrongID, Msg: "不正确的房间号"} }
func seedBlacklisted() SeedAnswer {
	return SeedAnswer{Code: SeedBlacklisted, Msg: "房间在黑名单中"}
}

func (n NodeRooms) seedAway() SeedAnswer {
	switch n.Away {
	case NoRecorder:
		return SeedAnswer{Code: SeedAwayCode, Msg: "这个节点没有配置录播姬"}
	case WorkerSilent:
		return SeedAnswer{Code: SeedAwayCode, Msg: "这个节点的 worker 没有在运行"}
	case NotAway, RecorderAway:
	}
	return SeedAnswer{Code: SeedAwayCode, Msg: "录播姬没有应答：" + n.Why}
}
