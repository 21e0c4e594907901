package baidu

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// nameMost is the longest name and pathMost the longest path that Baidu takes, in bytes.
const (
	nameMost = 255
	pathMost = 1000
)

// Sanitise makes a path that Baidu takes of any path: no emoji, none of \ : * ? " < > |, no control characters, no blanks or dots
// at the ends of names, no name too long. Paths that differ only in what is replaced become the same: whoever may not mix them up
// compares before.
func Sanitise(remote string) string {
	var names []string
	for name := range strings.SplitSeq(remote, "/") {
		if name == "" {
			continue
		}
		names = append(names, sanitiseName(name))
	}
	return "/" + strings.Join(names, "/")
}

func sanitiseName(name string) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(name, "_") {
		switch {
		case joins(r):
		case !allowed(r):
			b.WriteByte('_')
		default:
			b.WriteRune(r)
		}
	}
	clean := trimmed(b.String())
	if clean == "" {
		return "_"
	}
	return shortened(clean)
}

// trimmed takes blanks from both ends and dots from the end; a name of dots alone would lead elsewhere.
func trimmed(name string) string {
	return strings.TrimRightFunc(strings.TrimSpace(name), func(r rune) bool { return r == '.' || unicode.IsSpace(r) })
}

// shortened cuts the stem, not the extension, and tells long names apart by a hash.
func shortened(name string) string {
	if len(name) <= nameMost {
		return name
	}
	ext := path.Ext(name)
	if len(ext) > 16 {
		ext = ""
	}
	tail := "-" + shortHash(name) + ext
	stem := strings.TrimSuffix(name, ext)
	for len(stem)+len(tail) > nameMost {
		_, n := utf8.DecodeLastRuneInString(stem)
		stem = stem[:len(stem)-n]
	}
	return stem + tail
}

func shortHash(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:4])
}

// joins: these only combine others into one picture, and mean nothing alone.
func joins(r rune) bool {
	return r == 0x200d || (r >= 0xfe00 && r <= 0xfe0f) || r == 0x20e3 || (r >= 0xe0000 && r <= 0xe007f)
}

// allowed: what a name may hold.
func allowed(r rune) bool {
	switch {
	case strings.ContainsRune(`\/:*?"<>|`, r), unicode.IsControl(r), r == utf8.RuneError:
		return false
	case unicode.In(r, unicode.Co, unicode.Cs), r == 0xfeff, r == 0x200b, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
		return false
	case r > 0xffff: // emoji, and rare characters that Baidu stores no better
		return false
	case r >= 0x2600 && r <= 0x27bf, r >= 0x2b00 && r <= 0x2bff, r >= 0x2300 && r <= 0x23ff:
		return false
	}
	return true
}

// checkPath says what is wrong with a path before Baidu does.
func (c *Client) checkPath(remote string) error {
	const tried = "check the path"
	bad := remote == "" || remote[0] != '/' || remote == "/" || strings.HasSuffix(remote, "/") || path.Clean(remote) != remote
	if bad || len(remote) > pathMost || remote != Sanitise(remote) {
		return c.problem(ReasonName, tried, nil).about("file", "“"+remote+"”")
	}
	o, ok := c.cfg.Credential.(OAuth)
	if ok && o.AppFolder != "" && !strings.HasPrefix(remote, strings.TrimSuffix(o.AppFolder, "/")+"/") {
		return c.problem(ReasonPath, tried, nil).about("file", "“"+remote+"”").about("folder", o.AppFolder)
	}
	return nil
}

// renamed is a path with a short hash before its extension, for a name that Baidu dislikes for its words.
func renamed(remote string) string {
	ext := path.Ext(remote)
	return strings.TrimSuffix(remote, ext) + "-" + shortHash(remote) + ext
}
