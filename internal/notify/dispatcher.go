package notify

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"volcard/internal/clock"
	"volcard/internal/store/messagestore"
)

const (
	// poll is how often an idle dispatcher looks. A code is a second late at the most; the look
	// is one probe of a partial index that holds unsent messages only.
	poll = time.Second
	// batch is how many messages one look takes, and atOnce how many of them are sent side by side.
	batch  = 20
	atOnce = 5
	// slack is what a claim lasts beyond the longest time that its sends can take.
	slack = 30 * time.Second
	// patience is how long a gateway that cannot be reached is asked for a trace.
	patience = 24 * time.Hour
	askAgain = 5 * time.Minute
	// late is the age from which an unsent message is reported.
	late = 10 * time.Minute
	// watch is how often the backlog is looked at.
	watch = 30 * time.Second
	// Nobody wants to be woken by a reminder.
	morningHour, eveningHour = 8, 21
)

// tries bounds the sends of a message that the gateway refuses for now: with the pauses below a
// code is tried for ten seconds, a notice for about three hours.
const (
	codeTries   = 3
	noticeTries = 9
)

// Dispatcher takes due messages from the outbox and sends them. Any number of them may run, in
// any number of processes: each message is claimed by one.
type Dispatcher struct {
	Messages messagestore.Store
	Gateway  Gateway
	Clock    clock.Clock
	Log      *slog.Logger
	Metrics  *Metrics      // nil: none
	Timeout  time.Duration // longest wait for the gateway
	// Quiet: notices that nobody waits for are sent between morning and evening only.
	Quiet bool
}

// Run dispatches until the context ends. What is being sent then is sent and settled first. Codes have
// a lane of their own: they wait neither for a backlog of notices nor for a gateway that is slow with them.
func (d *Dispatcher) Run(ctx context.Context) {
	var lanes sync.WaitGroup
	lanes.Go(func() { d.lane(ctx, d.codes) })
	lanes.Go(func() { d.lane(ctx, d.notices) })
	lanes.Go(func() {
		every(ctx, watch, func() { d.watch(ctx) })
	})
	lanes.Wait()
}

func (d *Dispatcher) lane(ctx context.Context, round func(context.Context) (int, error)) {
	every(ctx, poll, func() {
		for ctx.Err() == nil {
			n, err := round(ctx)
			if err != nil && ctx.Err() == nil {
				d.Log.WarnContext(ctx, "messages: the outbox cannot be read", slog.String("error", err.Error()))
			}
			if err != nil || n == 0 {
				return
			}
		}
	})
}

// every runs fn now and at each tick until the context ends.
func every(ctx context.Context, pause time.Duration, fn func()) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		fn()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Once takes one round of each lane and tells how many messages it handled.
func (d *Dispatcher) Once(ctx context.Context) (int, error) {
	codes, err := d.codes(ctx)
	if err != nil {
		return codes, err
	}
	notices, err := d.notices(ctx)
	return codes + notices, err
}

func (d *Dispatcher) codes(ctx context.Context) (int, error) {
	due, err := d.Messages.ClaimUrgent(ctx, batch, d.lease())
	d.each(ctx, due, d.deliver)
	return len(due), err
}

// notices takes messages whose dispatcher went away, those of unknown outcome, those that are due.
func (d *Dispatcher) notices(ctx context.Context) (int, error) {
	lost, err := d.Messages.Lost(ctx, batch, d.lag())
	if err != nil {
		return 0, err
	}
	unknown, err := d.Messages.ClaimUnknown(ctx, batch, d.lease())
	if err != nil {
		return int(lost), err
	}
	d.each(ctx, unknown, d.resolve)
	due, err := d.Messages.Claim(ctx, batch, d.lease())
	if err != nil {
		return int(lost) + len(unknown), err
	}
	d.each(ctx, due, d.deliver)
	return int(lost) + len(unknown) + len(due), nil
}

func (d *Dispatcher) timeout() time.Duration {
	if d.Timeout <= 0 {
		return 5 * time.Second
	}
	return d.Timeout
}

// lease lasts for all sends of a batch, each as long as it may take. Receipts ask a few times.
func (d *Dispatcher) lease() time.Duration {
	return (batch/atOnce)*askDays*d.timeout() + slack
}

func (d *Dispatcher) lag() time.Duration {
	if t, ok := d.Gateway.(Teller); ok {
		return t.Lag()
	}
	return 0
}

// each handles messages side by side. A send that has begun is finished even when the process is
// asked to stop: cutting it off would make its outcome unknown.
func (d *Dispatcher) each(ctx context.Context, list []messagestore.Message, fn func(context.Context, messagestore.Message) error) {
	slots := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for _, m := range list {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := fn(ctx, m); err != nil {
				// The row stays claimed; when the lease is over it counts as lost.
				d.Log.ErrorContext(ctx, "messages: not settled", slog.String("message", m.ID.String()),
					slog.String("template", m.Template), slog.String("error", err.Error()))
			}
		})
	}
	wg.Wait()
}

func request(m messagestore.Message) Request {
	return Request{Phone: m.Phone, Template: m.Template, Params: m.Params, DedupeID: m.ID.String()}
}

// deliver sends one claimed message and settles it.
func (d *Dispatcher) deliver(ctx context.Context, m messagestore.Message) error {
	settle := context.WithoutCancel(ctx)
	now := d.Clock.Now()
	if ctx.Err() != nil || now.Add(d.timeout()).After(m.Until) {
		// Stopping, or too slow: somebody else shall send it.
		return d.Messages.Release(settle, m)
	}
	t, ok := Lookup(m.Template)
	if !ok {
		return d.giveUp(settle, m, t, "no such template")
	}
	if t.Fresh > 0 && now.Sub(m.CreatedAt) > t.Fresh {
		return d.giveUp(settle, m, t, "too old to be of use")
	}
	if morning := daytime(now); t.Daytime && d.Quiet && morning.After(now) {
		return d.Messages.Hold(settle, m, morning)
	}
	sendCtx, cancel := context.WithTimeout(settle, d.timeout())
	defer cancel()
	receipt, err := d.Gateway.Send(sendCtx, request(m))
	if err == nil {
		d.Metrics.count(m.Template, "sent")
		return d.Messages.Sent(settle, m, receipt, t.Once)
	}
	e := outcomeOf(err)
	d.Metrics.count(m.Template, string(e.Outcome))
	switch {
	case e.Outcome == Unknown && t.Once:
		return d.giveUp(settle, m, t, "outcome unknown: "+e.Code)
	case e.Outcome == Unknown:
		return d.Messages.Doubt(settle, m, d.lag(), e.Code)
	case e.Permanent || m.Attempt >= tries(t):
		return d.giveUp(settle, m, t, "refused: "+e.Code)
	}
	d.Log.WarnContext(ctx, "messages: refused for now", slog.String("message", m.ID.String()),
		slog.String("template", m.Template), slog.String("code", e.Code), slog.Int("attempt", m.Attempt))
	return d.Messages.Postpone(settle, m, pause(m.Attempt), e.Code)
}

// resolve finds out about one message of unknown outcome.
func (d *Dispatcher) resolve(ctx context.Context, m messagestore.Message) error {
	settle := context.WithoutCancel(ctx)
	if ctx.Err() != nil {
		return d.Messages.Doubt(settle, m, 0, "stopping")
	}
	t, ok := Lookup(m.Template)
	if !ok || t.Once {
		return d.giveUp(settle, m, t, "outcome unknown")
	}
	teller, ok := d.Gateway.(Teller)
	if !ok {
		return d.giveUp(settle, m, t, "outcome unknown, and this gateway cannot be asked")
	}
	askCtx, cancel := context.WithTimeout(settle, askDays*d.timeout())
	defer cancel()
	receipt, found, err := teller.Receipt(askCtx, request(m), m.CreatedAt)
	switch {
	case err != nil && d.Clock.Now().Sub(m.CreatedAt) > patience:
		return d.giveUp(settle, m, t, "outcome unknown, and the gateway does not tell")
	case err != nil:
		return d.Messages.Doubt(settle, m, askAgain, outcomeOf(err).Code)
	case found:
		d.Metrics.count(m.Template, "found")
		return d.Messages.Sent(settle, m, receipt, t.Once)
	case m.Attempt >= tries(t):
		return d.giveUp(settle, m, t, "not sent, too many attempts")
	}
	return d.Messages.Postpone(settle, m, 0, "not sent, as the gateway says")
}

// giveUp ends a message that will not be sent. An operator hears of it: the line is an alarm.
func (d *Dispatcher) giveUp(ctx context.Context, m messagestore.Message, t Template, reason string) error {
	d.Metrics.count(m.Template, "failed")
	d.Log.ErrorContext(ctx, "messages: given up", slog.Bool("alarm", true), slog.String("message", m.ID.String()),
		slog.String("template", m.Template), slog.String("reason", reason), slog.Int("attempts", m.Attempt))
	return d.Messages.GiveUp(ctx, m, reason, t.Once)
}

// watch reports the backlog.
func (d *Dispatcher) watch(ctx context.Context) {
	b, err := d.Messages.Backlog(ctx, late)
	if err != nil {
		return // the next round says so
	}
	d.Metrics.backlog(b)
	if b.Overdue > 0 {
		d.Log.WarnContext(ctx, "messages: unsent for long", slog.Bool("alarm", true), slog.Int("overdue", b.Overdue),
			slog.Duration("oldest", b.Oldest), slog.Int("unknown", b.Unknown))
	}
}

// daytime is now, or the next morning in Shanghai where it is night.
func daytime(now time.Time) time.Time {
	y, m, d := now.In(clock.Shanghai).Date()
	morning := time.Date(y, m, d, morningHour, 0, 0, 0, clock.Shanghai)
	switch evening := time.Date(y, m, d, eveningHour, 0, 0, 0, clock.Shanghai); {
	case now.Before(morning):
		return morning
	case now.Before(evening):
		return now
	}
	return morning.AddDate(0, 0, 1)
}

func tries(t Template) int {
	if t.Once {
		return codeTries
	}
	return noticeTries
}

// pause is the time before the next attempt: 2 s, 8 s, 32 s, … at most an hour.
func pause(attempt int) time.Duration {
	wait := 2 * time.Second
	for range attempt - 1 {
		if wait *= 4; wait >= time.Hour {
			return time.Hour
		}
	}
	return wait
}
