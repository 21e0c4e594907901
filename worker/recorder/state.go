package recorder

import "time"

// State is how it stands with the recorder.
type State struct {
	Up      bool      `json:"up"`                // its API answers
	Version string    `json:"version,omitempty"` // as it last said
	Since   time.Time `json:"since,omitzero"`    // since when it is up, or is not
	Hooked  bool      `json:"hooked"`            // it posts its events to us
	Alarm   bool      `json:"alarm,omitempty"`   // a person should look
	Trouble string    `json:"trouble,omitempty"` // why, in words
	Life    int       `json:"life,omitempty"`    // counts the starts of a recorder that is ours to run
	PID     int       `json:"-"`                 // its process; 0 when it does not run, or is not ours
}

// Times are the paces of watching and keeping a recorder. Those that are 0 are the defaults.
type Times struct {
	Look    time.Duration // between two signs of life; 5 s
	Hooks   time.Duration // between two looks at its webhook list; 1 min
	Alarm   time.Duration // without an answer until a person should know; 1 min
	Deaf    time.Duration // without an answer while its process lives until it is started again; 2 min
	Growing time.Duration // how fresh a file must be to show that a deaf recorder still records; 30 s
	Stable  time.Duration // a life that long ends a row of short ones; 1 min
	Pause   time.Duration // after the first short life, doubled with each; 1 s
	Longest time.Duration // and no longer than this; 1 min
	Loop    int           // so many short lives in a row are an alarm; 5
}

func (t Times) settled() Times {
	const loop = 5
	for d, standard := range map[*time.Duration]time.Duration{
		&t.Look: 5 * time.Second, &t.Hooks: time.Minute, &t.Alarm: time.Minute, &t.Deaf: 2 * time.Minute, &t.Growing: 30 * time.Second,
		&t.Stable: time.Minute, &t.Pause: time.Second, &t.Longest: time.Minute,
	} {
		if *d <= 0 {
			*d = standard
		}
	}
	if t.Loop <= 0 {
		t.Loop = loop
	}
	return t
}
