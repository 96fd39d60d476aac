package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	tlog "go.temporal.io/sdk/log"

	"volcard/activities"
	"volcard/internal/audit"
	"volcard/internal/calendar"
	"volcard/internal/card"
	"volcard/internal/clock"
	"volcard/internal/config"
	"volcard/internal/credential"
	"volcard/internal/killpoint"
	"volcard/internal/person"
	"volcard/internal/render"
	"volcard/internal/store"
	"volcard/internal/store/batchstore"
	"volcard/internal/store/calendarstore"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/checkstore"
	"volcard/internal/store/keystore"
	"volcard/internal/store/messagestore"
	"volcard/internal/store/staffstore"
	"volcard/internal/telemetry"
	"volcard/internal/vault"
	"volcard/templates/faces"
	"volcard/workflows"
)

// parts is what the api and the worker both stand on.
type parts struct {
	log       *slog.Logger
	clock     clock.Clock
	metrics   *telemetry.Metrics
	vault     *vault.Vault
	db        *store.DB
	keys      *credential.Keyring
	temporal  client.Client
	client    *workflows.Client
	queue     string
	cards     cardstore.Store
	terms     card.Terms
	years     calendarstore.Years
	designs   designs
	regular   cardstore.Regular
	calendars *calendars
	baseURL   *url.URL // that the QR codes of printed cards hold; nil in a process that prints none
	auditURL  string   // empty in a process that does not audit
	demo      bool     // of a process that audits
	eager     bool     // this process only runs what it starts itself: the api

	background sync.WaitGroup
}

// patient are the deadlines of a process in which no person waits: its statements move whole batches.
var patient = store.Deadlines{Connection: 10 * time.Second, Statement: time.Minute}

// openParts opens them. Nothing waits for PostgreSQL or Temporal here: a process starts while they
// are away, says in /readyz what it lacks, and works as soon as they are back.
func openParts(ctx context.Context, log *slog.Logger, d config.Database, t config.Temporal, v config.Vault, c config.Cards, deadlines store.Deadlines) (*parts, error) {
	p := &parts{log: log, clock: clock.System{}, metrics: telemetry.NewMetrics(), queue: t.TaskQueue, terms: termsOf(c)}
	var err error
	if p.vault, err = vault.New(v.Keys()); err != nil {
		return nil, err
	}
	if p.db, err = store.OpenWithin(ctx, d.URL.Reveal(), d.MaxConns, deadlines); err != nil {
		return nil, err
	}
	options := t.ClientOptions()
	options.Logger, options.MetricsHandler = tlog.NewStructuredLogger(log), p.metrics.Temporal()
	options.DataConverter = workflows.DataConverter(p.vault)
	options.FailureConverter = workflows.FailureConverter(p.vault)
	options.ConnectionOptions.DialOptions = killpoint.DialOptions()
	p.temporal, err = client.NewLazyClient(options)
	if err != nil {
		p.db.Close()
		return nil, fmt.Errorf("temporal client: %w", err)
	}
	p.client = workflows.NewClient(p.temporal, t.TaskQueue)
	p.cards = cardstore.Store{DB: p.db, Vault: p.vault, Clock: p.clock}
	p.years = calendarstore.Years{DB: p.db, Clock: p.clock}
	p.calendars = &calendars{years: p.years}
	if p.designs.faces, err = render.LoadFaces(faces.FS); err != nil {
		return nil, err
	}
	p.regular = cardstore.Regular{Designs: p.designs, Calendar: p.calendars.get, Terms: regularTermsOf(c)}
	p.keys = credential.NewKeyring(keystore.Store{DB: p.db, Vault: p.vault, Clock: p.clock})
	return p, nil
}

// close ends the connections, after everything that uses them has ended.
func (p *parts) close() {
	p.background.Wait()
	p.temporal.Close()
	p.db.Close()
}

// keyRefresh is how soon a rotated key is known everywhere.
const keyRefresh = 10 * time.Second

// run runs fn until ctx ends; close waits for it.
func (p *parts) run(ctx context.Context, fn func(context.Context)) {
	p.background.Go(func() { fn(ctx) })
}

func termsOf(c config.Cards) card.Terms {
	return card.Terms{
		Pickup: c.PickupPeriod, Reminders: c.RemindersWithin(), Lapsed: c.LapsedPeriod, Undo: c.UndoWindow, Years: c.ValidityYears,
	}
}

func regularTermsOf(c config.Cards) card.RegularTerms {
	return card.RegularTerms{
		Promise: calendar.PromiseTerms{From: c.PromiseFrom, Until: c.PromiseUntil}, MendDays: c.MendDays,
		Retract: card.RetractWindow, Pace: calendar.Pace{Workday: c.Workday},
	}
}

func (p *parts) promises() cardstore.Promises {
	return cardstore.Promises{Store: p.cards, Regular: p.calendars.newest(p.regular)}
}

func pickupsOf(p *parts) cardstore.Pickups {
	return cardstore.Pickups{Store: p.cards, Regular: p.calendars.newest(p.regular)}
}

// activities joins the deeds with what they need.
func (p *parts) activities() activities.All {
	batches := batchstore.Store{DB: p.db, Vault: p.vault, Clock: p.clock}
	return activities.All{
		Card: &activities.Card{Process: cardstore.Process{
			Store: p.cards, Terms: p.terms, Sign: p.sign, Missing: render.Missing, Regular: p.regular,
		}},
		Batch: &activities.Batch{
			Batches: batchstore.Batches{Store: batches}, Reads: batchstore.Reads{Store: batches},
			Printer:  printer{designs: p.designs, baseURL: p.baseURL, clock: p.clock},
			Calendar: p.regular.Calendar, Terms: p.regular.Terms, Pickup: p.terms, Clock: p.clock, Wake: p.client.Wake,
		},
		Dates: &activities.Dates{Promises: p.promises(), Pickups: pickupsOf(p), Wake: p.client.Wake},
		Check: &activities.Check{
			Reports: checkstore.Reports{DB: p.db}, Running: p.client.RunningCases,
			Resume: p.client.ResumeCardApplication, End: workflows.Orphans{Client: p.client}.End, Wake: p.client.Wake,
			RunningBatches: p.client.Production().Running, StartBatch: p.client.Production().Start,
			Audit: p.audit, Clock: p.clock,
		},
	}
}

// sign makes the token of a card that is about to be issued. The keyring reads every token back
// and compares it with what was meant.
func (p *parts) sign(in cardstore.Intent) (token, kid string, err error) {
	name, err := person.ParseName(in.HolderName)
	if err != nil {
		return "", "", fmt.Errorf("holder's name: %w", err)
	}
	return p.keys.Sign(credential.Claims{
		CardNumber: in.Number, Edition: string(in.Edition), MaskedName: name.Masked(),
		IssuedOn: in.IssuedAt, ExpiresOn: in.ExpiresAt,
	})
}

func (p *parts) audit(ctx context.Context) ([]string, error) {
	if p.auditURL == "" {
		return nil, errors.New("this process has no auditor's database URL")
	}
	findings, err := audit.Run(ctx, p.auditURL, auditOptions(p.clock.Now(), p.regular.Terms, p.demo))
	if err != nil {
		return nil, err
	}
	lines := make([]string, len(findings))
	for i, f := range findings {
		lines[i] = f.String()
	}
	return lines, nil
}

// workerRetry is the pause between two tries to reach Temporal.
const workerRetry = time.Second

// runWorker keeps a worker running until ctx ends. Temporal may be away at the start: a worker
// that could not start, or that a fatal error ended, is made anew. up is called each time it works.
func (p *parts) runWorker(ctx context.Context, up func()) {
	for ctx.Err() == nil {
		var extra []interceptor.WorkerInterceptor
		w, fatal := workflows.NewWorker(p.temporal, p.queue, p.activities(), p.eager, append(extra, killpoint.Interceptors()...)...)
		if err := w.Start(); err != nil {
			p.log.WarnContext(ctx, "worker not started, trying again", "error", err)
		} else {
			up()
			select {
			case <-ctx.Done():
			case err := <-fatal:
				p.log.ErrorContext(ctx, "worker ended", "error", err)
			}
			w.Stop()
		}
		select {
		case <-ctx.Done():
		case <-time.After(workerRetry):
		}
	}
}

// demonstrate waits until the database has told that it holds no real people's data, and refuses
// where it does.
func (p *parts) demonstrate(ctx context.Context) error {
	var refused error
	p.insist(ctx, "fictional data", func(ctx context.Context) error {
		err := messagestore.Outbox{Store: messagestore.Store{DB: p.db}}.Fictional(ctx)
		if errors.Is(err, messagestore.ErrReal) {
			refused, err = err, nil
		}
		return err
	})
	return refused
}

// refuseSeeded refuses a database that volcard dev has filled. Where PostgreSQL does not answer at once, it asks until it
// does, beside what the process does meanwhile, and then ends the process by stop.
func refuseSeeded(ctx, background context.Context, p *parts, stop context.CancelCauseFunc) error {
	staff := staffstore.Store{DB: p.db, Clock: p.clock}
	now, cancel := context.WithTimeout(ctx, askAtStart)
	defer cancel()
	err := staff.Seeded(now)
	if err == nil || errors.Is(err, staffstore.ErrSeeded) {
		return err
	}
	p.run(background, func(ctx context.Context) {
		p.insist(ctx, "no accounts of a demonstration", func(ctx context.Context) error {
			err := staff.Seeded(ctx)
			if errors.Is(err, staffstore.ErrSeeded) {
				stop(err)
				return nil
			}
			return err
		})
	})
	return nil
}

const (
	// askAtStart bounds a question to PostgreSQL before the pages open.
	askAtStart = 2 * time.Second
	// writeEvery is how often a disk that had room is asked again: several ask for the health every second.
	writeEvery = 10 * time.Second
)

// writable asks whether PostgreSQL can write, at most once within writeEvery while it can.
func writable(p *parts) func(context.Context) error {
	var wrote atomic.Int64 // Unix seconds
	return func(ctx context.Context) error {
		now := p.clock.Now()
		if now.Sub(time.Unix(wrote.Load(), 0)) < writeEvery {
			return nil
		}
		err := p.db.Writable(ctx)
		if err == nil {
			wrote.Store(now.Unix())
		}
		return err
	}
}

// checks are the questions of /readyz. Temporal is optional for a process that can do without.
func (p *parts) checks(temporalOptional bool) []telemetry.Check {
	return []telemetry.Check{
		{Name: "database", Run: p.db.Ping},
		{Name: "disk", Run: writable(p)},
		{Name: "migrations", Run: func(ctx context.Context) error {
			have, err := store.SchemaVersion(ctx, p.db)
			if err == nil && have < store.LatestVersion() {
				err = fmt.Errorf("schema is at %d, this program wants %d", have, store.LatestVersion())
			}
			return err
		}},
		{Name: "database confirmed", Run: func(ctx context.Context) error {
			confirmed, err := store.Confirmed(ctx, p.db)
			if err == nil && !confirmed {
				err = errors.New("restored or copied, and not confirmed: no number is issued until volcard admin restored --yes")
			}
			return err
		}},
		{Name: "signing key", Run: func(context.Context) error {
			if !p.keys.Ready() {
				return errors.New("no signing key loaded")
			}
			return nil
		}},
		{Name: "temporal", Run: p.client.Ping, Optional: temporalOptional},
	}
}
