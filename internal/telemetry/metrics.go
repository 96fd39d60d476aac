package telemetry

import (
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Metrics holds the registry of one process. Areas register their own metrics in Registry.
type Metrics struct {
	Registry *prometheus.Registry

	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge
}

// buckets reach from a cached page to the write timeout.
var buckets = []float64{.002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 30}

// NewMetrics returns a registry with the metrics of the Go runtime, the process and HTTP.
func NewMetrics() *Metrics {
	m := &Metrics{
		Registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "volcard_http_requests_total", Help: "Requests answered, by route pattern and status.",
		}, []string{"method", "route", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "volcard_http_request_duration_seconds", Help: "Time until the answer was written, by route pattern.",
			Buckets: buckets,
		}, []string{"method", "route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "volcard_http_requests_in_flight", Help: "Requests being answered now.",
		}),
	}
	m.Registry.MustRegister(m.requests, m.duration, m.inFlight, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewBuildInfoCollector())
	return m
}

// HTTP counts and times every request by its route pattern, never by its path: paths hold ids
// and tokens. It belongs outside of everything that may answer, so that refusals count too.
func (m *Metrics) HTTP(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.inFlight.Inc()
		defer m.inFlight.Dec()
		// chi fills the context while it routes; make it here, so that it can be read afterwards.
		route := chi.RouteContext(r.Context())
		if route == nil {
			route = chi.NewRouteContext()
			route.Routes, _ = next.(chi.Routes)
			r = r.WithContext(contextWithRoute(r.Context(), route))
		}
		ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		var seconds float64
		timer := prometheus.NewTimer(prometheus.ObserverFunc(func(s float64) { seconds = s }))
		finished := false
		defer func() {
			timer.ObserveDuration()
			status := ww.Status()
			switch {
			case !finished:
				status = http.StatusInternalServerError // it panicked; whoever recovers answers
			case status == 0:
				status = http.StatusOK
			}
			method, pattern := methodLabel(r.Method), routeLabel(route)
			m.requests.WithLabelValues(method, pattern, strconv.Itoa(status)).Inc()
			m.duration.WithLabelValues(method, pattern).Observe(seconds)
		}()
		next.ServeHTTP(ww, r)
		finished = true
	})
}

// methodLabel keeps a stranger from making a series for every word that fits into a request line.
func methodLabel(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

func routeLabel(route *chi.Context) string {
	if pattern := route.RoutePattern(); pattern != "" && pattern != "/*" {
		return pattern
	}
	return "unmatched"
}
