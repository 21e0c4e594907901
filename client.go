package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ngworks/nglive/tasks"
)

// errNobody says that no NGlive answers.
var errNobody = errors.New("nobody answers")

// client speaks to a running web process over its public API, as any other
// program would.
type client struct {
	base  string // http://127.0.0.1:8100
	token string
	http  *http.Client
}

func newClient(server string, token Secret) (*client, error) {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("--server wants an address such as http://127.0.0.1:8100")
	}
	return &client{
		base:  strings.TrimSuffix(u.Scheme+"://"+u.Host+u.Path, "/"),
		token: string(token),
		http:  &http.Client{Timeout: 30 * time.Second},
	}, nil
}

// refusal is an answer other than 2xx, in the words of the server.
type refusal struct {
	status  int
	message string
}

// Error is what the server said.
func (r *refusal) Error() string { return r.message }

func refused(err error, status int) bool {
	var r *refusal
	return errors.As(err, &r) && r.status == status
}

// call sends body as JSON, if there is one, and reads the answer into answer,
// if there is one.
func (c *client) call(ctx context.Context, method, path string, body, answer any) error {
	var content io.Reader = http.NoBody
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		content = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, content)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	req.Header = c.header()
	req.Header.Set("Content-Type", "application/json")
	res, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%w at %s: %w", errNobody, c.base, plainURLError(err))
	}
	defer func() { _ = res.Body.Close() }()
	return readAnswer(res, answer)
}

func (c *client) header() http.Header {
	h := http.Header{"User-Agent": {"NGlive/" + version}}
	if c.token != "" {
		h.Set("Authorization", "Bearer "+c.token)
	}
	return h
}

// plainURLError leaves the address out: it may carry a token.
func plainURLError(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

const largestAnswer = 16 << 20

func readAnswer(res *http.Response, answer any) error {
	content, err := io.ReadAll(io.LimitReader(res.Body, largestAnswer))
	if err != nil {
		return fmt.Errorf("the answer broke off: %w", err)
	}
	if res.StatusCode/100 == 2 {
		if answer == nil {
			return nil
		}
		if err := json.Unmarshal(content, answer); err != nil {
			return fmt.Errorf("the answer is not NGlive's: %w", err)
		}
		return nil
	}
	if res.StatusCode == http.StatusUnauthorized {
		return &refusal{res.StatusCode, "NGlive wants its token: set NGLIVE_TOKEN to the same as there / 请设置相同的 NGLIVE_TOKEN"}
	}
	var said struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(content, &said) != nil || said.Message == "" {
		said.Message = "NGlive answered " + res.Status
	}
	return &refusal{res.StatusCode, said.Message}
}

// alive asks whether an NGlive is there at all.
func (c *client) alive(ctx context.Context) error {
	return c.call(ctx, http.MethodGet, "/healthz", nil, nil)
}

func (c *client) recording(ctx context.Context, id string) (tasks.Recording, error) {
	var r tasks.Recording
	err := c.call(ctx, http.MethodGet, "/api/recordings/"+url.PathEscape(id), nil, &r)
	return r, err
}

// newest finds the latest recording of a path: an id follows from node, path
// and generation. An empty one = there is none.
func (c *client) newest(ctx context.Context, node, path string) (tasks.Recording, error) {
	var latest tasks.Recording
	for gen := 0; ; gen++ {
		r, err := c.recording(ctx, tasks.Identity{Node: node, Path: path, Gen: gen}.ID())
		if refused(err, http.StatusNotFound) {
			return latest, nil
		}
		if err != nil {
			return latest, err
		}
		latest = r
	}
}

func (c *client) retry(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodPost, "/api/recordings/"+url.PathEscape(id)+"/retry", nil, nil)
}

func (c *client) nodes(ctx context.Context) ([]tasks.NodeInfo, error) {
	var list struct {
		Nodes []tasks.NodeInfo `json:"nodes"`
	}
	err := c.call(ctx, http.MethodGet, "/api/nodes", nil, &list)
	return list.Nodes, err
}

// onlyNode is the one node there is, for those who have none of their own.
func (c *client) onlyNode(ctx context.Context) (string, error) {
	nodes, err := c.nodes(ctx)
	if err == nil && len(nodes) != 1 {
		err = errors.New("set NGLIVE_NODE to the node that holds the files: this machine has no node of its own, and there is not exactly one / 请用 NGLIVE_NODE 指定节点")
	}
	if err != nil {
		return "", err
	}
	return nodes[0].Name, nil
}

// How often an event is sent again while NGlive starts or its Redis is away.
const (
	postTries = 20
	postPause = 500 * time.Millisecond
)

// post sends one of the recorder's events.
func (c *client) post(ctx context.Context, node string, event recorderEvent) error {
	path := "/webhook?node=" + url.QueryEscape(node)
	var err error
	for range postTries {
		err = c.call(ctx, http.MethodPost, path, event, nil)
		if !refused(err, http.StatusServiceUnavailable) {
			return err
		}
		if !pause(ctx, postPause) {
			return ctx.Err()
		}
	}
	return err
}
