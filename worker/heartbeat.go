package worker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/disk"
	"github.com/shirou/gopsutil/v4/mem"
	"github.com/shirou/gopsutil/v4/net"

	"github.com/ngworks/nglive/tasks"
)

const (
	beatEvery    = 5 * time.Second
	healthyFor   = 30 * time.Second // how long after a beat that reached Redis the worker counts as healthy
	registerOdds = 12               // queues are made visible again every so many beats
)

// beat tells the others every 5 s that this node lives, and how it is.
func (w *Worker) beat(ctx context.Context) error {
	w.journalUp()
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	traffic := &traffic{}
	said := ""
	for n := 0; ; n++ {
		if why := w.journalTrouble(); why != said {
			if said = why; why != "" {
				w.log.Error("journal not written", "why", why)
			}
		}
		err := w.beatOnce(ctx, traffic)
		switch {
		case errors.Is(err, tasks.ErrNodeLost):
			return err
		case err != nil:
			w.log.Debug("heartbeat did not reach Redis", "error", err)
		default:
			w.healthy.Store(time.Now().Add(healthyFor).Unix())
		}
		if n%registerOdds == 0 {
			if err := w.queue.Register(ctx, w.rdb, tasks.NodeQueues(w.cfg.Node)...); err != nil {
				w.log.Debug("queues not registered", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

func (w *Worker) journalUp() {
	now := time.Now()
	err := w.journal.post(letter{Event: &tasks.Event{
		CMD: tasks.NodeUp, TS: tasks.Stamp(now), NODE: w.cfg.Node, EVENT: fmt.Sprintf("nodeup.%s.%d", w.cfg.Install, now.UnixNano()), MSG: w.cfg.Version,
	}})
	if err != nil {
		w.log.Error("start not journalled", "error", err)
	}
}

// lately is for how long a write that failed is told of: what could not be journalled comes again within half a minute.
const lately = time.Minute

// journalTrouble says that the journal's disk does not take what is to be written; "" when it does.
func (w *Worker) journalTrouble() string {
	last := w.journal.failed.Load()
	if last == nil || time.Since(last.at) > lately {
		return ""
	}
	return fmt.Sprintf("NGlive cannot write into %s (%v); make room there. Until then no step begins or ends, and nothing is lost", w.cfg.DataDir, cause(last.err))
}

func (w *Worker) beatOnce(ctx context.Context, t *traffic) error {
	ctx, stop := context.WithTimeout(ctx, beatEvery)
	defer stop()
	e := w.heartbeat(ctx, t)
	w.master.beat(e)
	n := tasks.NodeInfo{
		Name: w.cfg.Node, Host: e.Host, Version: w.cfg.Version, Recordings: w.cfg.RecordingsDir, Output: w.cfg.OutputDir,
		Defaults: w.cfg.Defaults, Beat: &e, PathMaps: w.cfg.PathMaps,
	}
	if list := w.encoders.Load(); list != nil {
		n.Encoders = *list
	}
	if list := w.warnings.Load(); list != nil {
		n.Warnings = *list
	}
	if why := w.journalTrouble(); why != "" {
		n.Warnings = append(slices.Clip(n.Warnings), why)
	}
	if n.Recorder = w.recorderInfo(); n.Recorder != nil && n.Recorder.Trouble != "" {
		n.Warnings = append(slices.Clip(n.Warnings), n.Recorder.Trouble)
	}
	n.Targets, n.BaiduApp = w.targetNames(ctx), w.cfg.Baidu.app()
	for i := range w.channels {
		n.Channels = append(n.Channels, w.channels[i].public())
	}
	return errors.Join(w.store.Beat(ctx, w.owner, n), w.store.PublishLive(ctx, e))
}

const gib = 1 << 30

// heartbeat measures the machine in the original's keys and units (GiB, per cent).
func (w *Worker) heartbeat(ctx context.Context, t *traffic) tasks.Event {
	e := tasks.Event{CMD: tasks.Heartbeat, TS: tasks.Stamp(time.Now()), NODE: w.cfg.Node, UUID: w.cfg.Install, Host: w.cfg.Node}
	if name, err := os.Hostname(); err == nil {
		e.Host = name
	}
	logical, _ := cpu.CountsWithContext(ctx, true)
	physical, _ := cpu.CountsWithContext(ctx, false)
	e.CPU = &tasks.CPUBeat{CPU: logical, Logical: physical}
	if p, err := cpu.PercentWithContext(ctx, 0, false); err == nil && len(p) > 0 {
		e.CPU.Percent = round(p[0])
	}
	if m, err := mem.VirtualMemoryWithContext(ctx); err == nil {
		e.Memory = &tasks.MemoryBeat{Total: round(float64(m.Total) / gib), Used: round(float64(m.Used) / gib), Percent: round(m.UsedPercent)}
	}
	if u, err := disk.UsageWithContext(ctx, w.cfg.RecordingsDir); err == nil {
		e.Disk = &tasks.DiskBeat{
			Total: round(float64(u.Total) / gib), Used: round(float64(u.Used) / gib), Free: round(float64(u.Free) / gib), Percent: round(u.UsedPercent),
		}
	}
	e.Network = t.since(ctx)
	return e
}

// traffic remembers the counters of the last heartbeat.
type traffic struct {
	at         time.Time
	sent, recv uint64
}

func (t *traffic) since(ctx context.Context) *tasks.NetworkBeat {
	c, err := net.IOCountersWithContext(ctx, false)
	if err != nil || len(c) == 0 {
		return nil
	}
	now := time.Now()
	last := *t
	*t = traffic{now, c[0].BytesSent, c[0].BytesRecv}
	if last.at.IsZero() || c[0].BytesSent < last.sent || c[0].BytesRecv < last.recv {
		return &tasks.NetworkBeat{}
	}
	spent := now.Sub(last.at).Seconds()
	return &tasks.NetworkBeat{Sent: round(float64(c[0].BytesSent-last.sent) / spent), Received: round(float64(c[0].BytesRecv-last.recv) / spent)}
}

// round keeps two decimals.
func round(v float64) float64 { return float64(int64(v*100+0.5)) / 100 }
