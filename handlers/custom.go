package handlers

import (
	"strconv"

	"github.com/ngworks/nglive/tasks"
)

const originCustom = "custom"

// customEvent is for every recorder that can run a command when a file is done: curl sends the few fields that there are.
type customEvent struct {
	_ struct{} `json:"-" additionalProperties:"true"`

	Event string   `json:"event" doc:"FileOpening or FileClosed; others are accepted and ignored"`
	Path  string   `json:"filePath,omitempty" doc:"Absolute, as on the recorder's machine, or relative to RECORDINGS_DIR"`
	Room  looseInt `json:"roomId,omitempty"`
	Time  anyTime  `json:"time,omitzero" doc:"When; without a zone it is NGlive's own"`
	Title string   `json:"title,omitempty"`
	Name  string   `json:"username,omitempty" doc:"The streamer"`
}

func readCustom(body []byte) ([]notice, error) {
	var e customEvent
	if err := readEvent(body, &e); err != nil {
		return nil, err
	}
	n := notice{cmd: e.Event, hosted: true, made: true, recall: true, seen: tasks.Sighting{
		Origin: originCustom, Path: e.Path, RoomID: max(int64(e.Room), 0), Name: clip(e.Name), Title: clip(e.Title),
	}}
	switch e.Event {
	case tasks.FileOpening:
		n.seen.OpenedAt = e.Time.Time
	case tasks.FileClosed:
		n.seen.ClosedAt = e.Time.Time
	case "":
		return nil, noEvent("any recorder", "event")
	default:
		return nil, nil
	}
	n.id = eventID("custom.", "", []byte(e.Event+"\x00"+e.Path+"\x00"+strconv.FormatInt(e.Time.UnixMilli(), 10)))
	return []notice{n}, nil
}
