package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Ops returns the handler of the operators' port: metrics, health, profiles. None of it is for
// the public, so it never stands on the port of the pages. Profiles show what is in memory, names and
// numbers too: they answer on loopback only, whatever the port listens on.
func Ops(m *Metrics, h *Health) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.Registry, promhttp.HandlerOpts{Registry: m.Registry}))
	mux.HandleFunc("GET /livez", h.Live)
	mux.HandleFunc("GET /readyz", h.Ready)
	for path, handler := range map[string]http.HandlerFunc{
		"": pprof.Index, "cmdline": pprof.Cmdline, "profile": pprof.Profile, "symbol": pprof.Symbol, "trace": pprof.Trace,
	} {
		mux.HandleFunc("GET /debug/pprof/"+path, onLoopback(handler))
	}
	return mux
}

// onLoopback answers connections to a loopback address of this machine; for others there is no such page.
func onLoopback(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
		if !ok || !local.IP.IsLoopback() {
			http.NotFound(w, r)
			return
		}
		next(w, r)
	}
}

// OpsServer is the operators' port while it is open.
type OpsServer struct {
	Addr   string // where it listens; the port is the real one if 0 was asked for
	server *http.Server
}

// ServeOps opens the operators' port. An empty addr opens none and is no error.
func ServeOps(ctx context.Context, addr string, handler http.Handler, log *slog.Logger) (*OpsServer, error) {
	if addr == "" {
		return &OpsServer{}, nil
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	s := &OpsServer{Addr: l.Addr().String(), server: &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      2 * time.Minute, // a profile runs for 30 seconds before it answers
		IdleTimeout:       time.Minute,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}}
	go func() {
		if err := s.server.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			log.Error("the metrics port failed", "error", err)
		}
	}()
	return s, nil
}

// Shutdown closes the port. It comes last, so that the end of a process can still be watched.
func (s *OpsServer) Shutdown(ctx context.Context) error {
	if s.server == nil {
		return nil
	}
	return s.server.Shutdown(ctx)
}

func contextWithRoute(ctx context.Context, route *chi.Context) context.Context {
	return context.WithValue(ctx, chi.RouteCtxKey, route)
}
