//go:build bench

package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"github.com/ngworks/nglive/tasks"
	"github.com/ngworks/nglive/tasks/taskstest"
)

// measureMemory takes recordings through the default flow with the facts that a
// recorder and a worker tell, then removes what time removes by itself: the
// streams' events, the ids of known facts, and the queue's own keys. What
// Redis's used_memory has grown by is what a finished recording keeps; the
// bytes of its paths (source, output, archive), name and title, each as often
// as they are kept, are taken off.
func measureMemory(t *testing.T, b *bench) {
	t.Helper()
	const recordings = 2000
	rdb := taskstest.Redis(t).Client()
	l := &lives{t: t, rdb: rdb, store: tasks.NewStore(rdb, time.Hour)}
	l.queue = tasks.NewQueue(rdb, l.store)
	for n := range 10 { // scripts, flows and connections come to be
		l.live(n)
	}
	l.expire()
	before, texts := l.used(), 0
	for n := range recordings {
		texts += l.live(n + 10)
	}
	l.expire()
	perRecording := float64(l.used()-before) / recordings
	text := float64(texts) / recordings
	b.report.add("recording_memory", "Redis memory a finished recording keeps beyond its paths and titles", "B", atMost(1024), single(perRecording-text))
	b.report.note("with them", "B", single(perRecording))
}

// lives are recordings from their opening to their last step.
type lives struct {
	t     *testing.T
	rdb   *redis.Client
	store *tasks.Store
	queue *tasks.Queue
}

// live takes one recording through its life and returns the bytes of its paths,
// name and title.
func (l *lives) live(n int) (text int) {
	l.t.Helper()
	opened := time.Now().Add(-time.Hour)
	stem := fmt.Sprintf("录制-23058-%s-%06d-哔哩哔哩音悦台", opened.Format("20060102-150405"), n)
	seen := tasks.Sighting{
		Node: "nas-3f9a", Path: "23058-3号直播间/" + stem + ".flv", Origin: "bililiverecorder", RoomID: 23058, ShortID: 3,
		Name: "3号直播间", Title: "哔哩哔哩音悦台", Area: "生活/影音馆", Session: uuid.NewString(), OpenedAt: opened,
	}
	l.tell(tasks.Fact{Kind: tasks.FileWasOpened, Seen: seen})
	seen.ClosedAt, seen.Size, seen.Duration = opened.Add(59*time.Minute), 2_712_345_678, 3540.987
	rec := l.tell(tasks.Fact{Kind: tasks.FileWasClosed, Seen: seen})
	outputs := map[string]*tasks.Output{
		tasks.StepTranscode: {Path: "20261122/23058/" + stem + ".mp4", SizeBytes: 2_701_234_567, Seconds: 3540.98},
		tasks.StepUpload: {
			Path: "23058/20261122/" + stem + ".mp4", Location: "/srv/archive/23058/20261122/" + stem + ".mp4",
			SizeBytes: 2_701_234_567, SHA256: strings.Repeat("0123456789abcdef", 4),
		},
	}
	for i := range rec.Steps {
		step, output := rec.Steps[i], outputs[rec.Steps[i].Type]
		fact := tasks.Fact{Recording: rec.ID, Run: 1, Step: step.ID, Attempts: 1}
		fact.Kind = tasks.StepBegan
		l.tell(fact)
		fact.Kind, fact.Output = tasks.StepSucceeded, output
		if step.Type == tasks.StepTranscode {
			fact.Seen = tasks.Sighting{Size: seen.Size}
		}
		rec = l.tell(fact)
	}
	if rec.State != tasks.Finished {
		l.t.Fatalf("the recording is %s", rec.State)
	}
	text = len(rec.Path) + len(rec.Name) + len(rec.Title)
	for _, o := range outputs {
		text += len(o.Path) + len(o.Location)
	}
	return text
}

func (l *lives) tell(fact tasks.Fact) tasks.Recording {
	l.t.Helper()
	ctx := l.t.Context()
	fact.ID, fact.At = uuid.NewString(), time.Now()
	var rec tasks.Recording
	var err error
	if fact.Recording == "" {
		rec, err = l.store.Ingest(ctx, fact, func(tasks.Recording) (tasks.Flow, error) { return tasks.DefaultFlow().Resolve(benchDefaults()), nil })
	} else {
		rec, err = l.store.Apply(ctx, fact)
	}
	if err == nil {
		err = l.queue.Follow(ctx, rec)
	}
	if err != nil {
		l.t.Fatalf("%s: %v", fact.Kind, err)
	}
	return rec
}

// benchDefaults are what an installation without any setting has.
func benchDefaults() tasks.Defaults {
	cfg, _ := LoadConfig(nil, "")
	return (&installation{cfg: cfg}).defaults()
}

// expire removes what goes by itself in a week.
func (l *lives) expire() {
	l.t.Helper()
	ctx := l.t.Context()
	for _, pattern := range []string{"nglive:seen:*", "asynq:*"} {
		for keys := l.rdb.Scan(ctx, 0, pattern, 1000).Iterator(); keys.Next(ctx); {
			l.must(l.rdb.Unlink(ctx, keys.Val()).Err())
		}
	}
	for _, stream := range []string{"nglive:events", "nglive:live"} {
		l.must(l.rdb.XTrimMaxLen(ctx, stream, 0).Err())
	}
}

func (l *lives) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// used is Redis's own count of the bytes it holds, once it has done what it had
// put off.
func (l *lives) used() int64 {
	l.t.Helper()
	last := int64(-1)
	until(l.t, ready, "Redis's memory comes to rest", func() bool {
		now := usedMemory(l.t.Context(), l.rdb)
		at := now == last
		last = now
		return at
	})
	return last
}

func usedMemory(ctx context.Context, rdb *redis.Client) int64 {
	info, _ := rdb.Info(ctx, "memory").Result()
	for line := range strings.Lines(info) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "used_memory:"); ok {
			n, _ := strconv.ParseInt(v, 10, 64)
			return n
		}
	}
	return 0
}
