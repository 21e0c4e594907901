package baidu

import (
	"context"
	"errors"
	"os"
)

var errUnbuilt = errors.New("not built yet")

// Upload brings src (a regular file) to an absolute path in the netdisk and proves that it is there. It resumes what an earlier
// Upload to that path left, is done at once when the same content is there, and never leaves a second copy. src must stay open
// and is read by offset.
func (c *Client) Upload(ctx context.Context, src *os.File, remote string, o Options) (Result, error) {
	return Result{}, errUnbuilt
}
