package tasks

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	regexpsyntax "regexp/syntax"
	"slices"
	"strings"
)

// FlowError says which step and field of a flow is wrong. It never repeats a value: a person may have pasted a secret.
type FlowError struct {
	At    int    // position of the step, from 0; meaningless when the flow itself is wrong
	Step  string // id of the step, or its position as #2; empty when the flow itself is wrong
	Field string
	Why   string
}

// Error names the step, the field and the reason.
func (e *FlowError) Error() string {
	if e.Step == "" {
		return fmt.Sprintf("flow: %s: %s", e.Field, e.Why)
	}
	return fmt.Sprintf("step %q: %s: %s", e.Step, e.Field, e.Why)
}

// Location is the place in the flow's JSON, such as steps[1].with.mode.
func (e *FlowError) Location() string {
	if e.Step == "" {
		return e.Field
	}
	return fmt.Sprintf("steps[%d].%s", e.At, e.Field)
}

// Validate finds everything wrong with a flow that can be known without a node.
func (f Flow) Validate() []*FlowError {
	var errs []*FlowError
	if !nameRule().MatchString(f.ID) {
		errs = append(errs, &FlowError{Field: "id", Why: "wants 1 to 40 letters, digits, - or _"})
	}
	errs = append(errs, f.Match.faults()...)
	seen := map[string]bool{}
	uploaded, deletes := false, false
	for i, s := range f.Steps {
		c := stepCheck{at: i, name: s.ID}
		if !nameRule().MatchString(s.ID) {
			c.name = fmt.Sprintf("#%d", i+1)
			c.fault("id", "wants 1 to 40 letters, digits, - or _")
		} else if seen[s.ID] {
			c.fault("id", "stands twice in this flow")
		}
		seen[s.ID] = true
		if s.Type == StepDelete && !uploaded {
			c.fault("type", "a delete needs an upload before it, so that nothing goes before it is safe")
		}
		if s.Type == StepUpload && uploaded && deletes {
			c.fault("type", "an upload after a delete comes too late: a delete wants every upload of its flow done")
		}
		uploaded, deletes = uploaded || s.Type == StepUpload, deletes || s.Type == StepDelete
		c.step(s)
		errs = append(errs, c.errs...)
	}
	return errs
}

// faults finds tests that nothing could pass.
func (m *Match) faults() []*FlowError {
	if m == nil {
		return nil
	}
	var errs []*FlowError
	for _, room := range m.Rooms {
		if room <= 0 {
			errs = append(errs, &FlowError{Field: "match.rooms", Why: "wants room ids above 0"})
		}
	}
	if crossed(m.MinSizeBytes, m.MaxSizeBytes) {
		errs = append(errs, &FlowError{Field: "match.max_size_bytes", Why: "is below min_size_bytes, so nothing would match"})
	}
	if crossed(m.MinDurationSeconds, m.MaxDurationSeconds) {
		errs = append(errs, &FlowError{Field: "match.max_duration_seconds", Why: "is below min_duration_seconds, so nothing would match"})
	}
	return errs
}

func crossed[T int64 | float64](low, high *T) bool { return low != nil && high != nil && *low > *high }

// stepCheck collects what is wrong with one step.
type stepCheck struct {
	at   int
	name string
	errs []*FlowError
}

func (c *stepCheck) fault(field, why string) {
	c.errs = append(c.errs, &FlowError{c.at, c.name, field, why})
}

func (c *stepCheck) step(s Step) {
	switch s.Type {
	case StepTranscode:
		if checkWith[TranscodeWith](c, s.With) {
			c.transcode(s.Transcode())
		}
	case StepUpload:
		if checkWith[UploadWith](c, s.With) {
			c.upload(s.Upload())
		}
	case StepNotify:
		checkWith[NotifyWith](c, s.With)
	case StepDelete:
		if checkWith[DeleteWith](c, s.With) && !slices.Contains([]string{"source", "output", "both"}, s.Delete().What) {
			c.fault("with.what", "wants source, output or both")
		}
	default:
		c.fault("type", "is unknown; wants transcode, upload, notify or delete")
	}
	if s.OnError != "" && s.OnError != "stop" && s.OnError != "continue" {
		c.fault("on_error", "wants stop or continue")
	}
	if s.When != nil {
		c.when(*s.When)
	}
}

func (c *stepCheck) when(w When) {
	var syntax *regexpsyntax.Error
	if _, err := regexp.Compile(w.TitleMatches); errors.As(err, &syntax) {
		c.fault("when.title_matches", "is no regular expression: "+syntax.Code.String())
	}
	if !slices.Contains([]string{"", "avc", "hevc", "av1"}, w.Codec) {
		c.fault("when.codec", "wants avc, hevc or av1")
	}
}

func (c *stepCheck) transcode(w TranscodeWith) {
	if !slices.Contains([]string{"", "COPY", "CRF", "CQ", "B", "ABR", "VBR"}, w.Mode) {
		c.fault("with.mode", "wants COPY, CRF, CQ, B, ABR or VBR")
	}
	for _, x := range []struct {
		field string
		v     *int
	}{{"with.crf", w.CRF}, {"with.cq", w.CQ}} {
		if x.v != nil && (*x.v < 0 || *x.v > 63) {
			c.fault(x.field, "wants 0 to 63")
		}
	}
	for _, x := range [][2]string{{"with.bitrate", w.Bitrate}, {"with.maxrate", w.Maxrate}, {"with.bufsize", w.Bufsize}} {
		if x[1] != "" && !rateRule().MatchString(x[1]) {
			c.fault(x[0], "wants a rate such as 5000k or 5M")
		}
	}
	for _, x := range [][2]string{{"with.encoder", w.Encoder}, {"with.preset", w.Preset}} {
		if x[1] != "" && (x[1][0] == '-' || !nameRule().MatchString(x[1])) {
			c.fault(x[0], "wants a name such as libx264 or veryfast")
		}
	}
}

// checkWith decodes strictly: each unknown key and each wrong type is named. It reports whether the settings are readable.
func checkWith[T any](c *stepCheck, with map[string]any) bool {
	known := settingsOf(reflect.TypeFor[T]())
	before := len(c.errs)
	for _, key := range slices.Sorted(maps.Keys(with)) {
		if !slices.Contains(known, key) {
			c.fault("with."+shortKey(key), "is no setting of this step; wants "+strings.Join(known, ", "))
			continue
		}
		b, err := json.Marshal(map[string]any{key: with[key]})
		var v T
		if err != nil || json.Unmarshal(b, &v) != nil {
			c.fault("with."+key, "has the wrong type")
		}
	}
	return len(c.errs) == before
}

// settingsOf lists the JSON names of a step's settings.
func settingsOf(t reflect.Type) []string {
	names := make([]string, t.NumField())
	for i := range names {
		names[i], _, _ = strings.Cut(t.Field(i).Tag.Get("json"), ",")
	}
	return names
}

// shortKey bounds what an answer repeats of a request.
func shortKey(key string) string {
	if len(key) > 40 {
		return "…"
	}
	return key
}

func decodeWith[T any](with map[string]any) T {
	var v T
	if b, err := json.Marshal(with); err == nil {
		_ = json.Unmarshal(b, &v)
	}
	return v
}

func nameRule() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`) }
func rateRule() *regexp.Regexp { return regexp.MustCompile(`^[1-9][0-9]{0,8}[kKmM]?$`) }
