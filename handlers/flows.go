package handlers

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/ngworks/nglive/tasks"
)

const flowDoc = "A flow is steps done in order: transcode, upload, notify, delete. What is wrong with it is named by step and field."

type flowsOutput struct {
	Body struct {
		Flows []tasks.Flow `json:"flows" nullable:"false"`
	}
}

func (h *handlers) listFlows(ctx context.Context, _ *struct{}) (*flowsOutput, error) {
	flows, err := h.Store.Flows(ctx)
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	out := &flowsOutput{}
	out.Body.Flows = append([]tasks.Flow{}, flows.Flows...)
	if position(flows, tasks.DefaultFlowID) < 0 {
		out.Body.Flows = append(out.Body.Flows, tasks.DefaultFlow())
	}
	return out, nil
}

type flowInput struct {
	ID string `path:"id" maxLength:"40"`
}

type flowOutput struct{ Body tasks.Flow }

func (h *handlers) getFlow(ctx context.Context, in *flowInput) (*flowOutput, error) {
	flows, err := h.Store.Flows(ctx)
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	flow, ok := flows.Flow(in.ID)
	if !ok {
		return nil, flowNotFound()
	}
	return &flowOutput{Body: flow}, nil
}

// flowDraft is a flow as people write it.
type flowDraft struct {
	ID      string       `json:"id,omitempty" maxLength:"40" doc:"Letters, digits, - and _"`
	Name    string       `json:"name,omitempty" maxLength:"200"`
	Version int          `json:"version,omitempty" doc:"Ignored: every change counts it up"`
	Match   *tasks.Match `json:"match,omitempty" doc:"Which recordings the flow takes by itself; without it, only rooms that name it"`
	Steps   []tasks.Step `json:"steps" nullable:"false" maxItems:"20" doc:"Done in this order; no steps = the recording is left alone (skipped)"`
}

func (d flowDraft) flow() (tasks.Flow, error) {
	f := tasks.Flow{ID: d.ID, Name: d.Name, Match: d.Match, Steps: d.Steps}
	return f, flowFaults(f.Validate(), "")
}

type createFlowInput struct{ Body flowDraft }

func (h *handlers) createFlow(ctx context.Context, in *createFlowInput) (*flowOutput, error) {
	flow, err := in.Body.flow()
	if err != nil {
		return nil, err
	}
	flow.Version = 1
	err = h.Store.ChangeFlows(ctx, func(all *tasks.Flows) error {
		if position(*all, flow.ID) >= 0 || flow.ID == tasks.DefaultFlowID {
			return refuse(http.StatusConflict, "There is a flow with this id already; change that one with PUT, or take another id.",
				Fault{Location: "id", Message: "is taken"})
		}
		all.Flows = append(all.Flows, flow)
		return nil
	})
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	return &flowOutput{Body: flow}, nil
}

type changeFlowInput struct {
	ID   string `path:"id" maxLength:"40"`
	Body flowDraft
}

func (h *handlers) changeFlow(ctx context.Context, in *changeFlowInput) (*flowOutput, error) {
	if in.Body.ID != "" && in.Body.ID != in.ID {
		return nil, refuse(http.StatusUnprocessableEntity, "A flow's id does not change; the one in the body differs from the one in the address.",
			Fault{Location: "id", Message: "differs from the address"})
	}
	in.Body.ID = in.ID
	flow, err := in.Body.flow()
	if err != nil {
		return nil, err
	}
	err = h.Store.ChangeFlows(ctx, func(all *tasks.Flows) error {
		before, ok := all.Flow(flow.ID)
		if !ok {
			return flowNotFound()
		}
		flow.Version = before.Version + 1
		if i := position(*all, flow.ID); i >= 0 {
			all.Flows[i] = flow
		} else {
			all.Flows = append(all.Flows, flow)
		}
		return nil
	})
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	return &flowOutput{Body: flow}, nil
}

func (h *handlers) deleteFlow(ctx context.Context, in *flowInput) (*struct{}, error) {
	err := h.Store.ChangeFlows(ctx, func(all *tasks.Flows) error {
		i := position(*all, in.ID)
		if i < 0 && in.ID != tasks.DefaultFlowID {
			return flowNotFound()
		}
		if rooms := roomsWith(*all, in.ID); len(rooms) > 0 && in.ID != tasks.DefaultFlowID {
			return refuse(http.StatusConflict, "This flow is the own flow of room "+strings.Join(rooms, ", ")+". Give these rooms another one first.")
		}
		if i >= 0 {
			all.Flows = slices.Delete(all.Flows, i, i+1)
		}
		return nil
	})
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	return nil, nil //nolint:nilnil // Huma: an answer without a body
}

func position(f tasks.Flows, id string) int {
	return slices.IndexFunc(f.Flows, func(x tasks.Flow) bool { return x.ID == id })
}

// roomsWith lists the rooms whose own flow it is, in order.
func roomsWith(f tasks.Flows, id string) []string {
	var rooms []int
	for room, own := range f.Rooms {
		if n, err := strconv.Atoi(room); err == nil && own == id {
			rooms = append(rooms, n)
		}
	}
	slices.Sort(rooms)
	names := make([]string, len(rooms))
	for i, n := range rooms {
		names[i] = strconv.Itoa(n)
	}
	return names
}

func flowNotFound() error {
	return refuse(http.StatusNotFound, "There is no flow with this id. GET /api/flows lists them.")
}

func noSuchFlow(location string) error {
	return refuse(http.StatusUnprocessableEntity, "There is no flow with this id. GET /api/flows lists them.",
		Fault{Location: location, Message: "names no flow"})
}

// flowFaults names the step and the field of each fault. For a step that is no part of a flow, place is "with" and the
// location begins there.
func flowFaults(errs []*tasks.FlowError, place string) error {
	if len(errs) == 0 {
		return nil
	}
	faults := make([]Fault, 0, len(errs))
	for _, e := range errs {
		f := Fault{Location: e.Location(), Message: e.Why, Step: e.Step, Field: e.Field}
		if place != "" {
			f.Location = e.Field
		}
		faults = append(faults, f)
	}
	first := faults[0]
	what := "The flow is not right: " + first.Location + " " + first.Message + "."
	if first.Step != "" {
		what = "The flow is not right: step " + first.Step + ", " + first.Field + ": " + first.Message + "."
	}
	return refuse(http.StatusUnprocessableEntity, what, faults...)
}
