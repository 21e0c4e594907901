package tasks

// NotifyWith is the `with` of a notify step.
type NotifyWith struct {
	Channels []string `json:"channels,omitempty" doc:"Names of channels; empty = all of them"`
	Message  string   `json:"message,omitempty" maxLength:"2000"`
}

// Notify reads the step's `with`; a wrong one was refused by Validate.
func (s Step) Notify() NotifyWith { return decodeWith[NotifyWith](s.With) }
