package handlers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ngworks/nglive/tasks"
)

const (
	seedDoc = "As the original NGlive answered, to the letter: always HTTP 200, except 422 for a `roomid` that is no number and 202 while a change is not over. " +
		"Codes: `0`, `\"4031\"` (a string), `4032` exists, `4033` blacklisted, `4042` no such room; ours: `5001` the recorder does not answer, " +
		"`5002` not over yet, `5003` added but unverified, `5004` the recorder refused."
	seedChangeDoc = seedDoc + " It changes something although it is a GET, so another site's page cannot use it; `POST` and `DELETE /api/rooms` are the better way."
)

// changeWithin is how long a request waits for the outcome of a command to a recorder.
const changeWithin = 10 * time.Second

// seedInput reads the query as the original's framework did: unknown names are ignored, the last one of a name counts.
type seedInput struct{ query url.Values }

// Resolve keeps the query.
func (in *seedInput) Resolve(ctx huma.Context) []error {
	u := ctx.URL()
	in.query = u.Query()
	return nil
}

func (in *seedInput) last(name string) (string, bool) {
	values := in.query[name]
	if len(values) == 0 {
		return "", false
	}
	return values[len(values)-1], true
}

type seedOutput struct {
	Status      int
	ContentType string `header:"Content-Type"`
	Location    string `header:"Location"`
	Body        []byte
}

// seedFault is how the original's framework refused a parameter.
type seedFault struct {
	Loc  []string `json:"loc"`
	Msg  string   `json:"msg"`
	Type string   `json:"type"`
}

type seedFaults struct {
	Detail []seedFault `json:"detail"`
}

func refusedParameter(name, msg, kind string) (*seedOutput, error) {
	return seedJSON(http.StatusUnprocessableEntity, seedFaults{[]seedFault{{[]string{"query", name}, msg, kind}}})
}

// seedJSON writes without a line's end and without escapes, as the original did.
func seedJSON(status int, v any) (*seedOutput, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, translate(http.StatusInternalServerError, "")
	}
	return &seedOutput{Status: status, ContentType: "application/json", Body: bytes.TrimSuffix(b.Bytes(), []byte("\n"))}, nil
}

func (h *handlers) desk() tasks.SeedDesk {
	return tasks.SeedDesk{Store: h.Store, Queue: h.Queue, Node: h.Node, Within: changeWithin}
}

func (h *handlers) allRoom(ctx context.Context, in *seedInput) (*seedOutput, error) {
	node, _ := in.last("node")
	a, err := h.desk().AllRoom(ctx, node)
	return h.seed(ctx, a, err)
}

func (h *handlers) getRoom(ctx context.Context, in *seedInput) (*seedOutput, error) {
	return h.aboutRoom(ctx, in, h.desk().GetRoom)
}

func (h *handlers) addRoom(ctx context.Context, in *seedInput) (*seedOutput, error) {
	return h.aboutRoom(ctx, in, h.desk().AddRoom)
}

func (h *handlers) removeRoom(ctx context.Context, in *seedInput) (*seedOutput, error) {
	return h.aboutRoom(ctx, in, h.desk().RemoveRoom)
}

func (h *handlers) aboutRoom(ctx context.Context, in *seedInput, ask func(context.Context, string, int64) (tasks.SeedAnswer, error)) (*seedOutput, error) {
	given, ok := in.last("roomid")
	if !ok {
		return refusedParameter("roomid", "field required", "value_error.missing")
	}
	id, ok := pythonInt(given)
	if !ok {
		return refusedParameter("roomid", "value is not a valid integer", "type_error.integer")
	}
	node, _ := in.last("node")
	a, err := ask(ctx, node, id)
	return h.seed(ctx, a, err)
}

func (h *handlers) seed(ctx context.Context, a tasks.SeedAnswer, err error) (*seedOutput, error) {
	if errors.Is(err, tasks.ErrNoNode) {
		return refusedParameter("node", err.Error(), "value_error")
	}
	if err != nil {
		return nil, h.mishap(ctx, err)
	}
	if a.Command == "" {
		return seedJSON(http.StatusOK, a)
	}
	out, err := seedJSON(http.StatusAccepted, a)
	if err == nil {
		out.Location = commandPath(a.Command)
	}
	return out, err
}

// pythonInt takes what int() of the original's language takes; a number too large for us is the largest or the smallest.
func pythonInt(s string) (int64, bool) {
	s = strings.TrimSpace(s)
	if !regexp.MustCompile(`^[+-]?[0-9]+(_[0-9]+)*$`).MatchString(s) {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.ReplaceAll(s, "_", ""), 10, 64)
	if err != nil && strings.HasPrefix(s, "-") {
		return math.MinInt64, true
	}
	return n, true
}

// registerSeed puts the original's four routes on their paths.
func registerSeed(api huma.API, h *handlers) {
	for _, x := range []struct {
		route route
		room  bool
		do    func(context.Context, *seedInput) (*seedOutput, error)
	}{
		{route{"ask-allroom", "GET /allroom", "The original's API", "List all rooms 列出所有房间", seedDoc + " Rooms of every node, each with its `node`."}, false, h.allRoom},
		{route{"ask-getroom", "GET /getroom", "The original's API", "Show a room 查看房间", seedDoc}, true, h.getRoom},
		{route{"ask-addroom", "GET /addroom", "The original's API", "Add a room 添加房间", seedChangeDoc}, true, h.addRoom},
		{route{"ask-removeroom", "GET /removeroom", "The original's API", "Remove a room 移除房间", seedChangeDoc}, true, h.removeRoom},
	} {
		o := x.route.op()
		o.RejectUnknownQueryParameters = false
		o.Parameters = []*huma.Param{{Name: "node", In: "query", Description: "The node; by default this one, and for allroom every node", Schema: &huma.Schema{Type: huma.TypeString}}}
		if x.room {
			o.Parameters = append(o.Parameters, &huma.Param{Name: "roomid", In: "query", Required: true, Description: "Long or short id", Schema: &huma.Schema{Type: huma.TypeInteger}})
		}
		huma.Register(api, o, x.do)
		documentSeed(api, o.Path)
	}
}

// documentSeed describes the answers, which are written by hand.
func documentSeed(api huma.API, path string) {
	schema := func(t reflect.Type) map[string]*huma.MediaType {
		return map[string]*huma.MediaType{"application/json": {Schema: huma.SchemaFromType(api.OpenAPI().Components.Schemas, t)}}
	}
	answers := api.OpenAPI().Paths[path].Get.Responses
	answers["200"].Content = schema(reflect.TypeFor[tasks.SeedAnswer]())
	answers["422"] = &huma.Response{Description: "As FastAPI refuses a parameter", Content: schema(reflect.TypeFor[seedFaults]())}
}
