package notify

import (
	"github.com/prometheus/client_golang/prometheus"

	"volcard/internal/store/messagestore"
)

// Metrics are the dispatcher's numbers. A nil *Metrics counts nothing.
type Metrics struct {
	handled *prometheus.CounterVec
	unsent  *prometheus.GaugeVec
	oldest  prometheus.Gauge
	failed  prometheus.Gauge
}

// NewMetrics registers the numbers. Alarms belong on volcard_messages_failed_last_day above zero
// and volcard_messages_oldest_unsent_seconds above 600.
func NewMetrics(reg prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		handled: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "volcard_messages_total", Help: "Sends by template and outcome.",
		}, []string{"template", "outcome"}),
		unsent: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "volcard_messages_unsent", Help: "Messages that are not settled, by state.",
		}, []string{"state"}),
		oldest: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "volcard_messages_oldest_unsent_seconds", Help: "Age of the oldest message that is not settled.",
		}),
		failed: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "volcard_messages_failed_last_day", Help: "Messages of the last day that were given up.",
		}),
	}
	for _, c := range []prometheus.Collector{m.handled, m.unsent, m.oldest, m.failed} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *Metrics) count(template, outcome string) {
	if m == nil {
		return
	}
	// A template that does not exist comes from a row, and must not make a new series.
	if _, ok := Lookup(template); !ok {
		template = "other"
	}
	m.handled.WithLabelValues(template, outcome).Inc()
}

func (m *Metrics) backlog(b messagestore.Backlog) {
	if m == nil {
		return
	}
	m.unsent.WithLabelValues("pending").Set(float64(b.Pending))
	m.unsent.WithLabelValues("sending").Set(float64(b.Sending))
	m.unsent.WithLabelValues("unknown").Set(float64(b.Unknown))
	m.oldest.Set(b.Oldest.Seconds())
	m.failed.Set(float64(b.Failed))
}
