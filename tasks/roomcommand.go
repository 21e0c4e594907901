package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

const (
	// roomDeadline is how long a command to a recorder may wait: a room that is added an hour late is a surprise, not a service.
	roomDeadline = 30 * time.Second
	// commandKept is how long its answer can be read.
	commandKept = 10 * time.Minute
)

// RoomAction is what a command wants of a recorder.
type RoomAction string

// The actions.
const (
	AddRoom     RoomAction = "add"
	RemoveRoom  RoomAction = "remove"
	StartRoom   RoomAction = "start"
	StopRoom    RoomAction = "stop"
	SplitRoom   RoomAction = "split"
	RefreshRoom RoomAction = "refresh"
)

// RoomCommand is the payload of room:command. It carries no secret.
type RoomCommand struct {
	ID     string     `json:"id"`
	Action RoomAction `json:"action"`
	RoomID int64      `json:"room_id"` // real or short
	Before time.Time  `json:"before"`  // by Redis' clock: a worker refuses it from then on
}

// RoomOutcome is how a command ended.
type RoomOutcome string

// The outcomes; empty while the command is not over.
const (
	RoomDone        RoomOutcome = "done"
	RoomUnverified  RoomOutcome = "unverified" // added, but nobody knows whether there is such a room
	RoomExists      RoomOutcome = "exists"     // on the node that the reply names
	RoomMissing     RoomOutcome = "missing"
	RoomBlacklisted RoomOutcome = "blacklisted"
	RoomAway        RoomOutcome = "recorder_away"
	RoomExpired     RoomOutcome = "expired"
	RoomFailed      RoomOutcome = "failed" // the recorder refused it; the message says why
)

// RoomReply is a command and how far it is.
type RoomReply struct {
	ID      string      `json:"id"`
	Node    string      `json:"node"`
	Action  RoomAction  `json:"action" enum:"add,remove,start,stop,split,refresh"`
	RoomID  int64       `json:"room_id"`
	Before  time.Time   `json:"before" doc:"It is carried out before then, or not at all"`
	State   string      `json:"state" enum:"queued,running,done"`
	Outcome RoomOutcome `json:"outcome,omitempty" enum:"done,unverified,exists,missing,blacklisted,recorder_away,expired,failed"`
	Message string      `json:"message,omitempty" doc:"For people: what happened and what to do"`
	Room    *Room       `json:"room,omitempty" doc:"As it is after the command; after remove, as it was before"`
	Other   string      `json:"other_node,omitempty" doc:"The node that has the room already"`
}

// The states of a command.
const (
	CommandQueued  = "queued"
	CommandRunning = "running"
	CommandDone    = "done"
)

// Over reports whether the command has its outcome.
func (r RoomReply) Over() bool { return r.State == CommandDone }

func keyCommand(id string) string { return keyPrefix + "command:" + id }

// commandChannel tells whoever waits that a command is over.
const commandChannel = keyPrefix + "commands"

// ErrNoCommand says that there is no command with that id, or that its answer is forgotten.
var ErrNoCommand = errors.New("no such command")

// Room enqueues a command for the recorder of a node and returns it with its id and its deadline.
func (q *Queue) Room(ctx context.Context, node string, c RoomCommand) (RoomCommand, error) {
	ctx, stop := context.WithTimeout(ctx, enqueueWithin)
	defer stop()
	now, err := q.store.Now(ctx)
	if err != nil {
		return c, err
	}
	if c.ID == "" {
		c.ID = uuid.NewString()
	}
	c.Before = At(now.Add(roomDeadline))
	b, err := json.Marshal(c)
	if err != nil {
		return c, fmt.Errorf("room command: %w", err)
	}
	err = q.store.PutCommand(ctx, RoomReply{ID: c.ID, Node: node, Action: c.Action, RoomID: c.RoomID, Before: c.Before, State: CommandQueued})
	if err != nil {
		return c, err
	}
	_, err = q.client.EnqueueContext(ctx, asynq.NewTask(TypeRoom, b), asynq.Queue(QueueOf(KindRoom, node)), asynq.TaskID(c.ID),
		asynq.Timeout(2*roomDeadline), asynq.MaxRetry(0), asynq.Retention(time.Minute))
	if err != nil {
		return c, fmt.Errorf("enqueue room command %s: %w", c.ID, err)
	}
	return c, nil
}

// AskRoom enqueues a command and waits for its outcome, but not longer than within: then the reply is not over yet and can be
// followed with Store.Command.
func (q *Queue) AskRoom(ctx context.Context, node string, c RoomCommand, within time.Duration) (RoomReply, error) {
	if c.ID == "" {
		c.ID = uuid.NewString()
	}
	heard, leave := q.store.replies.wait(c.ID) //nolint:contextcheck // the line is everybody's
	defer leave()
	c, err := q.Room(ctx, node, c)
	if err != nil {
		return RoomReply{}, err
	}
	return q.store.await(ctx, c.ID, heard, within)
}

// PutCommand writes how far a command is; one that is over is told to whoever waits for it.
func (s *Store) PutCommand(ctx context.Context, r RoomReply) error {
	b, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("command %s: %w", r.ID, err)
	}
	pipe := s.rdb.Pipeline()
	pipe.Set(ctx, keyCommand(r.ID), b, commandKept)
	if r.Over() {
		pipe.Publish(ctx, commandChannel, r.ID)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("redis: write command %s: %w", r.ID, err)
	}
	return nil
}

// Command returns how far a command is, or ErrNoCommand. One that nobody took in time has expired.
func (s *Store) Command(ctx context.Context, id string) (RoomReply, error) {
	pipe := s.rdb.Pipeline()
	doc, clock := pipe.Get(ctx, keyCommand(id)), pipe.Time(ctx)
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return RoomReply{}, fmt.Errorf("redis: read command %s: %w", id, err)
	}
	if errors.Is(doc.Err(), redis.Nil) {
		return RoomReply{}, ErrNoCommand
	}
	var r RoomReply
	if err := json.Unmarshal([]byte(doc.Val()), &r); err != nil {
		return r, fmt.Errorf("command %s: %w", id, err)
	}
	late := clock.Val().Sub(r.Before)
	switch {
	case r.State == CommandQueued && late > 0:
		r.State, r.Outcome, r.Message = CommandDone, RoomExpired, ExpiredMessage
	case r.State == CommandRunning && late > lostAfter:
		r.State, r.Outcome, r.Message = CommandDone, RoomFailed, lostMessage
	}
	return r, nil
}

// lostAfter is how long after its deadline a command that began may still get its answer.
const lostAfter = 10 * time.Second

const lostMessage = "the worker stopped while it carried the command out; look at the rooms, and send it again if need be / " +
	"执行途中 worker 停止了，请查看直播间列表，必要时重新发送"

// ExpiredMessage tells a person what became of a command that came too late.
const ExpiredMessage = "the command waited longer than 30 s, so it was not carried out; send it again / 命令等待超过 30 秒，未执行，请重新发送"

// Now is what time it is by the clock that all processes share: Redis' own.
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	now, err := s.rdb.Time(ctx).Result()
	if err != nil {
		return now, fmt.Errorf("redis: ask for the time: %w", err)
	}
	return now, nil
}

// claimedFor is how long the right to add a room lasts when whoever has it dies.
const claimedFor = roomDeadline + 5*time.Second

func keyAdding(id int64) string { return fmt.Sprintf("%sadding:%d", keyPrefix, id) }

// ClaimRoom takes the right to add a room, under one of its ids, so that two nodes cannot add it at once. False: another
// command has it.
func (s *Store) ClaimRoom(ctx context.Context, id int64, command string) (bool, error) {
	holder, err := s.rdb.SetArgs(ctx, keyAdding(id), command, redis.SetArgs{Mode: "NX", Get: true, TTL: claimedFor}).Result()
	if errors.Is(err, redis.Nil) || err == nil && holder == command {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("redis: claim room %d: %w", id, err)
	}
	return false, nil
}

const releaseScript = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`

// ReleaseRoom gives the right back. What cannot be given back ends by itself.
func (s *Store) ReleaseRoom(ctx context.Context, id int64, command string) {
	_ = redis.NewScript(releaseScript).Run(ctx, s.rdb, []string{keyAdding(id)}, command).Err()
}
