//go:build bench

package main

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/ngworks/nglive/tasks/taskstest"
)

func TestTmpFeed(t *testing.T) {
	r := taskstest.Redis(t)
	_, environ := home(t)
	c, _, _ := testConsole(append(environ, "NGLIVE_REDIS_URL="+r.URL(), "NGLIVE_LOG_LEVEL=warn")...)
	i, b, err := c.openAlone(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	w, err := i.newWeb(b)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	<-w.Listening()
	prepared, listeners := startChild(t, "prepared"), startChild(t, "listeners")
	var bare string
	prepared.ask(nil, &bare)
	<-time.After(time.Second)
	for side, url := range []string{"ws://" + w.Addr() + "/ws", "ws://" + bare + "/ws"} {
		joinCrowd(listeners, side, url)
	}
	kids := map[int]string{}
	for _, p := range allChildren(os.Getpid()) {
		x, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p))
		kids[p] = string(x)
	}
	ticks := func() (web, bare int64) {
		web = ticksOf(t, []int{os.Getpid()})
		for p, e := range kids {
			if contains(e, "BENCH_ROLE=prepared") {
				bare = ticksOf(t, []int{p})
			}
		}
		return
	}
	for range 4 {
		w0, _ := ticks()
		for range feedEvents {
			if err := b.store.Publish(t.Context(), stampedEvent()); err != nil {
				t.Fatal(err)
			}
			<-time.After(betweenThem)
		}
		p := heardBy(listeners, 0)
		w1, b1 := ticks()
		var ok bool
		prepared.ask(feedEvents, &ok)
		q := heardBy(listeners, 1)
		_, b2 := ticks()
		fmt.Printf("ours p99 %.1f cpu %.1f µs/frame; bare p99 %.1f cpu %.1f µs/frame load %s\n", p, float64(w1-w0)*1e4/feedEvents/crowd, q, float64(b2-b1)*1e4/feedEvents/crowd, loadAverage())
	}
	stop()
	<-done
}
func contains(a, b string) bool { for i := 0; i+len(b) <= len(a); i++ { if a[i:i+len(b)] == b { return true } }; return false }
func allChildren(parent int) (out []int) {
	es, _ := os.ReadDir("/proc")
	for _, e := range es {
		var pid int
		if _, err := fmt.Sscan(e.Name(), &pid); err != nil { continue }
		if f, err := statOf(pid); err == nil && f[1] == fmt.Sprint(parent) { out = append(out, pid) }
	}
	return
}
