package handlers

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"github.com/ngworks/nglive/tasks"
)

type recordingsInput struct {
	State  []string `query:"state" enum:"opening,closed,running,waiting,failed,cancelled,skipped,missing,found,finished" doc:"Several with commas; none = all"`
	Node   string   `query:"node" maxLength:"64"`
	Room   int64    `query:"room" minimum:"0" doc:"Real or short room id"`
	Broad  string   `query:"broadcast" pattern:"^[0-9]{1,15}-[0-9]{1,15}$" patternDescription:"a broadcast's id" doc:"Only those of one broadcast"`
	Limit  int      `query:"limit" default:"50" minimum:"1" maximum:"500"`
	Cursor string   `query:"cursor" pattern:"^[0-9]{1,15}-[0-9a-f]{16}$" patternDescription:"a next_cursor" doc:"The next_cursor of the page before"`
}

type recordingsOutput struct {
	Body struct {
		Recordings []tasks.Recording `json:"recordings" nullable:"false"`
		NextCursor string            `json:"next_cursor" doc:"Empty on the last page"`
		Counts     map[string]int64  `json:"counts" doc:"How many recordings are in each state, whatever was asked for"`
	}
}

func (h *handlers) listRecordings(ctx context.Context, in *recordingsInput) (*recordingsOutput, error) {
	q := tasks.Query{Node: in.Node, RoomID: in.Room, Broadcast: in.Broad, Before: in.Cursor, Limit: in.Limit}
	for _, s := range in.State {
		q.States = append(q.States, tasks.State(s))
	}
	recordings, next, err := h.Store.List(ctx, q)
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	counts, err := h.Store.Counts(ctx)
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	out := &recordingsOutput{}
	out.Body.Recordings, out.Body.NextCursor, out.Body.Counts = append([]tasks.Recording{}, recordings...), next, map[string]int64{}
	for state, n := range counts {
		out.Body.Counts[string(state)] = n
	}
	return out, nil
}

type recordingInput struct {
	ID string `path:"id" pattern:"^[0-9a-f]{16}$" patternDescription:"16 hex digits" doc:"The recording's id"`
}

type recordingWithFlow struct {
	tasks.Recording
	Flow *tasks.Flow `json:"flow,omitempty" doc:"The flow it copied when it started, with the node's settings filled in"`
}

type recordingWithFlowOutput struct{ Body recordingWithFlow }

func (h *handlers) getRecording(ctx context.Context, in *recordingInput) (*recordingWithFlowOutput, error) {
	rec, err := h.Store.Recording(ctx, in.ID)
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	placed := []tasks.Recording{rec}
	if err := h.Store.Placed(ctx, placed); err != nil {
		return nil, h.mishap(ctx, err)
	}
	out := &recordingWithFlowOutput{Body: recordingWithFlow{Recording: placed[0]}}
	if rec.FlowKey == "" {
		return out, nil
	}
	flow, err := h.Store.PinnedFlow(ctx, rec.FlowKey)
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	out.Body.Flow = &flow
	return out, nil
}

type recordingOutput struct{ Body tasks.Recording }

func (h *handlers) retryRecording(ctx context.Context, in *recordingInput) (*recordingOutput, error) {
	return answer(h.retry(ctx, in.ID, func(tasks.Recording) error { return nil }))
}

func (h *handlers) cancelRecording(ctx context.Context, in *recordingInput) (*recordingOutput, error) {
	return answer(h.cancel(ctx, in.ID, func(tasks.Recording) error { return nil }))
}

func answer(rec tasks.Recording, err error) (*recordingOutput, error) {
	if err != nil {
		return nil, err
	}
	return &recordingOutput{Body: rec}, nil
}

// retry begins a recording's next run where it failed. check may refuse it as it is now.
func (h *handlers) retry(ctx context.Context, id string, check func(tasks.Recording) error) (tasks.Recording, error) {
	before, err := h.checked(ctx, id, check)
	if err != nil {
		return before, err
	}
	after, err := h.Store.Apply(ctx, byPerson(tasks.PersonRetries, id))
	if err != nil {
		return after, h.mishap(ctx, err)
	}
	if after.Run == before.Run {
		return after, refuse(http.StatusConflict, "Nothing of this recording failed or was cancelled, so there is nothing to retry. To do its work once more, run a flow on it.")
	}
	h.retire(ctx, before, settledBadly)
	if err := h.Queue.Follow(ctx, after); err != nil {
		return after, h.mishap(ctx, err)
	}
	return after, nil
}

func settledBadly(s tasks.StepInfo) bool {
	return s.State == tasks.StepFailed || s.State == tasks.StepCancelled
}

// cancel stops a recording's work. check may refuse it as it is now.
func (h *handlers) cancel(ctx context.Context, id string, check func(tasks.Recording) error) (tasks.Recording, error) {
	before, err := h.checked(ctx, id, check)
	if err != nil {
		return before, err
	}
	if before.State.Over() || before.State == tasks.Opening {
		return before, refuse(http.StatusConflict, "Nothing is being done with this recording, so there is nothing to cancel.")
	}
	after, err := h.Store.Apply(ctx, byPerson(tasks.PersonCancels, id))
	if err != nil {
		return after, h.mishap(ctx, err)
	}
	h.retire(ctx, after, func(s tasks.StepInfo) bool { return s.State == tasks.StepCancelled && s.Run == after.Run })
	return after, nil
}

func (h *handlers) checked(ctx context.Context, id string, check func(tasks.Recording) error) (tasks.Recording, error) {
	rec, err := h.Store.Recording(ctx, id)
	if err == nil {
		err = check(rec)
	}
	if err != nil {
		return rec, h.mishap(ctx, err)
	}
	return rec, nil
}

// retire takes the tasks of steps that are dealt with out of their queues.
func (h *handlers) retire(ctx context.Context, rec tasks.Recording, which func(tasks.StepInfo) bool) {
	flow, err := h.Store.PinnedFlow(ctx, rec.FlowKey)
	if err != nil {
		h.Log.WarnContext(ctx, "old tasks stayed in their queue", "recording", rec.ID, "error", err)
		return
	}
	for _, s := range rec.Steps {
		if step, ok := flow.Step(s.ID); ok && which(s) && s.Run > 0 {
			h.Queue.Retire(rec, s, step)
		}
	}
}

func byPerson(kind tasks.FactKind, recording string) tasks.Fact {
	return tasks.Fact{ID: uuid.NewString(), Kind: kind, Recording: recording, At: now()}
}

type runInput struct {
	ID   string `path:"id" pattern:"^[0-9a-f]{16}$" patternDescription:"16 hex digits" doc:"The recording's id"`
	Body struct {
		Flow string `json:"flow" minLength:"1" maxLength:"40" doc:"The flow's id"`
	}
}

func (h *handlers) runRecording(ctx context.Context, in *runInput) (*recordingOutput, error) {
	rec, err := h.Store.Recording(ctx, in.ID)
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	flows, err := h.Store.Flows(ctx)
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	flow, ok := flows.Flow(in.Body.Flow)
	if !ok {
		return nil, noSuchFlow("flow")
	}
	fact := byPerson(tasks.PersonRuns, rec.ID)
	fact.Reason = "flow " + flow.ID + " was started by a person"
	return answer(h.run(ctx, rec, fact, flow))
}

// run starts a flow on a recording that nobody works on.
func (h *handlers) run(ctx context.Context, before tasks.Recording, fact tasks.Fact, flow tasks.Flow) (tasks.Recording, error) {
	node := before.Node
	if before.State == "" {
		node = fact.Seen.Node
	}
	info, _, err := h.node(ctx, node)
	if err != nil {
		return before, h.mishap(ctx, err)
	}
	if before.State != "" && !before.State.Over() {
		return before, refuse(http.StatusConflict, "This recording is being recorded or worked on right now. Wait for its end, or cancel it first.")
	}
	after, err := h.Store.Run(ctx, fact, flow.Resolve(info.Defaults))
	if err != nil {
		return after, h.mishap(ctx, err)
	}
	if after.Run != before.Run+1 || after.FlowID != flow.ID {
		return after, refuse(http.StatusConflict, "Somebody else just started work on this recording.")
	}
	if err := h.Queue.Follow(ctx, after); err != nil {
		return after, h.mishap(ctx, err)
	}
	return after, nil
}
