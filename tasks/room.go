package tasks

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// LastRoomID is the largest id a recorder can hold: it keeps them as 32-bit numbers.
const LastRoomID = math.MaxInt32

// Room is a room of a node's recorder, as its worker saw it last.
type Room struct {
	RoomID      int64       `json:"room_id"`
	ShortID     int64       `json:"short_id,omitempty" doc:"0 = it has none"`
	Name        string      `json:"name,omitempty" doc:"The streamer; empty until the recorder learned it"`
	Title       string      `json:"title,omitempty"`
	AreaParent  string      `json:"area_parent,omitempty"`
	AreaChild   string      `json:"area_child,omitempty"`
	AutoRecord  bool        `json:"auto_record" doc:"Recording starts with the stream"`
	ThisSession bool        `json:"auto_record_this_session" doc:"False after a stop, until the stream ends"`
	Recording   bool        `json:"recording"`
	Streaming   bool        `json:"streaming"`
	Danmaku     bool        `json:"danmaku_connected"`
	ObjectID    string      `json:"object_id,omitempty" doc:"The recorder's own, anew at each of its starts; good for showing only"`
	Stats       RoomStats   `json:"stats"`
	Options     RoomOptions `json:"options"`
}

// Is reports whether an id, real or short, means this room.
func (r Room) Is(id int64) bool { return id > 0 && (r.RoomID == id || r.ShortID == id) }

// RoomStats is how a recording under way is doing; all zero while there is none. Every number is finite.
type RoomStats struct {
	SessionDuration  float64 `json:"session_duration_ms"`
	SessionTimestamp int64   `json:"session_max_timestamp_ms"`
	FileTimestamp    int64   `json:"file_max_timestamp_ms"`
	InputBytes       int64   `json:"total_input_bytes"`
	OutputBytes      int64   `json:"total_output_bytes"`
	FileBytes        int64   `json:"current_file_bytes"`
	DurationRatio    float64 `json:"duration_ratio" doc:"Media time by clock time; about 1 when all is well"`
	NetworkMbps      float64 `json:"network_mbps"`
}

// RoomOption is a recorder's setting that a room may have of its own.
type RoomOption[T any] struct {
	HasValue bool `json:"hasValue"`
	Value    T    `json:"value"`
}

// RoomOptions are the settings of a room that the original showed, in its names and words.
type RoomOptions struct {
	CuttingMode   RoomOption[string] `json:"optionalCuttingMode"`
	CuttingNumber RoomOption[int64]  `json:"optionalCuttingNumber"`
	Danmaku       RoomOption[bool]   `json:"optionalRecordDanmaku"`
	Gift          RoomOption[bool]   `json:"optionalRecordDanmakuGift"`
	Guard         RoomOption[bool]   `json:"optionalRecordDanmakuGuard"`
	Raw           RoomOption[bool]   `json:"optionalRecordDanmakuRaw"`
	SuperChat     RoomOption[bool]   `json:"optionalRecordDanmakuSuperChat"`
	RecordMode    RoomOption[string] `json:"optionalRecordMode"`
}

// Away says why a node's rooms are not known for sure.
type Away string

// The reasons; none means that the rooms are fresh.
const (
	NotAway      Away = ""
	NoRecorder   Away = "no_recorder"   // the node drives none
	RecorderAway Away = "recorder_away" // it does not answer, or not sensibly
	WorkerSilent Away = "worker_silent" // nobody keeps the rooms fresh
)

// NodeRooms are the rooms of one node, by id, and how well they are known.
type NodeRooms struct {
	Node  string
	Rooms []Room // while away: as they were last seen
	Away  Away
	Why   string    // of RecorderAway, for people
	At    time.Time // when the worker last told
	Dead  bool      // silent for so long that its rooms may be given to another node
}

// Find returns the room that an id, real or short, means. A real id goes before a short one.
func (n NodeRooms) Find(id int64) (Room, bool) {
	i, ok := slices.BinarySearchFunc(n.Rooms, id, func(r Room, id int64) int { return compareIDs(r.RoomID, id) })
	if !ok {
		i = slices.IndexFunc(n.Rooms, func(r Room) bool { return r.Is(id) })
	}
	if i < 0 || id <= 0 {
		return Room{}, false
	}
	return n.Rooms[i], true
}

func compareIDs(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// roomsSilentAfter is how old a node's rooms may be: its worker tells every 5 s, and waits 10 s for its recorder.
const roomsSilentAfter = 30 * time.Second

func keyRooms(node string) string { return keyPrefix + "rooms:" + node }

// Fields of a node's rooms beside the rooms themselves, whose fields are their ids.
const (
	fieldMark = "mark" // changes with the rooms
	fieldAt   = "at"   // ms since 1970, by Redis' clock
	fieldAway = "away"
	fieldWhy  = "why"
)

// NodeRooms returns what is known of one node's rooms, and whether its worker has ever told of any.
func (s *Store) NodeRooms(ctx context.Context, node string) (NodeRooms, bool, error) {
	all, err := s.roomsOf(ctx, node)
	if err != nil || len(all) == 0 {
		return NodeRooms{}, false, err
	}
	return all[0], true, nil
}

// AllRooms returns the rooms of every node that has told of any, by the node's name.
func (s *Store) AllRooms(ctx context.Context) ([]NodeRooms, error) {
	names, err := s.rdb.SMembers(ctx, keyNodes).Result()
	if err != nil {
		return nil, fmt.Errorf("redis: list nodes: %w", err)
	}
	slices.Sort(names)
	return s.roomsOf(ctx, names...)
}

func (s *Store) roomsOf(ctx context.Context, nodes ...string) ([]NodeRooms, error) {
	pipe := s.rdb.Pipeline()
	clock, heads := pipe.Time(ctx), make([]*redis.SliceCmd, len(nodes))
	for i, node := range nodes {
		heads[i] = pipe.HMGet(ctx, keyRooms(node), fieldMark, fieldAt, fieldAway, fieldWhy)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("redis: read rooms: %w", err)
	}
	out := make([]NodeRooms, 0, len(nodes))
	for i, node := range nodes {
		n, mark := headOf(node, heads[i].Val(), clock.Val())
		if mark == "" {
			continue
		}
		var err error
		if n.Rooms, err = s.marked(ctx, node, mark); err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}

func headOf(node string, fields []any, now time.Time) (n NodeRooms, mark string) {
	text := func(i int) string {
		t, _ := fields[i].(string)
		return t
	}
	ms, _ := strconv.ParseInt(text(1), 10, 64)
	n = NodeRooms{Node: node, Away: Away(text(2)), Why: text(3), At: At(time.UnixMilli(ms))}
	age := now.Sub(n.At)
	n.Dead = age > deadAfter
	if age > roomsSilentAfter {
		n.Away = WorkerSilent
	}
	return n, text(0)
}

// marked reads a node's rooms, unless they are those that were read last.
func (s *Store) marked(ctx context.Context, node, mark string) ([]Room, error) {
	if rooms, ok := s.rooms.get(node, mark); ok {
		return rooms, nil
	}
	fields, err := s.rdb.HGetAll(ctx, keyRooms(node)).Result()
	if err != nil {
		return nil, fmt.Errorf("redis: read rooms of %s: %w", node, err)
	}
	rooms := make([]Room, 0, len(fields))
	for name, doc := range fields {
		if _, err := strconv.ParseInt(name, 10, 64); err != nil {
			continue
		}
		var r Room
		if err := json.Unmarshal([]byte(doc), &r); err != nil {
			return nil, fmt.Errorf("room %s of %s: %w", name, node, err)
		}
		rooms = append(rooms, r)
	}
	slices.SortFunc(rooms, func(a, b Room) int { return compareIDs(a.RoomID, b.RoomID) })
	s.rooms.put(node, fields[fieldMark], rooms)
	return rooms, nil
}
