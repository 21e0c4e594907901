package tasks

// DeleteWith is the `with` of a delete step.
type DeleteWith struct {
	What string `json:"what,omitempty" enum:"source,output,both" doc:"source (default), output (the transcoded file) or both"`
}

// Delete reads the step's `with`; a wrong one was refused by Validate.
func (s Step) Delete() DeleteWith {
	w := decodeWith[DeleteWith](s.With)
	if w.What == "" {
		w.What = "source"
	}
	return w
}
