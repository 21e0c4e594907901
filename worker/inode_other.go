//go:build !unix

package worker

import (
	"hash/fnv"
	"io/fs"
)

// inodeOf: no inode to be had, so a file is known by its path; a renamed one counts as another.
func inodeOf(_ fs.FileInfo, rel string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(rel))
	return h.Sum64()
}

// knownInode: none is known.
func knownInode(fs.FileInfo) uint64 { return 0 }

// diskOf: each folder counts as a disk of its own.
func diskOf(dir string) string { return dir }
