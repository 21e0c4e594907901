//go:build bench

package main

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"
	"os"

	"github.com/ngworks/nglive/tasks/taskstest"
)

func TestTmpIngest(t *testing.T) {
	r := taskstest.Redis(t)
	_, environ := home(t)
	c, _, _ := testConsole(append(environ, "NGLIVE_REDIS_URL="+r.URL(), "NGLIVE_LOG_LEVEL=warn")...)
	i, b, err := c.openAlone(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	_ = slog.Default()
	w, err := i.newWeb(b)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	<-w.Listening()
	load := startChild(t, "load")
	pid := pidOf(t, b.rdb)
	var rep loadReport
	load.ask(loadOrder{Address: w.Addr(), Connections: 32, Seconds: 1}, &rep)
	for range 3 {
		web0, red0 := ticksOf(t, []int{os.Getpid()}), ticksOf(t, []int{pid})
		load.ask(loadOrder{Address: w.Addr(), Connections: 32, Seconds: 4}, &rep)
		n := float64(rep.Answered)
		fmt.Printf("%.0f/s p50 %.1f p99 %.1f web %.0f µs/event redis %.0f µs/event %s\n", n/rep.Seconds, rep.P50, rep.P99,
			float64(ticksOf(t, []int{os.Getpid()})-web0)*1e4/n, float64(ticksOf(t, []int{pid})-red0)*1e4/n, loadAverage())
	}
	stop()
	<-done
	_ = time.Now
}
