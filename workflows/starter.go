package workflows

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/uuid/v5"

	"volcard/internal/clock"
)

// Starter starts the processes of applications right after they were accepted, a few at a time,
// so that a rush of submissions is accepted first and orchestrated after. What it cannot start
// (Temporal is away, the process ends) the sweeper starts later: nothing depends on it.
type Starter struct {
	start     func(context.Context, uuid.UUID) error
	queue     chan uuid.UUID
	waiting   atomic.Int64
	accepting atomic.Int64
	workers   sync.WaitGroup
}

const (
	// rush is how many submissions may be under way before the starts yield to them.
	rush = 32
	// longestYield bounds how long one start yields: a rush without end must not stop the issuing.
	longestYield = 3 * time.Second
	yieldLook    = 20 * time.Millisecond
)

// starterQueue bounds the memory of a rush; what does not fit waits for the sweeper.
const starterQueue = 10_000

// NewStarter makes a starter that starts at most parallel processes at once, until ctx ends.
func NewStarter(ctx context.Context, c *Client, parallel int) *Starter {
	return startWith(ctx, parallel, c.StartCardApplication)
}

func startWith(ctx context.Context, parallel int, start func(context.Context, uuid.UUID) error) *Starter {
	s := &Starter{start: start, queue: make(chan uuid.UUID, starterQueue)}
	for range parallel {
		s.workers.Go(func() { s.run(ctx) })
	}
	return s
}

func (s *Starter) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case id := <-s.queue:
			s.yield(ctx)
			if err := s.start(ctx, id); err != nil && ctx.Err() == nil {
				slog.WarnContext(ctx, "process not started, the sweeper will", "application", id, "error", err)
			}
			s.waiting.Add(-1)
		}
	}
}

// Accepting tells that a submission is under way, until done is called.
func (s *Starter) Accepting() (done func()) {
	s.accepting.Add(1)
	return sync.OnceFunc(func() { s.accepting.Add(-1) })
}

// yield waits while a rush of submissions is being accepted, for a while: the person with the
// finger on the button waits for the acceptance, and the processor is one.
func (s *Starter) yield(ctx context.Context) {
	if s.accepting.Load() <= rush {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, longestYield)
	defer cancel()
	look := time.NewTicker(yieldLook)
	defer look.Stop()
	for s.accepting.Load() > rush {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
	}
}

// Start queues an accepted application and tells how many were before it. It never blocks.
func (s *Starter) Start(application uuid.UUID) (before int) {
	before = int(s.waiting.Add(1)) - 1
	select {
	case s.queue <- application:
	default:
		s.waiting.Add(-1)
	}
	return before
}

// Wait returns when the workers have ended; their context must have.
func (s *Starter) Wait() { s.workers.Wait() }

// Backlog lists accepted applications that were submitted before a time, oldest first.
type Backlog interface {
	Unorchestrated(ctx context.Context, before time.Time, limit int) ([]uuid.UUID, error)
	// LateApprovals lists cases whose approval should have taken effect before a time.
	LateApprovals(ctx context.Context, before time.Time, limit int) ([]uuid.UUID, error)
}

// Sweeper starts whatever was accepted and never started: the api was killed, Temporal was away. It wakes the
// processes of approvals that are late: the answer of the decision was lost before the process had it.
type Sweeper struct {
	start   func(context.Context, uuid.UUID) error
	wake    func(context.Context, uuid.UUID) error
	Backlog Backlog
	Clock   clock.Clock
	Age     time.Duration
	Every   time.Duration
}

// NewSweeper makes a sweeper. age is how long an application may be accepted before the sweeper
// looks at it, every the pause between two sweeps.
func NewSweeper(c *Client, b Backlog, now clock.Clock, age, every time.Duration) *Sweeper {
	return &Sweeper{start: c.StartCardApplication, wake: c.Wake, Backlog: b, Clock: now, Age: age, Every: every}
}

// sweepLimit bounds one sweep; a longer backlog is taken up by the next.
const sweepLimit = 500

// Run sweeps until ctx ends.
func (s *Sweeper) Run(ctx context.Context) {
	tick := time.NewTicker(s.Every)
	defer tick.Stop()
	for {
		if _, err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "sweep", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Sweep starts the backlog once and tells how many it started. It stops at the first failure:
// while Temporal is away every further one would fail as well.
func (s *Sweeper) Sweep(ctx context.Context) (int, error) {
	before := s.Clock.Now().Add(-s.Age)
	ids, err := s.Backlog.Unorchestrated(ctx, before, sweepLimit)
	if err != nil {
		return 0, err
	}
	late, err := s.Backlog.LateApprovals(ctx, before, sweepLimit)
	if err != nil {
		return 0, err
	}
	for n, id := range ids {
		if err := s.start(ctx, id); err != nil {
			return n, err
		}
	}
	if len(ids) > 0 {
		slog.InfoContext(ctx, "swept accepted applications", "started", len(ids))
	}
	for _, id := range late {
		// Started first: a process that is missing has nothing to wake.
		if err := errors.Join(s.start(ctx, id), s.wake(ctx, id)); err != nil {
			return len(ids), err
		}
	}
	if len(late) > 0 {
		slog.WarnContext(ctx, "woke the processes of late approvals", "count", len(late))
	}
	return len(ids), nil
}
