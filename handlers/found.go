package handlers

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/ngworks/nglive/tasks"
)

const foundDoc = "Files that were there before NGlive are `found`: listed, and left alone. This starts their flows: each room's own, else the " +
	"first that matches, else the default one; or `flow`, for all of them. Say which files: `path_prefix`, `room_id`, `node`, or `all`. " +
	"At most 500 are started at once; call again while `more` is true."

// foundAtOnce is how many files one request starts.
const foundAtOnce = 500

type runFoundInput struct {
	Body struct {
		PathPrefix string `json:"path_prefix,omitempty" maxLength:"4096" doc:"What their paths begin with, such as a folder and its slash"`
		RoomID     int64  `json:"room_id,omitempty" minimum:"0" doc:"Real or short room id"`
		Node       string `json:"node,omitempty" maxLength:"64"`
		All        bool   `json:"all,omitempty" doc:"Every one of them"`
		Flow       string `json:"flow,omitempty" maxLength:"40" doc:"A flow's id, instead of the one that would take each"`
	}
}

type runFoundOutput struct {
	Body struct {
		Started int  `json:"started" doc:"How many flows were started"`
		More    bool `json:"more" doc:"There are more such files; call again"`
	}
}

func (in *runFoundInput) wants(r tasks.Recording) bool {
	b := &in.Body
	return r.State == tasks.Found && (b.Node == "" || r.Node == b.Node) &&
		(b.RoomID == 0 || r.RoomID == b.RoomID || r.ShortID == b.RoomID) &&
		strings.HasPrefix(tasks.Slashed(r.Path), strings.ReplaceAll(b.PathPrefix, `\`, "/"))
}

// runFound starts the flows of files that are older than the installation.
func (h *handlers) runFound(ctx context.Context, in *runFoundInput) (*runFoundOutput, error) {
	if b := &in.Body; !b.All && b.PathPrefix == "" && b.RoomID == 0 && b.Node == "" {
		return nil, refuse(http.StatusUnprocessableEntity, "Say which files: path_prefix, room_id, node, or all.", Fault{Location: "all", Message: "is missing"})
	}
	flows, err := h.Store.Flows(ctx)
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	if _, ok := flows.Flow(in.Body.Flow); in.Body.Flow != "" && !ok {
		return nil, noSuchFlow("flow")
	}
	ids, err := h.Store.InState(ctx, tasks.Found)
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	out := &runFoundOutput{}
	const page = 200
	for len(ids) > 0 {
		n := min(page, len(ids))
		recs, err := h.Store.Recordings(ctx, ids[:n])
		if err != nil {
			return nil, h.mishap(ctx, err)
		}
		if err := h.startFound(ctx, in, recs, flows, out); err != nil || out.Body.More {
			return out, err
		}
		ids = ids[n:]
	}
	return out, nil
}

func (h *handlers) startFound(ctx context.Context, in *runFoundInput, recs []tasks.Recording, flows tasks.Flows, out *runFoundOutput) error {
	for _, r := range recs {
		if !in.wants(r) {
			continue
		}
		if out.Body.Started == foundAtOnce {
			out.Body.More = true
			return nil
		}
		flow := flows.Choose(r)
		if in.Body.Flow != "" {
			flow, _ = flows.Flow(in.Body.Flow)
		}
		fact := byPerson(tasks.PersonRuns, r.ID)
		fact.Reason = "flow " + flow.ID + " was started by a person"
		_, err := h.run(ctx, r, fact, flow)
		var refusal *Error
		switch {
		case err == nil:
			out.Body.Started++
		case errors.As(err, &refusal) && refusal.Status == http.StatusConflict: // somebody else began with it a moment ago
		default:
			return err
		}
	}
	return nil
}
