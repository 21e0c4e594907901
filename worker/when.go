package worker

import (
	"fmt"
	"regexp"
	"strings"
)

// unmet says which test of a step's `when` does not hold; "" when all do. What is unknown fails none. codec is "" when the step
// did not look.
func unmet(a *assignment, codec string) string {
	t := a.step.When
	if t == nil {
		return ""
	}
	r := &a.rec
	switch {
	case t.MinSizeBytes != nil && r.SizeBytes > 0 && r.SizeBytes < *t.MinSizeBytes:
		return fmt.Sprintf("it has %s, less than the step's min_size_bytes", size(r.SizeBytes))
	case t.MaxSizeBytes != nil && r.SizeBytes > *t.MaxSizeBytes:
		return fmt.Sprintf("it has %s, more than the step's max_size_bytes", size(r.SizeBytes))
	case t.MinDurationSeconds != nil && r.DurationSeconds > 0 && r.DurationSeconds < *t.MinDurationSeconds:
		return fmt.Sprintf("it lasts %.0f s, less than the step's min_duration_seconds", r.DurationSeconds)
	case t.Codec != "" && codec != "" && !strings.EqualFold(t.Codec, codec):
		return fmt.Sprintf("its codec is %s, not %s", codec, t.Codec)
	}
	if t.TitleMatches != "" {
		if rule, err := regexp.Compile(t.TitleMatches); err == nil && !rule.MatchString(r.Title) {
			return "its title does not match the step's title_matches"
		}
	}
	return ""
}
