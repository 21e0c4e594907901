package tasks

import "cmp"

// TranscodeWith is the `with` of a transcode step.
type TranscodeWith struct {
	Mode    string `json:"mode,omitempty" enum:"COPY,CRF,CQ,B,ABR,VBR"`
	Encoder string `json:"encoder,omitempty"`
	CRF     *int   `json:"crf,omitempty"`
	CQ      *int   `json:"cq,omitempty"`
	Bitrate string `json:"bitrate,omitempty"`
	Maxrate string `json:"maxrate,omitempty"`
	Bufsize string `json:"bufsize,omitempty"`
	Preset  string `json:"preset,omitempty"`
}

// Transcode reads the step's `with`; a wrong one was refused by Validate.
func (s Step) Transcode() TranscodeWith { return decodeWith[TranscodeWith](s.With) }

func (w TranscodeWith) or(d TranscodeWith) TranscodeWith {
	return TranscodeWith{
		Mode: cmp.Or(w.Mode, d.Mode), Encoder: cmp.Or(w.Encoder, d.Encoder), CRF: cmp.Or(w.CRF, d.CRF), CQ: cmp.Or(w.CQ, d.CQ),
		Bitrate: cmp.Or(w.Bitrate, d.Bitrate), Maxrate: cmp.Or(w.Maxrate, d.Maxrate), Bufsize: cmp.Or(w.Bufsize, d.Bufsize),
		Preset: cmp.Or(w.Preset, d.Preset),
	}
}
