package handlers

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/ngworks/nglive/tasks"
)

// Who a recording's events come from.
const (
	originV2 = "bililiverecorder"
	originV1 = "bililiverecorder-v1"
)

// recorderEvent is a BililiveRecorder webhook's body, version 2 or 1 (deprecated, without EventType, sent when a file closes).
// What is unknown is welcome: newer recorders send more.
type recorderEvent struct {
	_ struct{} `json:"-" additionalProperties:"true"`

	EventType string       `json:"EventType,omitempty" doc:"SessionStarted, FileOpening, FileClosed, SessionEnded, StreamStarted, StreamEnded; others are accepted and ignored. Absent in version 1."`
	EventID   string       `json:"EventId,omitempty" doc:"The same on every try"`
	Data      recorderFile `json:"EventData,omitzero" doc:"Version 2"`

	RandomID    string       `json:"EventRandomId,omitempty" doc:"Version 1: the same on every try"`
	RecordStart recorderTime `json:"StartRecordTime,omitzero" doc:"Version 1"`
	RecordEnd   recorderTime `json:"EndRecordTime,omitzero" doc:"Version 1"`
	Room        int64        `json:"RoomId,omitempty" doc:"Version 1"`
	Name        string       `json:"Name,omitempty" doc:"Version 1"`
	Title       string       `json:"Title,omitempty" doc:"Version 1"`
	Path        string       `json:"RelativePath,omitempty" doc:"Version 1"`
	Size        int64        `json:"FileSize,omitempty" doc:"Version 1"`
}

// recorderFile is what version 2 tells; an event has only some of it.
type recorderFile struct {
	_ struct{} `json:"-" additionalProperties:"true"`

	Session  string          `json:"SessionId,omitempty"`
	Path     string          `json:"RelativePath,omitempty" doc:"As the recorder spells it, relative to RECORDINGS_DIR"`
	Size     int64           `json:"FileSize,omitempty" doc:"Bytes"`
	Duration recorderSeconds `json:"Duration,omitempty"`
	OpenedAt recorderTime    `json:"FileOpenTime,omitzero"`
	ClosedAt recorderTime    `json:"FileCloseTime,omitzero"`
	Room     int64           `json:"RoomId,omitempty"`
	Short    int64           `json:"ShortId,omitempty"`
	Name     string          `json:"Name,omitempty"`
	Title    string          `json:"Title,omitempty"`
	Parent   string          `json:"AreaNameParent,omitempty"`
	Child    string          `json:"AreaNameChild,omitempty"`
}

// readBililive is readNotice for receive.
func readBililive(body []byte) ([]notice, error) {
	n, err := readNotice(body)
	if err != nil || n.cmd == "" {
		return nil, err
	}
	return []notice{n}, nil
}

// readNotice understands version 1 and 2. Its errors are *Error and repeat nothing of the body.
func readNotice(body []byte) (notice, error) {
	if tooDeep(body, deepest) {
		return notice{}, refuse(http.StatusBadRequest, "The event nests deeper than any recorder's does.")
	}
	var e recorderEvent
	err := json.Unmarshal(body, &e)
	if known := knownEvent(e.EventType); e.EventType != "" && !known && !isSyntax(err) {
		return notice{}, nil // whatever its fields are like, it concerns nobody here
	}
	if err != nil {
		return notice{}, unreadable(err)
	}
	switch {
	case e.EventType != "":
		return e.version2(body), nil
	case e.RandomID != "" || e.Path != "":
		return e.version1(body), nil
	}
	return notice{}, refuse(http.StatusUnprocessableEntity,
		"This is not an event of BililiveRecorder: it has neither EventType (version 2) nor EventRandomId (version 1).")
}

func (e *recorderEvent) version2(body []byte) notice {
	d := &e.Data
	return notice{id: eventID("brec2.", e.EventID, body), cmd: e.EventType, seen: tasks.Sighting{
		Origin: originV2, Path: d.Path, RoomID: max(d.Room, 0), ShortID: max(d.Short, 0), Name: clip(d.Name), Title: clip(d.Title),
		Area: clip(strings.Trim(d.Parent+"/"+d.Child, "/")), Session: clip(d.Session), Size: max(d.Size, 0),
		Duration: float64(d.Duration), OpenedAt: d.OpenedAt.Time, ClosedAt: d.ClosedAt.Time,
	}}
}

func (e *recorderEvent) version1(body []byte) notice {
	return notice{id: eventID("brec1.", e.RandomID, body), cmd: tasks.FileClosed, seen: tasks.Sighting{
		Origin: originV1, Path: e.Path, RoomID: max(e.Room, 0), Name: clip(e.Name), Title: clip(e.Title), Size: max(e.Size, 0),
		OpenedAt: e.RecordStart.Time, ClosedAt: e.RecordEnd.Time,
	}}
}

func knownEvent(kind string) bool {
	switch kind {
	case tasks.SessionStarted, tasks.FileOpening, tasks.FileClosed, tasks.SessionEnded, tasks.StreamStarted, tasks.StreamEnded:
		return true
	}
	return false
}
