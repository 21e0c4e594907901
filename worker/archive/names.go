package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"unicode/utf8"
)

const (
	partPrefix = "." // hidden: media servers and people look past it
	partSuffix = ".nglive-part"
	// maxPartName is far below the usual 255 bytes because encrypted NAS folders (eCryptfs) end at 143.
	maxPartName = 140
)

// checkName refuses names that are no plain way into the folder. It allows bytes that are not UTF-8: old recordings have
// such names, and a disk that minds them says so itself.
func checkName(name string) error {
	if strings.ContainsRune(name, 0) {
		return fmt.Errorf("%w: it has a NUL byte", errName)
	}
	for element := range strings.SplitSeq(name, "/") {
		switch element {
		case "", ".", "..":
			return fmt.Errorf("%w: the element %q in it", errName, element)
		}
	}
	if isPart(path.Base(name)) {
		return fmt.Errorf("%w: it is the form of our unfinished copies", errName)
	}
	if runtime.GOOS == "windows" { // backslashes, drive letters, device names
		if _, err := filepath.Localize(name); err != nil {
			return fmt.Errorf("%w: %w", errName, err)
		}
	}
	return nil
}

func isPart(base string) bool {
	return strings.HasPrefix(base, partPrefix) && strings.HasSuffix(base, partSuffix)
}

// partName is where name grows: hidden, in the same folder so that a rename suffices, always the same for one name, and
// different for two names.
func partName(name string) string {
	dir, base := path.Split(name)
	room := maxPartName - len(partPrefix) - len(partSuffix)
	if len(base) > room {
		sum := sha256.Sum256([]byte(base))
		tail := "~" + hex.EncodeToString(sum[:8])
		base = cut(base, room-len(tail)) + tail
	}
	return dir + partPrefix + base + partSuffix
}

// cut shortens s to at most size bytes without splitting a character.
func cut(s string, size int) string {
	for size > 0 && !utf8.RuneStart(s[size]) {
		size--
	}
	return s[:size]
}
