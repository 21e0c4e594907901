package tasks

import "time"

// Commands of event frames; the first twelve and the heartbeat keep the names of the original NGlive.
const (
	SessionStarted   = "SessionStarted"
	FileOpening      = "FileOpening"
	FileClosed       = "FileClosed"
	SessionEnded     = "SessionEnded"
	TranscodeStarted = "TranscodeStarted"
	IsTranscode      = "IsTranscode"
	TranscodeEnded   = "TranscodeEnded"
	TranscodeError   = "TranscodeError"
	UpStarted        = "UpStarted"
	IsUp             = "IsUp"
	UpEnded          = "UpEnded"
	UpError          = "UpError"
	Heartbeat        = "heartbeat"

	StreamStarted  = "StreamStarted"
	StreamEnded    = "StreamEnded"
	NotifyEnded    = "NotifyEnded"
	NotifyError    = "NotifyError"
	DeleteEnded    = "DeleteEnded"
	DeleteError    = "DeleteError"
	StepHeld       = "StepHeld"
	StepRetry      = "StepRetry"
	StepLeftOut    = "StepSkipped"
	FlowStarted    = "FlowStarted"
	FlowFinished   = "FlowFinished"
	RecordingFound = "RecordingFound"
	Repaired       = "Repaired"
	FilesTrashed   = "FilesTrashed"
	TrashEmptied   = "TrashEmptied"
	DiskLow        = "DiskLow"
	DiskOK         = "DiskOK"
	Refused        = "Refused"
	NodeUp         = "NodeUp"
	NodeDown       = "NodeDown"
	RecorderUp     = "RecorderUp"
	RecorderDown   = "RecorderDown"
	TargetStopped  = "TargetStopped"
	TargetResumed  = "TargetResumed"
	TestMessage    = "TestMessage"
	Gap            = "gap"
)

// Notifiable are the words by which a channel chooses its events: "errors" first, then every lifecycle event that can become a
// notification.
func Notifiable() []string {
	return []string{
		"errors", SessionStarted, FileOpening, FileClosed, SessionEnded, TranscodeStarted, TranscodeEnded, TranscodeError, UpStarted, UpEnded,
		UpError, StreamStarted, StreamEnded, DeleteEnded, DeleteError, StepHeld, StepRetry, StepLeftOut, FlowStarted, FlowFinished,
		RecordingFound, Repaired, FilesTrashed, TrashEmptied, DiskLow, DiskOK, Refused, NodeUp, NodeDown, RecorderUp, RecorderDown,
		TargetStopped, TargetResumed,
	}
}

// Event is something that happened, as it stands in the streams, on the WebSocket, in /api/events and in notifications.
// The upper-case keys keep the shape of the original's frames.
type Event struct {
	CMD   string  `json:"CMD" doc:"What happened"`
	ID    string  `json:"ID,omitempty" doc:"SessionId for SessionStarted and SessionEnded, else the recording's id"`
	COMP  *int    `json:"COMP,omitempty" doc:"Progress in per cent"`
	SEQ   string  `json:"SEQ,omitempty" doc:"Sequence number; pass the last one as since"`
	TS    string  `json:"TS" doc:"When, RFC 3339 with milliseconds"`
	NODE  string  `json:"NODE,omitempty"`
	ROOM  int64   `json:"ROOM,omitempty"`
	STEP  string  `json:"STEP,omitempty"`
	BPS   int64   `json:"BPS,omitempty" doc:"Bytes per second"`
	ETA   int64   `json:"ETA,omitempty" doc:"Seconds to go"`
	MSG   string  `json:"MSG,omitempty" doc:"For people"`
	EVENT string  `json:"EVENT,omitempty" doc:"The event's own id, the same on every delivery"`
	STATE State   `json:"STATE,omitempty" doc:"The recording's state after it"`
	NAME  string  `json:"NAME,omitempty" doc:"The streamer"`
	TITLE string  `json:"TITLE,omitempty"`
	FILE  string  `json:"FILE,omitempty" doc:"The recording's path"`
	OUT   *Output `json:"OUT,omitempty" doc:"What the step made"`
	RUN   int     `json:"RUN,omitempty"`

	TARGET string `json:"TARGET,omitempty" doc:"The upload target it is about; on StepHeld: all its uploads wait"`
	// BROADCAST is put in by the script that writes a recording's events: whoever makes them does not know it.
	BROADCAST string `json:"BROADCAST,omitempty" doc:"The broadcast that the recording was in at that moment; a recording that turns up late may join it to an older one"`

	// The heartbeat's own keys, as the original sent them.
	UUID    string       `json:"UUID,omitempty"`
	Host    string       `json:"name,omitempty"`
	CPU     *CPUBeat     `json:"cpu,omitempty"`
	Memory  *MemoryBeat  `json:"memory,omitempty"`
	Disk    *DiskBeat    `json:"disk,omitempty"`
	Network *NetworkBeat `json:"network,omitempty"`
}

// CPUBeat is the processor in a heartbeat. The original swapped the two counts, and listeners rely on it.
type CPUBeat struct {
	CPU     int     `json:"cpu" doc:"Logical processors"`
	Logical int     `json:"cpu_logical" doc:"Physical processors (the original's naming)"`
	Percent float64 `json:"percent"`
}

// MemoryBeat is the memory in a heartbeat, in GiB.
type MemoryBeat struct {
	Total   float64 `json:"total"`
	Used    float64 `json:"used"`
	Percent float64 `json:"percent"`
}

// DiskBeat is the recordings' disk in a heartbeat, in GiB.
type DiskBeat struct {
	Total   float64 `json:"total"`
	Used    float64 `json:"used"`
	Free    float64 `json:"free"`
	Percent float64 `json:"percent"`
}

// NetworkBeat is the traffic since the last heartbeat, in bytes per second.
type NetworkBeat struct {
	Sent     float64 `json:"sent"`
	Received float64 `json:"received"`
}

// Stamp is how an event shows a time.
func Stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// Failing reports whether the event tells of something that went wrong for good.
func (e Event) Failing() bool {
	switch e.CMD {
	case TranscodeError, UpError, NotifyError, DeleteError, Refused, RecorderDown, TargetStopped:
		return true
	}
	return false
}

// event starts one about a recording.
func (r *Recording) event(cmd string, at time.Time) Event {
	return Event{
		CMD: cmd, ID: r.ID, TS: Stamp(at), NODE: r.Node, ROOM: r.RoomID, STATE: r.State, NAME: r.Name, TITLE: r.Title,
		FILE: r.Path, RUN: r.Run,
	}
}

// stepEvents names the events of one type of step.
func stepEvents(stepType string) (started, ended, failed string) {
	switch stepType {
	case StepTranscode:
		return TranscodeStarted, TranscodeEnded, TranscodeError
	case StepUpload:
		return UpStarted, UpEnded, UpError
	case StepNotify:
		return "", NotifyEnded, NotifyError
	}
	return "", DeleteEnded, DeleteError
}
