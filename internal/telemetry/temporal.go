package telemetry

import (
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/client"
)

// temporalTags are the SDK's tags that become labels. All metrics of the SDK get all of them,
// empty where they do not apply: Prometheus takes an empty label for none, and wants one set
// of labels for one name, where the SDK varies them.
var temporalTags = []string{
	"task_queue", "workflow_type", "activity_type", "operation", "worker_type", "poller_type",
	"failure_reason", "status_code", "update_name",
}

// Temporal returns the metrics handler for a Temporal client or worker. It is an adapter of our
// own because contrib/opentelemetry would bring the whole of OpenTelemetry's metrics for it.
func (m *Metrics) Temporal() client.MetricsHandler {
	return temporalHandler{&temporalMetrics{registry: m.Registry, byName: map[string]prometheus.Collector{}}, nil}
}

type temporalMetrics struct {
	registry *prometheus.Registry
	mu       sync.Mutex
	byName   map[string]prometheus.Collector
}

type temporalHandler struct {
	metrics *temporalMetrics
	tags    map[string]string
}

// WithTags implements client.MetricsHandler.
func (h temporalHandler) WithTags(tags map[string]string) client.MetricsHandler {
	merged := make(map[string]string, len(h.tags)+len(tags))
	for k, v := range h.tags {
		merged[k] = v
	}
	for k, v := range tags {
		merged[k] = v
	}
	return temporalHandler{h.metrics, merged}
}

// Counter implements client.MetricsHandler.
func (h temporalHandler) Counter(name string) client.MetricsCounter {
	name = suffixed(name, "_total")
	vec, ok := h.metrics.collector(name, func() prometheus.Collector {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: "Counter of the Temporal SDK."}, temporalTags)
	}).(*prometheus.CounterVec)
	if !ok {
		return client.MetricsNopHandler.Counter(name)
	}
	return temporalCounter{vec.WithLabelValues(h.labels()...)}
}

// Gauge implements client.MetricsHandler.
func (h temporalHandler) Gauge(name string) client.MetricsGauge {
	vec, ok := h.metrics.collector(name, func() prometheus.Collector {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: "Gauge of the Temporal SDK."}, temporalTags)
	}).(*prometheus.GaugeVec)
	if !ok {
		return client.MetricsNopHandler.Gauge(name)
	}
	return temporalGauge{vec.WithLabelValues(h.labels()...)}
}

// Timer implements client.MetricsHandler.
func (h temporalHandler) Timer(name string) client.MetricsTimer {
	name = suffixed(name, "_seconds")
	vec, ok := h.metrics.collector(name, func() prometheus.Collector {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: name, Help: "Timer of the Temporal SDK.", Buckets: buckets,
		}, temporalTags)
	}).(*prometheus.HistogramVec)
	if !ok {
		return client.MetricsNopHandler.Timer(name)
	}
	return temporalTimer{vec.WithLabelValues(h.labels()...)}
}

func (h temporalHandler) labels() []string {
	values := make([]string, len(temporalTags))
	for i, tag := range temporalTags {
		if v := h.tags[tag]; v != "none" { // the SDK's word for "does not apply"
			values[i] = v
		}
	}
	return values
}

func (t *temporalMetrics) collector(name string, make func() prometheus.Collector) prometheus.Collector {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, ok := t.byName[name]
	if !ok {
		c = make()
		t.byName[name] = c
		t.registry.MustRegister(c)
	}
	return c
}

func suffixed(name, suffix string) string {
	if strings.HasSuffix(name, suffix) {
		return name
	}
	return name + suffix
}

type (
	temporalCounter struct{ prometheus.Counter }
	temporalGauge   struct{ prometheus.Gauge }
	temporalTimer   struct{ prometheus.Observer }
)

func (c temporalCounter) Inc(n int64)          { c.Add(float64(n)) }
func (g temporalGauge) Update(v float64)       { g.Set(v) }
func (t temporalTimer) Record(d time.Duration) { t.Observe(d.Seconds()) }
