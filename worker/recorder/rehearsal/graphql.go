package rehearsal

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// gqlError is a fault as GraphQL tells it.
type gqlError struct{ message, code string }

func (f *gqlError) Error() string { return f.message }

// The faults that have a code in the original.
func notThere() error  { return &gqlError{"Room not found", "BREC_ROOM_NOT_FOUND"} }
func duplicate() error { return &gqlError{"Room already exist.", "BREC_ROOM_DUPLICATE"} }
func outOfRange() error {
	return &gqlError{"Roomid out of range", "BREC_ROOMID_OUT_OF_RANGE"}
}

// graphQL answers one operation. As the original it judges by errors, not by the status, and setConfig does not save.
func (r *Recorder) graphQL(w http.ResponseWriter, q *http.Request) {
	var in struct {
		Query     string         `json:"query"`
		Variables map[string]any `json:"variables"`
	}
	if !read(w, q, &in) {
		return
	}
	mutation, fields, err := parseQuery(in.Query, in.Variables)
	r.mu.Lock()
	defer r.mu.Unlock()
	data := map[string]any{}
	var faults []any
	for _, f := range fields {
		var v any
		if err == nil {
			v, err = r.resolve(mutation, f)
		}
		if err == nil && v != nil {
			v, err = choose(v, f)
		}
		data[f.name] = v
		if err != nil {
			data[f.name] = nil
			break
		}
	}
	out := map[string]any{"data": data}
	if err != nil {
		one := map[string]any{"message": err.Error()}
		if g, ok := err.(*gqlError); ok && g.code != "" { //nolint:errorlint // our own, never wrapped
			one["extensions"] = map[string]any{"code": g.code, "codes": []string{g.code}}
		} else {
			delete(out, "data")
		}
		faults = append(faults, one)
		out["errors"] = faults
	}
	answer(w, http.StatusOK, out)
}

func (r *Recorder) resolve(mutation bool, f field) (any, error) {
	if !mutation {
		switch f.name {
		case "version":
			return map[string]any{"semVer": r.cfg.Version, "fullSemVer": r.cfg.Version}, nil
		case "rooms":
			list := make([]any, 0, len(r.rooms))
			for _, m := range r.rooms {
				list = append(list, m.graph())
			}
			return list, nil
		case "room":
			if m := r.find(f.number("roomId")); m != nil {
				return m.graph(), nil
			}
			return nil, nil
		case "config":
			return toMap(r.globalDTO()), nil
		}
		return nil, &gqlError{message: fmt.Sprintf("Cannot query field %q on type \"RecorderQuery\".", f.name)}
	}
	return r.mutate(f)
}

func (r *Recorder) mutate(f field) (any, error) {
	id := f.number("roomId")
	switch f.name {
	case "addRoom":
		switch {
		case id <= 0:
			return nil, outOfRange()
		case r.find(id) != nil:
			return nil, duplicate()
		}
		auto, _ := f.args["autoRecord"].(bool)
		m := r.newRoom(id, auto)
		r.save()
		return m.graph(), nil
	case "setConfig":
		config, ok := f.args["config"].(map[string]any)
		if !ok {
			return nil, &gqlError{message: "config can't be null"}
		}
		change := map[string]optional{}
		for name, v := range config {
			if o, ok := v.(map[string]any); ok {
				has, _ := o["hasValue"].(bool)
				change[name] = optional{has, o["value"]}
			}
		}
		r.take(change) // and does not save
		return toMap(r.globalDTO()), nil
	}
	act := map[string]func(*room){
		"removeRoom": r.remove, "refreshRoomInfo": (*room).refresh, "startRecording": (*room).start,
		"stopRecording": (*room).stop, "splitRecordingOutput": (*room).split,
	}[f.name]
	if act == nil {
		return nil, &gqlError{message: fmt.Sprintf("Cannot query field %q on type \"RecorderMutation\".", f.name)}
	}
	m := r.find(id)
	if m == nil {
		return nil, notThere()
	}
	act(m)
	return m.graph(), nil
}

// graph is a room in GraphQL's shape: its settings stand below it, and enums are words.
func (m *room) graph() map[string]any {
	out := toMap(m.dto())
	config := toMap(m.settings())
	config["roomId"] = m.id
	for name, names := range map[string][]string{"optionalRecordMode": {"STANDARD", "RAW_DATA"}, "optionalCuttingMode": {"DISABLED", "BY_TIME", "BY_SIZE"}} {
		if o, ok := config[name].(map[string]any); ok {
			if n, ok := o["value"].(float64); ok && int(n) < len(names) {
				o["value"] = names[int(n)]
			}
		}
	}
	out["roomConfig"] = config
	delete(out, "roomId")
	delete(out, "autoRecord")
	return out
}

func toMap(v any) map[string]any {
	b, err := json.Marshal(v)
	out := map[string]any{}
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		panic("rehearsal: " + err.Error())
	}
	return out
}

// choose leaves what was asked for; a field that is not there is an error, as the seed found out with "stats".
func choose(v any, f field) (any, error) {
	if list, ok := v.([]any); ok {
		out := make([]any, 0, len(list))
		for _, item := range list {
			one, err := choose(item, f)
			if err != nil {
				return nil, err
			}
			out = append(out, one)
		}
		return out, nil
	}
	object, ok := v.(map[string]any)
	if !ok {
		return v, nil
	}
	if len(f.fields) == 0 {
		return nil, &gqlError{message: fmt.Sprintf("Field %q must have a selection of subfields.", f.name)}
	}
	out := map[string]any{}
	for _, sub := range f.fields {
		value, there := object[sub.name]
		if !there {
			return nil, &gqlError{message: fmt.Sprintf("Cannot query field %q on type of %q.", sub.name, f.name)}
		}
		chosen, err := choose(value, sub)
		if err != nil {
			return nil, err
		}
		out[sub.name] = chosen
	}
	return out, nil
}

// word reports whether a token is a name.
func word(s string) bool { return s != "" && !strings.ContainsAny(s[:1], `{}()[]:,$!="`) }
