package telemetry_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"volcard/internal/telemetry"
)

// Profiles show what is in memory: only this machine itself gets them, while metrics and health answer everybody.
func TestProfilesAnswerOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	handler := telemetry.Ops(telemetry.NewMetrics(), telemetry.NewHealth(slog.New(slog.DiscardHandler)))
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/cmdline", "/debug/pprof/heap", "/debug/pprof/symbol"} {
		for address, want := range map[string]int{"127.0.0.1": 200, "::1": 200, "10.0.0.7": 404, "172.30.42.5": 404, "": 404} {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			if address != "" {
				r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.ParseIP(address), Port: 9090}))
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			require.Equal(t, want, w.Code, path+" at "+address)
		}
	}
	// A port that listens everywhere, asked by this machine.
	ops, err := telemetry.ServeOps(t.Context(), "0.0.0.0:0", handler, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(ops.Addr)
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:"+port+"/debug/pprof/cmdline", nil)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	_, _ = io.Copy(io.Discard, res.Body)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.NoError(t, ops.Shutdown(context.Background()))
}
