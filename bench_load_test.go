//go:build bench

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// loadOrder is one stretch of FileClosed events, each of another recording.
type loadOrder struct {
	Address     string
	Connections int
	Seconds     float64
	Rate        float64 // events a second whatever the answers do; 0 = the next when the last is answered
}

// loadReport is how it went.
type loadReport struct {
	Answered int
	Seconds  float64
	P50, P99 float64 // milliseconds; with a rate from the moment the event was due, not from when a connection was free
	Failure  string
}

// serveLoad is the load generator. It writes HTTP by hand on connections that
// stay open: it shares the machine with what it measures.
func serveLoad(ctx context.Context, s seat) error {
	for {
		var o loadOrder
		if err := s.orders.Decode(&o); err != nil {
			return err
		}
		if err := s.answers.Encode(o.run(ctx)); err != nil {
			return err
		}
	}
}

func (o loadOrder) run(ctx context.Context) loadReport {
	var (
		all     sync.WaitGroup
		next    atomic.Int64
		errs    = make([]error, o.Connections)
		results = make([][]float64, o.Connections)
		run     = uuid.NewString()
		began   = time.Now()
		end     = began.Add(time.Duration(o.Seconds * float64(time.Second)))
	)
	for i := range o.Connections {
		all.Go(func() { results[i], errs[i] = o.connection(ctx, run, began, end, &next) })
	}
	all.Wait()
	took := time.Since(began).Seconds()
	var times []float64
	for _, r := range results {
		times = append(times, r...)
	}
	report := loadReport{Answered: len(times), Seconds: took, P50: quantile(times, 0.5), P99: quantile(times, 0.99)}
	if err := errors.Join(errs...); err != nil || len(times) == 0 {
		return loadReport{Failure: fmt.Sprintf("%d answered, %v", len(times), err)}
	}
	return report
}

// connection sends on one connection until the end and returns how long each
// answer took.
func (o loadOrder) connection(ctx context.Context, run string, began, end time.Time, next *atomic.Int64) (times []float64, err error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", o.Address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	answers := bufio.NewReader(conn)
	for {
		n := next.Add(1) - 1
		due := time.Now()
		if o.Rate > 0 {
			due = began.Add(time.Duration(float64(n) / o.Rate * float64(time.Second)))
			<-time.After(time.Until(due))
		}
		if due.After(end) {
			return times, nil
		}
		if _, err := conn.Write(o.request(run, n)); err != nil {
			return times, err
		}
		if err := readOK(answers); err != nil {
			return times, err
		}
		times = append(times, millis(time.Since(due)))
	}
}

// request is a FileClosed of 0.6 kB as BililiveRecorder sends it.
func (o loadOrder) request(run string, n int64) []byte {
	id := fmt.Sprintf("%s%012x", run[:24], n)
	body := fmt.Sprintf(`{"EventType":"FileClosed","EventTimestamp":"2026-11-22T18:00:02.1234567+08:00","EventId":"%s","EventData":{`+
		`"SessionId":"7c7f3672-70ce-405a-aa12-886702ced6e5","RelativePath":"23058-3号直播间/录制-23058-20261122-%s-%d-哔哩哔哩音悦台.flv",`+
		`"FileSize":816412,"Duration":4.992,"FileOpenTime":"2026-11-22T17:59:57.1234567+08:00",`+
		`"FileCloseTime":"2026-11-22T18:00:02.1134567+08:00","RoomId":23058,"ShortId":3,"Name":"3号直播间","Title":"哔哩哔哩音悦台",`+
		`"AreaNameParent":"生活","AreaNameChild":"影音馆","Recording":true,"Streaming":true,"DanmakuConnected":true}}`, id, run[:8], n)
	return fmt.Appendf(nil, "POST /webhook/ HTTP/1.1\r\nHost: %s\r\nUser-Agent: BililiveRecorder/2.18.0\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		o.Address, len(body), body)
}

// readOK reads one answer and wants 200.
func readOK(r *bufio.Reader) error {
	status, err := r.ReadString('\n')
	if err != nil {
		return err
	}
	length := 0
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return err
		}
		line = strings.TrimSpace(line)
		if line == "" {
			break
		}
		if name, value, _ := strings.Cut(line, ":"); strings.EqualFold(name, "Content-Length") {
			if length, err = strconv.Atoi(strings.TrimSpace(value)); err != nil {
				return err
			}
		}
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		return err
	}
	if !strings.Contains(status, " 200 ") {
		return fmt.Errorf("answered %s: %s", strings.TrimSpace(status), body)
	}
	return nil
}
