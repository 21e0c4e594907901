package handlers

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/ngworks/nglive/tasks"
)

const (
	recentRecordings = 500 // how far back rooms and their recordings are looked for
	lastRecordings   = 3   // shown of each room
)

type listedRoom struct {
	RoomID     int64           `json:"room_id"`
	ShortID    int64           `json:"short_id,omitempty"`
	Name       string          `json:"name,omitempty" doc:"The streamer, as the recorder or the newest recording says"`
	Title      string          `json:"title,omitempty" doc:"Of the broadcast, as the recorder says"`
	Flow       string          `json:"flow" doc:"The room's own flow; empty = by match, else the default one"`
	Node       string          `json:"node,omitempty" doc:"The node whose recorder has it; empty = none has, it has a flow or recordings only"`
	Doing      string          `json:"doing" enum:"recording,live,waiting,off,unknown,none" doc:"recording; live = on air, but not recorded; waiting = recorded once it is on air; off = not recorded by itself; unknown = the recorder is away; none = in no recorder"`
	Recorder   *tasks.Room     `json:"recorder,omitempty" doc:"As the recorder tells of it"`
	Recordings []roomRecording `json:"recordings" nullable:"false" doc:"The last ones, newest first"`
}

type roomRecording struct {
	ID       string      `json:"id"`
	State    tasks.State `json:"state"`
	Title    string      `json:"title,omitempty"`
	OpenedAt time.Time   `json:"opened_at,omitzero"`
	ClosedAt time.Time   `json:"closed_at,omitzero"`
}

type recorderStatus struct {
	Node  string     `json:"node"`
	Away  tasks.Away `json:"away,omitempty" enum:"no_recorder,recorder_away,worker_silent" doc:"Empty = it answers"`
	Why   string     `json:"why,omitempty" doc:"For people"`
	At    time.Time  `json:"told_at" doc:"When its worker last told"`
	Rooms int        `json:"rooms"`
}

type roomsInput struct {
	Node string `query:"node" maxLength:"64" doc:"Only rooms in this node's recorder"`
}

type roomsOutput struct {
	Body struct {
		Rooms     []listedRoom     `json:"rooms" nullable:"false"`
		Recorders []recorderStatus `json:"recorders" nullable:"false" doc:"How well each node's rooms are known"`
	}
}

func (h *handlers) listRooms(ctx context.Context, in *roomsInput) (*roomsOutput, error) {
	nodes, err := h.Store.AllRooms(ctx)
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	recordings, _, err := h.Store.List(ctx, tasks.Query{Limit: recentRecordings})
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	flows, err := h.Store.Flows(ctx)
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	out := &roomsOutput{}
	out.Body.Rooms, out.Body.Recorders = []listedRoom{}, []recorderStatus{}
	for _, x := range roomsOf(nodes, recordings, flows) {
		if in.Node == "" || x.Node == in.Node {
			out.Body.Rooms = append(out.Body.Rooms, x)
		}
	}
	for _, n := range nodes {
		out.Body.Recorders = append(out.Body.Recorders, recorderStatus{Node: n.Node, Away: n.Away, Why: n.Why, At: n.At, Rooms: len(n.Rooms)})
	}
	return out, nil
}

// roomsOf puts together what recorders, recordings and flows know of rooms, by id. A room in two recorders stands there twice.
func roomsOf(nodes []tasks.NodeRooms, recordings []tasks.Recording, flows tasks.Flows) []listedRoom {
	var all []listedRoom
	at := map[int64][]int{} // under either id
	add := func(x listedRoom) {
		for _, id := range []int64{x.RoomID, x.ShortID} {
			if id > 0 {
				at[id] = append(at[id], len(all))
			}
		}
		all = append(all, x)
	}
	for _, n := range nodes {
		if n.Away == tasks.NoRecorder {
			continue
		}
		for _, r := range n.Rooms {
			add(roomIn(n, r))
		}
	}
	for _, r := range recordings {
		if r.RoomID <= 0 {
			continue
		}
		if len(at[r.RoomID]) == 0 {
			add(listedRoom{RoomID: r.RoomID, ShortID: r.ShortID, Doing: "none", Recordings: []roomRecording{}})
		}
		for _, i := range at[r.RoomID] {
			all[i].remember(r)
		}
	}
	for id, flow := range flows.Rooms {
		n, err := strconv.ParseInt(id, 10, 64)
		if err != nil {
			continue
		}
		if len(at[n]) == 0 {
			add(listedRoom{RoomID: n, Doing: "none", Recordings: []roomRecording{}})
		}
		for _, i := range at[n] {
			all[i].Flow = flow
		}
	}
	slices.SortStableFunc(all, func(a, b listedRoom) int { return cmp.Or(cmp.Compare(a.RoomID, b.RoomID), cmp.Compare(a.Node, b.Node)) })
	return all
}

func roomIn(n tasks.NodeRooms, r tasks.Room) listedRoom {
	return listedRoom{
		RoomID: r.RoomID, ShortID: r.ShortID, Name: r.Name, Title: r.Title, Node: n.Node, Doing: doing(n, r), Recorder: &r,
		Recordings: []roomRecording{},
	}
}

func doing(n tasks.NodeRooms, r tasks.Room) string {
	switch {
	case n.Away != tasks.NotAway:
		return "unknown"
	case r.Recording:
		return "recording"
	case r.Streaming:
		return "live"
	case r.AutoRecord:
		return "waiting"
	}
	return "off"
}

// remember adds a recording; they come newest first.
func (x *listedRoom) remember(r tasks.Recording) {
	x.Name = cmp.Or(x.Name, r.Name)
	if len(x.Recordings) < lastRecordings {
		x.Recordings = append(x.Recordings, roomRecording{ID: r.ID, State: r.State, Title: r.Title, OpenedAt: r.OpenedAt, ClosedAt: r.ClosedAt})
	}
}

type roomInput struct {
	Room int64 `path:"room" minimum:"1" maximum:"999999999999" doc:"Real or short room id"`
}

type getRoomInput struct {
	Room int64  `path:"room" minimum:"1" maximum:"999999999999" doc:"Real or short room id"`
	Node string `query:"node" maxLength:"64" doc:"Of a room that two nodes have: whose"`
}

type roomOutput struct{ Body listedRoom }

func (h *handlers) readRoom(ctx context.Context, in *getRoomInput) (*roomOutput, error) {
	nodes, err := h.Store.AllRooms(ctx)
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	recordings, _, err := h.Store.List(ctx, tasks.Query{RoomID: in.Room, Limit: lastRecordings})
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	flows, err := h.Store.Flows(ctx)
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	for i := range nodes { // only that room
		r, ok := nodes[i].Find(in.Room)
		if nodes[i].Rooms = nil; ok {
			nodes[i].Rooms = []tasks.Room{r}
		}
	}
	for _, x := range roomsOf(nodes, recordings, flows) {
		if (x.RoomID == in.Room || x.ShortID == in.Room) && (in.Node == "" || x.Node == in.Node) {
			return &roomOutput{Body: x}, nil
		}
	}
	return nil, refuse(http.StatusNotFound, "No recorder has this room, and there are no recordings of it. GET /api/rooms lists what there is.")
}

type roomFlowInput struct {
	Room int64 `path:"room" minimum:"1" maximum:"999999999999" doc:"Real or short room id"`
	Body struct {
		Flow string `json:"flow" minLength:"1" maxLength:"40" doc:"The flow's id"`
	}
}

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
	return h.readRoom(ctx, &getRoomInput{Room: in.Room})
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
