package baidu

import (
	"context"
	"errors"
	"os"
	"time"
)

var errUnbuilt = errors.New("not built yet")

// Upload brings src (a regular file) to an absolute path in the netdisk and proves that it is there. It resumes what an earlier
// Upload to that path left, is done at once when the same content is there, and never leaves a second copy. src must stay open
// and is read by offset.
func (c *Client) Upload(ctx context.Context, src *os.File, remote string, o Options) (Result, error) {
	return Result{}, errUnbuilt
}

// Verify proves that a path holds a file of this size and md5 (Result.MD5). An md5 that Baidu does not let us read counts as
// equal when the size is; an unequal one does not.
func (c *Client) Verify(ctx context.Context, remote string, size int64, md5 string) error {
	return errUnbuilt
}

// Guard says before the first byte whether a file of this size can be uploaded to this path: name, folder, the membership's
// limit, the free room.
func (c *Client) Guard(ctx context.Context, size int64, remote string) error { return errUnbuilt }

// Stat looks a path up; ReasonMissing when nothing is there.
func (c *Client) Stat(ctx context.Context, remote string) (File, error) { return File{}, errUnbuilt }

// List is what a folder holds; none when it is not there.
func (c *Client) List(ctx context.Context, dir string) ([]File, error) { return nil, errUnbuilt }

// Quota is the account's room.
func (c *Client) Quota(ctx context.Context) (Quota, error) { return Quota{}, errUnbuilt }

// User is the account's holder and membership.
func (c *Client) User(ctx context.Context) (User, error) { return User{}, errUnbuilt }

// Share makes a link of a file: pwd is 4 digits or lower-case letters (NewPwd), days 0 is for ever. Each call makes a new link:
// keep it before telling anyone.
func (c *Client) Share(ctx context.Context, remote, pwd string, days int) (Link, error) {
	return Link{}, errUnbuilt
}

// Device begins the device flow: show the code, then Poll.
func (c *Client) Device(ctx context.Context) (DeviceCode, error) { return DeviceCode{}, errUnbuilt }

// PollToken asks once whether the person has confirmed; ErrPending until then (wait d.Interval; it may grow). The pair is the
// caller's to keep.
func (c *Client) PollToken(ctx context.Context, d *DeviceCode) (Pair, error) {
	return Pair{}, errUnbuilt
}

// MaxFile is the largest file of a membership, in bytes.
func (t Tier) MaxFile() int64 { return 0 }

// Sanitise makes a path that Baidu takes of any path: no emoji, none of \ : * ? " < > |, no control characters, no blanks at the
// ends of names.
func Sanitise(remote string) string { return remote }

// NewPwd is a random password for a link.
func NewPwd() string { return "" }

// AwaitToken polls until the person has confirmed, declined, or the code is too old.
func (c *Client) AwaitToken(ctx context.Context, d DeviceCode) (Pair, error) {
	return Pair{}, errUnbuilt
}

const headerTimeout = 40 * time.Second
