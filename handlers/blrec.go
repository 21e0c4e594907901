package handlers

import (
	"cmp"
	"encoding/json"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/ngworks/nglive/tasks"
)

const originBlrec = "blrec"

// blrecEvent is a blrec webhook's body. Its file events tell a path and a room and nothing else; name and title come from its
// events about the room.
type blrecEvent struct {
	_ struct{} `json:"-" additionalProperties:"true"`

	Type string          `json:"type" doc:"VideoFileCreatedEvent, VideoPostprocessingCompletedEvent, LiveBeganEvent and so on; others are accepted and ignored"`
	ID   string          `json:"id,omitempty" doc:"The same on every try"`
	Date anyTime         `json:"date,omitzero"`
	Data json.RawMessage `json:"data,omitempty"`
}

type blrecFile struct {
	Room  looseInt `json:"room_id"`
	Path  string   `json:"path"`
	Files []string `json:"files"`
}

type blrecRoom struct {
	User struct {
		Name string `json:"name"`
	} `json:"user_info"`
	Room struct {
		ID     looseInt `json:"room_id"`
		Short  looseInt `json:"short_room_id"`
		Title  string   `json:"title"`
		Area   string   `json:"area_name"`
		Parent string   `json:"parent_area_name"`
	} `json:"room_info"`
}

// readBlrec acts on the events after which a file is final: blrec writes a completed file anew when it puts metadata into it or
// makes an MP4 of it.
func readBlrec(body []byte) ([]notice, error) {
	var e blrecEvent
	if err := readEvent(body, &e); err != nil {
		return nil, err
	}
	n := notice{id: eventID("blrec.", e.ID, body), made: !usableID(e.ID), hosted: true, seen: tasks.Sighting{Origin: originBlrec}}
	switch e.Type {
	case "LiveBeganEvent":
		return e.room(n, tasks.StreamStarted)
	case "LiveEndedEvent":
		return e.room(n, tasks.StreamEnded)
	case "RoomChangeEvent", "RecordingStartedEvent", "RecordingFinishedEvent", "RecordingCancelledEvent":
		return e.room(n, "")
	case "VideoFileCreatedEvent":
		n.cmd, n.seen.OpenedAt = tasks.FileOpening, e.Date.Time
		return e.files(n)
	case "VideoFileCompletedEvent": // not final yet, but its recording is over
		n.cmd, n.seen.ClosedAt = tasks.FileOpening, e.Date.Time
		return e.files(n)
	case "VideoPostprocessingCompletedEvent", "PostprocessingCompletedEvent":
		n.cmd, n.seen.ClosedAt = tasks.FileClosed, e.Date.Time
		return e.files(n)
	case "":
		return nil, noEvent("blrec", "type")
	}
	return nil, nil
}

func (e *blrecEvent) room(n notice, cmd string) ([]notice, error) {
	var d blrecRoom
	if err := readEvent(e.Data, &d); err != nil {
		return nil, err
	}
	n.cmd, n.room = cmd, true
	n.seen.RoomID, n.seen.ShortID = max(int64(d.Room.ID), 0), max(int64(d.Room.Short), 0)
	n.seen.Name, n.seen.Title = clip(d.User.Name), clip(d.Room.Title)
	n.seen.Area = clip(strings.Trim(d.Room.Parent+"/"+d.Room.Area, "/"))
	return []notice{n}, nil
}

func (e *blrecEvent) files(n notice) ([]notice, error) {
	var d blrecFile
	if err := readEvent(e.Data, &d); err != nil {
		return nil, err
	}
	n.seen.RoomID, n.recall = max(int64(d.Room), 0), true
	if d.Files == nil {
		d.Files = []string{d.Path}
	} else {
		d.Files = finalVideos(d.Files)
	}
	return each(n, d.Files), nil
}

// each makes one notice a file; the ids stay the same on every try.
func each(n notice, files []string) []notice {
	var all []notice
	for i, file := range files {
		one := n
		if one.seen.Path = file; i > 0 {
			one.id += "-" + strconv.Itoa(i)
		}
		if ext := path.Ext(file); one.cmd == tasks.FileClosed && ext != "" && !strings.EqualFold(ext, ".flv") {
			one.was = strings.TrimSuffix(file, ext) + ".flv"
		}
		all = append(all, one)
	}
	return all
}

// mostFiles is how many files one event may name, the last ones; a broadcast of a day has a few dozen.
const mostFiles = 200

// finalVideos leaves out what is no video, and a FLV that became a video of the same name.
func finalVideos(files []string) []string {
	best := map[string]string{}
	var stems []string
	for _, file := range files[max(0, len(files)-mostFiles):] {
		ext := strings.ToLower(path.Ext(file))
		if !slices.Contains([]string{".flv", ".mp4", ".mkv", ".ts", ".m4s", ".mov", ".webm"}, ext) {
			continue
		}
		stem := strings.TrimSuffix(file, path.Ext(file))
		if known, ok := best[stem]; !ok {
			stems = append(stems, stem)
		} else if ext == ".flv" {
			file = known
		}
		best[stem] = cmp.Or(file, best[stem])
	}
	out := make([]string, len(stems))
	for i, stem := range stems {
		out[i] = best[stem]
	}
	return out
}
