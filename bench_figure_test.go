//go:build bench

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"
	"time"
)

// figure is one line of the result.
type figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	Goal  string  `json:"goal"`
	Met   bool    `json:"goal_met"`

	what  string
	noise string // the rounds' lowest and highest
}

// goal is a limit that a figure should not pass.
type goal struct {
	atLeast bool
	limit   float64
}

func atLeast(limit float64) goal { return goal{true, limit} }
func atMost(limit float64) goal  { return goal{false, limit} }

func (g goal) String() string {
	if g.atLeast {
		return fmt.Sprintf("≥ %g", g.limit)
	}
	return fmt.Sprintf("≤ %g", g.limit)
}

func (g goal) met(value float64) bool {
	if g.atLeast {
		return value >= g.limit
	}
	return value <= g.limit
}

// measured is a figure's value with the lowest and highest of its rounds.
type measured struct{ value, low, high float64 }

func single(value float64) measured { return measured{value, value, value} }

func middle(rounds []float64) measured {
	return measured{median(rounds), slices.Min(rounds), slices.Max(rounds)}
}

// compared puts the medians of two things together; low and high are of the
// pairs that were measured side by side.
func compared(ours, theirs []float64, together func(ours, theirs float64) float64) measured {
	pairs := make([]float64, len(ours))
	for i := range ours {
		pairs[i] = together(ours[i], theirs[i])
	}
	return measured{together(median(ours), median(theirs)), slices.Min(pairs), slices.Max(pairs)}
}

func ratio(ours, theirs float64) float64 { return ours / theirs }

// report collects figures.
type report struct{ figures []figure }

func (r *report) add(name, what, unit string, g goal, m measured) {
	f := figure{Name: name, what: what, Value: fourDigits(m.value), Unit: unit, Goal: g.String(), Met: g.met(m.value)}
	if m.low != m.high {
		f.noise = fmt.Sprintf("%g … %g", fourDigits(m.low), fourDigits(m.high))
	}
	r.figures = append(r.figures, f)
}

// note adds a line for people that has no goal.
func (r *report) note(what, unit string, m measured) {
	r.figures = append(r.figures, figure{what: "  " + what, Value: fourDigits(m.value), Unit: unit, noise: fmt.Sprintf("%g … %g", fourDigits(m.low), fourDigits(m.high))})
}

// table is for people.
func (r *report) table(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "what\tvalue\tunit\tgoal\tmet\tlowest … highest round")
	for _, f := range r.figures {
		met := ""
		if f.Name != "" {
			met = map[bool]string{true: "yes", false: "NO"}[f.Met]
		}
		_, _ = fmt.Fprintf(t, "%s\t%g\t%s\t%s\t%s\t%s\n", f.what, f.Value, f.Unit, f.Goal, met, f.noise)
	}
	_ = t.Flush()
	_, _ = fmt.Fprintln(w)
}

// lines are for programs: one JSON object a figure.
func (r *report) lines(w io.Writer) {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	for _, f := range r.figures {
		if f.Name != "" {
			_ = e.Encode(f)
		}
	}
}

// fourDigits keeps four digits that mean something.
func fourDigits(v float64) float64 {
	if v == 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		return 0
	}
	unit := math.Pow(10, math.Floor(math.Log10(math.Abs(v)))-3)
	return math.Round(math.Round(v/unit)*unit*1e6) / 1e6
}

func median(values []float64) float64 { return quantile(values, 0.5) }

// quantile is the smallest value that a share of all does not pass.
func quantile(values []float64, share float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[max(int(math.Ceil(share*float64(len(sorted))))-1, 0)]
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
