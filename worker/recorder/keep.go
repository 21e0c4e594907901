package recorder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Keeper runs a recorder of ours for as long as it is told to: it starts it again whenever it ends, and when it lives but no
// longer answers.
type Keeper struct {
	program Program
	watch   *Watch
	times   Times
	log     *slog.Logger
}

// NewKeeper prepares a keeper; watch must watch the same recorder.
func NewKeeper(p Program, watch *Watch, log *slog.Logger) *Keeper {
	return &Keeper{program: p, watch: watch, times: watch.times, log: log}
}

// Run keeps the recorder until ctx ends, and returns when it has ended.
func (k *Keeper) Run(ctx context.Context) {
	lock := k.take(ctx)
	if lock == nil {
		return
	}
	defer func() { _ = lock.Close() }()
	k.program.lock = lock
	for short := 0; ; {
		if !k.alone(ctx) {
			return
		}
		began := time.Now()
		err := k.live(ctx)
		if ctx.Err() != nil {
			k.log.Info("recorder stopped", "took", time.Since(began).Round(time.Second))
			return
		}
		if time.Since(began) >= k.times.Stable {
			short = 0
		}
		short++
		wait := k.wait(short)
		k.log.Warn("the recorder ended and starts again", "why", err, "in", wait, "in_a_row", short)
		k.watch.gone(err.Error(), short >= k.times.Loop)
		if !pause(ctx, wait) {
			return
		}
	}
}

// wait doubles with each short life.
func (k *Keeper) wait(short int) time.Duration {
	wait := k.times.Pause
	for n := 1; n < short && wait < k.times.Longest; n++ {
		wait *= 2
	}
	return min(wait, k.times.Longest)
}

// take waits until the folder is ours; nil when ctx ended first. A recorder that an earlier NGlive left behind has its
// patience to end before a person hears of it.
func (k *Keeper) take(ctx context.Context) *os.File {
	for since := time.Now(); ; {
		lock, err := lockFolder(k.program.Folder)
		if err == nil {
			return lock
		}
		k.watch.ended(err.Error(), time.Since(since) > k.grace()+k.times.Look)
		if !pause(ctx, min(k.times.Look, time.Second)) {
			return nil
		}
	}
}

func (k *Keeper) grace() time.Duration {
	if k.program.Grace > 0 {
		return k.program.Grace
	}
	return Patience
}

// alone waits until no stranger's recorder works on the folder; false when ctx ended first.
func (k *Keeper) alone(ctx context.Context) bool {
	for {
		err := strangers(ctx, &k.program)
		if err == nil {
			return ctx.Err() == nil
		}
		k.watch.ended(err.Error(), true)
		if !pause(ctx, k.times.Look) {
			return false
		}
	}
}

// live is one life; its error says why it ended.
func (k *Keeper) live(ctx context.Context) error {
	life, end := context.WithCancelCause(ctx)
	defer end(nil)
	ended := make(chan error, 1)
	started := make(chan int, 1)
	go func() {
		ended <- k.program.Run(life, func(pid int) {
			k.log.Info("recorder started", "pid", pid, "folder", k.program.Folder, "listens", k.program.Listen)
			started <- pid
		})
	}()
	select {
	case err := <-ended:
		return err
	case pid := <-started:
		k.watch.began(pid)
	}
	began := time.Now()
	tick := time.NewTicker(k.times.Look)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			if err == nil {
				err = context.Cause(life)
			}
			return err
		case <-tick.C:
			if err := k.deaf(began); err != nil {
				end(err)
			}
		}
	}
}

// errDeaf is why a living recorder is started again.
var errDeaf = errors.New("the recorder's process lives, but its API has not answered for too long / 录播姬进程还在，但接口长时间没有应答")

// deaf reports a recorder that lives and does not answer. One that still records is left alone: its files are worth more than
// its answers.
func (k *Keeper) deaf(began time.Time) error {
	silent := k.watch.silentFor(began)
	if silent < k.times.Deaf {
		return nil
	}
	if name := growing(k.program.Folder, time.Now().Add(-k.times.Growing)); name != "" {
		k.watch.ended(fmt.Sprintf("%v; it still records %s and is left alone until that ends / 但它仍在录制，因此暂不重启", errDeaf, name), true)
		return nil
	}
	return errDeaf
}

// growing names a recording that was written to since the given time.
func growing(folder string, since time.Time) string {
	found := ""
	_ = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil //nolint:nilerr // what cannot be read does not show that it grows
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != folder:
			return fs.SkipDir
		case !strings.EqualFold(filepath.Ext(path), ".flv"):
			return nil
		}
		if info, err := d.Info(); err == nil && info.ModTime().After(since) {
			found = d.Name()
			return fs.SkipAll
		}
		return nil
	})
	return found
}
