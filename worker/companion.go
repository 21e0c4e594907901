package worker

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/ngworks/nglive/tasks"
)

// companion is a file that travels with a video: danmaku, cover, notes.
type companion struct {
	path string // absolute
	tail string // what follows the stem: ".xml", ".cover.jpg"
}

// companionsOf lists what lies beside a video under its stem. A cover may land after the file is closed, so this is looked up
// whenever it is needed.
func companionsOf(video string) []companion {
	dir, stem := filepath.Dir(video), stemOf(filepath.Base(video))
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var found []companion
	for _, e := range entries {
		tail, ok := strings.CutPrefix(e.Name(), stem)
		if ok && e.Type().IsRegular() && travels(tail) {
			found = append(found, companion{path: filepath.Join(dir, e.Name()), tail: tail})
		}
	}
	return found
}

func travels(tail string) bool {
	return tail == ".xml" || tail == ".txt" || strings.HasPrefix(tail, ".cover.") || tail == ".jpg" || tail == ".png"
}

// bring copies companions beside an output: whole or not at all, and only when they differ.
func bring(companions []companion, output string) error {
	stem := strings.TrimSuffix(output, filepath.Ext(output))
	for _, c := range companions {
		if err := copySmall(c.path, stem+c.tail); err != nil {
			return err
		}
	}
	return nil
}

func copySmall(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	part := to + ".part"
	if err := os.WriteFile(part, b, 0o644); err != nil { //nolint:gosec // as readable as the video beside it
		return err
	}
	if st, err := os.Stat(from); err == nil {
		_ = os.Chtimes(part, st.ModTime(), st.ModTime())
	}
	tasks.Failpoint("companion.rename.before")
	defer tasks.Failpoint("companion.rename.after")
	return os.Rename(part, to)
}
