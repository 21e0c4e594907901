package web

import (
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ngworks/nglive/tasks"
)

// stockFor is how long a look at the queues is good: Asynq samples memory for each.
const stockFor = 5 * time.Second

// stock collects what Redis holds: queues, recordings, nodes.
type stock struct {
	store     *tasks.Store
	inspector *asynq.Inspector

	up, size, tasks, latency, paused, processed, failed, recordings, nodeUp, diskFree *prometheus.Desc

	mu     sync.Mutex
	counts []prometheus.Metric
	at     time.Time
}

func newStock(store *tasks.Store, inspector *asynq.Inspector) *stock {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &stock{
		store: store, inspector: inspector,
		up:         desc("nglive_redis_up", "1 when the numbers of queues and recordings could be read."),
		size:       desc("asynq_queue_size", "Tasks in a queue.", "queue"),
		tasks:      desc("asynq_tasks_enqueued_total", "Tasks in a queue by state.", "queue", "state"),
		latency:    desc("asynq_queue_latency_seconds", "Age of the oldest pending task.", "queue"),
		paused:     desc("asynq_queue_paused", "1 when the queue is paused.", "queue"),
		processed:  desc("asynq_tasks_processed_total", "Tasks processed, failed ones included.", "queue"),
		failed:     desc("asynq_tasks_failed_total", "Tasks that failed.", "queue"),
		recordings: desc("nglive_recordings", "Recordings by state.", "state"),
		nodeUp:     desc("nglive_node_up", "1 when the node's worker was heard of in the last minute.", "node"),
		diskFree:   desc("nglive_node_disk_free_bytes", "Free space on the disk of the node's recordings.", "node"),
	}
}

// Describe lists what Collect may give.
func (s *stock) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		s.up, s.size, s.tasks, s.latency, s.paused, s.processed, s.failed, s.recordings, s.nodeUp, s.diskFree,
	} {
		ch <- d
	}
}

// Collect gives the newest numbers, or those of up to five seconds ago.
func (s *stock) Collect(ch chan<- prometheus.Metric) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.at) > stockFor {
		s.counts, s.at = s.take(), time.Now()
	}
	for _, m := range s.counts {
		ch <- m
	}
}

// take reads Redis. What cannot be read is left out: no number is better than a wrong one.
func (s *stock) take() []prometheus.Metric {
	var out []prometheus.Metric
	add := adder(func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		if m, err := prometheus.NewConstMetric(d, kind, v, labels...); err == nil { // a queue of others may have a strange name
			out = append(out, m)
		}
	})
	ok := s.takeRecordings(add) && s.takeQueues(add)
	add(s.up, prometheus.GaugeValue, truth(ok))
	return out
}

type adder func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string)

func (s *stock) takeRecordings(add adder) bool {
	ctx, stop := within(2 * time.Second)
	defer stop()
	counts, err := s.store.Counts(ctx)
	if err != nil {
		return false
	}
	for state, n := range counts {
		add(s.recordings, prometheus.GaugeValue, float64(n), string(state))
	}
	nodes, err := s.store.Nodes(ctx)
	for _, n := range nodes {
		add(s.nodeUp, prometheus.GaugeValue, truth(n.Alive), n.Name)
		if n.Beat != nil && n.Beat.Disk != nil {
			add(s.diskFree, prometheus.GaugeValue, n.Beat.Disk.Free*(1<<30), n.Name)
		}
	}
	return err == nil
}

func (s *stock) takeQueues(add adder) bool {
	queues, err := s.inspector.Queues()
	for _, name := range queues {
		q, err := s.inspector.GetQueueInfo(name)
		if err != nil {
			continue // registered, but never used
		}
		add(s.size, prometheus.GaugeValue, float64(q.Size), name)
		add(s.latency, prometheus.GaugeValue, q.Latency.Seconds(), name)
		add(s.paused, prometheus.GaugeValue, truth(q.Paused), name)
		add(s.processed, prometheus.CounterValue, float64(q.ProcessedTotal), name)
		add(s.failed, prometheus.CounterValue, float64(q.FailedTotal), name)
		for state, n := range map[string]int{
			"pending": q.Pending, "active": q.Active, "scheduled": q.Scheduled, "retry": q.Retry, "archived": q.Archived, "completed": q.Completed,
		} {
			add(s.tasks, prometheus.GaugeValue, float64(n), name, state)
		}
	}
	return err == nil
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
