package worker

import (
	"context"
	"fmt"
	"time"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker/baidu"
)

// sharer is a target that makes links.
type sharer interface {
	Share(ctx context.Context, name, sum string, wish linkWish) (tasks.Share, error)
}

// linkWish is what a link shall be. With again an earlier call may have made the one with this password: then it is looked for first.
type linkWish struct {
	password string
	days     int // 0 is for ever
	again    bool
}

// links are share links by the path they lead to; one without an address was asked for.
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
		made := known[path]
		if made.Link == "" {
			made, warning, err = u.link(ctx, path, sum, made)
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

// link makes one. Its password is journalled before it is asked for, and the link before anybody hears of it: by the password a later
// life finds the link that this one may have made. asked is what an earlier life asked for.
func (u *sending) link(ctx context.Context, path, sum string, asked tasks.Share) (made tasks.Share, warning string, err error) {
	s, ok := u.target.(sharer)
	if !ok {
		return made, fmt.Sprintf("the target %s makes no share links", u.with.Target), nil
	}
	days := shareDays
	if u.with.ShareDays != nil {
		days = *u.with.ShareDays
	}
	before := asked.Password != ""
	if !before {
		if asked.Password = baidu.NewPwd(); days > 0 {
			asked.ExpiresAt = tasks.At(time.Now().AddDate(0, 0, days))
		}
		if err := u.keepLink(path, asked); err != nil {
			return made, "", err
		}
	}
	pauses := sharePauses()
	for try := 0; ; try++ {
		tasks.Failpoint("upload.share.before")
		made, err = s.Share(ctx, path, sum, linkWish{asked.Password, days, before || try > 0})
		tasks.Failpoint("upload.share.after")
		if ctx.Err() != nil {
			return made, "", context.Cause(ctx)
		}
		if err == nil {
			if made.ExpiresAt.IsZero() { // found: the netdisk does not say it of one that exists
				made.ExpiresAt = asked.ExpiresAt
			}
			break
		}
		u.w.log.Warn("share link not made", "recording", u.a.rec.ID, "try", try+1, "error", err)
		if classOf(err) != again || try == len(pauses) {
			return made, "uploaded, but without a share link: " + words(err), nil
		}
		pause(ctx, u.w.cfg.Baidu.patient(pauses[try]))
	}
	return made, "", u.keepLink(path, made)
}

func (u *sending) keepLink(path string, link tasks.Share) error {
	_, err := u.w.journal.change(u.d.id, func(e *entry) []letter {
		if e.Links == nil {
			e.Links = links{}
		}
		e.Links[path] = link
		return nil
	})
	return err
}

// patient scales a pause, in tests.
func (b Baidu) patient(d time.Duration) time.Duration {
	if b.Patience <= 0 {
		return d
	}
	return time.Duration(float64(d) * b.Patience)
}
