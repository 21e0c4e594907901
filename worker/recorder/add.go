package recorder

import (
	"context"
	"net/http"
)

// Added is what became of a new room.
type Added struct {
	Room     Room
	Existed  bool // it was there before; nothing was changed
	Verified bool // Bilibili knows the room. If not, it may not exist at all: the recorder takes any number.
}

// newRoom is the recorder's body for a new room.
type newRoom struct {
	RoomID     int64 `json:"roomId"`
	AutoRecord bool  `json:"autoRecord"`
}

// Add adds a room and refreshes it until it has a name. A recorder that is away for a moment, even between the two, is waited
// for as long as ctx allows.
func (c *Client) Add(ctx context.Context, id int64, autoRecord bool) (Added, error) {
	name := op("add room %d", id)
	if id <= 0 {
		return Added{}, &Error{Kind: BadID, Op: name, Address: c.base}
	}
	there, err := again(ctx, c.waits, func() (Room, error) { return c.find(ctx, id) })
	if err == nil && there.RoomID > 0 {
		return Added{Room: there, Existed: true, Verified: there.Named()}, nil
	}
	if err != nil {
		return Added{}, err
	}
	q := question{op: name, method: http.MethodPost, path: "/api/room", body: newRoom{id, autoRecord}}
	room, err := again(ctx, c.waits, func() (Room, error) {
		var r Room
		err := c.ask(ctx, q, &r)
		if err == nil && !r.Is(id) {
			err = c.foreign(name, "it answered about another room")
		}
		return r, err
	})
	if err != nil {
		return Added{}, err
	}
	return c.name(ctx, id, room)
}

// find looks for a room under either id. Rooms that have no name yet are refreshed first: such a one may turn out to be it.
func (c *Client) find(ctx context.Context, id int64) (Room, error) {
	rooms, err := c.Rooms(ctx)
	if err != nil {
		return Room{}, err
	}
	for _, r := range rooms {
		if r.Is(id) {
			return r, nil
		}
	}
	const most = 5 // many nameless rooms are many wrong numbers
	for i, asked := 0, 0; i < len(rooms) && asked < most; i++ {
		if rooms[i].Named() {
			continue
		}
		asked++
		if r, err := c.Refresh(ctx, rooms[i].RoomID); err == nil && r.Is(id) {
			return r, nil
		}
	}
	return Room{}, nil
}

// name refreshes a new room until the recorder knows its name, some times and no more.
func (c *Client) name(ctx context.Context, id int64, room Room) (Added, error) {
	for _, wait := range c.waits {
		if room.Named() || !pause(ctx, wait) {
			break
		}
		fresh, err := again(ctx, c.waits, func() (Room, error) { return c.Refresh(ctx, id) })
		switch {
		case KindOf(err) == NoRoom: // it was restarted before it had saved the room, or somebody removed it
			return Added{}, err
		case err == nil:
			room = fresh
		}
	}
	return Added{Room: room, Verified: room.Named()}, nil
}
