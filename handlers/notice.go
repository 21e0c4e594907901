package handlers

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"unicode/utf8"

	"github.com/ngworks/nglive/tasks"
)

// notice is an event of a recorder in our own words: what every recorder's file here makes of its webhook.
type notice struct {
	id   string // "<source>.<event id>", the same on every try
	cmd  string // of an event we know; "" = only what it says of its room counts
	seen tasks.Sighting

	made   bool   // the recorder gives no ids, so this one was made of the content, and the node belongs to it
	hosted bool   // seen.Path is spelled as on the recorder's own machine
	was    string // the file that the recorder made this one of
	room   bool   // what it says of its room is kept for events that say nothing of it
	recall bool   // it says nothing of its room
}

// reader makes notices of a webhook's body; none = it concerns nobody here. Its errors are *Error and repeat nothing of the body.
type reader func(body []byte) ([]notice, error)

// deepest is how deep a recorder's JSON may nest; its own has two levels.
const deepest = 32

// readEvent reads JSON of at most that depth.
func readEvent(body []byte, into any) error {
	if tooDeep(body, deepest) {
		return refuse(http.StatusBadRequest, "The event nests deeper than any recorder's does.")
	}
	if err := json.Unmarshal(body, into); err != nil {
		return unreadable(err)
	}
	return nil
}

// noEvent refuses what is not of that recorder.
func noEvent(recorder, field string) error {
	return refuse(http.StatusUnprocessableEntity, "This is not an event of "+recorder+": it has no "+field+".")
}

// eventID fits into a key of Redis and the name of a task; an event without a usable one is known by its content.
func eventID(source, given string, body []byte) string {
	if usableID(given) {
		return source + given
	}
	sum := sha256.Sum256(body)
	return source + "sum-" + hex.EncodeToString(sum[:12])
}

func usableID(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// clip bounds what is kept of a text that only people read.
func clip(s string) string {
	const most = 500
	if len(s) <= most {
		return s
	}
	for s = s[:most]; !utf8.ValidString(s); s = s[:len(s)-1] {
	}
	return s
}

// tooDeep looks at brackets outside of strings only; whether it is JSON is for others to say.
func tooDeep(body []byte, limit int) bool {
	depth, quoted := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > limit {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

func isSyntax(err error) bool {
	var syntax *json.SyntaxError
	return errors.As(err, &syntax)
}

func unreadable(err error) error {
	var kind *json.UnmarshalTypeError
	if !errors.As(err, &kind) {
		return refuse(http.StatusBadRequest, "The event is not JSON. Does the webhook's URL belong to this recorder?")
	}
	field, given := kind.Field, regexp.MustCompile(`^[a-z]*`).FindString(kind.Value)
	if field == "" {
		return refuse(http.StatusUnprocessableEntity, "An event is a JSON object; this is something else.")
	}
	return refuse(http.StatusUnprocessableEntity, "The event has a field of the wrong type.",
		Fault{Location: field, Message: "wants " + jsonKind(kind.Type.Kind()) + ", not a JSON " + given})
}
