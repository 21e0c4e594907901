package tasks

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"strconv"
	"strings"
	"time"
)

// State of a recording.
type State string

// The states of a recording; ARCHITECTURE.md has the diagram.
const (
	Opening   State = "opening"
	Closed    State = "closed"
	Running   State = "running"
	Waiting   State = "waiting"
	Failed    State = "failed"
	Cancelled State = "cancelled"
	Skipped   State = "skipped"
	Missing   State = "missing"
	Found     State = "found"
	Finished  State = "finished"
)

// States lists all states of a recording.
func States() []State {
	return []State{Opening, Closed, Running, Waiting, Failed, Cancelled, Skipped, Missing, Found, Finished}
}

// Over reports whether nothing more happens to the recording unless a person asks.
func (s State) Over() bool {
	switch s {
	case Failed, Cancelled, Skipped, Missing, Found, Finished:
		return true
	case Opening, Closed, Running, Waiting:
	}
	return false
}

// StepState is the state of one step.
type StepState string

// The states of a step.
const (
	StepPending   StepState = "pending"
	StepQueued    StepState = "queued"
	StepRunning   StepState = "running"
	StepRetrying  StepState = "retrying"
	StepWaiting   StepState = "held"
	StepDone      StepState = "done"
	StepSkipped   StepState = "skipped"
	StepFailed    StepState = "failed"
	StepCancelled StepState = "cancelled"
)

// Settled reports whether the step is over.
func (s StepState) Settled() bool {
	switch s {
	case StepDone, StepSkipped, StepFailed, StepCancelled:
		return true
	case StepPending, StepQueued, StepRunning, StepRetrying, StepWaiting:
	}
	return false
}

// Folders a recording's file can lie in.
const (
	RootRecordings = ""
	RootOutput     = "output"
)

// Recording is one file from a recorder, from its opening to its last step.
type Recording struct {
	ID       string    `json:"id" doc:"16 hex digits, fixed by node, path and generation"`
	Node     string    `json:"node" doc:"The machine that holds the file"`
	Root     string    `json:"root,omitempty" doc:"Folder the path is relative to: empty for RECORDINGS_DIR, 'output' for OUTPUT_DIR"`
	Path     string    `json:"path" doc:"Path relative to its folder, as the recorder spelled it"`
	Gen      int       `json:"generation,omitempty" doc:"How often this path was used again"`
	Origin   string    `json:"origin" doc:"Who told us: bililiverecorder, bililiverecorder-v1, person, sweep"`
	RoomID   int64     `json:"room_id"`
	ShortID  int64     `json:"short_id,omitempty"`
	Name     string    `json:"name,omitempty" doc:"The streamer"`
	Title    string    `json:"title,omitempty"`
	Area     string    `json:"area,omitempty"`
	Session  string    `json:"session_id,omitempty"`
	Inode    uint64    `json:"inode,omitempty"`
	OpenedAt time.Time `json:"opened_at,omitzero"`
	BeganAt  time.Time `json:"began_at,omitzero" doc:"When it began as the file itself says, where no recorder told opened_at"`
	ClosedAt time.Time `json:"closed_at,omitzero"`

	SizeBytes       int64   `json:"size_bytes,omitempty"`
	DurationSeconds float64 `json:"duration_seconds,omitempty" doc:"0 = unknown"`

	State       State      `json:"state"`
	FlowID      string     `json:"flow_id,omitempty"`
	FlowVersion int        `json:"flow_version,omitempty"`
	FlowKey     string     `json:"flow_key,omitempty" doc:"Names the resolved flow this recording copied"`
	Run         int        `json:"run,omitempty" doc:"1 for the first run; a person's retry is the next"`
	Steps       []StepInfo `json:"steps,omitempty"`
	Error       string     `json:"error,omitempty"`
	TrashedAt   time.Time  `json:"trashed_at,omitzero" doc:"When its files went to the folder .nglive-trash/<id>, all uploads proved"`
	EmptiedAt   time.Time  `json:"emptied_at,omitzero" doc:"When they were removed from there"`
	CreatedAt   time.Time  `json:"created_at"`
	UpdatedAt   time.Time  `json:"updated_at"`
}

// StepInfo is what happened to one step of a recording.
type StepInfo struct {
	ID        string    `json:"id"`
	Type      string    `json:"type"`
	State     StepState `json:"state"`
	Run       int       `json:"run,omitempty" doc:"The run its task belongs to"`
	Mode      string    `json:"mode,omitempty" doc:"Set when the step had to be done in another mode than its flow says"`
	Attempts  int       `json:"attempts,omitempty"`
	StartedAt time.Time `json:"started_at,omitzero"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
	RetryAt   time.Time `json:"retry_at,omitzero"`
	Reason    string    `json:"reason,omitempty" doc:"Why it is held or skipped"`
	Error     string    `json:"error,omitempty"`
	Warning   string    `json:"warning,omitempty"`
	Output    *Output   `json:"output,omitempty"`
}

// Output is a verified result of a step.
type Output struct {
	Path      string  `json:"path,omitempty" doc:"For a transcode: relative to OUTPUT_DIR"`
	Location  string  `json:"location,omitempty" doc:"For an upload: where it is, for people"`
	SizeBytes int64   `json:"size_bytes,omitempty"`
	SHA256    string  `json:"sha256,omitempty"`
	Seconds   float64 `json:"seconds,omitempty"`
}

// OriginSweep marks what the sweep found on the disk, before any recorder told of it.
const OriginSweep = "sweep"

// originPerson marks what a person asked for by hand, before any recorder told of it.
const originPerson = "person"

// Identity is what a recording's id is made of.
type Identity struct {
	Node, Root, Path string
	Gen              int
}

// ID returns 16 hex digits of a hash of node, folder, path with `\` read as `/`, and generation.
func (i Identity) ID() string {
	sum := sha256.Sum256([]byte(i.Node + "\x00" + i.Root + "\x00" + Slashed(i.Path) + "\x00" + strconv.Itoa(i.Gen)))
	return hex.EncodeToString(sum[:8])
}

// Slashed is the spelling of a path that identity uses.
func Slashed(p string) string {
	return path.Clean(strings.ReplaceAll(p, `\`, "/"))
}

// Step returns the step with that id, or nil.
func (r *Recording) Step(id string) *StepInfo {
	for i := range r.Steps {
		if r.Steps[i].ID == id {
			return &r.Steps[i]
		}
	}
	return nil
}

// Input is the last verified transcode output before the step, or an empty Output: then the step works on the source.
func (r *Recording) Input(step string) Output {
	var last Output
	for i := range r.Steps {
		s := &r.Steps[i]
		if s.ID == step {
			break
		}
		if s.Type == StepTranscode && s.State == StepDone && s.Output != nil {
			last = *s.Output
		}
	}
	return last
}

// Due returns the step whose task should be in the queue, or nil.
func (r *Recording) Due() *StepInfo {
	if r.State.Over() {
		return nil
	}
	for i := range r.Steps {
		if r.Steps[i].State == StepQueued {
			return &r.Steps[i]
		}
	}
	return nil
}

// Current returns the first unsettled step that has begun or waits in the queue, or nil.
func (r *Recording) Current() *StepInfo {
	for i := range r.Steps {
		if s := &r.Steps[i]; !s.State.Settled() && s.State != StepPending {
			return s
		}
	}
	return nil
}

// TaskID names the task of a step: recording, run, step.
func (r *Recording) TaskID(s *StepInfo) string { return TaskID(r.ID, s.Run, s.ID) }

// TaskID names the task of a step: recording, run, step.
func TaskID(recording string, run int, step string) string {
	return recording + "." + strconv.Itoa(run) + "." + step
}

func (r Recording) clone() Recording {
	r.Steps = append([]StepInfo(nil), r.Steps...)
	return r
}

// At is a moment as records keep it: UTC, milliseconds.
func At(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
