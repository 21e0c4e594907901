package handlers

import (
	"encoding/json"
	"math"
	"reflect"
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
