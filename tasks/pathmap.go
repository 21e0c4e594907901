package tasks

import (
	"errors"
	"strings"
)

// PathMap leads a folder as a recorder names it (in its container, on another system) to the folder as the node names it.
type PathMap struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// ReadPathMap reads from=>to.
func ReadPathMap(s string) (PathMap, error) {
	from, to, ok := strings.Cut(s, "=>")
	m := PathMap{From: strings.TrimSpace(from), To: strings.TrimSpace(to)}
	if !ok || bare(m.From) == "" || m.To == "" {
		return m, errors.New("write the recorder's folder, =>, and the same folder here, such as /rec=>/srv/recordings")
	}
	return m, nil
}

// LedThrough leads a path through the map with the longest fitting folder, and reports whether there was one. Either slash
// separates; a folder with a drive letter, or on a server, is compared as Windows does.
func LedThrough(maps []PathMap, path string) (string, bool) {
	best, rest := PathMap{}, ""
	for _, m := range maps {
		if r, ok := m.rest(path); ok && len(bare(m.From)) > len(bare(best.From)) {
			best, rest = m, r
		}
	}
	if best.From == "" {
		return path, false
	}
	return strings.TrimRight(best.To, `/\`) + "/" + rest, true
}

func (m PathMap) rest(path string) (string, bool) {
	from := bare(m.From)
	if len(path) <= len(from)+1 || (path[len(from)] != '/' && path[len(from)] != '\\') {
		return "", false
	}
	head, rest := slashes(path[:len(from)]), path[len(from)+1:]
	if !ofWindows(from) {
		return rest, head == from
	}
	return slashes(rest), strings.EqualFold(head, from)
}

// bare is a folder with plain slashes and none at its end.
func bare(folder string) string { return strings.TrimRight(slashes(folder), "/") }

func slashes(s string) string { return strings.ReplaceAll(s, `\`, "/") }

func ofWindows(folder string) bool {
	return strings.HasPrefix(folder, "//") || (len(folder) > 1 && folder[1] == ':')
}
