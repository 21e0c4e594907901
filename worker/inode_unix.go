//go:build unix

package worker

import (
	"fmt"
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

// diskOf tells one disk from another.
func diskOf(dir string) string {
	var st syscall.Stat_t
	if syscall.Stat(dir, &st) != nil {
		return dir
	}
	return fmt.Sprint(st.Dev)
}

// knownInode is an inode as a recording keeps it.
func knownInode(info fs.FileInfo) uint64 { return inodeOf(info, "") }
