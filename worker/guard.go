package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"

	"github.com/ngworks/nglive/tasks"
)

// guardEvery is how often the disks are asked.
const guardEvery = 10 * time.Second

// level is how a disk is doing.
type level string

const (
	roomy level = "ok"
	low   level = "low"  // below the first mark: people are told, and the guard may clean
	full  level = "full" // below the second: no transcode starts
)

// watched is one disk with those of our folders that lie on it.
type watched struct {
	names []string // of the settings
	roots []string // of recordings' files that lie there
	dir   string
}

// guard watches the disks of our folders, tells when one runs full, and makes room where its owner allowed it.
func (w *Worker) guard(ctx context.Context) error {
	for ctx.Err() == nil {
		for _, d := range w.disks() {
			if err := w.guardDisk(ctx, d); err != nil && ctx.Err() == nil {
				w.log.Warn("the disk guard waits for its next round", "folders", strings.Join(d.names, ", "), "error", err)
			}
		}
		pause(ctx, min(guardEvery, max(w.cfg.SweepInterval, time.Second)))
	}
	return ctx.Err()
}

func (w *Worker) disks() []*watched {
	byDisk, order := map[string]*watched{}, []*watched(nil)
	for _, f := range []struct{ name, dir, root string }{
		{"RECORDINGS_DIR", w.cfg.RecordingsDir, tasks.RootRecordings},
		{"OUTPUT_DIR", w.cfg.OutputDir, tasks.RootOutput},
		{"ARCHIVE_DIR", w.cfg.ArchiveDir, "-"},
		{"DATA_DIR", w.cfg.DataDir, "-"},
	} {
		at := diskOf(f.dir)
		d := byDisk[at]
		if d == nil {
			d = &watched{dir: f.dir}
			byDisk[at], order = d, append(order, d)
		}
		d.names = append(d.names, f.name)
		if f.root != "-" {
			d.roots = append(d.roots, f.root)
		}
	}
	return order
}

func (w *Worker) guardDisk(ctx context.Context, d *watched) error {
	free, total := w.usage(d.dir)
	if total == 0 {
		return nil
	}
	m := marksOf(w.cfg, total)
	if err := w.tellCrossing(d, m, free); err != nil {
		return err
	}
	if !w.cfg.GuardCleans || len(d.roots) == 0 || free >= m.warn {
		return nil
	}
	return w.makeRoom(ctx, d, m)
}

// watermarks of a disk, in bytes.
type watermarks struct{ warn, hold uint64 }

func marksOf(cfg Config, total uint64) watermarks {
	var m watermarks
	if cfg.DiskWarn != nil {
		m.warn = cfg.DiskWarn(total)
	}
	if cfg.DiskHold != nil {
		m.hold = cfg.DiskHold(total)
	}
	m.warn = max(m.warn, m.hold)
	return m
}

// next is the level after a former one. It is left upwards a tenth above its mark, so that a disk at the mark is told of once.
func (m watermarks) next(was level, free uint64) level {
	switch {
	case free < m.hold, was == full && free < m.hold+m.hold/10:
		return full
	case free < m.warn, was != roomy && free < m.warn+m.warn/10:
		return low
	}
	return roomy
}

// tellCrossing tells of each crossing once, restarts included: level and event reach the journal together.
func (w *Worker) tellCrossing(d *watched, m watermarks, free uint64) error {
	if was, err := w.journal.levelOf(d.names[0]); err != nil || m.next(was, free) == was {
		return err // nothing to write, as nearly always
	}
	return w.journal.changeLevel(d.names[0], func(was level) (level, []letter) {
		now := m.next(was, free)
		if now == was || (was == full && now == low) {
			return now, nil
		}
		e := m.crossing(d, now, free)
		e.NODE = w.cfg.Node
		w.log.Info("disk level changed", "level", string(now), "message", e.MSG)
		return now, []letter{{Event: &e}}
	})
}

// crossing is what people are told.
func (m watermarks) crossing(d *watched, now level, free uint64) tasks.Event {
	e := tasks.Event{CMD: tasks.DiskLow, TS: tasks.Stamp(time.Now()), EVENT: "disk-" + uuid.NewString()}
	where, left := strings.Join(d.names, ", ")+" ("+d.dir+")", bytesOf(free)
	switch now {
	case roomy:
		e.CMD, e.MSG = tasks.DiskOK, fmt.Sprintf("the disk of %s has %s left again", where, left)
	case low:
		e.MSG = fmt.Sprintf("the disk of %s has only %s left, less than NGLIVE_DISK_WARN (%s)", where, left, bytesOf(m.warn))
	case full:
		e.MSG = fmt.Sprintf("the disk of %s has only %s left, less than NGLIVE_DISK_HOLD (%s); free some space", where, left, bytesOf(m.hold))
	}
	return e
}

func bytesOf(n uint64) string { return size(int64(n)) } //nolint:gosec // disks hold less than 8 EiB

func levelIn(tx *bbolt.Tx, folder string) level {
	if b := tx.Bucket([]byte("meta")).Get([]byte("disk|" + folder)); b != nil {
		return level(b)
	}
	return roomy
}

func (j *journal) levelOf(folder string) (l level, err error) {
	err = j.db.View(func(tx *bbolt.Tx) error {
		l = levelIn(tx, folder)
		return nil
	})
	if err != nil {
		return l, fmt.Errorf("journal: read a disk's level: %w", err)
	}
	return l, nil
}

// changeLevel replaces what is known of a disk and posts what is to be told of it, both or neither.
func (j *journal) changeLevel(folder string, change func(was level) (level, []letter)) error {
	told := false
	tasks.Failpoint("journal.level.before")
	defer tasks.Failpoint("journal.level.after")
	err := j.update(func(tx *bbolt.Tx) error {
		was := levelIn(tx, folder)
		now, letters := change(was)
		if now == was {
			return nil
		}
		told = len(letters) > 0
		return errors.Join(tx.Bucket([]byte("meta")).Put([]byte("disk|"+folder), []byte(now)), post(tx, letters))
	})
	if err != nil {
		return fmt.Errorf("journal: note a disk's level: %w", err)
	}
	if told {
		j.ring()
	}
	return nil
}
