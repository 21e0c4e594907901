package baidu

import (
	"context"

	"golang.org/x/time/rate"
)

// throttle keeps all of a client's uploads together below a rate; nil holds nothing back.
type throttle struct{ limiter *rate.Limiter }

func newThrottle(perSecond int64) *throttle {
	if perSecond <= 0 {
		return nil
	}
	return &throttle{rate.NewLimiter(rate.Limit(perSecond), int(min(max(perSecond/4, 16<<10), 1<<20)))}
}

// share is how much of n bytes may be taken at once.
func (t *throttle) share(n int) int {
	if t == nil {
		return n
	}
	return min(n, t.limiter.Burst())
}

func (t *throttle) wait(ctx context.Context, n int) error {
	if t == nil || n <= 0 {
		return nil
	}
	return t.limiter.WaitN(ctx, n)
}
