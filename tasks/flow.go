package tasks

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
)

// DefaultFlowID names the flow that takes what no other flow takes.
const DefaultFlowID = "default"

// Flow is the steps a recording goes through. It is data: versioned, and pinned by each recording.
type Flow struct {
	ID      string `json:"id" pattern:"^[A-Za-z0-9_-]{1,40}$" doc:"Letters, digits, - and _"`
	Name    string `json:"name,omitempty" maxLength:"200"`
	Version int    `json:"version,omitempty" doc:"Counted up by every change"`
	Match   *Match `json:"match,omitempty" doc:"Which recordings the flow takes by itself; without it, only rooms that name it"`
	Steps   []Step `json:"steps" nullable:"false" maxItems:"20" doc:"Done in this order; no steps = the recording is left alone (skipped)"`

	sealed *sealedFlow // set by Resolve: nobody changes a resolved flow
}

// sealedFlow is a flow's JSON and the name of that content, so that hundreds of recordings a second need not write it anew.
type sealedFlow struct {
	key  string
	json []byte
}

// Match says which recordings a flow takes; every test that is present must hold, and what is unknown fails none.
type Match struct {
	Rooms              []int64  `json:"rooms,omitempty" doc:"Real or short room ids; empty = all"`
	MinSizeBytes       *int64   `json:"min_size_bytes,omitempty" minimum:"0"`
	MaxSizeBytes       *int64   `json:"max_size_bytes,omitempty" minimum:"0"`
	MinDurationSeconds *float64 `json:"min_duration_seconds,omitempty" minimum:"0"`
	MaxDurationSeconds *float64 `json:"max_duration_seconds,omitempty" minimum:"0"`
}

// Step is one block of a flow.
type Step struct {
	ID      string         `json:"id" doc:"Letters, digits, - and _; unique in its flow"`
	Type    string         `json:"type" doc:"transcode, upload, notify or delete"`
	With    map[string]any `json:"with,omitempty" doc:"Settings of the step; what is left out comes from the node's own settings"`
	When    *When          `json:"when,omitempty" doc:"Tests that must all hold, else the step is skipped"`
	OnError string         `json:"on_error,omitempty" enum:"stop,continue" doc:"stop (default) or continue (default for notify)"`
}

// When is an object of simple tests that must all hold; what is unknown fails none.
type When struct {
	MinSizeBytes       *int64   `json:"min_size_bytes,omitempty" minimum:"0"`
	MaxSizeBytes       *int64   `json:"max_size_bytes,omitempty" minimum:"0"`
	MinDurationSeconds *float64 `json:"min_duration_seconds,omitempty" minimum:"0"`
	TitleMatches       string   `json:"title_matches,omitempty" maxLength:"500" doc:"Regular expression (RE2)"`
	Codec              string   `json:"codec,omitempty" doc:"avc, hevc or av1"`
	BroadcastEnded     bool     `json:"broadcast_ended,omitempty" doc:"Waits (held) until the recording's broadcast is over, instead of skipping the step"`
}

// Continues reports whether the flow goes on when this step cannot be done.
func (s Step) Continues() bool {
	if s.OnError == "" {
		return s.Type == StepNotify
	}
	return s.OnError == "continue"
}

// Takes reports whether the flow takes the recording by itself.
func (f Flow) Takes(r Recording) bool {
	m := f.Match
	if m == nil {
		return false
	}
	if len(m.Rooms) > 0 && !slices.Contains(m.Rooms, r.RoomID) && (r.ShortID == 0 || !slices.Contains(m.Rooms, r.ShortID)) {
		return false
	}
	return within(r.SizeBytes, m.MinSizeBytes, m.MaxSizeBytes) &&
		within(r.DurationSeconds, m.MinDurationSeconds, m.MaxDurationSeconds)
}

// within holds when v lies in the range; 0 is unknown and fails no test.
func within[T int64 | float64](v T, low, high *T) bool {
	if v == 0 {
		return true
	}
	return (low == nil || v >= *low) && (high == nil || v <= *high)
}

// Key names the flow by its content, so that each version is stored once however many recordings copied it.
func (f Flow) Key() string {
	if f.sealed != nil {
		return f.sealed.key
	}
	return keyOf(f.encode())
}

func keyOf(doc []byte) string {
	sum := sha256.Sum256(doc)
	return hex.EncodeToString(sum[:6])
}

func (f Flow) encode() []byte {
	if f.sealed != nil {
		return f.sealed.json
	}
	b, err := json.Marshal(f)
	if err != nil {
		panic("a flow came out of JSON and does not go back: " + err.Error())
	}
	return b
}

// Resolve fills in what the steps leave to the node that does them.
func (f Flow) Resolve(d Defaults) Flow {
	out := f
	out.Steps, out.sealed = slices.Clone(f.Steps), nil
	for i, s := range out.Steps {
		out.Steps[i].With = s.filled(d)
	}
	doc := out.encode()
	out.sealed = &sealedFlow{key: keyOf(doc), json: doc}
	return out
}

func (s Step) filled(d Defaults) map[string]any {
	var with any
	switch s.Type {
	case StepTranscode:
		with = s.Transcode().or(d.Transcode)
	case StepUpload:
		with = s.Upload().or(d)
	case StepNotify:
		with = s.Notify()
	case StepDelete:
		with = s.Delete()
	default:
		return s.With
	}
	var m map[string]any
	b, _ := json.Marshal(with)
	_ = json.Unmarshal(b, &m)
	return m
}

// Defaults are a node's own settings for steps.
type Defaults struct {
	Transcode TranscodeWith `json:"transcode"`
	Upload    UploadWith    `json:"upload"`
	BaiduPath string        `json:"baidu_path,omitempty" doc:"The template of uploads to Baidu Netdisk whose step names none"`
}

// DefaultFlow is transcode → upload → notify.
func DefaultFlow() Flow {
	return Flow{
		ID: DefaultFlowID, Name: "默认 default", Version: 1,
		Steps: []Step{
			{ID: "transcode", Type: StepTranscode},
			{ID: "upload", Type: StepUpload},
			{ID: "notify", Type: StepNotify},
		},
	}
}

// Step returns the step with that id and whether there is one.
func (f Flow) Step(id string) (Step, bool) {
	i := slices.IndexFunc(f.Steps, func(s Step) bool { return s.ID == id })
	if i < 0 {
		return Step{}, false
	}
	return f.Steps[i], true
}

// KindOf says which kind of queue a step's task waits in.
func (s Step) KindOf(info *StepInfo) string {
	switch s.Type {
	case StepUpload:
		return KindUpload
	case StepNotify:
		return KindNotify
	case StepTranscode:
		mode, _ := s.With["mode"].(string)
		if info != nil && info.Mode != "" {
			mode = info.Mode
		}
		if !strings.EqualFold(mode, "COPY") {
			return KindEncode
		}
	}
	return KindRemux
}
