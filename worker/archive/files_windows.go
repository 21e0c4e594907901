package archive

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

func isFull(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL) || errors.Is(err, windows.ERROR_DISK_QUOTA_EXCEEDED)
}

// lockPart does nothing here: Windows itself keeps a second worker from the node's journal, and Puts of one process take
// turns.
func lockPart(*os.File) error { return nil }

func hasOtherNames(fs.FileInfo) bool { return false }

// syncFolder does nothing here: Windows writes names through its own log and has no such call.
func syncFolder(*os.Root, string) error { return nil }
