package baidutest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

// Answers are the shapes the real answers come in; clients must read all of them.
type Answers struct {
	// RequestIDText sends request_id as text, NumbersAsText every number of pan and pcs.
	RequestIDText, NumbersAsText bool
	// BlankLines puts empty lines before the JSON; Gzip compresses when the client did not forbid it.
	BlankLines, Gzip bool
	// EmptyMeansFirst says [] for the one missing block 0.
	EmptyMeansFirst bool
	// NoVIPType leaves vip_type out of uinfo; NoUinfo answers 404 there.
	NoVIPType, NoUinfo bool
}

// family is which error shape an endpoint has.
type family int

const (
	pan   family = iota // HTTP 200 and errno
	pcs                 // an HTTP status and error_code
	oauth               // HTTP 400 and error
)

// refusal is an error answer; code is errno or error_code, text error_msg, or error_description.
type refusal struct {
	status int // 0: the family's own
	code   int
	text   string
	word   string // oauth's error
	errno  bool   // errno, although the family says error_code
	kind   string // of raw, the body as it is
	raw    []byte
}

// page answers something that is not JSON.
func page(status int, kind, text string) *refusal {
	return &refusal{status: status, kind: kind, raw: []byte(text)}
}

// emptyError is how the gateway cuts what takes too long, and how much else ends.
func emptyError() *refusal { return page(http.StatusInternalServerError, "text/html", "") }

// fields is a JSON object to be sent.
type fields map[string]any

func refuse(code int, text string) *refusal { return &refusal{code: code, text: text} }

func grantError(word, text string) *refusal { return &refusal{word: word, text: text} }

// pcsStatus is the HTTP status that comes with an error_code.
func pcsStatus(code int) int {
	switch code {
	case 110, 111:
		return http.StatusUnauthorized
	case 31066, 31079:
		return http.StatusNotFound
	case -6, 6, 31041, 31042, 31043, 31044, 31045, 31064, 31326, 31363, 31364:
		return http.StatusForbidden
	}
	return http.StatusBadRequest
}

func (c *call) refuse(r *refusal) {
	c.drain()
	c.outcome = r
	if r.kind != "" {
		c.write(r.status, r.kind, r.raw)
		return
	}
	answer, status := fields{}, http.StatusOK
	switch {
	case c.family == oauth:
		status, answer = http.StatusBadRequest, fields{"error": r.word, "error_description": r.text}
	case c.family == pan || r.errno:
		answer["errno"], answer["errmsg"] = r.code, r.text
	default:
		status, answer["error_code"], answer["error_msg"] = pcsStatus(r.code), r.code, r.text
	}
	if r.status != 0 {
		status = r.status
	}
	c.send(status, answer)
}

// answer sends success.
func (c *call) answer(f fields) {
	if c.family == pan {
		if _, there := f["errno"]; !there {
			f["errno"] = 0
		}
	}
	c.send(http.StatusOK, f)
}

func (c *call) send(status int, f fields) {
	if c.family != oauth {
		f["request_id"] = c.id
		if c.s.opts.Answers.RequestIDText || !c.cookie && (c.endpoint == UInfo || c.endpoint == FileMetas) { // those two are text always
			f["request_id"] = strconv.FormatInt(c.id, 10)
		}
		if c.s.opts.Answers.NumbersAsText {
			f = asText(f).(fields)
		}
	}
	if c.fault != nil && c.fault.spoil(f) {
		status = http.StatusOK
	}
	body, err := json.Marshal(f)
	if err != nil {
		panic(fmt.Sprintf("baidutest: answering %s: %v", c.endpoint, err))
	}
	if c.s.opts.Answers.BlankLines {
		body = append([]byte("\r\n\n"), body...)
	}
	c.write(status, "application/json; charset=utf-8", body)
}

// write is the last step of every answer, and where those are lost that a fault loses.
func (c *call) write(status int, kind string, body []byte) {
	c.status = status
	if c.fault != nil {
		if body = c.fault.cut(body); body == nil {
			c.reset()
			return
		}
		c.pause(c.fault.Delay.Duration)
	}
	header := c.w.Header()
	header.Set("Content-Type", kind)
	if c.s.opts.Answers.Gzip && c.r.Header.Get("Accept-Encoding") != "identity" {
		header.Set("Content-Encoding", "gzip")
		var squeezed bytes.Buffer
		z := gzip.NewWriter(&squeezed)
		_, _ = z.Write(body)
		_ = z.Close()
		body = squeezed.Bytes()
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	c.w.WriteHeader(status)
	_, _ = c.w.Write(body)
}

// asText turns all numbers into text.
func asText(v any) any {
	switch v := v.(type) {
	case fields:
		out := fields{}
		for k, x := range v {
			out[k] = asText(x)
		}
		return out
	case []fields:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = asText(x)
		}
		return out
	case int, int64, Tier:
		return fmt.Sprintf("%d", v)
	}
	return v
}
