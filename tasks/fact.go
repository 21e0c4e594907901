package tasks

import "time"

// FactKind says what a fact tells.
type FactKind string

// What can happen to a recording. The first two come from recorders (or from the sweep, when no recorder told), the next from the
// sweep, then those from workers, the last from people.
const (
	FileWasOpened FactKind = "opened"
	FileWasClosed FactKind = "closed"

	FileWasFound FactKind = "found"    // older than the installation
	FileVanished FactKind = "vanished" // it was announced, and is not there

	FilesWereTrashed FactKind = "trashed" // by the disk guard
	TrashWasEmptied  FactKind = "emptied" // they are gone for good

	StepBegan     FactKind = "began"
	StepFailsNow  FactKind = "retrying" // an attempt failed, another follows by itself
	StepWaits     FactKind = "held"
	StepSucceeded FactKind = "done"
	StepPassed    FactKind = "passed" // its `when` did not hold
	StepGaveUp    FactKind = "failed"
	StepStopped   FactKind = "stopped" // a person stopped it
	StepRevived   FactKind = "revived" // its dead letter was run again from the queue's dashboard
	StepRequeued  FactKind = "requeued"

	PersonRetries FactKind = "retry"
	PersonCancels FactKind = "cancel"
	PersonRuns    FactKind = "run"
)

// Fact is something that happened to one recording. Its ID is fixed before it is first sent, so that it counts once however
// often it arrives.
type Fact struct {
	ID        string    `json:"id"`
	Kind      FactKind  `json:"kind"`
	At        time.Time `json:"at"`
	Recording string    `json:"recording"`
	Run       int       `json:"run,omitempty"`
	Step      string    `json:"step,omitempty"`

	Attempts int       `json:"attempts,omitempty"`
	RetryAt  time.Time `json:"retry_at,omitzero"`
	Error    string    `json:"error,omitempty"`
	Gone     bool      `json:"gone,omitempty"` // with failed: the source is not there any more
	Reason   string    `json:"reason,omitempty"`
	Warning  string    `json:"warning,omitempty"`
	Mode     string    `json:"mode,omitempty"`
	Output   *Output   `json:"output,omitempty"`

	// Seen is what the teller knows of the file itself; what it does not know stays empty.
	Seen Sighting `json:"seen,omitzero"`
}

// Sighting is what an event or a look at the disk told about a file.
type Sighting struct {
	Node     string    `json:"node,omitempty"`
	Root     string    `json:"root,omitempty"`
	Path     string    `json:"path,omitempty"`
	Origin   string    `json:"origin,omitempty"`
	RoomID   int64     `json:"room_id,omitempty"`
	ShortID  int64     `json:"short_id,omitempty"`
	Name     string    `json:"name,omitempty"`
	Title    string    `json:"title,omitempty"`
	Area     string    `json:"area,omitempty"`
	Session  string    `json:"session_id,omitempty"`
	Inode    uint64    `json:"inode,omitempty"`
	OpenedAt time.Time `json:"opened_at,omitzero"`
	BeganAt  time.Time `json:"began_at,omitzero"` // what the file says of itself; an opening time that nobody told
	ClosedAt time.Time `json:"closed_at,omitzero"`
	Size     int64     `json:"size_bytes,omitempty"`
	Duration float64   `json:"duration_seconds,omitempty"`
}
