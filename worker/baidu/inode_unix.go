//go:build unix

package baidu

import (
	"io/fs"
	"syscall"
)

// inodeOf tells a file from another one that took its name.
func inodeOf(info fs.FileInfo) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Ino) //nolint:unconvert // its type differs between systems
	}
	return 0
}
