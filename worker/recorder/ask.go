package recorder

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// question is one request.
type question struct {
	op     string
	method string // empty: GET
	path   string
	body   any
	long   bool // the recorder asks Bilibili before it answers
	room   bool // a 404 means: no such room
}

// Caps of what is read: a list of rooms has about 1.6 KB a room.
const (
	largestAnswer = 32 << 20
	largestWords  = 64 << 10
)

// ask sends a question and reads the answer. Its errors are *Error, or the context's own when the caller ended it.
func (c *Client) ask(ctx context.Context, q question, answer any) error {
	timeout := c.timeout
	if q.long {
		timeout = c.long
	}
	asked, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	res, err := c.send(asked, q)
	if err != nil {
		return c.unanswered(ctx, q.op, err)
	}
	defer func() { _ = res.Body.Close() }()
	limit := int64(largestWords)
	if res.StatusCode == http.StatusOK {
		limit = largestAnswer
	}
	content, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	switch {
	case err != nil:
		return c.unanswered(ctx, q.op, err)
	case res.StatusCode != http.StatusOK:
		return c.refusal(q, res.StatusCode, content)
	case int64(len(content)) > limit:
		return c.foreign(q.op, fmt.Sprintf("the answer is larger than %d MiB", limit>>20))
	}
	return c.understand(q.op, content, answer)
}

func (c *Client) send(ctx context.Context, q question) (*http.Response, error) {
	var content io.Reader = http.NoBody
	if q.body != nil {
		b, err := json.Marshal(q.body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(b)
	}
	method := q.method
	if method == "" {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+q.path, content)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "NGlive")
	if q.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.user != "" || c.password != "" {
		req.SetBasicAuth(c.user, c.password)
	}
	return c.http.Do(req)
}

// unanswered sorts what went wrong before there was a whole answer.
func (c *Client) unanswered(ctx context.Context, op string, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // the address is in ours
	}
	e := &Error{Kind: Away, Op: op, Address: c.base, Err: err}
	var timeout net.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		e.Kind, e.Err = Slow, nil
	case strings.Contains(err.Error(), "malformed HTTP"), strings.Contains(err.Error(), "server gave HTTP response to HTTPS"):
		e.Kind, e.Said, e.Err = Foreign, "what answers there does not speak HTTP as expected", nil
	}
	return e
}

// refusal turns a status into an error with words.
func (c *Client) refusal(q question, status int, content []byte) error {
	e := &Error{Op: q.op, Address: c.base, Status: status, Said: ownWords(content)}
	switch {
	case status == http.StatusUnauthorized:
		e.Kind = Unauthorized
	case status == http.StatusPreconditionFailed:
		e.Kind = Denied
	case status == http.StatusNotFound && q.room && e.Said != "":
		e.Kind = NoRoom
	case status == http.StatusBadRequest && e.Said != "":
		e.Kind = Refused
	case status >= http.StatusInternalServerError:
		e.Kind = Broken
	default:
		e.Kind, e.Said = Foreign, fmt.Sprintf("it answered HTTP %d %s", status, look(content))
	}
	return e
}

// ownWords is what a recorder's JSON says went wrong; empty when the body is not a recorder's.
func ownWords(content []byte) string {
	var said struct {
		Message string `json:"message"` // the recorder's own
		Title   string `json:"title"`   // ASP.NET's
	}
	if json.Unmarshal(content, &said) != nil {
		return ""
	}
	text := said.Message
	if text == "" {
		text = said.Title
	}
	return printable(text)
}

// printable bounds what a stranger may put into our log.
func printable(s string) string {
	const most = 200
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	if runes := []rune(s); len(runes) > most {
		s = string(runes[:most]) + "…"
	}
	return s
}

// understand reads the JSON of a good answer.
func (c *Client) understand(op string, content []byte, answer any) error {
	trimmed := bytes.TrimSpace(content)
	if len(trimmed) == 0 || trimmed[0] != '{' && trimmed[0] != '[' {
		return c.foreign(op, "it answered "+look(content))
	}
	err := json.Unmarshal(trimmed, answer)
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind):
		return c.foreign(op, "its answer has an unexpected form at "+printable(kind.Field))
	case err != nil:
		return c.foreign(op, "it answered broken JSON")
	}
	return nil
}

// look says in words what a body is, without repeating it.
func look(content []byte) string {
	trimmed := bytes.TrimSpace(content)
	switch {
	case len(trimmed) == 0:
		return "with nothing"
	case regexp.MustCompile(`(?i)^(<!doctype html|<html|<head|<body)`).Match(trimmed):
		return "with a web page"
	case trimmed[0] == '{' || trimmed[0] == '[':
		return "with other JSON"
	}
	return "with something that is not JSON"
}

func (c *Client) foreign(op, said string) error {
	return &Error{Kind: Foreign, Op: op, Address: c.base, Said: said}
}
