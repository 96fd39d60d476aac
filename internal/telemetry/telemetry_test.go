package telemetry_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"volcard/internal/telemetry"
)

func get(h http.Handler, method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

func TestHTTPMetrics(t *testing.T) {
	t.Parallel()
	routes := func(r chi.Router) {
		r.Get("/cards/{id}", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "a card") })
		r.Get("/gone", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) })
		r.Get("/panics", func(http.ResponseWriter, *http.Request) { panic("on purpose") })
		r.Route("/admin", func(r chi.Router) {
			r.Post("/list/{n}", func(http.ResponseWriter, *http.Request) {})
		})
	}
	for name, build := range map[string]func(*telemetry.Metrics) http.Handler{
		"inside of the router": func(m *telemetry.Metrics) http.Handler {
			r := chi.NewRouter()
			r.Use(m.HTTP)
			routes(r)
			return r
		},
		"around the router": func(m *telemetry.Metrics) http.Handler {
			r := chi.NewRouter()
			routes(r)
			return m.HTTP(r)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := telemetry.NewMetrics()
			h := build(m)
			get(h, "GET", "/cards/1")
			get(h, "GET", "/cards/2")
			get(h, "GET", "/gone")
			get(h, "POST", "/admin/list/7")
			get(h, "GET", "/nowhere/42010620040229002X")
			get(h, "BREW", "/cards/1")
			assert.Panics(t, func() { get(h, "GET", "/panics") })
			require.NoError(t, testutil.GatherAndCompare(m.Registry, strings.NewReader(`
# HELP volcard_http_requests_total Requests answered, by route pattern and status.
# TYPE volcard_http_requests_total counter
volcard_http_requests_total{method="GET",route="/cards/{id}",status="200"} 2
volcard_http_requests_total{method="GET",route="/gone",status="410"} 1
volcard_http_requests_total{method="GET",route="/panics",status="500"} 1
volcard_http_requests_total{method="GET",route="unmatched",status="404"} 1
volcard_http_requests_total{method="POST",route="/admin/list/{n}",status="200"} 1
volcard_http_requests_total{method="other",route="unmatched",status="405"} 1
# HELP volcard_http_requests_in_flight Requests being answered now.
# TYPE volcard_http_requests_in_flight gauge
volcard_http_requests_in_flight 0
`), "volcard_http_requests_total", "volcard_http_requests_in_flight"))
			n, err := testutil.GatherAndCount(m.Registry, "volcard_http_request_duration_seconds")
			require.NoError(t, err)
			assert.Equal(t, 6, n)
		})
	}
}

// The SDK uses one name with different tags; Prometheus wants one set of labels for a name.
func TestTemporalMetrics(t *testing.T) {
	t.Parallel()
	m := telemetry.NewMetrics()
	h := m.Temporal()
	h.Counter("temporal_request").Inc(2)
	h.WithTags(map[string]string{"operation": "StartWorkflowExecution", "namespace": "volcard"}).Counter("temporal_request").Inc(1)
	h.WithTags(map[string]string{"operation": "a"}).WithTags(map[string]string{"operation": "b", "activity_type": "none"}).
		Counter("temporal_request").Inc(1)
	h.WithTags(map[string]string{"task_queue": "volcard"}).Gauge("temporal_worker_task_slots_used").Update(4)
	h.Timer("temporal_request_latency").Record(30 * time.Millisecond)
	// One name in two kinds cannot be shown; it must not stop the worker.
	h.Gauge("temporal_request_total").Update(1)
	h.Timer("temporal_worker_task_slots_used").Record(time.Second)
	require.NoError(t, testutil.GatherAndCompare(m.Registry, strings.NewReader(`
# HELP temporal_request_total Counter of the Temporal SDK.
# TYPE temporal_request_total counter
temporal_request_total{activity_type="",failure_reason="",operation="",poller_type="",status_code="",task_queue="",update_name="",worker_type="",workflow_type=""} 2
temporal_request_total{activity_type="",failure_reason="",operation="StartWorkflowExecution",poller_type="",status_code="",task_queue="",update_name="",worker_type="",workflow_type=""} 1
temporal_request_total{activity_type="",failure_reason="",operation="b",poller_type="",status_code="",task_queue="",update_name="",worker_type="",workflow_type=""} 1
# HELP temporal_worker_task_slots_used Gauge of the Temporal SDK.
# TYPE temporal_worker_task_slots_used gauge
temporal_worker_task_slots_used{activity_type="",failure_reason="",operation="",poller_type="",status_code="",task_queue="volcard",update_name="",worker_type="",workflow_type=""} 4
`), "temporal_request_total", "temporal_worker_task_slots_used"))
	n, err := testutil.GatherAndCount(m.Registry, "temporal_request_latency_seconds")
	require.NoError(t, err)
	assert.Equal(t, 1, n)
}

func TestHealth(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	var database error
	h := telemetry.NewHealth(telemetry.NewLogger(&log, telemetry.LogOptions{}),
		telemetry.Check{Name: "database", Run: func(context.Context) error { return database }},
		telemetry.Check{Name: "temporal", Run: func(context.Context) error { return nil }})
	ops := telemetry.Ops(telemetry.NewMetrics(), h)

	w := get(ops, "GET", "/readyz")
	assert.Equal(t, http.StatusOK, w.Code)
	assert.JSONEq(t, `{"status":"ok","checks":{"database":"ok","temporal":"ok"}}`, w.Body.String())
	assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))

	database = errors.New("connect to 10.1.2.3: refused")
	w = get(ops, "GET", "/readyz")
	assert.Equal(t, http.StatusServiceUnavailable, w.Code)
	assert.JSONEq(t, `{"status":"unavailable","checks":{"database":"failed","temporal":"ok"}}`, w.Body.String())
	assert.Contains(t, log.String(), "connect to 10.1.2.3: refused")

	// Alive, though not ready: a restart would not bring the database back.
	w = get(ops, "GET", "/livez")
	assert.Equal(t, http.StatusOK, w.Code)
	assert.JSONEq(t, `{"status":"ok"}`, w.Body.String())

	database = nil
	h.Drain()
	w = get(ops, "GET", "/readyz")
	assert.Equal(t, http.StatusServiceUnavailable, w.Code)
	assert.Contains(t, w.Body.String(), "draining")
}

func TestHealthWithoutAnOptionalThing(t *testing.T) {
	t.Parallel()
	away := func(context.Context) error { return errors.New("away") }
	works := func(context.Context) error { return nil }
	log := slog.New(slog.DiscardHandler)
	h := telemetry.NewHealth(log, telemetry.Check{Name: "database", Run: works}, telemetry.Check{Name: "temporal", Run: away, Optional: true})
	w := get(http.HandlerFunc(h.Ready), "GET", "/readyz")
	assert.Equal(t, http.StatusOK, w.Code)
	assert.JSONEq(t, `{"status":"degraded","checks":{"database":"ok","temporal":"failed"}}`, w.Body.String())

	h = telemetry.NewHealth(log, telemetry.Check{Name: "database", Run: away}, telemetry.Check{Name: "temporal", Run: away, Optional: true})
	w = get(http.HandlerFunc(h.Ready), "GET", "/readyz")
	assert.Equal(t, http.StatusServiceUnavailable, w.Code)
	assert.Contains(t, w.Body.String(), "unavailable")
}

// A check that hangs or panics fails; it does not take the others or the process with it.
func TestHealthOfBadChecks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := telemetry.NewHealth(slog.New(slog.DiscardHandler),
			telemetry.Check{Name: "hangs", Run: func(ctx context.Context) error { <-t.Context().Done(); return nil }},
			telemetry.Check{Name: "panics", Run: func(context.Context) error { panic("on purpose") }},
			telemetry.Check{Name: "works", Run: func(context.Context) error { return nil }})
		w := get(http.HandlerFunc(h.Ready), "GET", "/readyz")
		assert.Equal(t, http.StatusServiceUnavailable, w.Code)
		assert.JSONEq(t, `{"status":"unavailable","checks":{"hangs":"failed","panics":"failed","works":"ok"}}`, w.Body.String())
	})
}

func TestOpsServerAndProbe(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.DiscardHandler)
	var down error
	h := telemetry.NewHealth(log, telemetry.Check{Name: "database", Run: func(context.Context) error { return down }})
	s, err := telemetry.ServeOps(t.Context(), "127.0.0.1:0", telemetry.Ops(telemetry.NewMetrics(), h), log)
	require.NoError(t, err)
	_, port, _ := strings.Cut(s.Addr, ":")
	require.NoError(t, telemetry.Probe(t.Context(), "0.0.0.0:"+port))
	require.NoError(t, telemetry.Probe(t.Context(), ":"+port))

	for _, path := range []string{"/metrics", "/debug/pprof/"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Addr+path, nil)
		require.NoError(t, err)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		assert.Equal(t, http.StatusOK, res.StatusCode, path)
	}

	down = errors.New("away")
	require.ErrorContains(t, telemetry.Probe(t.Context(), s.Addr), `"database":"failed"`)
	require.NoError(t, s.Shutdown(t.Context()))
	require.Error(t, telemetry.Probe(t.Context(), s.Addr))
	require.Error(t, telemetry.Probe(t.Context(), "no address"))

	none, err := telemetry.ServeOps(t.Context(), "", nil, log)
	require.NoError(t, err)
	require.NoError(t, none.Shutdown(t.Context()))
	_, err = telemetry.ServeOps(t.Context(), "256.0.0.1:1", nil, log)
	require.Error(t, err)
}
