//go:build chaos && linux

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"go.etcd.io/bbolt"

	"github.com/ngworks/nglive/tasks"
)

// queues: nothing is active, nothing is leased.
func (v *verdict) queues() {
	for _, queue := range tasks.NodeQueues(chaosNode) {
		for _, kind := range []string{"active", "lease"} {
			key := "asynq:{" + queue + "}:" + kind
			n, err := v.c.sys.rdb.LLen(v.c.t.Context(), key).Result()
			if kind == "lease" {
				n, err = v.c.sys.rdb.ZCard(v.c.t.Context(), key).Result()
			}
			if err != nil || n > 0 {
				v.fault("%s holds %d: %v", key, n, err)
			}
		}
	}
}

// leftBehind is asked when all has stopped: no process, no lock, nothing unsent.
func (v *verdict) leftBehind() {
	for _, file := range must(filepath.Glob("/proc/[0-9]*/cmdline")) {
		text, err := os.ReadFile(file)
		if err == nil && bytes.Contains(text, []byte(v.c.sys.dir)) && file != fmt.Sprintf("/proc/%d/cmdline", os.Getpid()) {
			v.fault("a process was left: %s", strings.ReplaceAll(string(text), "\x00", " "))
		}
	}
	for _, dir := range []string{"data", "out"} {
		for _, rel := range must(filesBelow(filepath.Join(v.c.sys.dir, dir))) {
			path := filepath.Join(v.c.sys.dir, dir, rel)
			if strings.HasSuffix(rel, ".lock") {
				if release, free, err := lockFile(path); err != nil || !free {
					v.fault("the lock %s is still held: %v", path, err)
				} else {
					release()
				}
			}
		}
	}
	v.journal(filepath.Join(v.c.sys.dir, "data", "journal.db"))
}

// journal: nobody holds it, no attempt is under way, everything was told.
func (v *verdict) journal(path string) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second, ReadOnly: true})
	if err != nil {
		v.fault("the journal: %v", err)
		return
	}
	defer func() { _ = db.Close() }()
	err = db.View(func(tx *bbolt.Tx) error {
		if n := tx.Bucket([]byte("outbox")).Stats().KeyN; n > 0 {
			v.fault("the journal has %d letters that were never sent", n)
		}
		return tx.Bucket([]byte("tasks")).ForEach(func(k, b []byte) error {
			var e struct{ Began time.Time }
			if err := json.Unmarshal(b, &e); err != nil {
				return err
			}
			if !e.Began.IsZero() {
				v.fault("the journal believes that %s is still at work", k)
			}
			return nil
		})
	})
	if err != nil {
		v.fault("the journal: %v", err)
	}
}

// report is for people.
func (c *chaos) report(v *verdict, took time.Duration) {
	y := c.killer.tally
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "\nkills survived\tby component\tby point")
	for _, name := range slices.Sorted(maps.Keys(y.kills)) {
		sum := 0
		for _, n := range y.kills[name] {
			sum += n
		}
		_, _ = fmt.Fprintf(w, "%s\t%d\t\n", name, sum)
		for _, point := range slices.Sorted(maps.Keys(y.kills[name])) {
			_, _ = fmt.Fprintf(w, "\t\t%d %s\n", y.kills[name][point], point)
		}
	}
	_ = w.Flush()
	c.figures(os.Stdout, v, took)
}

func (c *chaos) figures(w io.Writer, v *verdict, took time.Duration) {
	y := c.killer.tally
	distinct := 0
	for _, t := range c.plan.takes {
		distinct += len(t.posts)
	}
	again := 0
	for _, m := range c.recorder.all() {
		if m.again != nil {
			again++
		}
	}
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }
	say("\n%d events in %d deliveries; %d of these were given up after three tries; %d lifecycle events stored", distinct, c.recorder.sent.Load(), c.recorder.unheard.Load(), v.events)
	say("Redis stopped for seconds %d times; everything restarted in peace %d times; the output disk full %d times (%s)", y.stops, y.restarts, y.fills, c.disk)
	say("steps held %d times, tried again %d times; the sweep mended %d things and adopted %d files", v.counts[tasks.StepHeld], v.counts[tasks.StepRetry], v.counts[tasks.Repaired], len(v.adopted))
	say("from a restarted worker to its work being taken up again: %s (goal 2 s)", spread(y.resumed))
	say("from the closing of a file nobody told of to its adoption: %s", spread(v.adopted))
	say("%d chosen events, each notified at least once; the listener came back %d times", v.notifications, c.listener.comes)
	say("the disk guard took %d sources that were proved to be uploaded, while its worker was killed %d times, and no other", v.cleaned, c.plan.scale.cleanKills)
	say("%d paths were used again by another recording", again)
	say("%d of %d recordings are broken and say so", c.plan.flaws, len(c.plan.takes))
	for reason, n := range c.retried {
		say("%d dead letters, retried as a person does: %s", n, reason)
	}
	for reason, n := range v.dead {
		say("%d are dead letters in the end: %s", n, reason)
	}
	say("%s in all\n", took.Round(time.Second))
}

// spread is a list's median and greatest.
func spread(list []time.Duration) string {
	if len(list) == 0 {
		return "never happened"
	}
	slices.Sort(list)
	return fmt.Sprintf("median %s, most %s, of %d", list[len(list)/2].Round(10*time.Millisecond), list[len(list)-1].Round(10*time.Millisecond), len(list))
}
