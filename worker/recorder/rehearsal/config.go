package rehearsal

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// optional is a setting as REST spells it.
type optional struct {
	HasValue bool `json:"hasValue"`
	Value    any  `json:"value"`
}

// stored is a setting as config.json spells it.
type stored struct {
	HasValue bool
	Value    any
}

type configFile struct {
	Version int                 `json:"version"`
	Global  map[string]stored   `json:"global"`
	Rooms   []map[string]stored `json:"rooms"`
}

func (r *Recorder) configPath() string { return filepath.Join(r.cfg.Dir, "config.json") }

func (r *Recorder) load() error {
	if r.cfg.Forgetful {
		return nil
	}
	content, err := os.ReadFile(r.configPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var c configFile
	if err == nil {
		err = json.Unmarshal(content, &c)
	}
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, s := range c.Global {
		r.global["optional"+name] = optional(s)
	}
	for _, settings := range c.Rooms {
		id, _ := settings["RoomId"].Value.(float64)
		auto, _ := settings["AutoRecord"].Value.(bool)
		m := r.newRoom(int64(id), auto)
		for name, s := range settings {
			if name != "RoomId" && name != "AutoRecord" {
				m.config["optional"+name] = optional(s)
			}
		}
	}
	return nil
}

// save needs the recorder's mutex. What it cannot write is lost, and said.
func (r *Recorder) save() {
	if r.cfg.Forgetful {
		return
	}
	c := configFile{Version: 3, Global: map[string]stored{}, Rooms: []map[string]stored{}}
	for name, o := range r.global {
		if o.HasValue {
			c.Global[strings.TrimPrefix(name, "optional")] = stored(o)
		}
	}
	for _, m := range r.rooms {
		settings := map[string]stored{"RoomId": {true, m.id}, "AutoRecord": {true, m.auto}}
		for name, o := range m.config {
			if o.HasValue {
				settings[strings.TrimPrefix(name, "optional")] = stored(o)
			}
		}
		c.Rooms = append(c.Rooms, settings)
	}
	content, err := json.Marshal(c)
	if err == nil {
		draft := r.configPath() + ".tmp"
		err = errors.Join(os.WriteFile(draft, content, 0o600), os.Rename(draft, r.configPath()))
	}
	if err != nil {
		r.cfg.Say("[ERR] Failed to save config: " + err.Error())
	}
}

// hookAddresses reads both lists, one address a line.
func (r *Recorder) hookAddresses() (v1, v2 []string) {
	lines := func(name string) []string {
		text, _ := r.global[name].Value.(string)
		var list []string
		for line := range strings.FieldsFuncSeq(text, func(c rune) bool { return c == '\r' || c == '\n' }) {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "http://") || strings.HasPrefix(line, "https://") {
				list = append(list, line)
			}
		}
		return list
	}
	return lines("optionalWebHookUrls"), lines("optionalWebHookUrlsV2")
}
