package recorder

import (
	"errors"
	"path"
	"strings"
)

// Folder maps the recorder's work folder to ours: in a container it has another name, and ours may hold more than the
// recorder's files.
type Folder struct {
	Theirs string // as the recorder names it, such as /rec or D:\rec; empty: not known
	Ours   string // where it lies inside RECORDINGS_DIR, with /; empty: it is RECORDINGS_DIR
}

var errOutside = errors.New("the path is not inside the recorder's work folder")

// Here turns a path of the recorder's, absolute or relative to its work folder, into one relative to RECORDINGS_DIR. It
// judges the text alone.
func (f Folder) Here(theirs string) (string, error) {
	rel := slashed(theirs)
	if isAbs(rel) {
		inside, ok := strings.CutPrefix(rel, strings.TrimRight(slashed(f.Theirs), "/")+"/")
		if f.Theirs == "" || !ok {
			return "", errOutside
		}
		rel = inside
	}
	rel = path.Clean(rel)
	if rel == "." || rel == ".." || strings.HasPrefix(rel, "../") || isAbs(rel) {
		return "", errOutside
	}
	return path.Join(f.Ours, rel), nil
}

// There is the way back: a path relative to RECORDINGS_DIR as the recorder names it.
func (f Folder) There(ours string) (string, error) {
	rel := path.Clean(slashed(ours))
	if f.Ours != "" {
		inside, ok := strings.CutPrefix(rel, path.Clean(f.Ours)+"/")
		if !ok {
			return "", errOutside
		}
		rel = inside
	}
	if rel == "." || rel == ".." || strings.HasPrefix(rel, "../") || isAbs(rel) {
		return "", errOutside
	}
	return path.Join(slashed(f.Theirs), rel), nil
}

func slashed(p string) string { return strings.ReplaceAll(p, `\`, "/") }

func isAbs(p string) bool { return strings.HasPrefix(p, "/") || len(p) > 1 && p[1] == ':' }
