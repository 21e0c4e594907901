package recorder

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
)

// Rooms lists every room. A recorder so old that it has no REST list is asked over GraphQL; its rooms come without statistics.
func (c *Client) Rooms(ctx context.Context) ([]Room, error) {
	const op = "list its rooms"
	var rooms []Room
	err := c.ask(ctx, question{op: op, path: "/api/room"}, &rooms)
	if isForeign404(err) {
		old, fallback := c.roomsOverGraphQL(ctx)
		if fallback != nil {
			return nil, err // the first answer says more
		}
		rooms, err = old, nil
	}
	if err != nil {
		return nil, err
	}
	for _, r := range rooms {
		if r.RoomID <= 0 {
			return nil, c.foreign(op, "its list holds a room without an id")
		}
	}
	return rooms, nil
}

// Room is one room by its real or short id.
func (c *Client) Room(ctx context.Context, id int64) (Room, error) {
	return c.one(ctx, question{op: op("look at room %d", id)}, id, "")
}

// Remove takes a room away. A recording of it ends first, with its webhooks.
func (c *Client) Remove(ctx context.Context, id int64) (Room, error) {
	return c.one(ctx, question{op: op("remove room %d", id), method: http.MethodDelete}, id, "")
}

// Start asks for a recording. The recorder starts it later, or not at all when the streamer is away; only its log says so.
func (c *Client) Start(ctx context.Context, id int64) (Room, error) {
	return c.one(ctx, question{op: op("start recording room %d", id), method: http.MethodPost}, id, "/start")
}

// Stop ends the recording and lets the rest of this stream go unrecorded.
func (c *Client) Stop(ctx context.Context, id int64) (Room, error) {
	return c.one(ctx, question{op: op("stop recording room %d", id), method: http.MethodPost}, id, "/stop")
}

// Split ends the present file and goes on in the next.
func (c *Client) Split(ctx context.Context, id int64) (Room, error) {
	return c.one(ctx, question{op: op("split the file of room %d", id), method: http.MethodPost}, id, "/split")
}

// Refresh makes the recorder ask Bilibili about the room; it hides from us whether Bilibili answered.
func (c *Client) Refresh(ctx context.Context, id int64) (Room, error) {
	return c.one(ctx, question{op: op("refresh room %d", id), method: http.MethodPost, long: true}, id, "/refresh")
}

// RoomConfig reads the room's own settings.
func (c *Client) RoomConfig(ctx context.Context, id int64) (RoomConfig, error) {
	var g RoomConfig
	err := c.about(ctx, question{op: op("read the settings of room %d", id)}, id, "/config", &g)
	return g, err
}

// Stats is what the room's recording has come to.
func (c *Client) Stats(ctx context.Context, id int64) (RecordingStats, IOStats, error) {
	var s RecordingStats
	var io IOStats
	q := question{op: op("read the statistics of room %d", id)}
	err := c.about(ctx, q, id, "/stats", &s)
	if err == nil {
		err = c.about(ctx, q, id, "/iostats", &io)
	}
	return s, io, err
}

// one asks a question whose answer is the room itself.
func (c *Client) one(ctx context.Context, q question, id int64, path string) (Room, error) {
	var r Room
	if err := c.about(ctx, q, id, path, &r); err != nil {
		return Room{}, err
	}
	if !r.Is(id) {
		return Room{}, c.foreign(q.op, fmt.Sprintf("it answered about room %d", r.RoomID))
	}
	return r, nil
}

// about is the only way to a room, so that no question about room 0 leaves this program.
func (c *Client) about(ctx context.Context, q question, id int64, path string, answer any) error {
	if id <= 0 {
		return &Error{Kind: BadID, Op: q.op, Address: c.base}
	}
	q.path, q.room = "/api/room/"+strconv.FormatInt(id, 10)+path, true
	return c.ask(ctx, q, answer)
}
