//go:build bench

package main

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/ngworks/nglive/tasks/taskstest"
)

// measureIngest posts FileClosed events, each of another recording, to a real
// `nglive web` on a real Redis with appendfsync everysec: answered means that
// state, event and task are in Redis. The same load goes to a Huma handler in a
// process of its own that does nothing, in turn. No worker runs: what one does
// with the tasks is other figures' matter. Load generator, web and Redis share
// the machine.
func measureIngest(t *testing.T, b *bench) {
	t.Helper()
	const (
		connections = 32
		seconds     = 4
		offered     = 500
	)
	web := b.open(t, "web", "NGLIVE_REDIS_URL="+taskstest.Redis(t).URL()).address()
	var empty string
	startChild(t, "empty").ask(nil, &empty)
	load := startChild(t, "load")
	run := func(address string, rate float64) loadReport {
		var r loadReport
		load.ask(loadOrder{Address: address, Connections: connections, Seconds: seconds, Rate: rate}, &r)
		if r.Failure != "" {
			t.Fatalf("load on %s: %s", address, r.Failure)
		}
		return r
	}
	run(web, 0) // connections, scripts and caches come to be
	run(empty, 0)
	var ours, p99, theirs, calm, calmest []float64
	for range rounds { // first, since Redis goes on writing its file for a while after what follows
		calm, calmest = append(calm, run(web, offered).P99), append(calmest, run(empty, offered).P99)
	}
	for range rounds {
		r := run(web, 0)
		ours, p99 = append(ours, float64(r.Answered)/r.Seconds), append(p99, r.P99)
		r = run(empty, 0)
		theirs = append(theirs, float64(r.Answered)/r.Seconds)
	}
	percent := func(ours, theirs float64) float64 { return 100 * ours / theirs }
	b.report.add("ingest_rate", "ingest of FileClosed, 32 connections", "1/s", atLeast(4000), middle(ours))
	b.report.add("ingest_p99", "… p99", "ms", atMost(20), middle(p99))
	b.report.add("ingest_500_p99", "… p99 at an offered 500/s", "ms", atMost(5), middle(calm))
	b.report.add("ingest_of_empty", "… of a Huma handler that does nothing", "%", atLeast(25), compared(ours, theirs, percent))
	b.report.note("the handler that does nothing", "1/s", middle(theirs))
	b.report.note("… its p99 at an offered 500/s: what this machine adds", "ms", middle(calmest))
}

type emptyInput struct {
	Node    string `query:"node"`
	RawBody []byte `contentType:"application/json"`
}

type emptyOutput struct{ Body string }

// serveNothing is a Huma operation on the webhook's path, with the webhook's
// input and answer and nothing between.
func serveNothing(ctx context.Context, s seat) error {
	mux := http.NewServeMux()
	config := huma.DefaultConfig("nothing", "1")
	config.CreateHooks = nil
	huma.Register(humago.New(mux, config), huma.Operation{
		OperationID: "nothing", Method: http.MethodPost, Path: "/webhook/", MaxBodyBytes: 1 << 20, SkipValidateBody: true,
	}, func(context.Context, *emptyInput) (*emptyOutput, error) { return &emptyOutput{Body: "ok"}, nil })
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	defer func() { _ = server.Close() }()
	if err := s.answers.Encode(listener.Addr().String()); err != nil {
		return err
	}
	return s.orders.Decode(&struct{}{}) // until nobody is there any more
}
