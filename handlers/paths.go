package handlers

import (
	"slices"
	"strings"
	"unicode"

	"github.com/ngworks/nglive/tasks"
)

// Limits of the file systems we meet.
const (
	longestPath = 4096
	longestName = 255
)

// pathFault says why a path relative to a folder of a node cannot be taken, or "". It looks at the text alone: the node's
// worker, who opens the file, looks again. Either slash separates, whatever system the recorder runs on.
func pathFault(path string) string {
	switch {
	case path == "":
		return "it is empty"
	case len(path) > longestPath:
		return "it is longer than 4096 bytes"
	case strings.ContainsRune(path, 0):
		return "it has a NUL byte in it"
	case path[0] == '/' || path[0] == '\\':
		return "it is absolute; it has to be relative to the recordings folder"
	case len(path) > 1 && path[1] == ':' && isLetter(path[0]):
		return "it begins with a drive letter; it has to be relative to the recordings folder"
	}
	parts := strings.FieldsFunc(path, func(r rune) bool { return r == '/' || r == '\\' })
	if slices.Contains(parts, "..") {
		return "it leaves the recordings folder (..)"
	}
	if first := slices.IndexFunc(parts, func(p string) bool { return p != "." }); first >= 0 && parts[first] == ".nglive-trash" {
		return "it lies in the trash; move the file out of .nglive-trash first"
	}
	last := path[len(path)-1]
	switch name := parts[max(len(parts)-1, 0):]; {
	case len(name) == 0 || last == '/' || last == '\\' || name[0] == ".":
		return "it names a folder, not a file"
	case len(name[0]) > longestName:
		return "its file name is longer than 255 bytes"
	}
	return ""
}

// inFolder puts a recorder's path below the folder that it works in. What cannot be taken stays as it is, for pathFault to say.
func inFolder(dir, path string) string {
	if dir == "" || path == "" || pathFault(path) != "" {
		return path
	}
	return strings.TrimRight(dir, "/") + "/" + path
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// place reads a path that a person gave: relative to the recordings folder, or absolute in one of the node's folders.
func place(path string, n tasks.NodeInfo) (root, relative, fault string) {
	for _, dir := range []struct{ root, path string }{{tasks.RootRecordings, n.Recordings}, {tasks.RootOutput, n.Output}} {
		if rest, ok := below(path, dir.path); ok {
			return dir.root, rest, pathFault(rest)
		}
	}
	if fault = pathFault(path); strings.HasPrefix(fault, "it is absolute") || strings.HasPrefix(fault, "it begins with a drive") {
		fault = "it is neither in the node's recordings folder nor in its output folder"
	}
	return tasks.RootRecordings, path, fault
}

// hosted reads a path as a recorder spells it on its own machine, in its container or on Windows: led through the node's path maps,
// inside its recordings folder, or relative to it.
func hosted(given string, n tasks.NodeInfo) (relative, fault string) {
	if given == "" {
		return "", "it is empty"
	}
	full, led := tasks.LedThrough(n.PathMaps, given)
	if rest, ok := below(full, n.Recordings); ok {
		return rest, pathFault(rest)
	}
	for strings.HasPrefix(full, "./") || strings.HasPrefix(full, `.\`) {
		full = full[2:]
	}
	fault = pathFault(full)
	if led || strings.HasPrefix(fault, "it is absolute") || strings.HasPrefix(fault, "it begins with a drive") {
		return "", "it lies outside the node's recordings folder; when the recorder sees that folder under another name, say so with " +
			"NGLIVE_PATH_MAPS, such as /rec=>/srv/recordings"
	}
	return full, fault
}

// below cuts an absolute folder off the front of a path; the separators may differ.
func below(path, dir string) (string, bool) {
	dir = strings.TrimRight(strings.ReplaceAll(dir, `\`, "/"), "/") + "/"
	if dir == "/" || len(path) <= len(dir) || !strings.HasPrefix(strings.ReplaceAll(path, `\`, "/"), dir) {
		return "", false
	}
	return path[len(dir):], true
}

// shown is a text from outside as an event may carry it.
func shown(s string) string {
	return clip(strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '?'
		}
		return r
	}, s), "?"))
}
