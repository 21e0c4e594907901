package handlers

import (
	"context"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ngworks/nglive/tasks"
)

const (
	webhookSummary = "Take an event from BililiveRecorder 接收录播姬事件"
	webhookDoc     = "Versions 2 and 1. A 2xx means that the event survives the death of any process; the same event again changes nothing. " +
		"Unknown events and fields are accepted. 503: Redis is away, send it again."
)

type webhookInput struct {
	Node    string `query:"node" maxLength:"64" doc:"The node that holds the file; by default the one this web process belongs to"`
	Token   string `query:"token" doc:"The webhook's own token; checked before this operation"`
	RawBody []byte `contentType:"application/json"`
}

type webhookOutput struct {
	Body string `example:"ok"`
}

// ingestWithin is how long Redis may take: recorders wait 100 s, and then try again.
const ingestWithin = 5 * time.Second

func (h *handlers) webhook(ctx context.Context, in *webhookInput) (*webhookOutput, error) {
	n, err := readNotice(in.RawBody)
	if err != nil {
		return nil, err
	}
	if n.cmd == "" {
		return &webhookOutput{Body: "ok"}, nil
	}
	n.seen.Node = in.Node
	if n.seen.Node == "" {
		n.seen.Node = h.Node
	}
	// A recorder that hangs up is no reason to stop between the state and the task.
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), ingestWithin)
	defer stop()
	if err := h.take(ctx, n); err != nil {
		return nil, h.again(ctx, err)
	}
	return &webhookOutput{Body: "ok"}, nil
}

func (h *handlers) take(ctx context.Context, n notice) error {
	node, known, err := h.node(ctx, n.seen.Node)
	if err != nil {
		return err
	}
	if !known {
		return h.refused(ctx, n, "no worker of that node has ever been seen here; correct ?node= in the webhook's URL, or start that worker once")
	}
	switch n.cmd {
	case tasks.FileOpening, tasks.FileClosed:
	default:
		return h.Store.Publish(ctx, n.event(time.Now()))
	}
	if fault := pathFault(n.seen.Path); fault != "" {
		return h.refused(ctx, n, "the file's path cannot be taken: "+fault)
	}
	return h.ingest(ctx, n, node)
}

func (h *handlers) ingest(ctx context.Context, n notice, node tasks.NodeInfo) error {
	fact := tasks.Fact{ID: n.id, Kind: tasks.FileWasOpened, At: time.Now(), Seen: n.seen}
	if n.cmd == tasks.FileClosed {
		fact.Kind = tasks.FileWasClosed
	}
	tasks.Failpoint("webhook.ingest.before")
	rec, err := h.Store.Ingest(ctx, fact, func(r tasks.Recording) (tasks.Flow, error) { return h.flowFor(ctx, r, node) })
	if err != nil {
		return err
	}
	tasks.Failpoint("webhook.ingest.after")
	defer tasks.Failpoint("webhook.answer.before")
	return h.Queue.Follow(ctx, rec)
}

// event is what listeners hear of an event that concerns no file.
func (n notice) event(at time.Time) tasks.Event {
	return tasks.Event{
		CMD: n.cmd, ID: n.seen.Session, TS: tasks.Stamp(at), NODE: n.seen.Node, ROOM: n.seen.RoomID,
		NAME: n.seen.Name, TITLE: n.seen.Title, EVENT: n.id,
	}
}

// refused tells listeners once, and the recorder each time it asks. The event's id is its own, so that the recorder's event is
// still new when the reason is gone.
func (h *handlers) refused(ctx context.Context, n notice, why string) error {
	e := n.event(time.Now())
	e.CMD, e.ID, e.NODE, e.FILE = tasks.Refused, "", shown(n.seen.Node), shown(n.seen.Path)
	e.EVENT, e.MSG = n.id+".refused", n.cmd+" was refused: "+why
	if err := h.Store.Publish(ctx, e); err != nil {
		return err
	}
	return refuse(http.StatusUnprocessableEntity, strings.ToUpper(why[:1])+why[1:]+".")
}

// again is mishap for recorders: whatever passes is worth another try.
func (h *handlers) again(ctx context.Context, err error) error {
	answer := h.mishap(ctx, err)
	if e, ok := answer.(*Error); ok && e.Status == http.StatusConflict { //nolint:errorlint // mishap made it a line above
		return unavailable()
	}
	return answer
}

// documentWebhook describes the body that the operations read by hand.
func documentWebhook(api huma.API) {
	schema := huma.SchemaFromType(api.OpenAPI().Components.Schemas, reflect.TypeFor[recorderEvent]())
	for _, path := range []string{"/webhook", "/webhook/"} {
		api.OpenAPI().Paths[path].Post.RequestBody.Content["application/json"].Schema = schema
	}
}
