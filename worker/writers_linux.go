package worker

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// device and inode name a file for everybody on this machine, whatever it is called and in whatever container.
type fileOnDisk struct{ device, inode uint64 }

// beingWritten returns which of the files some process has open for writing, as far as /proc may be read: other users' processes
// keep theirs to themselves.
func beingWritten(files map[fileOnDisk]bool) map[fileOnDisk]bool {
	open := map[fileOnDisk]bool{}
	processes, err := filepath.Glob("/proc/[0-9]*/fd")
	if err != nil {
		return open
	}
	for _, dir := range processes {
		handles, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, h := range handles {
			p := filepath.Join(dir, h.Name())
			link, err := os.Lstat(p) // its permissions say what the file is open for
			if err != nil || link.Mode().Perm()&0o200 == 0 {
				continue
			}
			if f, ok := onDisk(os.Stat(p)); ok && files[f] {
				open[f] = true
			}
		}
	}
	return open
}

func onDisk(info fs.FileInfo, err error) (fileOnDisk, bool) {
	if err != nil || !info.Mode().IsRegular() {
		return fileOnDisk{}, false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fileOnDisk{}, false
	}
	return fileOnDisk{st.Dev, st.Ino}, true
}
