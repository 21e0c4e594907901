package rehearsal

import (
	"encoding/json"
	"regexp"
	"strings"
)

// field is one field of a query with what it is given and what is asked of it.
type field struct {
	name   string
	args   map[string]any
	fields []field
}

func (f field) number(name string) int64 {
	n, _ := f.args[name].(float64)
	return int64(n)
}

// query reads the part of GraphQL that NGlive and the original NGlive speak: one operation, arguments, nested fields.
type query struct {
	tokens    []string
	at        int
	variables map[string]any
	broken    bool
}

func parseQuery(text string, variables map[string]any) (mutation bool, fields []field, err error) {
	q := &query{variables: variables}
	q.tokens = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|[A-Za-z_]\w*|-?\d+(?:\.\d+)?|[{}()\[\]:,$!=]`).FindAllString(text, -1)
	if q.peek() == "query" || q.peek() == "mutation" {
		mutation = q.next() == "mutation"
		for q.peek() != "{" && q.peek() != "" { // a name, and the variables' types
			q.next()
		}
	}
	fields = q.selection()
	if q.broken || len(fields) == 0 || q.peek() != "" {
		return false, nil, &gqlError{message: "Error parsing query."}
	}
	return mutation, fields, nil
}

func (q *query) peek() string {
	if q.at < len(q.tokens) {
		return q.tokens[q.at]
	}
	return ""
}

func (q *query) next() string {
	t := q.peek()
	q.at++
	return t
}

func (q *query) want(t string) {
	if q.next() != t {
		q.broken = true
	}
}

func (q *query) selection() []field {
	q.want("{")
	var list []field
	for !q.broken && q.peek() != "}" {
		f := field{name: q.next(), args: map[string]any{}}
		if !word(f.name) {
			q.broken = true
			return nil
		}
		if q.peek() == "(" {
			q.next()
			f.args = q.pairs(")")
		}
		if q.peek() == "{" {
			f.fields = q.selection()
		}
		list = append(list, f)
	}
	q.want("}")
	return list
}

func (q *query) pairs(end string) map[string]any {
	out := map[string]any{}
	for !q.broken && q.peek() != end {
		name := q.next()
		q.want(":")
		out[name] = q.value()
		if q.peek() == "," {
			q.next()
		}
	}
	q.want(end)
	return out
}

func (q *query) value() any {
	switch t := q.next(); t {
	case "$":
		return q.variables[q.next()]
	case "{":
		return q.pairs("}")
	case "true", "false":
		return t == "true"
	case "null":
		return nil
	case "":
		q.broken = true
		return nil
	default:
		var v any
		if json.Unmarshal([]byte(t), &v) != nil {
			return strings.ToUpper(t) // an enum
		}
		return v
	}
}
