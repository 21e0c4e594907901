package worker

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/shirou/gopsutil/v4/disk"
)

// Handler serves the worker's own /healthz, /readyz and /metrics.
func (w *Worker) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(rw http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(rw, "ok") })
	mux.HandleFunc("GET /readyz", w.readyz)
	mux.Handle("GET /metrics", promhttp.HandlerFor(w.metrics(), promhttp.HandlerOpts{}))
	return mux
}

type readiness struct {
	Ready  bool    `json:"ready"`
	Checks []check `json:"checks"`
}

type check struct {
	Name    string `json:"name"`
	OK      bool   `json:"ok"`
	Message string `json:"message,omitempty"`
}

func (w *Worker) readyz(rw http.ResponseWriter, _ *http.Request) {
	r := readiness{Checks: []check{{Name: "heartbeat", OK: w.Healthy(), Message: "a heartbeat reached Redis in the last 30 s"}}}
	r.Ready = w.Healthy()
	rw.Header().Set("Content-Type", "application/json")
	if !r.Ready {
		rw.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(rw).Encode(r)
}

func (w *Worker) metrics() *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	reg.MustRegister(w.steps)
	gauge := func(name, help string, read func() float64) {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read))
	}
	gauge("nglive_jobs", "Work under way on this node.", func() float64 { return float64(len(w.jobs.list())) })
	w.swept.register(reg)
	for name, dir := range map[string]string{"recordings": w.cfg.RecordingsDir, "output": w.cfg.OutputDir, "archive": w.cfg.ArchiveDir} {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "nglive_disk_free_bytes", Help: "Free space of a folder's disk.", ConstLabels: prometheus.Labels{"folder": name},
		}, func() float64 { return freeOf(dir) }))
	}
	return reg
}

func freeOf(dir string) float64 {
	u, err := disk.Usage(dir)
	if err != nil {
		return 0
	}
	return float64(u.Free)
}

// newStepDurations measures how long attempts take, by type and how they ended.
func newStepDurations() *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "nglive_step_duration_seconds", Help: "How long attempts at a step took.", Buckets: prometheus.ExponentialBuckets(0.1, 4, 9),
	}, []string{"type", "result"})
}

// register shows what the sweep mended since the start.
func (s *sweepFigures) register(reg *prometheus.Registry) {
	for kind, n := range map[string]*atomic.Int64{
		"requeued": &s.requeued, "archived": &s.archived, "adopted": &s.adopted, "found": &s.found, "vanished": &s.vanished,
		"standing": &s.standing, "leftovers": &s.leftovers, "trash": &s.emptied, "cleaned": &s.cleaned,
	} {
		reg.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "nglive_sweep_repairs_total", Help: "What the sweep mended since the start.", ConstLabels: prometheus.Labels{"kind": kind},
		}, func() float64 { return float64(n.Load()) }))
	}
	reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "nglive_sweep_requeued", Help: "Lost tasks the sweep put back since the start.",
	}, func() float64 { return float64(s.requeued.Load()) }))
}
