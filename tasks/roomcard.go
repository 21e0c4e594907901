package tasks

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// RoomCard is what a recorder last said of a room, for its events that say nothing of it.
type RoomCard struct {
	ShortID int64
	Name    string
	Title   string
	Area    string
}

// cardKept is how long a card outlives the room's last news.
const cardKept = 90 * 24 * time.Hour

func keyCard(node string, room int64) string {
	return keyPrefix + "card:" + strconv.FormatInt(room, 10) + ":" + node
}

// KeepRoomCard remembers what is known of it; what is empty stays as it was.
func (s *Store) KeepRoomCard(ctx context.Context, node string, room int64, c RoomCard) error {
	var fields []any
	for _, f := range [][2]string{{"name", c.Name}, {"title", c.Title}, {"area", c.Area}} {
		if f[1] != "" {
			fields = append(fields, f[0], f[1])
		}
	}
	if c.ShortID > 0 {
		fields = append(fields, "short", c.ShortID)
	}
	if len(fields) == 0 {
		return nil
	}
	pipe := s.rdb.TxPipeline()
	pipe.HSet(ctx, keyCard(node, room), fields...)
	pipe.PExpire(ctx, keyCard(node, room), cardKept)
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("redis: remember room %d: %w", room, err)
	}
	return nil
}

// RoomCard returns what is remembered of a room; nothing is an empty card.
func (s *Store) RoomCard(ctx context.Context, node string, room int64) (RoomCard, error) {
	m, err := s.rdb.HGetAll(ctx, keyCard(node, room)).Result()
	if err != nil {
		return RoomCard{}, fmt.Errorf("redis: read room %d: %w", room, err)
	}
	short, _ := strconv.ParseInt(m["short"], 10, 64) // none is 0
	return RoomCard{ShortID: short, Name: m["name"], Title: m["title"], Area: m["area"]}, nil
}
