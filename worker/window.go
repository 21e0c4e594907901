package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ngworks/nglive/tasks"
)

// Window is when something may run each day, in minutes of this machine's clock; it may go over midnight. The zero one is always open.
type Window struct{ From, To int }

// minutes of a day.
const dayMinutes = 24 * 60

// until is how long the window stays open; open is false when it is closed, and then until is how long that lasts. A window that
// is always open lasts for ever: zero.
func (w Window) until(now time.Time) (open bool, until time.Duration) {
	if w.From == w.To {
		return true, 0
	}
	minute := now.Hour()*60 + now.Minute()
	open = (minute-w.From+dayMinutes)%dayMinutes < (w.To-w.From+dayMinutes)%dayMinutes
	edge := w.From
	if open {
		edge = w.To
	}
	left := (edge - minute + dayMinutes) % dayMinutes
	if left == 0 {
		left = dayMinutes
	}
	return open, time.Duration(left)*time.Minute - time.Duration(now.Second())*time.Second
}

var errHoursOver = errors.New("the hours for uploads are over")

// hoursOver says until when uploads to a target wait; "" when they may run.
func (w *Worker) hoursOver(target string) string {
	if _, ok := tasks.BaiduAccount(target); !ok {
		return ""
	}
	if open, _ := w.cfg.Baidu.Window.until(w.clock()); open {
		return ""
	}
	return w.hours(target)
}

// hours says when uploads to a target run.
func (w *Worker) hours(target string) string {
	hours := w.cfg.Baidu.Window
	return fmt.Sprintf("uploads to %s run from %02d:%02d to %02d:%02d (NGLIVE_BAIDU_WINDOW)", target,
		hours.From/60, hours.From%60, hours.To/60, hours.To%60)
}

// inHours brings the recording while the target's hours last; what was sent by then stays sent.
func (u *sending) inHours(ctx context.Context) (*tasks.Output, error) {
	within, stop := ctx, context.CancelFunc(func() {})
	if _, ok := tasks.BaiduAccount(u.with.Target); ok {
		if open, left := u.w.cfg.Baidu.Window.until(u.w.clock()); open && left > 0 {
			within, stop = context.WithTimeoutCause(ctx, left, errHoursOver)
		}
	}
	defer stop()
	out, err := u.bring(within)
	if err != nil && ctx.Err() == nil && errors.Is(context.Cause(within), errHoursOver) {
		return nil, &held{reason: u.w.hours(u.with.Target), target: u.with.Target}
	}
	return out, err
}
