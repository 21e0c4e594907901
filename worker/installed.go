package worker

import (
	"errors"
	"fmt"
	"os"
	"path"
	"time"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"

	"github.com/ngworks/nglive/tasks"
)

const keyInstalled = "installed_at" // in the journal's meta

// installedAt is when this installation began, kept in the journal from its first start on. A DATA_DIR from before there was a
// sweep counts from the first start with one: what is older is listed and waits for a person, which harms nothing.
func (j *journal) installedAt() (time.Time, error) {
	var at time.Time
	known, err := j.mark(keyInstalled)
	if err != nil {
		return at, err
	}
	if known != "" {
		err = at.UnmarshalText([]byte(known))
		return at, err
	}
	tasks.Failpoint("journal.installed.before")
	defer tasks.Failpoint("journal.installed.after")
	err = j.update(func(tx *bbolt.Tx) error {
		at = time.Now()
		b, err := at.UTC().MarshalText()
		if err != nil {
			return err
		}
		return tx.Bucket([]byte("meta")).Put([]byte(keyInstalled), b)
	})
	if err != nil {
		return at, fmt.Errorf("journal: since when NGlive is installed: %w", err)
	}
	return at, nil
}

// olderThanUs compares a file's time, which its disk's own clock gave, with the installation's.
func (w *Worker) olderThanUs(root *os.Root, f lookedAt) bool {
	if w.search.skew == nil {
		skew, err := clockOf(root)
		if err != nil {
			w.log.Debug("the recordings' disk's clock is taken for right", "error", err)
		}
		w.search.skew = &skew
	}
	return f.mtime.Add(-*w.search.skew).Before(w.installed)
}

// clockOf asks a disk for the time by writing to it: a NAS has a clock of its own.
func clockOf(root *os.Root) (skew time.Duration, err error) {
	if err := root.Mkdir(trashDir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return 0, err
	}
	name := path.Join(trashDir, ".clock-"+uuid.NewString())
	before := time.Now()
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	_, err = f.WriteString("clock")
	err = errors.Join(err, f.Close())
	after := time.Now()
	info, serr := root.Stat(name)
	if err = errors.Join(err, serr, root.Remove(name)); err != nil {
		return 0, err
	}
	switch at := info.ModTime(); {
	case at.Before(before.Add(-coarse)):
		return at.Sub(before), nil
	case at.After(after.Add(coarse)):
		return at.Sub(after), nil
	}
	return 0, nil
}

// coarse is how exact the times of the coarsest disks are (FAT).
const coarse = 2 * time.Second
