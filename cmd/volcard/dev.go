package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sync/errgroup"

	"volcard/internal/config"
	"volcard/internal/devstack"
	"volcard/internal/store"
	"volcard/internal/telemetry"
)

type devCommand struct{}

// Run starts everything, and stops it in the opposite order when it is told to.
func (devCommand) Run(ctx context.Context) error {
	cfg, err := config.Load[config.Dev](os.Environ())
	if err != nil {
		return err
	}
	if cfg.Data, err = filepath.Abs(cfg.Data); err != nil {
		return fmt.Errorf("VOLCARD_DATA: %w", err)
	}
	lock, err := devstack.AcquireLock(cfg.Data)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Release() }()
	if err := portIsFree(ctx, cfg.Port); err != nil {
		return err
	}
	d := &dev{cfg: cfg, lock: lock, say: newProgress(os.Stdout)}
	return d.run(ctx)
}

// portIsFree tells early and in one sentence what would otherwise fail late.
func portIsFree(ctx context.Context, port int) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("port %d is taken by another program: choose another, as in PORT=%d make run", port, port+1)
	}
	if err != nil {
		return fmt.Errorf("port %d cannot be used: %w", port, err)
	}
	return l.Close()
}

// dev is a running `volcard dev`.
type dev struct {
	cfg      config.Dev
	lock     *devstack.Lock
	say      *progress
	log      *slog.Logger
	postgres *devstack.Postgres
	temporal *devstack.Temporal
}

func (d *dev) run(ctx context.Context) (err error) {
	logs := filepath.Join(d.cfg.Data, "log")
	if err := os.MkdirAll(logs, 0o700); err != nil {
		return fmt.Errorf("log folder: %w", err)
	}
	file, err := devstack.OpenLog(filepath.Join(logs, "volcard.log"))
	if err != nil {
		return err
	}
	defer file.Close()
	d.log = telemetry.NewLogger(file, telemetry.LogOptions{Level: d.cfg.Log.Level, Format: d.cfg.Log.Format})
	slog.SetDefault(d.log)

	// Everything that was started is stopped, also when the start fails half-way.
	defer func() { err = errors.Join(err, d.stopServers()) }()
	if err := d.startServers(ctx, logs); err != nil {
		return stopped(ctx, err)
	}
	secrets, err := openSecrets(filepath.Join(d.cfg.Data, "secrets"))
	if err != nil {
		return err
	}
	env := d.environment(os.Environ(), secrets)
	if err := env.write(filepath.Join(d.cfg.Data, "env")); err != nil {
		return err
	}
	apiConfig, apiErr := config.Load[config.API](env.list())
	workerConfig, workerErr := config.Load[config.Worker](env.list())
	if err := errors.Join(apiErr, workerErr); err != nil {
		return err
	}
	logins, err := d.seed(ctx, workerConfig)
	if err != nil {
		return stopped(ctx, err)
	}
	d.say.done("seed")
	return stopped(ctx, d.serve(ctx, apiConfig, workerConfig, logins))
}

// stopped is the error of a step, or nil where Ctrl-C ended it.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return nil
}

// startServers starts PostgreSQL, then Temporal and the migrations side by side on it.
func (d *dev) startServers(ctx context.Context, logs string) error {
	binary, err := devstack.FindTemporal(ctx, os.Stdout)
	if err != nil {
		return err
	}
	d.postgres, err = devstack.StartPostgres(ctx, devstack.PostgresOptions{
		Dir: filepath.Join(d.cfg.Data, "postgres"), Log: filepath.Join(logs, "postgres.log"), Durable: true,
	})
	if err != nil {
		return err
	}
	d.say.done("PostgreSQL")
	g, both := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer d.say.done("schema")
		return store.Migrate(both, d.postgres.OwnerURL())
	})
	g.Go(func() (err error) {
		remembered := filepath.Join(d.cfg.Data, "ports.json")
		o := devstack.TemporalOptions{Postgres: d.postgres, Binary: binary, Log: filepath.Join(logs, "temporal.log"), UI: true}
		o.Port, o.UIPort = devstack.RememberedPorts(both, remembered)
		if d.temporal, err = devstack.StartTemporal(both, o); err != nil {
			return err
		}
		d.say.done("Temporal")
		return d.temporal.RememberPorts(remembered)
	})
	return g.Wait()
}

func (d *dev) stopServers() error {
	var err error
	if d.temporal != nil {
		err = d.temporal.Stop()
	}
	if d.postgres != nil {
		err = errors.Join(err, d.postgres.Stop())
	}
	d.say.line("stopped; everything is kept in " + relative(d.cfg.Data))
	return err
}

// serve runs worker and api in this process until ctx ends or one of them, or a server, fails.
func (d *dev) serve(ctx context.Context, api config.API, worker config.Worker, logins []login) error {
	g, all := errgroup.WithContext(ctx)
	// The pages end before the worker, the worker before the servers.
	workerCtx, stopWorker := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWorker()
	workerUp, apiUp := make(chan string, 1), make(chan string, 1)
	g.Go(func() error {
		log := d.log.With("process", "worker")
		err := serveWorker(workerCtx, worker, log, func(ops string) { offer(workerUp, ops) })
		if err == nil && all.Err() == nil {
			err = errors.New("the worker ended")
		}
		return err
	})
	g.Go(func() error {
		defer stopWorker()
		return serveAPI(all, api, d.log.With("process", "api"), func(ops string) { offer(apiUp, ops) })
	})
	g.Go(func() error {
		select {
		case <-all.Done():
			return nil
		case <-d.postgres.Done():
			return errors.New("the PostgreSQL server ended by itself; its log tells why")
		case <-d.temporal.Done():
			return errors.New("the Temporal server ended by itself; its log tells why")
		}
	})
	g.Go(func() error {
		t := table{base: api.HTTP.Public.BaseURL, data: relative(d.cfg.Data), ui: d.temporal.UI(), logins: logins}
		for range 2 {
			select {
			case <-all.Done():
				return nil
			case t.workerOps = <-workerUp:
			case t.apiOps = <-apiUp:
			}
		}
		d.say.done("api and worker")
		if err := d.lock.Say(t.base); err != nil {
			return err
		}
		return t.print(os.Stdout)
	})
	<-all.Done()
	d.say.line("stopping …")
	return g.Wait()
}

// offer sends without waiting: a worker that is made anew says again that it is up.
func offer(c chan<- string, s string) {
	select {
	case c <- s:
	default:
	}
}

// relative shortens a path for people.
func relative(path string) string {
	wd, err := os.Getwd()
	if err != nil {
		return path
	}
	rel, err := filepath.Rel(wd, path)
	if err != nil || len(rel) > len(path) {
		return path
	}
	return rel
}
