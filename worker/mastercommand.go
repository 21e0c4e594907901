package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/ngworks/nglive/tasks"
)

// Codes of the link itself; the others are the original's and SeedDesk's.
const (
	linkUnreadable = 4000
	linkUnknown    = 4040
	linkTooLong    = 4130
	linkTooMany    = 4290
	linkAway       = 5030
)

// longestMessage is what a command may weigh: a blacklist of some ten thousand rooms fits.
const longestMessage = 256 << 10

// masterCommand is what a master may say.
type masterCommand struct {
	CMD string          `json:"CMD"`
	REQ json.RawMessage `json:"REQ"`
	ARG struct {
		Room  looseRoom `json:"roomid"` // roomId too: names are read in any case
		Alias looseRoom `json:"room_id"`
		Rooms *[]int64  `json:"rooms"`
	} `json:"ARG"`
}

// masterReply is the answer to one command.
type masterReply struct {
	CMD string          `json:"CMD"`
	REQ json.RawMessage `json:"REQ,omitempty"`
	tasks.SeedAnswer
}

// looseRoom is a room's number, or one in quotes; anything else is 0, which is no room.
type looseRoom int64

// UnmarshalJSON never fails.
func (n *looseRoom) UnmarshalJSON(b []byte) error {
	v, err := strconv.ParseInt(strings.Trim(string(b), `"`), 10, 64)
	if err != nil {
		v = 0
	}
	*n = looseRoom(v)
	return nil
}

// read reads one message; what is too long is passed over to its end, so that the next one is found.
func (l *masterLink) read(message io.Reader) (text []byte, whole bool, err error) {
	chunk := make([]byte, 32<<10)
	whole = true
	for {
		l.hear()
		n, err := message.Read(chunk)
		if whole = whole && len(text)+n <= longestMessage; whole {
			text = append(text, chunk[:n]...)
		} else {
			text = nil
		}
		if errors.Is(err, io.EOF) {
			return text, whole, nil
		}
		if err != nil {
			return nil, false, err
		}
	}
}

// take puts a command into its lane: what changes rooms goes in order, and what reads does not wait for it.
func (l *masterLink) take(_ context.Context, text []byte) error {
	var c masterCommand
	if err := json.Unmarshal(text, &c); err != nil {
		return l.refuse(nil, linkUnreadable, "this is no command; send {\"CMD\":\"ping\",\"REQ\":1}")
	}
	queue := l.reads
	switch c.CMD {
	case "addroom", "removeroom", "blacklist":
		queue = l.changes
	case "getroom", "allroom", "ping":
	default:
		return l.refuse(c.REQ, linkUnknown, "this node knows addroom, removeroom, getroom, allroom, blacklist and ping")
	}
	select {
	case queue <- c:
		return nil
	default:
		return l.refuse(c.REQ, linkTooMany, "too many commands wait already; send it again when others are answered")
	}
}

func (l *masterLink) refuse(req json.RawMessage, code int, why string) error {
	return l.reply(req, tasks.SeedAnswer{Code: code, Msg: why})
}

func (l *masterLink) reply(req json.RawMessage, a tasks.SeedAnswer) error {
	const longestREQ = 100 // it is a number, or a short text
	if len(req) > longestREQ || bytes.ContainsAny(req, "{[") {
		req = nil
	}
	b, err := json.Marshal(masterReply{CMD: "reply", REQ: req, SeedAnswer: a})
	if err != nil {
		return fmt.Errorf("reply to the master: %w", err)
	}
	return l.send(b)
}

// work carries commands out, one after the other.
func (l *masterLink) work(ctx context.Context, queue <-chan masterCommand) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case c := <-queue:
			a, err := l.do(ctx, c)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				l.log.Warn("master's command not carried out", "command", c.CMD, "error", err)
				a = tasks.SeedAnswer{Code: linkAway, Msg: "NGlive does not reach its Redis right now; send it again in a moment"}
			}
			if err := l.reply(c.REQ, a); err != nil {
				return err
			}
		}
	}
}

// do answers for this node alone: a master has a link to each.
func (l *masterLink) do(ctx context.Context, c masterCommand) (tasks.SeedAnswer, error) {
	room := int64(c.ARG.Room)
	if room == 0 {
		room = int64(c.ARG.Alias)
	}
	switch c.CMD {
	case "addroom":
		return l.desk.AddRoom(ctx, l.node, room)
	case "removeroom":
		return l.desk.RemoveRoom(ctx, l.node, room)
	case "getroom":
		return l.desk.GetRoom(ctx, l.node, room)
	case "allroom":
		return l.desk.AllRoom(ctx, l.node)
	case "blacklist":
		return l.blacklist(ctx, c.ARG.Rooms)
	}
	return tasks.SeedAnswer{Code: 0, Data: map[string]string{"node": l.node, "version": l.version}}, nil
}

// blacklist makes the rooms the master's whole list, and answers with all lists; without rooms it only answers.
func (l *masterLink) blacklist(ctx context.Context, rooms *[]int64) (tasks.SeedAnswer, error) {
	if rooms != nil {
		if slices.ContainsFunc(*rooms, func(id int64) bool { return id <= 0 || id > tasks.LastRoomID }) {
			return tasks.SeedAnswer{Code: tasks.SeedWrongID, Msg: "不正确的房间号"}, nil
		}
		if err := l.store.ReplaceBlacklist(ctx, tasks.ByMaster, *rooms); err != nil {
			return tasks.SeedAnswer{}, err
		}
	}
	list, err := l.store.Blacklist(ctx)
	return tasks.SeedAnswer{Code: 0, Data: list}, err
}
