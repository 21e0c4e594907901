package recorder

import (
	"context"
	"errors"
	"net/http"
)

// graphQLRooms asks only for what every schema has, the original NGlive's bundled build included.
const graphQLRooms = `{ rooms { objectId shortId name title areaNameParent areaNameChild recording streaming ` +
	`danmakuConnected autoRecordForThisSession roomConfig { roomId autoRecord } } }`

func (c *Client) roomsOverGraphQL(ctx context.Context) ([]Room, error) {
	const op = "list its rooms over GraphQL"
	var answer struct {
		Data *struct {
			Rooms []struct {
				Room
				Config struct {
					RoomID     int64 `json:"roomId"`
					AutoRecord bool  `json:"autoRecord"`
				} `json:"roomConfig"`
			} `json:"rooms"`
		} `json:"data"`
		Errors []struct {
			Message string `json:"message"`
		} `json:"errors"`
	}
	q := question{op: op, method: http.MethodPost, path: "/graphql", body: map[string]string{"query": graphQLRooms}}
	if err := c.ask(ctx, q, &answer); err != nil {
		return nil, err
	}
	if len(answer.Errors) > 0 {
		return nil, &Error{Kind: Refused, Op: op, Address: c.base, Said: printable(answer.Errors[0].Message)}
	}
	if answer.Data == nil {
		return nil, c.foreign(op, "it answered with other JSON")
	}
	rooms := make([]Room, 0, len(answer.Data.Rooms))
	for _, r := range answer.Data.Rooms {
		r.RoomID, r.AutoRecord = r.Config.RoomID, r.Config.AutoRecord
		rooms = append(rooms, r.Room)
	}
	return rooms, nil
}

// isForeign404 holds for a server that does not know the path at all.
func isForeign404(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Kind == Foreign && e.Status == http.StatusNotFound
}
