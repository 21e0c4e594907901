package worker

import (
	"context"
	"fmt"
	"time"

	"github.com/ngworks/nglive/tasks"
)

// sharer is a target that makes links. Each call makes a new one.
type sharer interface {
	Share(ctx context.Context, name, sum string, days int) (tasks.Share, error)
}

// links are share links by the path they lead to.
type links map[string]tasks.Share

// shareDays is how long a link is good where neither the step nor the node says.
const shareDays = 7

// sharePauses are between the tries. A link is worth a minute of an upload's slot, and no more: a person makes one in less.
func sharePauses() []time.Duration {
	return []time.Duration{2 * time.Second, 8 * time.Second, 20 * time.Second}
}

// share makes the links of an upload that is proved. That there is none is a warning: it neither fails nor repeats the upload. The
// only error is that the work ends.
func (u *sending) share(ctx context.Context, out *tasks.Output) (warning string, err error) {
	e, err := u.w.journal.change(u.d.id, func(e *entry) []letter { e.Sealed = out; return nil })
	if err != nil {
		return "", err
	}
	known := e.Links
	one := func(path, sum string, link **tasks.Share) {
		if err != nil || warning != "" {
			return
		}
		made, ok := known[path]
		if !ok {
			made, warning, err = u.link(ctx, path, sum)
		}
		if err == nil && warning == "" {
			*link = &made
		}
	}
	if len(out.Parts) == 0 {
		one(out.Path, out.Checksum, &out.Share)
	}
	for i := range out.Parts {
		one(out.Parts[i].Path, out.Parts[i].Checksum, &out.Parts[i].Share)
	}
	return warning, err
}

// link makes one and journals it before anybody hears of it, so that a death makes no second one.
func (u *sending) link(ctx context.Context, path, sum string) (made tasks.Share, warning string, err error) {
	s, ok := u.target.(sharer)
	if !ok {
		return made, fmt.Sprintf("the target %s makes no share links", u.with.Target), nil
	}
	days := shareDays
	if u.with.ShareDays != nil {
		days = *u.with.ShareDays
	}
	pauses := sharePauses()
	for try := 0; ; try++ {
		made, err = s.Share(ctx, path, sum, days)
		if ctx.Err() != nil {
			return made, "", context.Cause(ctx)
		}
		if err == nil {
			break
		}
		u.w.log.Warn("share link not made", "recording", u.a.rec.ID, "try", try+1, "error", err)
		if classOf(err) != again || try == len(pauses) {
			return made, "uploaded, but without a share link: " + words(err), nil
		}
		pause(ctx, u.w.cfg.Baidu.patient(pauses[try]))
	}
	_, err = u.w.journal.change(u.d.id, func(e *entry) []letter {
		if e.Links == nil {
			e.Links = links{}
		}
		e.Links[path] = made
		return nil
	})
	return made, "", err
}

// patient scales a pause, in tests.
func (b Baidu) patient(d time.Duration) time.Duration {
	if b.Patience <= 0 {
		return d
	}
	return time.Duration(float64(d) * b.Patience)
}
