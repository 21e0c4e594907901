package worker

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/hibiken/asynq"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker/recorder"
)

// room carries out a command to this node's recorder. It can run twice: what the first time began is told by the command's
// own document, so the second time neither finds its own room "there already" nor misses the one that it removed.
func (w *Worker) room(ctx context.Context, t *asynq.Task) error {
	var c tasks.RoomCommand
	if err := json.Unmarshal(t.Payload(), &c); err != nil || c.ID == "" {
		return deadLetter("the command is not readable")
	}
	before, err := w.store.Command(ctx, c.ID)
	if errors.Is(err, tasks.ErrNoCommand) { // Redis was emptied, or hours have passed
		before, err = tasks.RoomReply{ID: c.ID, Action: c.Action, RoomID: c.RoomID, State: tasks.CommandQueued}, nil
	}
	if err != nil {
		return err
	}
	before.Node, before.Before = w.cfg.Node, c.Before
	if before.Over() && before.Outcome != tasks.RoomExpired {
		return nil // done before, and the answer is there
	}
	now, err := w.store.Now(ctx)
	if err != nil {
		return err
	}
	left := c.Before.Sub(now)
	if left <= 0 {
		return w.expired(ctx, before)
	}
	within, stop := context.WithTimeout(ctx, left)
	defer stop()
	reply := w.rooms.execute(within, before)
	if ctx.Err() != nil {
		return ctx.Err() // stopping: it comes again, in time or too late
	}
	return w.answer(ctx, reply)
}

func (w *Worker) expired(ctx context.Context, r tasks.RoomReply) error {
	r.State, r.Outcome, r.Message = tasks.CommandDone, tasks.RoomExpired, tasks.ExpiredMessage
	if err := w.store.PutCommand(ctx, r); err != nil {
		return err
	}
	return deadLetter(r.Message)
}

// answerWithin is how long Redis may be away before an answer is lost.
const answerWithin = 8 * time.Second

func (w *Worker) answer(ctx context.Context, r tasks.RoomReply) error {
	ctx, stop := context.WithTimeout(ctx, answerWithin)
	defer stop()
	r.State = tasks.CommandDone
	for {
		err := w.store.PutCommand(ctx, r)
		if err == nil || ctx.Err() != nil {
			w.log.Info("room command answered", "command", r.ID, "action", r.Action, "room", r.RoomID, "outcome", r.Outcome, "error", err)
			return err
		}
		pause(ctx, 100*time.Millisecond)
	}
}

// execute carries a command out and returns its reply; ctx ends when the command does.
func (k *roomKeeper) execute(ctx context.Context, r tasks.RoomReply) tasks.RoomReply {
	if k.recorder == nil {
		return failed(r, tasks.RoomAway, "this node drives no recorder; set NGLIVE_RECORDER_URL or NGLIVE_RECORDER_PATH / 这个节点没有配置录播姬")
	}
	if r.RoomID <= 0 { // to a recorder, 0 is any room without a short id
		return failed(r, tasks.RoomFailed, "a room id is a number above 0 / 房间号必须大于 0")
	}
	look, stop := context.WithTimeout(ctx, k.pace.look)
	room, err := k.recorder.Room(look, r.RoomID)
	stop()
	if err != nil && recorder.KindOf(err) != recorder.NoRoom {
		return troubled(r, err)
	}
	there := err == nil
	defer k.look() // after whatever happened, and at once
	if r.Action == tasks.AddRoom {
		return k.add(ctx, r, there)
	}
	return k.act(ctx, r, room, there)
}

// act does all but adding. A recorder that goes away in between is asked again for as long as the command lasts.
func (k *roomKeeper) act(ctx context.Context, r tasks.RoomReply, room recorder.Room, there bool) tasks.RoomReply {
	began := r.State == tasks.CommandRunning
	if !there {
		if r.Action == tasks.RemoveRoom && began {
			return finished(r, r.Room) // it was there when this command first ran
		}
		return failed(r, tasks.RoomMissing, "the recorder has no such room / 录播姬里没有这个房间")
	}
	do := map[tasks.RoomAction]func(context.Context, int64) (recorder.Room, error){
		tasks.RemoveRoom: k.recorder.Remove, tasks.StartRoom: k.recorder.Start, tasks.StopRoom: k.recorder.Stop,
		tasks.SplitRoom: k.recorder.Split, tasks.RefreshRoom: k.recorder.Refresh,
	}[r.Action]
	if do == nil {
		return failed(r, tasks.RoomFailed, "this worker does not know that command; update it / 这个 worker 不认识该命令，请更新")
	}
	r = k.begins(ctx, r, new(k.ours(room)))
	after, err := insist(ctx, func() (recorder.Room, error) { return do(ctx, room.RoomID) })
	gone := recorder.KindOf(err) == recorder.NoRoom
	switch {
	case r.Action == tasks.RemoveRoom && (err == nil || gone):
		k.forget(ctx, room.RoomID)
		return finished(r, r.Room)
	case gone:
		return failed(r, tasks.RoomMissing, err.Error())
	case err != nil:
		return troubled(r, err)
	}
	k.put(ctx, after)
	return finished(r, new(k.ours(after)))
}

// begins marks that the recorder is asked to change something from now on, with the room as it is before.
func (k *roomKeeper) begins(ctx context.Context, r tasks.RoomReply, room *tasks.Room) tasks.RoomReply {
	if r.State == tasks.CommandRunning {
		return r
	}
	r.State, r.Room = tasks.CommandRunning, room
	if err := k.store.PutCommand(ctx, r); err != nil {
		k.log.Warn("begin of a room command not written; if this worker dies now, its repeat may answer wrongly", "command", r.ID, "error", err)
	}
	return r
}

// insist asks the recorder until it answers, for as long as ctx allows.
func insist[T any](ctx context.Context, ask func() (T, error)) (T, error) {
	for wait := 200 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		v, err := ask()
		var trouble *recorder.Error
		if err == nil || !errors.As(err, &trouble) || !trouble.Passing() || ctx.Err() != nil {
			return v, err
		}
		pause(ctx, wait)
		if ctx.Err() != nil {
			return v, err
		}
	}
}

func finished(r tasks.RoomReply, room *tasks.Room) tasks.RoomReply {
	r.State, r.Outcome, r.Room, r.Message = tasks.CommandDone, tasks.RoomDone, room, ""
	return r
}

func failed(r tasks.RoomReply, outcome tasks.RoomOutcome, message string) tasks.RoomReply {
	r.State, r.Outcome, r.Message, r.Room = tasks.CommandDone, outcome, message, nil
	return r
}

// troubled says what an error of the recorder means for the command.
func troubled(r tasks.RoomReply, err error) tasks.RoomReply {
	switch recorder.KindOf(err) {
	case recorder.Refused, recorder.BadID:
		return failed(r, tasks.RoomFailed, err.Error())
	case recorder.NoRoom:
		return failed(r, tasks.RoomMissing, err.Error())
	case recorder.Away, recorder.Slow, recorder.Broken, recorder.Unauthorized, recorder.Denied, recorder.Foreign:
		return failed(r, tasks.RoomAway, err.Error())
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return failed(r, tasks.RoomAway, "the recorder was not done within 30 s; look at the rooms before you try again / 录播姬未在 30 秒内完成，重试前请先查看直播间列表")
	}
	return failed(r, tasks.RoomFailed, "Redis did not answer in between; look at the rooms, and send the command again / Redis 中途没有应答，请查看直播间列表后重新发送")
}
