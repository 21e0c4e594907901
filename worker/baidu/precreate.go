package baidu

import (
	"context"
	"errors"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
)

// opened is precreate's answer.
type opened struct {
	ReturnType number   `json:"return_type"`
	UploadID   text     `json:"uploadid"`
	Lacking    []number `json:"block_list"`
	Info       listed   `json:"info"`
}

// lazyBlocks are what Baidu's own web page sends for md5s that it does not know yet.
func lazyBlocks(size int64) string {
	if size <= sliceLeast {
		return `["5910a591dd8fc18c32a8f3df4fdc1761"]`
	}
	return `["5910a591dd8fc18c32a8f3df4fdc1761","a5fc157d78e6ad1c7e114b056c92821e"]`
}

var errNoSession = errors.New("the netdisk opened no upload")

// open goes on with the session, or opens one: the parts to send, or the result if nothing need be sent.
func (u *upload) open(ctx context.Context) ([]int, *Result, error) {
	if u.s != nil && u.s.UploadID != "" {
		parts, err := u.resume(ctx)
		return parts, nil, err
	}
	if u.s == nil {
		u.fresh(u.asked, nil)
	}
	u.s.Lazy = !u.c.byToken() && !u.s.allKnown()
	if !u.s.Lazy {
		if err := u.know(ctx); err != nil {
			return nil, nil, err
		}
	}
	o, err := u.precreate(ctx)
	if f := failureOf(err); f != nil && f.do == taken {
		return u.openTaken(ctx, f)
	}
	if err != nil {
		return nil, nil, err
	}
	if o.ReturnType == 2 {
		return nil, u.rapid(o), nil
	}
	u.adopt(o)
	return u.s.unconfirmed(), nil, nil
}

// openTaken: something has the name. Ours: done. A ghost of no bytes, which Baidu itself leaves behind: it is replaced.
func (u *upload) openTaken(ctx context.Context, f *failure) ([]int, *Result, error) {
	r, ok, err := u.lost(ctx)
	if ok {
		return nil, &r, nil
	}
	if err != nil || u.rtype == 3 {
		return nil, nil, err
	}
	there, found, err := u.c.look(ctx, u.s.Path)
	if err != nil || !found || !ghost(there) {
		return nil, nil, errors.Join(err, f)
	}
	u.rtype = 3
	return u.open(ctx)
}

// ghost: Baidu takes no empty files, so one that is there is what an upload of somebody's left.
func ghost(f File) bool { return !f.Dir && f.Size == 0 }

func (u *upload) rapid(o opened) *Result {
	r := u.result(o.Info.file(), true)
	r.Rapid = true
	return &r
}

// precreate opens a session, or asks for one that is open. Rapid upload is tried once: whatever comes of it but the file itself is
// no reason to fail.
func (u *upload) precreate(ctx context.Context) (opened, error) {
	for tries := 0; ; tries++ {
		var o opened
		q := u.precreateCall()
		q.lacks = func() error {
			if o.UploadID == "" && o.ReturnType != 2 {
				return errNoSession
			}
			return nil
		}
		err := u.c.ask(ctx, q, &o)
		f := failureOf(err)
		unknown := f != nil && f.do == plainly
		another := err == nil && o.ReturnType == 2 && o.Info.Size != 0 && int64(o.Info.Size) != u.src.size
		if tries == 2 || (!unknown && !another) {
			return o, err
		}
		u.plain = true
	}
}

func (u *upload) precreateCall() call {
	form := url.Values{
		"path": {u.s.Path}, "size": {strconv.FormatInt(u.src.size, 10)}, "isdir": {"0"}, "autoinit": {"1"}, "rtype": {strconv.Itoa(u.rtype)},
		"local_ctime": {unix(u.src.mtime)}, "local_mtime": {unix(u.src.mtime)},
	}
	known := u.s.allKnown()
	if known {
		form.Set("block_list", blockList(u.s.sums()))
	} else {
		form.Set("block_list", lazyBlocks(u.src.size))
		form.Del("size")
	}
	if u.s.UploadID != "" {
		form.Set("uploadid", u.s.UploadID)
	}
	if known && u.s.UploadID == "" && !u.plain {
		u.rapidly(form)
	}
	if u.c.byToken() {
		return call{at: stepPrecreate, url: u.c.ends.Pan + "/rest/2.0/xpan/file", query: url.Values{"method": {"precreate"}}, form: form}
	}
	form.Set("target_path", strings.TrimSuffix(path.Dir(u.s.Path), "/")+"/")
	return call{at: stepPrecreate, url: u.c.ends.Pan + "/api/precreate", query: webQuery(), form: form}
}

func webQuery() url.Values {
	return url.Values{"app_id": {appOfficial}, "channel": {"1"}, "web": {"1"}, "clienttype": {"0"}}
}

func unix(t time.Time) string { return strconv.FormatInt(max(t.Unix(), 0), 10) }

// adopt makes what precreate opened the session.
func (u *upload) adopt(o opened) {
	u.begun++
	u.k.hold(func() {
		u.s.UploadID, u.s.Opened, u.s.RType, u.s.Host, u.s.Creating = string(o.UploadID), u.c.baiduNow(), u.rtype, "", false
		clear(u.s.Done)
	})
	u.k.start(u.s)
}

// resume goes on with a session of before: Baidu knows best what it has; where it does not say, our own marks have to do.
func (u *upload) resume(ctx context.Context) ([]int, error) {
	u.rtype = u.s.RType
	ours := u.s.unconfirmed()
	if !u.s.allKnown() || len(ours) == 0 {
		return ours, nil
	}
	o, err := u.precreate(ctx)
	if f := failureOf(err); f != nil && (f.do == stop || ended(ctx) != nil) {
		return nil, err
	}
	if err != nil || o.ReturnType == 2 {
		return ours, ended(ctx)
	}
	if string(o.UploadID) != u.s.UploadID {
		u.adopt(o)
		return u.s.unconfirmed(), nil
	}
	lacks := u.listed(o)
	if len(lacks) == u.s.count() {
		return ours, nil // it may simply not look
	}
	return u.both(ours, lacks), nil
}

// both are the parts that neither we nor Baidu have marked.
func (u *upload) both(ours []int, lacks map[int]bool) []int {
	var parts []int
	u.k.with(true, func(s *session) {
		for _, i := range ours {
			if lacks[i] {
				parts = append(parts, i)
			} else {
				s.confirm(i)
			}
		}
	})
	return parts
}

// listed are the parts that precreate wants; an empty list means the first.
func (u *upload) listed(o opened) map[int]bool {
	lacks := map[int]bool{}
	for _, n := range o.Lacking {
		if n >= 0 && int(n) < u.s.count() {
			lacks[int(n)] = true
		}
	}
	if len(o.Lacking) == 0 {
		lacks[0] = true
	}
	return lacks
}

// lacking asks Baidu which parts it lost, after a slice or a create said that something is missing; says: it named them.
func (u *upload) lacking(ctx context.Context, why *failure) (parts []int, says bool, err error) {
	o, err := u.precreate(ctx)
	if err != nil {
		return nil, false, err
	}
	if o.ReturnType == 2 {
		return nil, false, why
	}
	if string(o.UploadID) != u.s.UploadID { // it is gone altogether
		if u.begun >= sessionsMost {
			return nil, false, why
		}
		u.adopt(o)
		return u.s.unconfirmed(), true, nil
	}
	lacks := u.listed(o)
	u.k.with(true, func(s *session) {
		s.Creating = false
		for i := range lacks {
			s.forget(i)
		}
	})
	return u.s.unconfirmed(), len(o.Lacking) > 0, nil
}
