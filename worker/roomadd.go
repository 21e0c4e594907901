package worker

import (
	"context"
	"time"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker/recorder"
)

// add has the recorder record a room from now on. Which room an id means is known only once the recorder asked Bilibili, so
// what must not be there (on the blacklist, or recorded by another node) is looked for before and after.
func (k *roomKeeper) add(ctx context.Context, r tasks.RoomReply, there bool) tasks.RoomReply {
	if r.RoomID > tasks.LastRoomID {
		return failed(r, tasks.RoomFailed, "no room has an id that large / 房间号过大")
	}
	release, err := k.claim(ctx, r.ID, r.RoomID)
	if err != nil {
		return troubled(r, err)
	}
	defer release()
	began := r.State == tasks.CommandRunning // then the room was not there when this command first ran
	if there && !began {
		return k.exists(r, k.node)
	}
	if no, err := k.unwanted(ctx, r, r.RoomID, 0); err != nil || no != nil {
		return orTrouble(r, no, err)
	}
	r = k.begins(ctx, r, nil)
	added, err := k.recorder.Add(ctx, r.RoomID, true)
	if err != nil {
		return troubled(r, err)
	}
	if added.Existed && !began {
		return k.exists(r, k.node)
	}
	return k.keepOrReturn(ctx, r, added)
}

// keepOrReturn keeps a room that was added, unless its real id says that it must not be here.
func (k *roomKeeper) keepOrReturn(ctx context.Context, r tasks.RoomReply, added recorder.Added) tasks.RoomReply {
	if added.Room.RoomID != r.RoomID {
		release, err := k.claim(ctx, r.ID, added.Room.RoomID)
		if err != nil {
			return troubled(r, err)
		}
		defer release()
	}
	no, err := k.unwanted(ctx, r, added.Room.RoomID, added.Room.ShortID)
	if err != nil {
		return troubled(r, err)
	}
	if no != nil {
		if _, err := insist(ctx, func() (recorder.Room, error) { return k.recorder.Remove(ctx, added.Room.RoomID) }); err != nil {
			k.log.Error("a room that must not be here could not be removed again; remove it by hand", "room", added.Room.RoomID, "error", err)
		}
		return *no
	}
	k.put(ctx, added.Room)
	r = finished(r, new(k.ours(added.Room)))
	if !added.Verified {
		r.Outcome = tasks.RoomUnverified
		r.Message = "the room was added, but the recorder could not learn its name; check the number, and remove the room if there is no such one / " +
			"房间已添加，但录播姬没能查到它的名称，请检查房间号"
	}
	return r
}

// unwanted looks whether a room with these ids must not be added here; nil means that nothing speaks against it.
func (k *roomKeeper) unwanted(ctx context.Context, r tasks.RoomReply, ids ...int64) (*tasks.RoomReply, error) {
	list, err := k.store.Blacklist(ctx)
	if err != nil {
		return nil, err
	}
	if list.Has(ids...) {
		return new(failed(r, tasks.RoomBlacklisted, "the room is on the blacklist / 房间在黑名单中")), nil
	}
	all, err := k.store.AllRooms(ctx)
	if err != nil {
		return nil, err
	}
	for _, n := range all {
		// A node that was silent for a minute is no reason to record nowhere; one that has no recorder records nothing.
		if n.Node == k.node || n.Dead || n.Away == tasks.NoRecorder {
			continue
		}
		for _, id := range ids {
			if _, ok := n.Find(id); ok {
				return new(k.exists(r, n.Node)), nil
			}
		}
	}
	return nil, nil //nolint:nilnil // nothing speaks against it
}

func (k *roomKeeper) exists(r tasks.RoomReply, node string) tasks.RoomReply {
	message := "the recorder has this room already / 录播姬里已有这个房间"
	if node != k.node {
		message = "node " + node + " records this room already / 节点 " + node + " 已在录制这个房间"
		r.Other = node
	}
	return failed(r, tasks.RoomExists, message)
}

// claim waits until no other command adds the room of that id.
func (k *roomKeeper) claim(ctx context.Context, command string, id int64) (release func(), err error) {
	for {
		ok, err := k.store.ClaimRoom(ctx, id, command)
		if err != nil {
			return nil, err
		}
		if ok {
			return func() { k.store.ReleaseRoom(context.WithoutCancel(ctx), id, command) }, nil
		}
		pause(ctx, 50*time.Millisecond)
	}
}

func orTrouble(r tasks.RoomReply, reply *tasks.RoomReply, err error) tasks.RoomReply {
	if err != nil {
		return troubled(r, err)
	}
	return *reply
}
