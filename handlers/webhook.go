package handlers

import (
	"cmp"
	"context"
	"errors"
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
	hostedDoc = " Paths are as on the recorder's machine: inside the node's RECORDINGS_DIR, or in a folder that NGLIVE_PATH_MAPS leads there. "
	blrecDoc  = "A file is taken when blrec is done with it (VideoPostprocessingCompletedEvent)." + hostedDoc
	ddtvDoc   = "Versions 5, 4 and 3. A file is taken when its recording ended (RecordingEnd), and once more when versions 3 and 4 converted it." + hostedDoc
	oneDoc    = "A file is taken when it was converted (video_transmux_finish)." + hostedDoc
	customDoc = "For any recorder that can run curl: event, filePath, and what else is known." + hostedDoc
)

type webhookInput struct {
	Node    string `query:"node" maxLength:"64" doc:"The node that holds the file; by default the one this web process belongs to"`
	Dir     string `query:"dir" maxLength:"500" doc:"The folder inside the node's recordings folder that the recorder works in; by default that folder itself"`
	Token   string `query:"token" doc:"The webhook's own token; checked before this operation"`
	RawBody []byte `contentType:"application/json"`
}

type webhookOutput struct {
	Body string `example:"ok"`
}

// ingestWithin is how long Redis may take: recorders wait 100 s, and then try again.
const ingestWithin = 8 * time.Second

// receive takes the webhooks of one recorder.
func (h *handlers) receive(read reader) func(context.Context, *webhookInput) (*webhookOutput, error) {
	return func(ctx context.Context, in *webhookInput) (*webhookOutput, error) {
		notices, err := read(in.RawBody)
		if err != nil {
			return nil, err
		}
		// A recorder that hangs up is no reason to stop between the state and the task.
		ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), ingestWithin)
		defer stop()
		var first error // one file that cannot be taken keeps no other back
		for _, n := range notices {
			if !n.hosted {
				n.seen.Path = inFolder(in.Dir, n.seen.Path)
			}
			if err := h.take(ctx, n.of(cmp.Or(in.Node, h.Node))); err != nil && first == nil {
				first = h.again(ctx, err)
			}
		}
		if first != nil {
			return nil, first
		}
		return &webhookOutput{Body: "ok"}, nil
	}
}

// of says which node the event is about.
func (n notice) of(node string) notice {
	if n.seen.Node = node; n.made {
		source, _, _ := strings.Cut(n.id, ".")
		n.id = eventID(source+".", "", []byte(node+"\x00"+n.id))
	}
	return n
}

func (h *handlers) take(ctx context.Context, n notice) error {
	node, known, err := h.node(ctx, n.seen.Node)
	if err != nil {
		return err
	}
	if !known {
		return h.refused(ctx, n, "no worker of that node has ever been seen here; correct ?node= in the webhook's URL, or start that worker once")
	}
	if err := h.introduce(ctx, &n); err != nil {
		return err
	}
	switch n.cmd {
	case tasks.FileOpening, tasks.FileClosed:
	case "":
		return nil
	default:
		return h.tell(ctx, n)
	}
	if n.hosted {
		if n.cmd == tasks.FileClosed && n.seen.ClosedAt.IsZero() {
			n.seen.ClosedAt = time.Now() // it does not say when, and told it at once
		}
		return h.takeHosted(ctx, n, node)
	}
	if fault := pathFault(n.seen.Path); fault != "" {
		return h.refused(ctx, n, "the file's path cannot be taken: "+fault)
	}
	return h.ingest(ctx, n, node)
}

// introduce joins events that say nothing of their room with the last one that did. That lies in Redis: another web process may
// have heard it.
func (h *handlers) introduce(ctx context.Context, n *notice) error {
	s := &n.seen
	switch {
	case s.RoomID == 0:
		return nil
	case n.room:
		return h.Store.KeepRoomCard(ctx, s.Node, s.RoomID, tasks.RoomCard{ShortID: s.ShortID, Name: s.Name, Title: s.Title, Area: s.Area})
	case !n.recall || s.Name != "" && s.Title != "":
		return nil
	}
	card, err := h.Store.RoomCard(ctx, s.Node, s.RoomID)
	s.ShortID, s.Name = cmp.Or(s.ShortID, card.ShortID), cmp.Or(s.Name, card.Name)
	s.Title, s.Area = cmp.Or(s.Title, card.Title), cmp.Or(s.Area, card.Area)
	return err
}

// tell publishes what concerns no file.
func (h *handlers) tell(ctx context.Context, n notice) error {
	if n.cmd == tasks.StreamEnded {
		if err := h.Store.StreamEnded(ctx, n.seen.RoomID); err != nil {
			return err
		}
	}
	return h.Store.Publish(ctx, n.event(time.Now()))
}

// takeHosted takes a file whose path is spelled as on the recorder's machine.
func (h *handlers) takeHosted(ctx context.Context, n notice, node tasks.NodeInfo) error {
	if node.Recordings == "" {
		return errNoFolders
	}
	path, fault := hosted(n.seen.Path, node)
	if fault != "" {
		return h.refused(ctx, n, "the file's path cannot be taken: "+fault)
	}
	if n.seen.Path = path; n.was == "" {
		return h.ingest(ctx, n, node)
	}
	former, fault := hosted(n.was, node)
	if fault != "" {
		return h.ingest(ctx, n, node)
	}
	return h.replace(ctx, n, former, node)
}

// errNoFolders makes the recorder try again: the node's worker tells its folders with its first heartbeat.
var errNoFolders = errors.New("the node has not told its folders yet")

// replace takes a file that the recorder made of the one it had told before, and leaves that one alone: its content is here now.
func (h *handlers) replace(ctx context.Context, n notice, former string, node tasks.NodeInfo) error {
	was, err := h.Store.Newest(ctx, tasks.Identity{Node: n.seen.Node, Path: former})
	if err != nil {
		return err
	}
	if n.seen.OpenedAt.IsZero() {
		n.seen.OpenedAt = was.OpenedAt
	}
	if !was.ClosedAt.IsZero() { // when the recording ended, not when the conversion did
		n.seen.ClosedAt = was.ClosedAt
	}
	if err := h.ingest(ctx, n, node); err != nil || was.State != tasks.Opening {
		return err
	}
	left := tasks.Flow{ID: "replaced", Name: "已转换 became another file", Version: 1, Steps: []tasks.Step{}}.Resolve(node.Defaults)
	fact := tasks.Fact{ID: n.id + "-was", Kind: tasks.FileWasClosed, At: time.Now(), Seen: tasks.Sighting{Node: was.Node, Path: was.Path}}
	_, err = h.Store.Ingest(ctx, fact, func(tasks.Recording) (tasks.Flow, error) { return left, nil })
	return err
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

// documentWebhooks describes the bodies that the operations read by hand.
func documentWebhooks(api huma.API) {
	for path, body := range map[string]reflect.Type{
		"/webhook": reflect.TypeFor[recorderEvent](), "/webhook/": reflect.TypeFor[recorderEvent](),
		"/webhook/bililiverecorder": reflect.TypeFor[recorderEvent](), "/webhook/blrec": reflect.TypeFor[blrecEvent](),
		"/webhook/ddtv": reflect.TypeFor[ddtvEvent](), "/webhook/oneliverec": reflect.TypeFor[oneLiveRecEvent](),
		"/webhook/custom": reflect.TypeFor[customEvent](),
	} {
		schema := huma.SchemaFromType(api.OpenAPI().Components.Schemas, body)
		api.OpenAPI().Paths[path].Post.RequestBody.Content["application/json"].Schema = schema
	}
}
