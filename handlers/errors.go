package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ngworks/nglive/tasks"
)

// Error is how every refusal looks. It tells what happened and what to do, repeats no submitted value and shows nothing of
// what is inside.
type Error struct {
	Status  int     `json:"status" doc:"The HTTP status"`
	Code    string  `json:"code" doc:"For programs, such as not_found"`
	Message string  `json:"message" doc:"For people: what happened and what to do"`
	Errors  []Fault `json:"errors,omitempty" doc:"Each fault with its place"`
}

// Fault is one thing that is wrong with a request.
type Fault struct {
	Location string `json:"location,omitempty" doc:"Where, such as steps[1].with.mode or query.limit"`
	Message  string `json:"message"`
	Step     string `json:"step,omitempty" doc:"Of a flow: the step's id, or its position as #2"`
	Field    string `json:"field,omitempty" doc:"Of a flow: the field in that step"`
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

// GetStatus is the HTTP status.
func (e *Error) GetStatus() int { return e.Status }

func refuse(status int, message string, faults ...Fault) *Error {
	return &Error{Status: status, Code: codeOf(status), Message: message, Errors: faults}
}

func codeOf(status int) string {
	switch status {
	case http.StatusBadRequest:
		return "bad_request"
	case http.StatusUnprocessableEntity:
		return "invalid"
	case http.StatusRequestEntityTooLarge:
		return "too_large"
	case http.StatusInternalServerError:
		return "internal"
	case http.StatusServiceUnavailable:
		return "unavailable"
	}
	return strings.ReplaceAll(strings.ToLower(http.StatusText(status)), " ", "_")
}

// WriteError answers with the same shape outside of the operations.
func WriteError(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(refuse(status, message))
}

// errorsReplaced guards Huma's package-wide constructors, which are written once.
var errorsReplaced sync.Once //nolint:gochecknoglobals // Huma has no other way to an error model of one's own

func useOwnErrors() {
	errorsReplaced.Do(func() {
		huma.NewError = translate
		huma.NewErrorWithContext = func(_ huma.Context, status int, msg string, errs ...error) huma.StatusError {
			return translate(status, msg, errs...)
		}
	})
}

// translate makes our error of Huma's: without the submitted values, and without any detail when the fault is ours.
func translate(status int, msg string, errs ...error) huma.StatusError {
	e := refuse(status, msg)
	switch {
	case status >= http.StatusInternalServerError:
		e.Message = "Something went wrong inside NGlive; its log has the details."
		return e
	case msg == "validation failed":
		e.Message = "The request is not right; each fault below says where."
	}
	for _, err := range errs {
		if err != nil {
			e.Errors = append(e.Errors, faultOf(err))
		}
	}
	return e
}

func faultOf(err error) Fault {
	var detail *huma.ErrorDetail
	if !errors.As(err, &detail) {
		return Fault{Message: plain(err.Error())}
	}
	f := Fault{Location: strings.TrimPrefix(detail.Location, "body."), Message: plain(detail.Message)}
	if m := stepPlace().FindStringSubmatch(f.Location); m != nil {
		at, _ := strconv.Atoi(m[1])
		f.Step, f.Field = "#"+strconv.Itoa(at+1), m[2]
	}
	return f
}

func stepPlace() *regexp.Regexp { return regexp.MustCompile(`^steps\[(\d{1,4})\]\.?(.*)$`) }

// plain keeps words that speak of Go, or repeat what was sent, from the outside.
func plain(message string) string {
	switch {
	case strings.HasPrefix(message, "invalid character"), strings.Contains(message, "unexpected end of JSON"):
		return "this is not JSON"
	case strings.HasPrefix(message, "json:"), strings.Contains(message, "parsing"), strings.Contains(message, "strconv"):
		return "the value does not fit here"
	}
	return message
}

// mishap turns an error of the store or the queue into an answer, and logs what people are not shown.
func (h *handlers) mishap(ctx context.Context, err error) error {
	var ours *Error
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &ours):
		return ours
	case errors.Is(err, tasks.ErrNoRecording):
		return refuse(http.StatusNotFound, "There is no recording with this id. GET /api/recordings lists them.")
	case errors.Is(err, tasks.ErrConflict):
		return refuse(http.StatusConflict, "Others are changing the same thing right now; try again.")
	case errors.As(err, &syntax), errors.As(err, &kind):
		h.Log.ErrorContext(ctx, "stored data was not readable", "error", err)
		return translate(http.StatusInternalServerError, "")
	}
	h.Log.WarnContext(ctx, "redis did not answer", "error", err)
	return unavailable()
}

// unavailable asks the caller to come again: recorders do, after one second and after two more.
func unavailable() error {
	return huma.ErrorWithHeaders(
		refuse(http.StatusServiceUnavailable, "NGlive's Redis does not answer right now, so nothing was changed. Try again in a moment."),
		http.Header{"Retry-After": {"1"}})
}
