//go:build unix

package worker

import (
	"io/fs"
	"syscall"
)

// inodeOf is the number that a file keeps when it is renamed.
func inodeOf(info fs.FileInfo, _ string) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Ino
	}
	return 0
}

// knownInode is an inode as a recording keeps it.
func knownInode(info fs.FileInfo) uint64 { return inodeOf(info, "") }
