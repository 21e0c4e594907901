package baidu

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// upload is one file on its way.
type upload struct {
	c     *Client
	src   *source
	asked string // where it shall go
	o     Options
	tier  Tier
	most  int // slices that a session may have
	rtype int
	plain bool // rapid upload was tried in vain
	begun int  // sessions that were opened

	s     *session
	k     *keeper
	meter *meter
	sent  int64
}

// How many slices Baidu takes: 2,048 by those who tried, 1,024 by its documents.
const (
	slicesMost    = 2048
	slicesByBook  = 1024
	sliceLeast    = 4 * mib
	sessionsMost  = 3 // the first and two more
	questionsMost = 2 // how often a session is asked what it lacks, while it can say
)

// Upload brings src (a regular file) to an absolute path in the netdisk and proves that it is there. It resumes what an earlier
// Upload to that path left, is done at once when the same content is there, and never leaves a second copy. src must stay open
// and is read by offset.
func (c *Client) Upload(ctx context.Context, src *os.File, remote string, o Options) (Result, error) {
	s, err := openSource(src)
	if err != nil {
		return Result{}, c.sourceProblem(err).about("file", "“"+remote+"”")
	}
	return c.uploadSource(ctx, s, remote, o)
}

func (c *Client) uploadSource(ctx context.Context, src *source, remote string, o Options) (Result, error) {
	u := &upload{
		c: c, src: src, asked: remote, o: o, most: slicesMost, rtype: rtypeOf(o.Conflict), k: c.newKeeper(c.cfg.Account + "|" + remote),
		meter: c.newMeter(src.size, o.Report),
	}
	done := make(chan struct{})
	saved := make(chan struct{})
	go func() { defer close(saved); u.k.run(done) }()
	r, err := u.run(ctx)
	close(done)
	<-saved
	if err != nil {
		err = u.end(ctx, err)
		if o.Hashes != nil && ReasonOf(err) == ReasonChanged && src.unchanged() == nil { // not the file is wrong, but what we were told of it
			c.cfg.Log.Warn("hashes that were given are not the file's", "account", c.cfg.Account)
			o.Hashes = nil
			return c.uploadSource(ctx, src, remote, o)
		}
		return Result{}, err
	}
	u.k.drop()
	r.Sent = u.sent
	u.meter.at(src.size, true)
	return r, nil
}

// end keeps what may be gone on with, and words the error.
func (u *upload) end(ctx context.Context, err error) error {
	err = u.c.bare(ctx, err)
	e, ok := errors.AsType[*Error](err)
	if ok && forgetful(e.reason) {
		u.k.drop()
	} else {
		u.k.save()
	}
	if ok {
		if e.reason == ReasonTooLarge && e.limit == 0 {
			e.limit = u.limit(ctx)
			e = e.about("max", fmt.Sprintf("%.1f GiB", float64(e.limit)/gib))
		}
		if app, isApp := u.c.cfg.Credential.(OAuth); isApp {
			e = e.about("folder", app.AppFolder)
		}
		return e.about("file", "“"+u.asked+"”")
	}
	return err
}

// limit is what Baidu allows after it refused the size: the membership may have lapsed, and what it says may not be all.
func (u *upload) limit(ctx context.Context) int64 {
	if user, err := u.c.User(ctx); err == nil {
		u.tier = user.Tier
	}
	limit := u.tier.MaxFile()
	if limit >= u.src.size {
		limit = TierNormal.MaxFile()
	}
	if limit >= u.src.size {
		limit = u.src.size / 2
	}
	return limit
}

func rtypeOf(c Conflict) int {
	switch c {
	case ConflictRename:
		return 2 // not for the same content: a repeated create makes no second copy
	case ConflictReplace:
		return 3
	case ConflictFail:
	}
	return 0
}

// run is the story of an upload: is it allowed, is it there, open or go on with a session, send, create, prove.
func (u *upload) run(ctx context.Context) (r Result, err error) {
	if u.tier, err = u.c.guard(ctx, u.src.size, u.asked); err != nil {
		return r, err
	}
	doc, err := u.c.cfg.Sessions.Load(u.k.key)
	if err != nil {
		u.c.cfg.Log.Warn("upload session not read; the upload begins anew", "account", u.c.cfg.Account, "error", err)
	}
	if old := readSession(doc, u.src); old != nil && !u.c.stale(old.Opened) && u.allows(old.Slice) {
		u.s = old
		u.k.start(old)
	}
	if r, ok, err := u.standing(ctx); ok || err != nil {
		return r, err
	}
	for n := 1; ; n++ {
		r, err := u.session(ctx)
		f := failureOf(err)
		if f == nil || n == sessionsMost || u.begun >= sessionsMost {
			return r, err
		}
		if u.s.Creating && f.do != stop { // it may be there after all
			if r, ok, err := u.lost(ctx); ok || err != nil {
				return r, err
			}
		}
		if !u.reopens(ctx, f) {
			return r, err
		}
		u.c.cfg.Log.Info("upload session begun anew", "account", u.c.cfg.Account, "why", f.err)
	}
}

// allows: the membership takes slices of this size.
func (u *upload) allows(slice int64) bool { return slice <= u.tier.maxSlice() }

// reopens prepares another session, if a failure asks for one that can help.
func (u *upload) reopens(ctx context.Context, f *failure) bool {
	path := u.asked
	if u.s != nil {
		path = u.s.Path
	}
	switch f.do {
	case reopen, relocate, incomplete:
	case uncommitted, rename:
		if path != u.asked || (f.do == rename && f.err.code != 108) {
			return false
		}
		path = renamed(path)
	case smaller:
		if !u.smaller(ctx, f) {
			return false
		}
	default:
		return false
	}
	u.fresh(path, u.s)
	return true
}

// smaller finds another size of slices after Baidu refused one.
func (u *upload) smaller(ctx context.Context, f *failure) bool {
	if f.reason == ReasonRefused { // a number of a slice is too large
		again := u.most == slicesMost
		u.most = slicesByBook
		return again
	}
	user, err := u.c.User(ctx)
	if err == nil {
		u.tier = user.Tier
	}
	if u.tier.MaxFile() < u.src.size {
		f.err = u.c.tooLarge(u.asked, u.tier)
		return false
	}
	before := u.s.Slice
	if before > sliceLeast && u.sliceSize() >= before { // whatever the membership says, this size is refused
		u.tier = TierNormal
	}
	return u.sliceSize() < before
}

// sliceSize is what this upload's slices have.
func (u *upload) sliceSize() int64 { return sliceFor(u.src.size, u.most, u.tier.maxSlice()) }

// fresh makes a session that Baidu does not know yet; md5s that are known stay known.
func (u *upload) fresh(path string, before *session) {
	s := newSession(u.src, path, u.sliceSize())
	if before != nil && before.Slice == s.Slice {
		copy(s.Sums, before.Sums)
	}
	if h := u.o.Hashes; before == nil && h != nil && h.BlockSize == s.Slice && len(h.Blocks) == s.count() {
		for i, b := range h.Blocks {
			if v, ok := parseSum(b); ok {
				s.know(i, v)
			}
		}
	}
	u.s = s
}

// session takes one session from its opening to the proved file.
func (u *upload) session(ctx context.Context) (Result, error) {
	parts, r, err := u.open(ctx)
	if err != nil || r != nil {
		return deref(r), err
	}
	denied := false // Baidu names nothing that is missing
	for questions := 0; ; questions++ {
		if err := u.settleHost(ctx); err != nil {
			return Result{}, err
		}
		file, err := u.deliver(ctx, parts)
		if err == nil {
			return u.prove(ctx, file)
		}
		f := failureOf(err)
		if f == nil || (f.do != reopen && f.do != incomplete) || questions == questionsMost {
			return Result{}, err
		}
		var says bool
		if parts, says, err = u.lacking(ctx, f); err != nil {
			return Result{}, err
		}
		if !says {
			if denied {
				return Result{}, f
			}
			denied = true
		}
	}
}

func deref(r *Result) Result {
	if r == nil {
		return Result{}
	}
	return *r
}

// deliver sends parts and creates the file.
func (u *upload) deliver(ctx context.Context, parts []int) (File, error) {
	if err := u.send(ctx, parts); err != nil {
		return File{}, err
	}
	if err := u.src.unchanged(); err != nil {
		return File{}, u.c.sourceProblem(err)
	}
	return u.create(ctx)
}

// know computes the md5s that are not known yet.
func (u *upload) know(ctx context.Context) error {
	sums := u.s.sums()
	if err := u.src.hashAll(ctx, u.s.Slice, sums); err != nil {
		if cause := ended(ctx); cause != nil {
			return cause
		}
		return u.c.sourceProblem(err)
	}
	u.k.hold(func() {
		for i, v := range sums {
			u.s.know(i, v)
		}
	})
	return nil
}
