package handlers

import (
	"encoding/json"

	"github.com/ngworks/nglive/tasks"
)

const originOneLiveRec = "oneliverec"

// oneLiveRecEvent is a OneLiveRec webhook's body. It tells neither title nor streamer: the worker looks for them in the
// file.
type oneLiveRecEvent struct {
	_ struct{} `json:"-" additionalProperties:"true"`

	ID   string          `json:"id,omitempty" doc:"The same on every try"`
	Time anyTime         `json:"ts,omitzero"`
	Type string          `json:"type" doc:"video_transmux_finish; others are accepted and ignored"`
	Data json.RawMessage `json:"data,omitempty"`
}

type oneLiveRecFile struct {
	Platform string   `json:"platform"`
	Channel  looseInt `json:"channel"`
	Output   string   `json:"output"`
}

func readOneLiveRec(body []byte) ([]notice, error) {
	var e oneLiveRecEvent
	if err := readEvent(body, &e); err != nil {
		return nil, err
	}
	if e.Type == "" {
		return nil, noEvent("OneLiveRec", "type")
	}
	if e.Type != "video_transmux_finish" {
		return nil, nil
	}
	var d oneLiveRecFile
	if err := readEvent(e.Data, &d); err != nil {
		return nil, err
	}
	n := notice{id: eventID("oneliverec.", e.ID, body), made: !usableID(e.ID), cmd: tasks.FileClosed, hosted: true, recall: true}
	n.seen = tasks.Sighting{Origin: originOneLiveRec, Path: d.Output, ClosedAt: e.Time.Time}
	if d.Platform == "bilibili" || d.Platform == "" {
		n.seen.RoomID = max(int64(d.Channel), 0)
	}
	return []notice{n}, nil
}
