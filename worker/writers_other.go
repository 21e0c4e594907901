//go:build !linux

package worker

import "io/fs"

type fileOnDisk struct{}

// beingWritten: only Linux tells.
func beingWritten(map[fileOnDisk]bool) map[fileOnDisk]bool { return nil }

func onDisk(fs.FileInfo, error) (fileOnDisk, bool) { return fileOnDisk{}, false }
