package archive

import (
	"io/fs"
	"syscall"
	"time"
)

// changedAt is when the file's bytes, name or rights changed last; no program can set it.
func changedAt(info fs.FileInfo) (at time.Time, known bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return time.Time{}, false
	}
	return time.Unix(stat.Ctim.Unix()), true
}
