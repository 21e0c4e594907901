package handlers

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/ngworks/nglive/tasks"
)

const eventsDoc = "Oldest first, after `since`. Pass `next` as the next `since`; with `wait`, an empty answer is given only after so many " +
	"seconds. `gap`: events after `since` are gone because of their age, so read the recordings anew."

const (
	eventsPage   = 500
	eventsRounds = 20 // pages looked through for one answer, when a filter leaves little
	eventsPoll   = 250 * time.Millisecond
)

type eventsInput struct {
	Since string   `query:"since" maxLength:"41" doc:"The next of the answer before; none = the oldest event kept, now = only what comes"`
	Limit int      `query:"limit" default:"100" minimum:"1" maximum:"1000"`
	Room  int64    `query:"room" minimum:"0" doc:"Only events of this room"`
	CMD   []string `query:"cmd" maxItems:"40" doc:"Only events of these kinds; several with commas"`
	Wait  int      `query:"wait" minimum:"0" maximum:"30" doc:"Seconds to wait for an event when there is none"`
}

func (in *eventsInput) wants(e tasks.Event) bool {
	return (in.Room == 0 || e.ROOM == in.Room) && (len(in.CMD) == 0 || slices.Contains(in.CMD, e.CMD))
}

type eventsOutput struct {
	Body struct {
		Events []tasks.Event `json:"events" nullable:"false"`
		Next   string        `json:"next" doc:"Pass it as since"`
		Gap    bool          `json:"gap" doc:"Events are missing between since and the first one here"`
	}
}

func (h *handlers) listEvents(ctx context.Context, in *eventsInput) (*eventsOutput, error) {
	since, err := h.since(ctx, in.Since)
	if err != nil {
		return nil, err
	}
	out := &eventsOutput{}
	out.Body.Events, out.Body.Next = []tasks.Event{}, since
	if since != beginning {
		if out.Body.Gap, err = h.Store.Gone(ctx, since); err != nil {
			return nil, h.mishap(ctx, err)
		}
	}
	until := time.Now().Add(time.Duration(in.Wait) * time.Second)
	for {
		if err := h.readEvents(ctx, in, out); err != nil {
			return nil, h.mishap(ctx, err)
		}
		if len(out.Body.Events) > 0 || out.Body.Gap || !pause(ctx, until) {
			return out, nil
		}
	}
}

// beginning is before every event.
const beginning = "0-0"

func (h *handlers) since(ctx context.Context, given string) (string, error) {
	switch {
	case given == "" || given == "0":
		return beginning, nil
	case given == "now":
		seq, err := h.Store.LastSeq(ctx)
		if err != nil {
			return "", h.mishap(ctx, err)
		}
		return seq, nil
	case !tasks.ValidSeq(given):
		return "", refuse(http.StatusUnprocessableEntity, "since is no sequence number. Pass the next of an answer, or nothing.",
			Fault{Location: "query.since", Message: "wants a sequence number such as 1700000000000-0"})
	}
	return given, nil
}

// readEvents looks through what is there now and moves next on, also past what the filter leaves out.
func (h *handlers) readEvents(ctx context.Context, in *eventsInput, out *eventsOutput) error {
	for range eventsRounds {
		frames, err := h.Store.Since(ctx, out.Body.Next, eventsPage)
		if err != nil {
			return err
		}
		for _, f := range frames {
			e, err := f.Decode()
			if err != nil {
				return err
			}
			out.Body.Next = f.Seq
			if !in.wants(e) {
				continue
			}
			if out.Body.Events = append(out.Body.Events, e); len(out.Body.Events) == in.Limit {
				return nil
			}
		}
		if len(frames) < eventsPage {
			return nil
		}
	}
	return nil
}

// pause waits for the next look and reports whether there is time for one. A blocking read would hold one of Redis's few
// connections for every listener.
func pause(ctx context.Context, until time.Time) bool {
	left := min(time.Until(until), eventsPoll)
	if left <= 0 {
		return false
	}
	t := time.NewTimer(left)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
