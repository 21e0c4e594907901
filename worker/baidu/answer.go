package baidu

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// answerMost is the largest answer that is read: a listing of 1,000 long names.
const answerMost = 8 << 20

var errNoJSON = errors.New("the answer is not what Baidu says, but a proxy's page or a broken text")

// number is an integer that Baidu writes as a number or as a string.
type number int64

// UnmarshalJSON takes 7, "7", 7.0, "" and null.
func (n *number) UnmarshalJSON(b []byte) error {
	s := strings.TrimSpace(strings.Trim(strings.TrimSpace(string(b)), `"`))
	if s == "" || s == "null" {
		*n = 0
		return nil
	}
	if v, err := strconv.ParseInt(s, 10, 64); err == nil {
		*n = number(v)
		return nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f > 1<<62 || f < -(1<<62) {
		return fmt.Errorf("%.40q is no number", s)
	}
	*n = number(f)
	return nil
}

// text is a string that Baidu sometimes writes as a number.
type text string

// UnmarshalJSON takes "a", 7 and null; anything else is empty.
func (t *text) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*t = text(s)
		return nil
	}
	if len(b) > 0 && (b[0] == '-' || (b[0] >= '0' && b[0] <= '9')) {
		*t = text(b)
	}
	return nil
}

// answer is what Baidu said: status, the code of whichever of its dialects, and the document.
type answer struct {
	status int
	code   int
	text   string // of the dialects, for logs, cut
	kind   string // the error of the OAuth dialect
	doc    []byte // the JSON document; nil when it was none
}

// dialects are the three ways Baidu tells of errors: pan, pcs, OAuth. show_msg and the like are for people.
type dialects struct {
	Errno       *number `json:"errno"`
	ErrorCode   *number `json:"error_code"`
	ErrMsg      text    `json:"errmsg"`
	ErrorMsg    text    `json:"error_msg"`
	ShowMsg     text    `json:"show_msg"`
	Error       text    `json:"error"`
	Description text    `json:"error_description"`
}

// readAnswer reads a response to its end, whatever it is. The error is of the connection.
func readAnswer(resp *http.Response) (answer, error) {
	a := answer{status: resp.StatusCode}
	body, err := io.ReadAll(io.LimitReader(resp.Body, answerMost))
	if err != nil {
		return a, err
	}
	a.read(unzipped(body))
	return a, nil
}

// unzipped undoes a gzip that nobody asked for.
func unzipped(body []byte) []byte {
	if !bytes.HasPrefix(body, []byte{0x1f, 0x8b}) {
		return body
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return body
	}
	clear, err := io.ReadAll(io.LimitReader(z, answerMost))
	if err != nil {
		return nil
	}
	return clear
}

func (a *answer) read(body []byte) {
	body = bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\xef\xbb\xbf")))
	if len(body) == 0 || body[0] != '{' {
		return
	}
	var d dialects
	if json.Unmarshal(body, &d) != nil {
		return
	}
	a.doc = body
	for _, n := range []*number{d.Errno, d.ErrorCode} {
		if n != nil && a.code == 0 {
			a.code = int(*n)
		}
	}
	a.kind = string(d.Error)
	for _, t := range []text{d.ErrorMsg, d.ErrMsg, d.Description, d.ShowMsg} {
		if a.text == "" {
			a.text = string(t)
		}
	}
	if len(a.text) > 200 {
		a.text = strings.ToValidUTF8(a.text[:200], "")
	}
}

// good: a document, no error of any dialect, and a status of success.
func (a *answer) good() bool {
	return a.doc != nil && a.code == 0 && a.kind == "" && a.status >= 200 && a.status < 300
}

// into reads the document's fields; a document without them is no answer.
func (a *answer) into(v any) error {
	if err := json.Unmarshal(a.doc, v); err != nil {
		return fmt.Errorf("%w: %w", errNoJSON, err)
	}
	return nil
}
