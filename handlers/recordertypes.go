package handlers

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// recorderTime is a time of .NET's: up to seven fractional digits, any zone. One that cannot be read is an unknown one: no
// recording is lost for it.
type recorderTime struct{ time.Time }

// Years that a recorder can mean: .NET's empty time is in year 1, and JSON knows none after 9999.
const (
	firstYear = 2000
	lastYear  = 9998
)

// UnmarshalJSON reads a string or null.
func (t *recorderTime) UnmarshalJSON(b []byte) error {
	t.Time = time.Time{}
	if string(b) == "null" {
		return nil
	}
	if b[0] != '"' {
		return &json.UnmarshalTypeError{Value: valueKind(b), Type: reflect.TypeFor[string]()}
	}
	at, err := time.Parse(`"`+time.RFC3339Nano+`"`, string(b))
	if err == nil && at.Year() >= firstYear && at.Year() <= lastYear {
		t.Time = at
	}
	return nil
}

// Schema documents it as the string it is.
func (t recorderTime) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Examples: []any{"2021-05-14T17:52:54.9461101+08:00"}}
}

// recorderSeconds is a .NET double, which says "NaN" and "Infinity" in strings; those are unknown (0) here.
type recorderSeconds float64

// UnmarshalJSON reads a number, null or one of those strings.
func (s *recorderSeconds) UnmarshalJSON(b []byte) error {
	*s = 0
	switch string(b) {
	case "null", `"NaN"`, `"Infinity"`, `"-Infinity"`:
		return nil
	}
	var f float64
	if err := json.Unmarshal(b, &f); err != nil {
		return &json.UnmarshalTypeError{Value: valueKind(b), Type: reflect.TypeFor[float64]()}
	}
	*s = recorderSeconds(max(f, 0))
	if f > math.MaxInt32 {
		*s = 0
	}
	return nil
}

// Schema documents it as the number it is.
func (s recorderSeconds) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeNumber, Description: "Seconds of media; 0 = unknown"}
}

// anyTime is a time as recorders write it: with T or a space, with any fraction, with or without a zone (then it is this
// machine's). What cannot be read is unknown.
type anyTime struct{ time.Time }

// UnmarshalJSON reads a string; anything else is unknown.
func (t *anyTime) UnmarshalJSON(b []byte) error {
	t.Time = time.Time{}
	var s string
	if json.Unmarshal(b, &s) != nil {
		return nil //nolint:nilerr // no recording is lost for a time
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02 15:04:05"} {
		if at, err := time.ParseInLocation(layout, s, time.Local); err == nil && at.Year() >= firstYear && at.Year() <= lastYear {
			t.Time = at
			return nil
		}
	}
	return nil
}

// Schema documents it as the string it is.
func (t anyTime) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Examples: []any{"2026-11-22 14:59:59.925781+08:00"}}
}

// looseInt is a whole number, or one in quotes as shells and templates send it; anything else is 0.
type looseInt int64

// UnmarshalJSON never fails.
func (n *looseInt) UnmarshalJSON(b []byte) error {
	v, err := strconv.ParseInt(strings.Trim(string(b), `"`), 10, 64)
	if err != nil {
		v = 0
	}
	*n = looseInt(v)
	return nil
}

// Schema documents it as the number it should be.
func (n looseInt) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeInteger, Format: "int64"}
}

// fileNames is a file's path, a list of them, or .NET's own description of a file.
type fileNames []string

// UnmarshalJSON takes what it can read.
func (f *fileNames) UnmarshalJSON(b []byte) error {
	*f = nil
	var one string
	var file struct {
		Full string `json:"FullName"`
	}
	var many []json.RawMessage
	switch {
	case json.Unmarshal(b, &one) == nil && one != "":
		*f = fileNames{one}
	case json.Unmarshal(b, &file) == nil && file.Full != "":
		*f = fileNames{file.Full}
	case json.Unmarshal(b, &many) == nil:
		for _, x := range many[max(0, len(many)-mostFiles):] {
			var some fileNames
			if x = bytes.TrimSpace(x); x[0] != '[' {
				_ = some.UnmarshalJSON(x)
			}
			*f = append(*f, some...)
		}
	}
	return nil
}

// valueKind names what stands in the JSON, never its content.
func valueKind(b []byte) string {
	switch b[0] {
	case '"':
		return "string"
	case '{':
		return "object"
	case '[':
		return "array"
	case 't', 'f':
		return "bool"
	}
	return "number"
}

func jsonKind(k reflect.Kind) string {
	switch k { //nolint:exhaustive // the rest are the numbers
	case reflect.String:
		return "a string"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Bool:
		return "true or false"
	case reflect.Int64:
		return "a whole number"
	}
	return "a number"
}
