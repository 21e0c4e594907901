package worker

import (
	"context"
	"os"

	"github.com/ngworks/nglive/worker/archive"
)

// Target is a place to upload to. Every target passes the conformance suite in worker/targettest.
type Target interface {
	// Put brings src (a regular file, read from its start) under name (relative, with slashes) and returns where it is, for
	// people, and a sum that proves it: the hex SHA-256 of what was sent, or a text with a colon in it that Check of the same
	// target understands. It resumes what an earlier Put of that name left, never shows a partial file under the final name, and
	// is done at once when the same content is there. Other content there is an error with Class "exists", unless replace. report
	// hears the bytes done so far. An error that has a Limit() int64 above 0 says that the target takes no file larger than that.
	Put(ctx context.Context, src *os.File, name string, replace bool, report func(done int64)) (location, sum string, err error)
	// Check proves that name is there with size bytes and the sum that Put returned.
	Check(ctx context.Context, name string, size int64, sum string) error
}

// TargetArchive is the folder NGLIVE_ARCHIVE_DIR.
const TargetArchive = "archive"

func (w *Worker) openTargets() map[string]Target {
	return map[string]Target{TargetArchive: archive.New(w.cfg.ArchiveDir)}
}
