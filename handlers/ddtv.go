package handlers

import (
	"encoding/json"
	"strings"

	"github.com/ngworks/nglive/tasks"
)

const originDDTV = "ddtv"

// ddtvEvent is a DDTV webhook's body: version 5 has cmd and data, versions 3 and 4 have type, user_info and room_Info. Version 5
// posts whatever it logs, and its code becomes another one when nobody is logged in: only cmd says what happened.
type ddtvEvent struct {
	_ struct{} `json:"-" additionalProperties:"true"`

	Cmd  string          `json:"cmd,omitempty" doc:"Version 5: RecordingEnd, StartLiveEvent, StopLiveEvent; others are accepted and ignored"`
	Data json.RawMessage `json:"data,omitempty" doc:"Version 5"`

	ID   string          `json:"id,omitempty" doc:"Versions 3 and 4: the same on every try"`
	Type *looseInt       `json:"type,omitempty" doc:"Versions 3 and 4: 0 live, 1 offline, 3 recorded, 5 converted; others are accepted and ignored"`
	Hook anyTime         `json:"hook_time,omitzero" doc:"Versions 3 and 4"`
	User json.RawMessage `json:"user_info,omitempty" doc:"Versions 3 and 4"`
	Room json.RawMessage `json:"room_Info,omitempty" doc:"Versions 3 and 4"`
}

// What a type means in DDTV 3 and 4.
const (
	ddtvStartLive   = 0
	ddtvStopLive    = 1
	ddtvRecorded    = 3
	ddtvTranscoding = 5
)

type ddtvCard struct {
	Room  looseInt `json:"RoomId"`
	Name  string   `json:"Name"`
	Title struct {
		Value string `json:"Value"`
	} `json:"Title"`
	Down struct {
		StartTime anyTime `json:"StartTime"`
		Files     struct {
			Video []string `json:"VideoFile"`
		} `json:"DownloadFileList"`
	} `json:"DownInfo"`
}

type ddtvRoom struct {
	ID    looseInt `json:"room_id"`
	Short looseInt `json:"short_id"`
	Title string   `json:"title"`
	Name  string   `json:"uname"`
	Files struct {
		FLV fileNames `json:"FlvFile"`
		MP4 fileNames `json:"Mp4File"`
	} `json:"DownloadedFileInfo"`
}

func readDDTV(body []byte) ([]notice, error) {
	var e ddtvEvent
	if err := readEvent(body, &e); err != nil {
		return nil, err
	}
	n := notice{id: eventID("ddtv.", e.ID, body), made: !usableID(e.ID), hosted: true, seen: tasks.Sighting{Origin: originDDTV}}
	switch {
	case e.Cmd != "":
		return e.five(n)
	case e.Type != nil:
		return e.three(n)
	}
	return nil, noEvent("DDTV", "cmd (version 5) or type (versions 3 and 4)")
}

// five reads version 5. It sends everything once, so nothing there has an id: a file is known by its path, and what tells of the
// room by its content.
func (e *ddtvEvent) five(n notice) ([]notice, error) {
	kind := map[string]string{"RecordingEnd": tasks.FileClosed, "StartLiveEvent": tasks.StreamStarted, "StopLiveEvent": tasks.StreamEnded}[e.Cmd]
	if kind == "" {
		return nil, nil
	}
	var d ddtvCard
	if err := readEvent(e.Data, &d); err != nil {
		return nil, err
	}
	n.cmd = kind
	n.seen.RoomID, n.seen.Name, n.seen.Title = max(int64(d.Room), 0), clip(d.Name), clip(d.Title.Value)
	if kind != tasks.FileClosed {
		return []notice{n}, nil
	}
	n.seen.OpenedAt = d.Down.StartTime.Time
	return byPath(n, "ddtv.", d.Down.Files.Video), nil
}

// byPath makes one notice a file, known by its path: a list names files of before again, and with another time.
func byPath(n notice, source string, files []string) []notice {
	var all []notice
	for _, file := range files[max(0, len(files)-mostFiles):] {
		one := n
		one.seen.Path, one.made = file, true
		one.id = eventID(source, "", []byte(file))
		all = append(all, one)
	}
	return all
}

// three reads versions 3 and 4.
func (e *ddtvEvent) three(n notice) ([]notice, error) {
	switch *e.Type {
	case ddtvStartLive:
		n.cmd = tasks.StreamStarted
	case ddtvStopLive:
		n.cmd = tasks.StreamEnded
	case ddtvRecorded, ddtvTranscoding:
		n.cmd, n.seen.ClosedAt = tasks.FileClosed, e.Hook.Time
	default:
		return nil, nil
	}
	var room ddtvRoom
	if err := readEvent(orEmpty(e.Room), &room); err != nil {
		return nil, err
	}
	var user struct {
		Name string `json:"name"`
	}
	if err := readEvent(orEmpty(e.User), &user); err != nil {
		return nil, err
	}
	n.seen.RoomID, n.seen.ShortID = max(int64(room.ID), 0), max(int64(room.Short), 0)
	if n.seen.Name, n.seen.Title = clip(user.Name), clip(room.Title); n.seen.Name == "" {
		n.seen.Name = clip(room.Name)
	}
	if n.cmd != tasks.FileClosed {
		return []notice{n}, nil
	}
	files := room.Files.FLV
	if *e.Type == ddtvTranscoding {
		files = room.Files.MP4
	}
	return byPath(n, "ddtv.", files), nil
}

func orEmpty(raw json.RawMessage) json.RawMessage {
	if strings.TrimSpace(string(raw)) == "" {
		return json.RawMessage("{}")
	}
	return raw
}
