package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"

	"github.com/gofrs/uuid/v5"

	"volcard/internal/card"
	"volcard/internal/config"
	"volcard/internal/credential"
	"volcard/internal/store"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/casewatch"
	"volcard/internal/store/staffstore"
	"volcard/internal/telemetry"
	"volcard/workflows"
)

type apiCommand struct{}

// Run serves until it is told to stop.
func (apiCommand) Run(ctx context.Context) error {
	cfg, err := config.Load[config.API](os.Environ())
	if err != nil {
		return err
	}
	log := telemetry.NewLogger(os.Stderr, telemetry.LogOptions{Process: "api", Level: cfg.Log.Level, Format: cfg.Log.Format})
	slog.SetDefault(log)
	return serveAPI(ctx, cfg, log, func(string) {})
}

// startsAtOnce bounds the processes that one api starts at the same time; a rush waits in memory.
const startsAtOnce = 16

// serveAPI serves the pages until ctx ends, then lets running requests finish. up is called with
// the address of the operators' port when the pages' port is open.
func serveAPI(ctx context.Context, cfg config.API, log *slog.Logger, up func(ops string)) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	p, err := openParts(ctx, log, cfg.Database, cfg.Temporal, cfg.Vault, cfg.Cards, store.Deadlines{Connection: cfg.Load.Connection, Statement: cfg.Load.Statement})
	if err != nil {
		return err
	}
	defer p.close()
	p.eager = true
	var listening atomic.Bool
	health := telemetry.NewHealth(log, append(p.checks(true), telemetry.Check{
		Name: "pages", Run: func(context.Context) error {
			if !listening.Load() {
				return errors.New("the pages' port is not open yet")
			}
			return nil
		},
	})...)
	ops, err := telemetry.ServeOps(ctx, cfg.Metrics.Addr, telemetry.Ops(p.metrics, health), log)
	if err != nil {
		return err
	}

	// What serves the requests ends after the last of them, not with ctx.
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	starter := workflows.NewStarter(background, p.client, startsAtOnce)
	watch := casewatch.New(p.db, cardstore.CaseChannel, p.moved, log)
	p.run(background, func(ctx context.Context) { p.keys.Run(ctx, keyRefresh, log) })
	p.run(background, p.calendars.run)
	p.run(background, watch.Run)
	// A worker behind the client that starts a process takes its first task without a round trip.
	p.run(background, func(ctx context.Context) {
		p.insist(ctx, "signing key", p.haveKey)
		p.runWorker(ctx, func() { log.InfoContext(ctx, "eager worker is ready") })
	})
	p.run(background, func(context.Context) { starter.Wait() })

	if cfg.Demo.On {
		if err := p.demonstrate(ctx); err != nil {
			return err
		}
	} else if err := refuseSeeded(ctx, background, p, end); err != nil {
		return err
	}
	handler, err := pages(p, cfg, starter, watch)
	if err != nil {
		return err
	}
	open := func() {
		listening.Store(true)
		up(ops.Addr)
	}
	if err := serveHTTP(ctx, cfg.HTTP, handler, log, open, health.Drain); err != nil {
		return err
	}
	return errors.Join(refusal(ctx), ops.Shutdown(context.WithoutCancel(ctx)))
}

// refusal is why a process ended itself; nil where it was told to.
func refusal(ctx context.Context) error {
	if cause := context.Cause(ctx); errors.Is(cause, staffstore.ErrSeeded) {
		return cause
	}
	return nil
}

// haveKey tells whether there is a key to sign with; the worker makes the first one.
func (p *parts) haveKey(ctx context.Context) error {
	if err := p.keys.Refresh(ctx); err != nil {
		return err
	}
	if !p.keys.Ready() {
		return credential.ErrNoKey
	}
	return nil
}

// moved tells whether a submitted case is past acceptance, which is what its page waits for.
func (p *parts) moved(ctx context.Context, id uuid.UUID) (bool, error) {
	state, err := cardstore.Cases{Store: p.cards}.State(ctx, id)
	return state != card.Accepted, err
}

// serveHTTP serves until ctx ends; then it drains, and gives running requests their grace.
func serveHTTP(ctx context.Context, c config.HTTP, handler http.Handler, log *slog.Logger, up, drain func()) error {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", net.JoinHostPort(c.Host, strconv.Itoa(c.Port)))
	if err != nil {
		return fmt.Errorf("the pages' port: %w", err)
	}
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: c.ReadHeaderTimeout,
		ReadTimeout:       c.ReadTimeout,
		WriteTimeout:      c.WriteTimeout,
		IdleTimeout:       c.IdleTimeout,
		MaxHeaderBytes:    c.MaxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	log.InfoContext(ctx, "api is ready", "address", listener.Addr().String())
	up()
	select {
	case err := <-ended:
		return fmt.Errorf("the pages' port: %w", err)
	case <-ctx.Done():
	}
	drain()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.ShutdownGrace)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		return fmt.Errorf("requests were cut off: %w", err)
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
