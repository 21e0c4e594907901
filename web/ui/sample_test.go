package ui_test

import (
	"fmt"
	"strconv"
	"time"

	"github.com/ngworks/nglive/tasks"
)

// seq numbers an event by a moment, as the stream does.
func seq(at time.Time) string { return strconv.FormatInt(at.UnixMilli(), 10) + "-0" }

func step(kind string, state tasks.StepState) tasks.StepInfo {
	return tasks.StepInfo{ID: kind, Type: kind, State: state, Run: 1}
}

// recording is one that ended a while ago and whose three steps are in these states.
func recording(n int, state tasks.State, age time.Duration, transcode, upload, notify tasks.StepState) tasks.Recording {
	at := tasks.At(time.Now().Add(-age))
	return tasks.Recording{
		ID: fmt.Sprintf("%016x", n), Node: "attic", Path: fmt.Sprintf("23058-demo/录制-23058-%04d.flv", n), Origin: "bililiverecorder",
		RoomID: 23058, Name: fmt.Sprintf("主播 %d", n), Title: "今晚继续", State: state, FlowID: "default", Run: 1,
		OpenedAt: at.Add(-time.Hour), CreatedAt: at, UpdatedAt: at, ClosedAt: at, SizeBytes: 3 << 30, DurationSeconds: 7985,
		Steps: []tasks.StepInfo{step("transcode", transcode), step("upload", upload), step("notify", notify)},
	}
}

// evening is an installation in the middle of its work: something of everything. The streamers are made up.
func evening() ([]tasks.Recording, []tasks.Event, []tasks.NodeInfo) {
	const done, pending = tasks.StepDone, tasks.StepPending
	live := recording(1, tasks.Opening, 0, pending, pending, pending)
	named(&live, "小满电台", "深夜点歌｜想听什么都可以", 23058, "小满电台/录制-23058-20261122-213012.flv")
	live.Steps, live.SizeBytes, live.DurationSeconds = nil, 0, 0
	encode := recording(2, tasks.Running, 4*time.Minute, tasks.StepRunning, pending, pending)
	named(&encode, "阿柒 Seven", "【独立游戏】和大家一起通关到天亮", 1024011, "阿柒 Seven/录制-1024011-20261122-190004.flv")
	encode.SizeBytes, encode.DurationSeconds = 12_884_901_888, 9_841
	upload := recording(3, tasks.Running, 31*time.Minute, done, tasks.StepRunning, pending)
	named(&upload, "山风与海", "钢琴练习 Op.10 No.4", 7734200, "山风与海/录制-7734200-20261122-183000.flv")
	upload.Node, upload.SizeBytes, upload.DurationSeconds = "nas", 4_617_089_843, 5_402
	held := recording(4, tasks.Waiting, 52*time.Minute, tasks.StepWaiting, pending, pending)
	named(&held, "Mika 的厨房", "三十分钟晚餐", 558219, "Mika 的厨房/录制-558219-20261122-180510.flv")
	held.Node = "nas"
	held.Steps[0].Reason = "the disk of /srv/out has 4.1% free, less than the 5% kept back (NGLIVE_DISK_HOLD); it is looked at again every minute"
	failed := recording(5, tasks.Failed, 2*time.Hour, tasks.StepFailed, pending, pending)
	named(&failed, "北极星观测站", "木星冲日直播", 90210, "北极星观测站/录制-90210-20261122-170000.flv")
	failed.Error = "transcode 北极星观测站/录制-90210-20261122-170000.flv: the video is HEVC inside FLV (codec id 12), and this ffmpeg (5.1.6) " +
		"cannot read that.\nInstall ffmpeg 6.1 or newer, set NGLIVE_FFMPEG to it, and press Retry."
	failed.Steps[0].Error = failed.Error
	finished := recording(6, tasks.Finished, 3*time.Hour, done, done, done)
	named(&finished, "小满电台", "午后读书：第十二章", 23058, "小满电台/录制-23058-20261122-140000.flv")
	finished.Steps[1].Output = &tasks.Output{Location: "/mnt/nas/archive/23058/20261122/录制-23058-20261122-140000.mp4", SizeBytes: 2 << 30}
	short := recording(7, tasks.Finished, 5*time.Hour, done, done, done)
	named(&short, "夜航西飞", "试音", 41573, "夜航西飞/录制-41573-20261122-121500.flv")
	short.Steps[0].Warning = "the source ends early, after 14:21 of 14:25 (power cut?); everything it holds is in the video"
	short.Steps[1].Output = &tasks.Output{
		Location: "baidu:/apps/NGlive/41573/20261122/录制-41573-20261122-121500.mp4",
		Share:    &tasks.Share{Link: "https://pan.baidu.com/s/1nGl1veNotReal_0?pwd=k7q2", Password: "k7q2", ExpiresAt: time.Now().Add(7 * 24 * time.Hour)},
	}
	short.SizeBytes, short.DurationSeconds = 201_326_592, 861
	all := []tasks.Recording{live, encode, upload, held, failed, finished, short}
	return all, eveningEvents(all), eveningNodes()
}

func named(r *tasks.Recording, name, title string, room int64, path string) {
	r.Name, r.Title, r.RoomID, r.Path = name, title, room, path
}

func eveningEvents(all []tasks.Recording) []tasks.Event {
	now := time.Now()
	var events []tasks.Event
	add := func(ago time.Duration, n int, cmd, step, msg string, state tasks.State) {
		r, at := all[n-1], now.Add(-ago)
		events = append(events, tasks.Event{
			CMD: cmd, ID: r.ID, SEQ: seq(at), TS: tasks.Stamp(at), NODE: r.Node, ROOM: r.RoomID, STEP: step, MSG: msg, STATE: state,
			NAME: r.Name, TITLE: r.Title, FILE: r.Path, RUN: 1, EVENT: fmt.Sprintf("%d.%s", n, cmd),
		})
	}
	add(180*time.Minute, 6, tasks.UpEnded, "upload", "", tasks.Running)
	add(179*time.Minute, 6, tasks.NotifyEnded, "notify", "", tasks.Running)
	add(178*time.Minute, 6, tasks.FlowFinished, "", "", tasks.Finished)
	add(120*time.Minute, 5, tasks.TranscodeError, "transcode", all[4].Error, tasks.Failed)
	add(52*time.Minute, 4, tasks.StepHeld, "transcode", all[3].Steps[0].Reason, tasks.Waiting)
	add(31*time.Minute, 3, tasks.FileClosed, "", "", tasks.Closed)
	add(30*time.Minute, 3, tasks.TranscodeStarted, "transcode", "", tasks.Running)
	add(27*time.Minute, 3, tasks.TranscodeEnded, "transcode", "", tasks.Running)
	add(26*time.Minute, 3, tasks.UpStarted, "upload", "", tasks.Running)
	add(4*time.Minute, 2, tasks.FileClosed, "", "", tasks.Closed)
	add(4*time.Minute-time.Second, 2, tasks.TranscodeStarted, "transcode", "", tasks.Running)
	add(10*time.Second, 1, tasks.FileOpening, "", "", tasks.Opening)
	return events
}

func eveningNodes() []tasks.NodeInfo {
	now := tasks.At(time.Now())
	return []tasks.NodeInfo{
		{Name: "attic", Alive: true, BeatAt: now, Beat: beat("attic", 38.2, 41, 62, 712.4)},
		{Name: "nas", Alive: true, BeatAt: now, Beat: beat("nas", 12.6, 73, 95.9, 151.7)},
		{Name: "old-laptop", BeatAt: now.Add(-26 * time.Hour)},
	}
}

func beat(node string, cpu, memory, disk, free float64) *tasks.Event {
	return &tasks.Event{
		CMD: tasks.Heartbeat, NODE: node, TS: tasks.Stamp(time.Now()), CPU: &tasks.CPUBeat{Percent: cpu},
		Memory: &tasks.MemoryBeat{Percent: memory}, Disk: &tasks.DiskBeat{Percent: disk, Free: free},
	}
}

// progress is a live frame.
func progress(cmd, id, step string, percent int, bps, eta int64) tasks.Event {
	return tasks.Event{CMD: cmd, ID: id, COMP: &percent, STEP: step, BPS: bps, ETA: eta}
}
