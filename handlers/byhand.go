package handlers

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/ngworks/nglive/tasks"
)

const byHandDoc = "`path` is relative to the node's recordings folder, or absolute in its recordings or output folder. " +
	"The file becomes a recording if it is none yet; 409 while it is recorded or worked on."

func now() time.Time { return time.Now() }

type byHand struct {
	Path string         `json:"path" minLength:"1" maxLength:"4096"`
	Node string         `json:"node,omitempty" maxLength:"64" doc:"The node that holds the file; by default the one this web process belongs to"`
	With map[string]any `json:"with,omitempty" doc:"The step's settings; what is left out comes from the node's own"`
}

type byHandInput struct{ Body byHand }

type notifyInput struct {
	Body struct {
		Path    string         `json:"path,omitempty" maxLength:"4096"`
		Node    string         `json:"node,omitempty" maxLength:"64"`
		With    map[string]any `json:"with,omitempty"`
		Message string         `json:"message,omitempty" maxLength:"2000" doc:"Without path: a test message"`
	}
}

type byHandOutput struct {
	Body struct {
		TaskIDs   []string         `json:"task_ids" nullable:"false"`
		Recording *tasks.Recording `json:"recording,omitempty"`
	}
}

func (h *handlers) transcodeByHand(ctx context.Context, in *byHandInput) (*byHandOutput, error) {
	return h.step(ctx, in.Body, tasks.StepTranscode)
}

func (h *handlers) uploadByHand(ctx context.Context, in *byHandInput) (*byHandOutput, error) {
	return h.step(ctx, in.Body, tasks.StepUpload)
}

func (h *handlers) notifyByHand(ctx context.Context, in *notifyInput) (*byHandOutput, error) {
	b := byHand{Path: in.Body.Path, Node: in.Body.Node, With: in.Body.With}
	switch {
	case b.Path == "" && in.Body.Message == "":
		return nil, refuse(http.StatusUnprocessableEntity, "Give the path of a file, or a message alone.", Fault{Location: "path", Message: "is missing"})
	case b.Path == "":
		return h.testMessage(ctx, in.Body.Message, b.With)
	case in.Body.Message != "":
		if b.With == nil {
			b.With = map[string]any{}
		}
		b.With["message"] = in.Body.Message
	}
	return h.step(ctx, b, tasks.StepNotify)
}

// step runs a flow of one step on a file.
func (h *handlers) step(ctx context.Context, b byHand, kind string) (*byHandOutput, error) {
	flow := tasks.Flow{ID: "by-hand-" + kind, Name: "手动 by hand", Version: 1, Steps: []tasks.Step{{ID: kind, Type: kind, With: b.With}}}
	if err := flowFaults(flow.Validate(), "with"); err != nil {
		return nil, err
	}
	path, err := h.locate(ctx, b)
	if err != nil {
		return nil, err
	}
	before, err := h.Store.Newest(ctx, path)
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	fact := byPerson(tasks.PersonRuns, before.ID)
	fact.Reason = kind + " was started by hand"
	fact.Seen = tasks.Sighting{Node: path.Node, Root: path.Root, Path: path.Path, Origin: "person"}
	rec, err := h.run(ctx, before, fact, flow)
	if err != nil {
		return nil, err
	}
	out := &byHandOutput{}
	out.Body.Recording, out.Body.TaskIDs = &rec, []string{rec.TaskID(&rec.Steps[0])}
	return out, nil
}

// locate reads the path by its text alone: only the node's worker sees the file.
func (h *handlers) locate(ctx context.Context, b byHand) (tasks.Identity, error) {
	name := b.Node
	if name == "" {
		name = h.Node
	}
	node, known, err := h.node(ctx, name)
	if err != nil {
		return tasks.Identity{}, h.mishap(ctx, err)
	}
	if !known {
		return tasks.Identity{}, refuse(http.StatusUnprocessableEntity, "There is no node of that name. GET /api/nodes lists them.",
			Fault{Location: "node", Message: "is unknown"})
	}
	root, path, fault := place(b.Path, node)
	if fault != "" {
		return tasks.Identity{}, refuse(http.StatusUnprocessableEntity, "This path cannot be taken: "+fault+".", Fault{Location: "path", Message: fault})
	}
	return tasks.Identity{Node: name, Root: root, Path: path}, nil
}

// testMessage goes to channels without any recording.
func (h *handlers) testMessage(ctx context.Context, message string, with map[string]any) (*byHandOutput, error) {
	step := tasks.Flow{ID: "test", Steps: []tasks.Step{{ID: "notify", Type: tasks.StepNotify, With: with}}}
	if err := flowFaults(step.Validate(), "with"); err != nil {
		return nil, err
	}
	nodes, err := h.allNodes(ctx)
	if err != nil {
		return nil, err
	}
	names, err := chosenChannels(channelsOf(nodes), step.Steps[0].Notify().Channels)
	if err != nil {
		return nil, err
	}
	event := tasks.Event{CMD: tasks.TestMessage, EVENT: uuid.NewString(), TS: tasks.Stamp(now()), MSG: message}
	body, err := json.Marshal(event)
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	out := &byHandOutput{}
	for _, name := range names {
		if err := h.Queue.Notify(ctx, event.EVENT, tasks.NotifyTask{Channel: name, Event: body}); err != nil {
			return nil, h.mishap(ctx, err)
		}
		out.Body.TaskIDs = append(out.Body.TaskIDs, tasks.NotifyID(event.EVENT, name))
	}
	return out, nil
}

// chosenChannels are those asked for, or all.
func chosenChannels(all []channelEntry, wanted []string) ([]string, error) {
	var names []string
	for _, c := range all {
		names = append(names, c.Name)
	}
	if len(names) == 0 {
		return nil, refuse(http.StatusConflict, "No node has a notification channel yet. Set NGLIVE_NOTIFY_URLS on a node and start its worker.")
	}
	for _, w := range wanted {
		if !slices.Contains(names, w) {
			return nil, refuse(http.StatusUnprocessableEntity, "There is no such channel. GET /api/channels lists them.",
				Fault{Location: "with.channels", Message: "names an unknown channel"})
		}
	}
	if len(wanted) > 0 {
		return wanted, nil
	}
	return names, nil
}
