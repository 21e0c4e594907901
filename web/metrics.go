package web

import (
	"context"
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/hibiken/asynq"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/ngworks/nglive/tasks"
)

// meters count what this process does. No label ever holds a room, a file or an address.
type meters struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	events   *prometheus.CounterVec
}

func newMeters(version string, feed *feed, store *tasks.Store, inspector *asynq.Inspector) *meters {
	m := &meters{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "nglive_http_request_duration_seconds", Help: "Time to answer a request, by operation and class of status.",
			Buckets: []float64{.001, .005, .02, .1, .5, 2, 10, 30},
		}, []string{"operation", "status"}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "nglive_events_total", Help: "Events of recorders and workers since this process started; every web process counts all.",
		}, []string{"event"}),
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "nglive_build_info", Help: "Always 1."}, []string{"version", "go"})
	build.WithLabelValues(version, runtime.Version()).Set(1)
	m.registry.MustRegister(
		m.requests, m.events, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "nglive_feed_listeners", Help: "Listeners on the event feed."},
			func() float64 { return float64(feed.listeners.Load()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "nglive_feed_sent_total", Help: "Frames sent to listeners."},
			func() float64 { return float64(feed.sent.Load()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "nglive_feed_dropped_total", Help: "Listeners dropped because they did not keep up or fell silent."},
			func() float64 { return float64(feed.dropped.Load()) }),
		newStock(store, inspector),
	)
	return m
}

// request measures one answer. A feed's listener stays for hours and would only blur the picture.
func (m *meters) request(pattern string, status int, took time.Duration) {
	if pattern == "" {
		pattern = "refused"
	}
	if status == http.StatusSwitchingProtocols {
		return
	}
	m.requests.WithLabelValues(pattern, strconv.Itoa(status/100)+"xx").Observe(took.Seconds())
}

// event counts one lifecycle event.
func (m *meters) event(cmd string) { m.events.WithLabelValues(cmd).Inc() }

// handler serves /metrics.
func (m *meters) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 2, Timeout: 10 * time.Second})
}

// within bounds what a scrape may ask of Redis.
func within(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), d)
}
