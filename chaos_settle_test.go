//go:build chaos && linux

package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ngworks/nglive/tasks"
)

// settle waits until nothing moves any more: every recording is over, every queue empty, every event told. Two looks in a row have to
// agree, with some sweeps between them, so that whatever a sweep would do wrong has been done.
func (c *chaos) settle(ctx context.Context) {
	c.t.Helper()
	const betweenLooks = 10 * time.Second // several sweeps, and longer than a file has to be still
	end, said := time.Now().Add(c.plan.scale.settle), time.Now()
	for calm := 0; calm < 2; {
		open := c.open(ctx)
		if len(open) == 0 && c.retryDeadLetters(ctx) == 0 {
			calm++
			pause(ctx, betweenLooks/2)
			continue
		}
		calm = 0
		if time.Now().After(end) {
			c.killer.fault("it did not come to its end within %s: %s", c.plan.scale.settle, strings.Join(open, "; "))
			return
		}
		if time.Since(said) > 15*time.Second && len(open) > 0 {
			said = time.Now()
			fmt.Printf("chaos: waits for %d things, such as %s\n", len(open), open[len(open)-1])
		}
		pause(ctx, time.Second)
	}
}

// retryDeadLetters does what a person does with a dead letter whose reason is true: press Retry, once. Then the flow goes on.
func (c *chaos) retryDeadLetters(ctx context.Context) int {
	list, err := c.sys.recordings(ctx)
	if err != nil {
		return 0
	}
	n := 0
	for _, r := range list {
		if r.State != tasks.Failed || r.Run > 1 || !trueReason(sound, r.Error) {
			continue
		}
		if err := c.sys.client.retry(ctx, r.ID); err == nil {
			n++
			c.retried[plainReason(r.Error)]++
		}
	}
	return n
}

// open lists what is not at its end yet.
func (c *chaos) open(ctx context.Context) []string {
	list, err := c.sys.recordings(ctx)
	if err != nil {
		return []string{"the API: " + err.Error()}
	}
	var open []string
	for _, r := range list {
		if !r.State.Over() {
			open = append(open, fmt.Sprintf("%s is %s (%s)", r.Path, r.State, stepsOf(r)))
		}
	}
	of := c.recordingsOf(list)
	for _, m := range c.recorder.all() {
		if len(of[m]) == 0 {
			open = append(open, fmt.Sprintf("%s of take %d is not known", m.path, m.take.n))
		}
	}
	queues, err := tasks.NewQueue(c.sys.rdb, tasks.NewStore(c.sys.rdb, time.Hour)).Queues()
	if err != nil {
		return append(open, "the queues: "+err.Error())
	}
	for _, q := range queues {
		if n := q.Pending + q.Active + q.Scheduled + q.Retry; n > 0 {
			open = append(open, fmt.Sprintf("%d tasks in %s (%d pending, %d active, %d retry)", n, q.Name, q.Pending, q.Active, q.Retry))
		}
	}
	store := tasks.NewStore(c.sys.rdb, time.Hour)
	last, err := store.LastSeq(ctx)
	cursor, cursorErr := c.sys.rdb.Get(ctx, "nglive:relay:cursor").Result()
	if err != nil || cursorErr != nil || last != cursor || last != c.listener.last() {
		open = append(open, fmt.Sprintf("the newest event is %s, relayed up to %s, heard up to %s", last, cursor, c.listener.last()))
	}
	return open
}

// recordingsOf gives each take its recordings: one. A path that was used again has one for each take, in their order.
func (c *chaos) recordingsOf(list []tasks.Recording) map[*made][]tasks.Recording {
	byPath := map[string][]tasks.Recording{}
	for _, r := range list {
		byPath[r.Path] = append(byPath[r.Path], r)
	}
	last, of := map[string]*made{}, map[*made][]tasks.Recording{}
	for _, m := range c.recorder.all() { // a path's second take has the greater number
		recs := byPath[m.path]
		slices.SortFunc(recs, func(a, b tasks.Recording) int { return cmp.Compare(a.Gen, b.Gen) })
		last[m.path] = m
		if len(recs) > 0 {
			of[m], byPath[m.path] = recs[:1:1], recs[1:]
		}
	}
	for path, more := range byPath {
		if m := last[path]; m != nil {
			of[m] = append(of[m], more...)
		}
	}
	return of
}

func stepsOf(r tasks.Recording) string {
	var list []string
	for _, s := range r.Steps {
		list = append(list, strings.TrimSpace(fmt.Sprintf("%s %s %s%s", s.ID, s.State, s.Error, s.Reason)))
	}
	return strings.Join(list, ", ")
}
