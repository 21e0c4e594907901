//go:build bench

package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"
)

// benchRole names what a process that runs the test binary again is for.
const benchRole = "BENCH_ROLE"

// seat is a child's end: orders come in and answers go out, one JSON each.
type seat struct {
	orders  *json.Decoder
	answers *json.Encoder
}

// TestChildOfBench is the other processes' body: the load generator, the
// listeners, and what we compare ourselves with.
func TestChildOfBench(t *testing.T) {
	roles := map[string]func(context.Context, seat) error{
		"load":      serveLoad,
		"empty":     serveNothing,
		"prepared":  servePrepared,
		"listeners": serveListeners,
		"uploader":  serveUpload,
	}
	role, ok := roles[os.Getenv(benchRole)]
	if !ok {
		t.Skip("started by TestBench in a process of its own")
	}
	err := role(t.Context(), seat{json.NewDecoder(os.Stdin), json.NewEncoder(os.NewFile(3, "answers"))})
	if err != nil && !errors.Is(err, io.EOF) { // EOF: no orders come any more
		t.Fatal(err)
	}
}

// child is a process in a role, seen from the bench.
type child struct {
	t       *testing.T
	orders  *json.Encoder
	answers *json.Decoder
}

// startChild runs the test binary again in a role, until the test ends.
func startChild(t *testing.T, role string) *child {
	t.Helper()
	in, orders, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	answers, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	said := &screen{}
	cmd := exec.Command(os.Args[0], "-test.run=^TestChildOfBench$", "-test.timeout=30m") //nolint:noctx // it ends with its orders
	cmd.Env = append(os.Environ(), benchRole+"="+role)
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = in, said, said, []*os.File{out}
	cmd.SysProcAttr, cmd.WaitDelay = childAttributes(), time.Second
	ended, err := startOnOwnThread(cmd)
	if err != nil {
		t.Fatalf("start %s: %v", role, err)
	}
	_, _ = in.Close(), out.Close()
	t.Cleanup(func() {
		_ = orders.Close()
		select {
		case err := <-ended:
			if err != nil && !t.Failed() {
				t.Errorf("%s: %v\n%s", role, err, said)
			}
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			t.Errorf("%s did not stop when its orders ended: %v", role, <-ended)
		}
		_ = answers.Close()
	})
	return &child{t, json.NewEncoder(orders), json.NewDecoder(answers)}
}

// ask gives an order (nil: none) and waits for the answer.
func (c *child) ask(order, answer any) {
	c.t.Helper()
	if order != nil {
		if err := c.orders.Encode(order); err != nil {
			c.t.Fatalf("give an order: %v", err)
		}
	}
	if err := c.answers.Decode(answer); err != nil {
		c.t.Fatalf("wait for an answer: %v", err)
	}
}
