package worker

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ngworks/nglive/tasks"
)

// longestName is what file systems allow for one name, in bytes.
const longestName = 255

// partRoom is kept free in a final name for what is put into it while it is being made (".part" or ".nglive-part").
const partRoom = len(".nglive-part")

// outputName is where a transcode's result goes under OUTPUT_DIR: YYYYMMDD/room/<stem>.mp4.
func outputName(r *tasks.Recording, suffix string) string {
	stem := stemOf(baseOf(r.Path))
	return path.Join(began(r).Format("20060102"), roomName(r), fitted(stem, suffix, ".mp4"))
}

// standardTemplate is where an upload goes whose flow names no path.
const standardTemplate = "{room}/{date}/{file}"

// remoteName fills a target's path template.
func remoteName(template string, r *tasks.Recording, file, suffix string) string {
	ext := path.Ext(file)
	stem := strings.TrimSuffix(file, ext)
	file = fitted(stem, suffix, ext)
	fill := strings.NewReplacer(
		"{room}", roomName(r), "{name}", plain(r.Name, "unknown"), "{title}", plain(r.Title, "untitled"),
		"{date}", began(r).Format("20060102"), "{file}", plain(file, r.ID+ext), "{stem}", plain(strings.TrimSuffix(file, ext), r.ID),
		"{ext}", strings.TrimPrefix(ext, "."), "{id}", r.ID, "{node}", r.Node,
	)
	var parts []string
	for segment := range strings.SplitSeq(cmp.Or(template, standardTemplate), "/") {
		if s := fitted(strings.TrimSpace(fill.Replace(segment)), "", ""); s != "" && s != "." && s != ".." {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, "/")
}

// began is when the recording began, as exactly as we know, in this machine's time zone.
func began(r *tasks.Recording) time.Time {
	for _, t := range []time.Time{r.OpenedAt, r.BeganAt, r.ClosedAt, r.CreatedAt} {
		if !t.IsZero() {
			return t.Local()
		}
	}
	return time.Now()
}

func roomName(r *tasks.Recording) string {
	if r.RoomID == 0 {
		return "unknown"
	}
	return strconv.FormatInt(r.RoomID, 10)
}

// plain makes one path segment of any text.
func plain(s, otherwise string) string {
	s = strings.Map(func(c rune) rune {
		if c == '/' || c < 0x20 || c == 0x7f {
			return '_'
		}
		return c
	}, s)
	if s = strings.TrimSpace(s); s == "" || s == "." || s == ".." {
		return otherwise
	}
	return s
}

// fitted joins stem, suffix and extension within what a file system allows; a stem that is too long loses its end to a hash.
func fitted(stem, suffix, ext string) string {
	most := longestName - partRoom - len(suffix) - len(ext)
	if len(stem) > most {
		sum := sha256.Sum256([]byte(stem))
		mark := "~" + hex.EncodeToString(sum[:4])
		cut := most - len(mark)
		for cut > 0 && !utf8.RuneStart(stem[cut]) {
			cut--
		}
		stem = stem[:cut] + mark
	}
	return stem + suffix + ext
}

// baseOf is the last name of a path in either spelling that could exist; a backslash in a name is the recorder's own.
func baseOf(p string) string { return path.Base(strings.ReplaceAll(p, `\`, "/")) }

func stemOf(name string) string { return strings.TrimSuffix(name, path.Ext(name)) }
