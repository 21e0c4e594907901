package tasks

import "cmp"

// UploadWith is the `with` of an upload step.
type UploadWith struct {
	Target string `json:"target,omitempty" doc:"Name of an upload target"`
	Path   string `json:"path,omitempty" doc:"Template of the remote path: {room} {name} {title} {date} {file} {stem} {ext} {id} {node}"`
}

// Upload reads the step's `with`; a wrong one was refused by Validate.
func (s Step) Upload() UploadWith { return decodeWith[UploadWith](s.With) }

func (w UploadWith) or(d UploadWith) UploadWith {
	return UploadWith{Target: cmp.Or(w.Target, d.Target), Path: cmp.Or(w.Path, d.Path)}
}
