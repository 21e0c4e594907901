package main

import (
	"time"

	"github.com/google/uuid"

	"github.com/ngworks/nglive/worker/flv"
)

// recorderEvent is one body of BililiveRecorder's Webhook V2.
type recorderEvent struct {
	EventType      string    `json:"EventType"`
	EventTimestamp string    `json:"EventTimestamp"`
	EventID        string    `json:"EventId"`
	EventData      eventData `json:"EventData"`
}

// eventData has the fields of all its events; each uses some of them.
type eventData struct {
	RelativePath  string   `json:"RelativePath,omitempty"`
	FileSize      *int64   `json:"FileSize,omitempty"`
	Duration      *float64 `json:"Duration,omitempty"`
	FileOpenTime  string   `json:"FileOpenTime,omitempty"`
	FileCloseTime string   `json:"FileCloseTime,omitempty"`
	SessionID     string   `json:"SessionId,omitempty"`

	RoomID           int64  `json:"RoomId"`
	ShortID          int64  `json:"ShortId"`
	Name             string `json:"Name"`
	Title            string `json:"Title"`
	AreaNameParent   string `json:"AreaNameParent"`
	AreaNameChild    string `json:"AreaNameChild"`
	Recording        bool   `json:"Recording"`
	Streaming        bool   `json:"Streaming"`
	DanmakuConnected bool   `json:"DanmakuConnected"`
}

func newRecorderEvent(kind string, data eventData) recorderEvent {
	return recorderEvent{EventType: kind, EventTimestamp: recorderTime(time.Now()), EventID: uuid.NewString(), EventData: data}
}

// recorderTime writes a time as .NET does: seven digits and an offset.
func recorderTime(t time.Time) string { return t.Format("2006-01-02T15:04:05.0000000-07:00") }

func (d *eventData) about(n flv.RecorderNote) {
	d.RoomID, d.ShortID, d.Name, d.Title = n.RoomID, n.ShortID, n.Name, n.StreamTitle
	d.AreaNameParent, d.AreaNameChild = n.AreaNameParent, n.AreaNameChild
}
