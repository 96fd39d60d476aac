package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"volcard/internal/config"
	"volcard/internal/notify"
	"volcard/internal/store"
	"volcard/internal/store/batchstore"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/codestore"
	"volcard/internal/store/formstore"
	"volcard/internal/store/keystore"
	"volcard/internal/store/messagestore"
	"volcard/internal/store/photostore"
	"volcard/internal/store/sessionstore"
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
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	p, err := openParts(ctx, log, cfg.Database, cfg.Temporal, cfg.Vault, cfg.Cards, patient)
	if err != nil {
		return err
	}
	defer p.close()
	p.auditURL, p.baseURL, p.demo = cfg.Reader.URL.Reveal(), cfg.Public.URL(), cfg.Demo.On
	health := telemetry.NewHealth(log, p.checks(false)...)
	ops, err := telemetry.ServeOps(ctx, cfg.Metrics.Addr, telemetry.Ops(p.metrics, health), log)
	if err != nil {
		return err
	}

	if cfg.Demo.On {
		if err := p.demonstrate(ctx); err != nil {
			return err
		}
	} else if err := refuseSeeded(ctx, ctx, p, stop); err != nil {
		return err
	}
	// Every deed of a case needs a key to sign with; the first of an installation is made here.
	keys := keystore.Store{DB: p.db, Vault: p.vault, Clock: p.clock}
	p.insist(ctx, "signing key", func(ctx context.Context) error {
		return errors.Join(keys.Ensure(ctx, store.Process("worker")), p.keys.Refresh(ctx))
	})
	p.run(ctx, func(ctx context.Context) { p.keys.Run(ctx, keyRefresh, log) })
	p.run(ctx, p.calendars.run)
	sweeper := workflows.NewSweeper(p.client, cardstore.Submissions{Store: p.cards}, p.clock, cfg.Sweep.After, cfg.Sweep.Every)
	p.run(ctx, sweeper.Run)
	dispatcher, err := p.dispatcher(cfg.SMS)
	if err != nil {
		return err
	}
	p.run(ctx, dispatcher.Run)
	p.run(ctx, p.forget)
	p.run(ctx, func(ctx context.Context) { p.forgetPhotos(ctx, cfg.Sweep.Photo) })
	p.run(ctx, func(ctx context.Context) { p.insist(ctx, "nightly check", p.client.ScheduleNightlyCheck) })
	p.run(ctx, func(ctx context.Context) {
		p.insist(ctx, "production schedule", func(ctx context.Context) error {
			return p.client.Production().Schedule(ctx, cfg.Cards.BatchHour, cfg.Cards.Workday)
		})
	})
	p.runWorker(ctx, func() {
		log.InfoContext(ctx, "worker is ready", "metrics", ops.Addr)
		up(ops.Addr)
	})
	health.Drain()
	return errors.Join(refusal(ctx), ops.Shutdown(context.WithoutCancel(ctx)))
}

// dispatcher sends the messages that the transactions have queued.
func (p *parts) dispatcher(c config.SMS) (*notify.Dispatcher, error) {
	messages := messagestore.Store{DB: p.db, Vault: p.vault, Clock: p.clock}
	gateway, err := notify.New(notify.Config{
		Gateway: c.Gateway, KeyID: c.KeyID, KeySecret: c.KeySecret.Reveal(), SignName: c.SignName, Templates: c.Templates,
		TencentAppID: c.TencentAppID, Region: c.Region, Endpoint: c.Endpoint, Timeout: c.Timeout,
	}, messagestore.Outbox{Store: messages}, p.clock)
	if err != nil {
		return nil, err
	}
	metrics, err := notify.NewMetrics(p.metrics.Registry)
	if err != nil {
		return nil, err
	}
	return &notify.Dispatcher{
		Messages: messages, Gateway: gateway, Clock: p.clock, Log: p.log, Metrics: metrics, Timeout: c.Timeout,
		Quiet: c.Gateway != "outbox", // the demonstration's phone rings nobody out of bed
	}, nil
}

const (
	// forgetEvery is how often what has served its time is deleted, forgetMost rows at once.
	forgetEvery = time.Minute
	forgetMost  = 5000
	// forgetPhotosEvery keeps a photo an hour too long at the most.
	forgetPhotosEvery = time.Hour
)

// forget deletes codes, counted attempts, sessions and the demonstration's messages that have
// served their time: no data is kept longer than its purpose (PIPL 19).
func (p *parts) forget(ctx context.Context) {
	sweeps := map[string]func(context.Context, int) (int64, error){
		"codes":    codestore.Codes{DB: p.db, Vault: p.vault, Clock: p.clock}.Sweep,
		"attempts": codestore.Limiter{DB: p.db, Vault: p.vault, Clock: p.clock}.Sweep,
		"sessions": func(ctx context.Context, _ int) (int64, error) { return sessionstore.New(p.db, p.clock).Sweep(ctx) },
		"forms":    formstore.New(p.db, p.clock).Sweep,
		"files":    batchstore.Batches{Store: batchstore.Store{DB: p.db, Vault: p.vault, Clock: p.clock}}.Sweep,
		"outbox":   messagestore.Outbox{Store: messagestore.Store{DB: p.db, Vault: p.vault, Clock: p.clock}}.Sweep,
	}
	p.sweep(ctx, forgetEvery, sweeps)
}

// forgetPhotos looks through all photos that are old enough, so it does so less often.
func (p *parts) forgetPhotos(ctx context.Context, keep time.Duration) {
	photos := photostore.Photos{DB: p.db, Vault: p.vault, Clock: p.clock}
	p.sweep(ctx, forgetPhotosEvery, map[string]func(context.Context, int) (int64, error){
		"photos": func(ctx context.Context, most int) (int64, error) { return photos.Sweep(ctx, keep, most) },
	})
}

func (p *parts) sweep(ctx context.Context, every time.Duration, sweeps map[string]func(context.Context, int) (int64, error)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		for name, sweep := range sweeps {
			if _, err := sweep(ctx, forgetMost); err != nil && ctx.Err() == nil {
				p.log.WarnContext(ctx, "old rows not deleted", "what", name, "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
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
