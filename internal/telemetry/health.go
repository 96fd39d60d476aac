package telemetry

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// checkTimeout is how long one check may take. A check that hangs is a check that fails.
const checkTimeout = 2 * time.Second

// Check asks one thing that the process works with: database, temporal, migrations.
type Check struct {
	Name string
	Run  func(ctx context.Context) error
	// Optional: its failure is shown but takes nobody out of service. For the api Temporal is
	// such a thing: without it applications are still accepted, and started later.
	Optional bool
}

// Health answers the questions of whoever starts, stops and balances the processes.
type Health struct {
	log      *slog.Logger
	checks   []Check
	draining atomic.Bool
}

// NewHealth returns the health of a process that needs all of these.
func NewHealth(log *slog.Logger, checks ...Check) *Health { return &Health{log: log, checks: checks} }

// Drain makes the process not ready from now on, so that it gets no new work while it stops.
func (h *Health) Drain() { h.draining.Store(true) }

type healthBody struct {
	Status string            `json:"status"`
	Checks map[string]string `json:"checks,omitempty"`
}

// Live answers /livez: the process runs. It asks nothing else, because killing a process does
// not bring back its database.
func (h *Health) Live(w http.ResponseWriter, _ *http.Request) {
	writeHealth(w, http.StatusOK, healthBody{Status: "ok"})
}

// Ready answers /readyz: 200 if every check passes, 503 with the names of those that do not;
// "degraded" and 200 if only optional ones fail.
// What was wrong goes to the log, not to the asker.
func (h *Health) Ready(w http.ResponseWriter, r *http.Request) {
	body := healthBody{Status: "ok", Checks: map[string]string{}}
	failed := h.failures(r.Context())
	for _, c := range h.checks {
		body.Checks[c.Name] = "ok"
		if err := failed[c.Name]; err != nil {
			body.Checks[c.Name] = "failed"
			if !c.Optional {
				body.Status = "unavailable"
			} else if body.Status == "ok" {
				body.Status = "degraded"
			}
			h.log.WarnContext(r.Context(), "not ready", "check", c.Name, "error", err)
		}
	}
	if h.draining.Load() {
		body.Status = "draining"
	}
	if body.Status != "ok" && body.Status != "degraded" {
		writeHealth(w, http.StatusServiceUnavailable, body)
		return
	}
	writeHealth(w, http.StatusOK, body)
}

func (h *Health) failures(ctx context.Context) map[string]error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	var (
		mu     sync.Mutex
		wg     sync.WaitGroup
		failed = map[string]error{}
	)
	for _, c := range h.checks {
		wg.Go(func() {
			if err := runCheck(ctx, c); err != nil {
				mu.Lock()
				failed[c.Name] = err
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return failed
}

// runCheck returns when the context ends, even if the check does not.
func runCheck(ctx context.Context, c Check) error {
	done := make(chan error, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				done <- fmt.Errorf("panic: %v", r)
			}
		}()
		done <- c.Run(ctx)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func writeHealth(w http.ResponseWriter, status int, body healthBody) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the asker has gone; nobody is left to tell
}

// Probe asks the /readyz of the process whose metrics listen on addr. A container's health
// check runs it, so that the image needs no curl.
func Probe(ctx context.Context, addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "127.0.0.1"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	client := &http.Client{Timeout: 2 * checkTimeout, Transport: &http.Transport{Proxy: nil}}
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 4<<10))
	if err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s", body)
	}
	return nil
}
