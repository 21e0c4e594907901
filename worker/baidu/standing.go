package baidu

import (
	"context"
	"path"
)

// standing looks at the target before the first byte: the same content is there (done), other content is (an error, if it has to
// stay), or nothing.
func (u *upload) standing(ctx context.Context) (Result, bool, error) {
	if u.s != nil && u.s.Creating {
		return u.lost(ctx)
	}
	target := u.asked
	if u.s != nil {
		target = u.s.Path
	}
	there, found, err := u.c.look(ctx, target)
	if err != nil || !found {
		return Result{}, false, err
	}
	if there.Dir {
		return Result{}, false, u.c.problem(ReasonExists, string(stepStat), nil)
	}
	if ghost(there) {
		u.rtype = 3
		return Result{}, false, nil
	}
	if there.Size == u.src.size {
		if u.s == nil {
			u.fresh(target, nil)
		}
		if err := u.know(ctx); err != nil {
			return Result{}, false, err
		}
		if u.ours(there) {
			r := u.result(there, true)
			r.Standing = true
			return r, true, nil
		}
	}
	if u.o.Conflict == ConflictFail {
		return Result{}, false, u.c.problem(ReasonExists, string(stepStat), nil)
	}
	return Result{}, false, nil
}

// ours: Baidu's own sums say that the file is this one.
func (u *upload) ours(f File) bool {
	want := expectedMD5(u.s.sums())
	return !f.Dir && f.Size == u.src.size && (f.MD5 == want || sameBlocks(f, want))
}

// lost looks for a file whose create may have succeeded without an answer.
func (u *upload) lost(ctx context.Context) (Result, bool, error) {
	if u.s == nil || !u.s.allKnown() {
		return Result{}, false, nil
	}
	for n, wait := range sightWaits() {
		there, same, err := u.same(ctx)
		if err != nil {
			return Result{}, false, err
		}
		if same {
			return u.result(there, u.ours(there)), true, nil
		}
		if !u.s.Creating || n == 2 { // a created file may take a while to be seen
			break
		}
		if err := u.c.pause(ctx, wait); err != nil {
			return Result{}, false, err
		}
	}
	return Result{}, false, nil
}

// same looks for the file under its name, or under one that Baidu gave it instead.
func (u *upload) same(ctx context.Context) (found File, ok bool, err error) {
	there, ok, err := u.c.look(ctx, u.s.Path)
	if err != nil || (ok && u.mine(there)) {
		return there, ok && err == nil, err
	}
	if u.rtype != 2 {
		return there, false, nil
	}
	err = u.c.walk(ctx, path.Dir(u.s.Path), func(f File) bool {
		if siblings(f.Name, path.Base(u.s.Path)) && u.mine(f) {
			found = f
		}
		return found.Name == ""
	})
	return found, found.Name != "", err
}

// mine: our create made it. Where Baidu's md5 cannot be read, size and time have to do: every slice was proved.
func (u *upload) mine(f File) bool {
	if u.ours(f) {
		return true
	}
	sameTime := !f.LocalMTime.IsZero() && f.LocalMTime.Unix() == u.src.mtime.Unix()
	return u.s.Creating && f.MD5 == "" && f.Size == u.src.size && sameTime
}
