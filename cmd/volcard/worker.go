package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"volcard/internal/config"
	"volcard/internal/store"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/keystore"
	"volcard/internal/telemetry"
	"volcard/workflows"
)

type workerCommand struct{}

// Run serves until it is told to stop.
func (workerCommand) Run(ctx context.Context) error {
	cfg, err := config.Load[config.Worker](os.Environ())
	if err != nil {
		return err
	}
	log := telemetry.NewLogger(os.Stderr, telemetry.LogOptions{Process: "worker", Level: cfg.Log.Level, Format: cfg.Log.Format})
	slog.SetDefault(log)
	return serveWorker(ctx, cfg, log, func(string) {})
}

// serveWorker runs the processes and what looks after them until ctx ends. up is called with the
// address of the operators' port when the worker takes work.
func serveWorker(ctx context.Context, cfg config.Worker, log *slog.Logger, up func(ops string)) error {
	p, err := openParts(ctx, log, cfg.Database, cfg.Temporal, cfg.Vault, cfg.Cards)
	if err != nil {
		return err
	}
	defer p.close()
	p.auditURL = cfg.Reader.URL.Reveal()
	health := telemetry.NewHealth(log, p.checks(false)...)
	ops, err := telemetry.ServeOps(ctx, cfg.Metrics.Addr, telemetry.Ops(p.metrics, health), log)
	if err != nil {
		return err
	}

	// Every deed of a case needs a key to sign with; the first of an installation is made here.
	keys := keystore.Store{DB: p.db, Vault: p.vault, Clock: p.clock}
	p.insist(ctx, "signing key", func(ctx context.Context) error {
		return errors.Join(keys.Ensure(ctx, store.Process("worker")), p.keys.Refresh(ctx))
	})
	p.run(ctx, func(ctx context.Context) { p.keys.Run(ctx, keyRefresh, log) })
	sweeper := &workflows.Sweeper{
		Client: p.client, Backlog: cardstore.Submissions{Store: p.cards}, Clock: p.clock,
		Age: cfg.Sweep.After, Every: cfg.Sweep.Every,
	}
	p.run(ctx, sweeper.Run)
	p.run(ctx, func(ctx context.Context) { p.insist(ctx, "nightly check", p.client.ScheduleNightlyCheck) })
	p.runWorker(ctx, func() {
		log.InfoContext(ctx, "worker is ready", "metrics", ops.Addr)
		up(ops.Addr)
	})
	health.Drain()
	return ops.Shutdown(context.WithoutCancel(ctx))
}

// insist tries something that has to be done once until it is done or ctx ends.
func (p *parts) insist(ctx context.Context, what string, do func(context.Context) error) {
	for {
		err := do(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		p.log.WarnContext(ctx, "not done yet, trying again", "what", what, "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(workerRetry):
		}
	}
}
