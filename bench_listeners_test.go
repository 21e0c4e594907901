//go:build bench

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// listenerOrder connects a crowd (Join is set) or asks what it heard since the
// last time, once it heard Count frames.
type listenerOrder struct {
	Join  string
	Side  int
	Count int
}

type listenerAnswer struct {
	P99     float64 // milliseconds
	Failure string
}

// crowds are the listeners of both sides.
type crowds [2]struct {
	mu    sync.Mutex
	waits []float64
	lost  atomic.Int64
}

// serveListeners is the process of all listeners.
func serveListeners(ctx context.Context, s seat) error {
	c := &crowds{}
	for {
		var o listenerOrder
		if err := s.orders.Decode(&o); err != nil {
			return err
		}
		var answer listenerAnswer
		if o.Join == "" {
			answer = c.heard(o)
		} else if err := c.join(ctx, o); err != nil {
			answer.Failure = err.Error()
		}
		if err := s.answers.Encode(answer); err != nil {
			return err
		}
	}
}

func (c *crowds) join(ctx context.Context, o listenerOrder) error {
	dialer := websocket.Dialer{ReadBufferSize: 1024, WriteBufferSize: 256, HandshakeTimeout: 10 * time.Second}
	for range o.Count {
		conn, res, err := dialer.DialContext(ctx, o.Join, nil)
		if err != nil {
			return err
		}
		_ = res.Body.Close()
		go c.listen(o.Side, conn)
	}
	return nil
}

// listen ends when the server goes away.
func (c *crowds) listen(side int, conn *websocket.Conn) {
	defer func() { _ = conn.Close() }()
	crowd := &c[side]
	for {
		_, frame, err := conn.ReadMessage()
		now := time.Now().UnixNano()
		if err != nil {
			crowd.lost.Add(1)
			return
		}
		_, rest, found := bytes.Cut(frame, []byte(stampMark))
		stamp, _, _ := bytes.Cut(rest, []byte(`"`))
		nanos, err := strconv.ParseInt(string(stamp), 10, 64)
		if !found || err != nil {
			continue // not one of ours
		}
		crowd.mu.Lock()
		crowd.waits = append(crowd.waits, float64(now-nanos)/float64(time.Millisecond))
		crowd.mu.Unlock()
	}
}

func (c *crowds) heard(o listenerOrder) listenerAnswer {
	crowd := &c[o.Side]
	for deadline := time.Now().Add(10 * time.Second); ; <-time.After(20 * time.Millisecond) {
		crowd.mu.Lock()
		waits := crowd.waits
		if len(waits) >= o.Count {
			crowd.waits = nil
			crowd.mu.Unlock()
			return listenerAnswer{P99: quantile(waits, 0.99)}
		}
		crowd.mu.Unlock()
		if time.Now().After(deadline) {
			return listenerAnswer{Failure: fmt.Sprintf("%d frames of %d came, %d listeners were lost", len(waits), o.Count, crowd.lost.Load())}
		}
	}
}

// servePrepared is the least that brings a frame to many: one prepared message,
// written to one connection after the other. An order is one event.
func servePrepared(ctx context.Context, s seat) error {
	var (
		mu       sync.Mutex
		conns    []*websocket.Conn
		upgrader = websocket.Upgrader{ReadBufferSize: 1024, WriteBufferSize: 1024}
	)
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		mu.Lock()
		conns = append(conns, conn)
		mu.Unlock()
	})}
	go func() { _ = server.Serve(listener) }()
	defer func() { _ = server.Close() }()
	if err := s.answers.Encode(listener.Addr().String()); err != nil {
		return err
	}
	for {
		var again bool
		if err := s.orders.Decode(&again); err != nil {
			return err
		}
		mu.Lock()
		err := tellAll(conns)
		mu.Unlock()
		if err != nil {
			return err
		}
		if err := s.answers.Encode(true); err != nil {
			return err
		}
	}
}

func tellAll(conns []*websocket.Conn) error {
	frame, err := json.Marshal(stampedEvent())
	if err != nil {
		return err
	}
	message, err := websocket.NewPreparedMessage(websocket.TextMessage, frame)
	if err != nil {
		return err
	}
	for _, conn := range conns {
		if err := conn.WritePreparedMessage(message); err != nil {
			return err
		}
	}
	return nil
}
