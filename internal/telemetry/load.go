package telemetry

import "github.com/prometheus/client_golang/prometheus"

// Load is how busy one kind of request is.
type Load struct {
	Kind     string
	Places   int // requests that may be worked on at once
	InFlight int // requests that are
	Queued   int // requests that wait for a place
	Refused  uint64
}

// Loads shows what read returns whenever the metrics are asked for.
func (m *Metrics) Loads(read func() []Load) {
	m.Registry.MustRegister(loads{read: read})
}

type loads struct{ read func() []Load }

var (
	loadPlaces   = prometheus.NewDesc("volcard_load_places", "Requests of a kind that may be worked on at once.", []string{"kind"}, nil)
	loadInFlight = prometheus.NewDesc("volcard_load_in_flight", "Requests of a kind that are worked on now.", []string{"kind"}, nil)
	loadQueued   = prometheus.NewDesc("volcard_load_queued", "Requests of a kind that wait for a place.", []string{"kind"}, nil)
	loadRefused  = prometheus.NewDesc("volcard_load_refused_total", "Requests of a kind that found no place: answered with 503.", []string{"kind"}, nil)
)

// Describe names the metrics.
func (loads) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{loadPlaces, loadInFlight, loadQueued, loadRefused} {
		to <- d
	}
}

// Collect reads them.
func (l loads) Collect(to chan<- prometheus.Metric) {
	for _, x := range l.read() {
		to <- prometheus.MustNewConstMetric(loadPlaces, prometheus.GaugeValue, float64(x.Places), x.Kind)
		to <- prometheus.MustNewConstMetric(loadInFlight, prometheus.GaugeValue, float64(x.InFlight), x.Kind)
		to <- prometheus.MustNewConstMetric(loadQueued, prometheus.GaugeValue, float64(x.Queued), x.Kind)
		to <- prometheus.MustNewConstMetric(loadRefused, prometheus.CounterValue, float64(x.Refused), x.Kind)
	}
}
