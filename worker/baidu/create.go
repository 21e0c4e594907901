package baidu

import (
	"context"
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
)

// create puts the slices together. An answer that was lost is looked for before anything is repeated.
func (u *upload) create(ctx context.Context) (File, error) {
	if err := u.know(ctx); err != nil { // of parts that another life of ours sent
		return File{}, err
	}
	u.k.with(true, func(s *session) { s.Creating = true })
	for tries := map[reaction]int{}; ; {
		var l listed
		q := u.createCall()
		q.lacks = func() error {
			if l.FSID == 0 && l.Path == "" {
				return errNoJSON
			}
			return nil
		}
		err := u.c.ask(ctx, q, &l)
		f := failureOf(err)
		if f == nil {
			return l.file(), err
		}
		file, found, err := u.judgeCreate(ctx, f, tries)
		if found || err != nil {
			return file, err
		}
	}
}

func (u *upload) createCall() call {
	form := url.Values{
		"path": {u.s.Path}, "size": {strconv.FormatInt(u.src.size, 10)}, "isdir": {"0"}, "rtype": {strconv.Itoa(u.rtype)},
		"uploadid": {u.s.UploadID}, "block_list": {blockList(u.s.sums())}, "local_ctime": {unix(u.src.mtime)}, "local_mtime": {unix(u.src.mtime)},
	}
	q := call{at: stepCreate, form: form, unsafe: true}
	if u.c.byToken() {
		q.url, q.query = u.c.ends.Pan+"/rest/2.0/xpan/file", url.Values{"method": {"create"}}
		return q
	}
	form.Set("target_path", path.Dir(u.s.Path))
	q.url, q.query = u.c.ends.Pan+"/api/create", webQuery()
	return q
}

// createWaits are the pauses before create is repeated; a look at the target comes after each.
func createWaits(f *failure) []time.Duration {
	switch f.do {
	case incomplete:
		return []time.Duration{time.Second, 3 * time.Second}
	case uncommitted:
		return []time.Duration{2 * time.Second, 5 * time.Second, 15 * time.Second}
	case repeat, renew:
		if f.maybe {
			return []time.Duration{time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second}
		}
	default:
	}
	return nil
}

// judgeCreate decides after a create that failed: found it all the same, an error, or (neither) once more.
func (u *upload) judgeCreate(ctx context.Context, f *failure, tries map[reaction]int) (File, bool, error) {
	if cause := ended(ctx); cause != nil {
		return File{}, false, cause
	}
	switch f.do {
	case taken:
		return u.createTaken(ctx, f)
	case stop, slow, rename, smaller, settle, risk, repeatOnce:
		return File{}, false, f
	default:
	}
	waits := createWaits(f)
	n := tries[f.do]
	tries[f.do]++
	if n < len(waits) {
		if err := u.c.pause(ctx, waits[n]); err != nil {
			return File{}, false, err
		}
	}
	there, same, err := u.same(ctx)
	if same || err != nil {
		return there, same, err
	}
	if n < len(waits) {
		return File{}, false, nil
	}
	return File{}, false, f
}

// createTaken: an earlier create of ours, of which we heard nothing, or somebody else's file.
func (u *upload) createTaken(ctx context.Context, f *failure) (File, bool, error) {
	for _, wait := range sightWaits() {
		there, same, err := u.same(ctx)
		if same || err != nil {
			return there, same, err
		}
		if there, found, err := u.c.look(ctx, u.s.Path); err != nil || found {
			if found && ghost(there) && u.rtype == 0 {
				u.rtype = 3
				return File{}, false, nil
			}
			return File{}, false, errOr(err, f)
		}
		if err := u.c.pause(ctx, wait); err != nil {
			return File{}, false, err
		}
	}
	return File{}, false, f
}

func errOr(err error, f *failure) error {
	if err != nil {
		return err
	}
	return f
}

// sightWaits is how long a created file may take to be seen.
func sightWaits() []time.Duration {
	return []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 15 * time.Second, 30 * time.Second}
}

// prove makes sure of what create promised: size and md5 by its own answer, then the file as everybody sees it.
func (u *upload) prove(ctx context.Context, made File) (Result, error) {
	if made.Path == "" {
		made.Path = u.s.Path
	}
	want := expectedMD5(u.s.sums())
	if made.Size != u.src.size {
		return Result{}, u.spoiled(made, fmt.Sprintf("its size is %d, not %d", made.Size, u.src.size))
	}
	for _, wait := range sightWaits() {
		there, found, err := u.c.look(ctx, made.Path)
		if err != nil {
			return Result{}, err
		}
		if found {
			return u.proved(made, there, want)
		}
		if err := u.c.pause(ctx, wait); err != nil {
			return Result{}, err
		}
	}
	return Result{}, u.c.problem(ReasonMissing, "look for the created file", nil)
}

func (u *upload) proved(made, there File, want string) (Result, error) {
	if there.Size != u.src.size {
		return Result{}, u.spoiled(there, fmt.Sprintf("%d bytes are listed, not %d", there.Size, u.src.size))
	}
	confirmed := there.MD5 == want || (there.MD5 == "" && made.MD5 == want) || sameBlocks(there, want)
	if len(there.Blocks) == u.s.count() && !sameBlocks(there, want) {
		return Result{}, u.spoiled(there, "the slices' md5s are others")
	}
	if u.s.count() == 1 && there.MD5 != "" && there.MD5 != want { // of one slice the md5 is the content's, for sure
		return Result{}, u.spoiled(there, "its md5 is another")
	}
	if there.FSID == 0 {
		there.FSID = made.FSID
	}
	there.Path = made.Path
	return u.result(there, confirmed), nil
}

// spoiled: a file was created that is not ours. Another session replaces it, since it has our name by our own hand.
func (u *upload) spoiled(there File, why string) error {
	u.rtype = 3
	e := u.c.problem(ReasonDiffers, "prove the created file", fmt.Errorf("%s: %s", there.Path, why))
	e.class = classAgain
	return &failure{verdict: verdict{do: relocate, reason: ReasonDiffers}, err: e}
}

func (u *upload) result(f File, confirmed bool) Result {
	r := Result{FSID: f.FSID, Path: f.Path, Size: u.src.size, Confirmed: confirmed}
	if r.Path == "" {
		r.Path = u.s.Path
	}
	if r.MD5 = f.MD5; u.s.allKnown() && (confirmed || f.MD5 == "") {
		r.MD5 = expectedMD5(u.s.sums())
	}
	return r
}

// siblings tells whether a name may be what Baidu made of ours when it renamed.
func siblings(name, ours string) bool {
	ext := path.Ext(ours)
	return strings.HasPrefix(name, strings.TrimSuffix(ours, ext)) && path.Ext(name) == ext
}
