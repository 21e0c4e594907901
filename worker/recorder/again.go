package recorder

import (
	"context"
	"time"
)

// patience is the longest wait between two tries of a command whose recorder is away.
const patience = time.Second

// again tries until it works, fails for a reason that stays, or ctx has no time left.
func again[T any](ctx context.Context, waits []time.Duration, try func() (T, error)) (T, error) {
	for n := 0; ; n++ {
		v, err := try()
		if err == nil || !passing(err) {
			return v, err
		}
		wait := patience
		if len(waits) > 0 {
			wait = min(patience, max(waits[min(n+1, len(waits)-1)], time.Millisecond))
		}
		if _, bounded := ctx.Deadline(); !bounded && n >= len(waits) {
			return v, err // nobody said how long to wait
		}
		if !pause(ctx, wait) {
			return v, err
		}
	}
}
