package worker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/worker/baidu"
)

// baiduTarget is one account of Baidu Netdisk as a Target.
type baiduTarget struct {
	name   string // of the target: baidu, baidu:<account>
	client *baidu.Client
	root   string // OAuth writes below it alone; empty: anywhere
	most   int64  // the largest file; 0: what the membership allows
	hashes hashes // what was taken of files when they were made
}

// md5Mark begins a sum of this target: what Baidu's own md5 of the file must be. When Baidu gave the file another name than it was
// asked for, that follows after a blank.
const md5Mark = "md5:"

// Put uploads under name below the application's folder (or the netdisk's root).
func (b *baiduTarget) Put(ctx context.Context, src *os.File, name string, replace bool, report func(done int64)) (location, sum string, err error) {
	remote, err := b.remote(name)
	if err != nil {
		return "", "", err
	}
	info, err := src.Stat()
	if err != nil {
		return "", "", fmt.Errorf("look at %s: %w", name, err)
	}
	if b.most > 0 && info.Size() > b.most {
		return "", "", &tooLargeError{b.most}
	}
	o := baidu.Options{Conflict: baidu.ConflictFail, Hashes: b.hashes.of(info), Report: func(p baidu.Progress) {
		if p.Done > 0 { // what an earlier Put left is known only after the first look
			report(p.Done)
		}
	}}
	if replace {
		o.Conflict = baidu.ConflictReplace
	}
	res, err := b.client.Upload(ctx, src, remote, o)
	if err != nil {
		return "", "", b.explain(err)
	}
	sum = md5Mark + res.MD5
	if res.Path != remote {
		sum += " " + res.Path
	}
	return b.name + ":" + res.Path, sum, nil
}

// Check asks Baidu for the file's size and md5.
func (b *baiduTarget) Check(ctx context.Context, name string, size int64, sum string) error {
	remote, err := b.remote(name)
	if err != nil {
		return err
	}
	md5, elsewhere, ok := cutSum(sum)
	if !ok {
		return problemf(never, "%s cannot be proved at %s: its checksum is not one of Baidu's; upload it again", name, b.name)
	}
	if elsewhere != "" {
		remote = elsewhere
	}
	if err := b.client.Verify(ctx, remote, size, md5); err != nil {
		return b.explain(err)
	}
	return nil
}

func cutSum(sum string) (md5, elsewhere string, ok bool) {
	rest, ok := strings.CutPrefix(sum, md5Mark)
	md5, elsewhere, _ = strings.Cut(rest, " ")
	return md5, elsewhere, ok && md5 != ""
}

// Spell is how a name reads there: Baidu takes neither emoji nor \ : * ? " < > |.
func (b *baiduTarget) Spell(name string) string {
	return strings.TrimPrefix(baidu.Sanitise("/"+name), "/")
}

// Share makes a link of what was put, or finds the one that an earlier call made.
func (b *baiduTarget) Share(ctx context.Context, name, sum string, wish linkWish) (tasks.Share, error) {
	remote, err := b.remote(name)
	if err != nil {
		return tasks.Share{}, err
	}
	if _, elsewhere, _ := cutSum(sum); elsewhere != "" {
		remote = elsewhere
	}
	var link baidu.Link
	found := false
	if wish.again {
		link, found, err = b.client.Shared(ctx, remote, wish.password)
	}
	if err == nil && !found {
		link, err = b.client.Share(ctx, remote, wish.password, wish.days)
	}
	if err != nil {
		return tasks.Share{}, b.explain(err)
	}
	return tasks.Share{Link: link.URL, Password: link.Pwd, ExpiresAt: tasks.At(link.Expires)}, nil
}

// remote is the absolute path of a name.
func (b *baiduTarget) remote(name string) (string, error) {
	if !fs.ValidPath(name) || name == "." || strings.ContainsRune(name, 0) {
		return "", problemf(never, "%q is no name for a file in the netdisk; change the path in the flow", name)
	}
	remote := "/" + name
	if b.root != "" && !strings.HasPrefix(remote, b.root+"/") {
		remote = b.root + remote
	}
	return baidu.Sanitise(remote), nil
}

// explain marks what all uploads to this account have in common.
func (b *baiduTarget) explain(err error) error {
	e, ok := errors.AsType[*baidu.Error](err)
	if !ok || !e.AccountWide() {
		return err
	}
	return &stopped{target: b.name, reason: string(e.Reason()), lookAt: e.RetryAt(), err: err}
}

// tooLargeError is the membership's refusal before the first byte.
type tooLargeError struct{ limit int64 }

func (t *tooLargeError) Error() string {
	return fmt.Sprintf("the target takes no file larger than %s", size(t.limit))
}
func (t *tooLargeError) Class() string       { return string(tell) }
func (t *tooLargeError) UserMessage() string { return t.Error() + "; let the flow split it" }
func (t *tooLargeError) Limit() int64        { return t.limit }

// stopped is an error that all uploads to a target have in common: it holds them, and is told once.
type stopped struct {
	target string
	reason string
	lookAt time.Time // no sooner; zero: as we like
	err    error
}

func (s *stopped) Error() string { return s.err.Error() }
func (s *stopped) Unwrap() error { return s.err }
