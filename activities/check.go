package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/gofrs/uuid/v5"

	"volcard/internal/clock"
	"volcard/internal/store/checkstore"
)

// Check compares the books: rows with workflows, and rows with each other.
type Check struct {
	Reports checkstore.Reports
	// Running lists the ids of the applications that have a running process, in any order. It is
	// given by the program, which knows the workflows; activities stand below them.
	Running func(ctx context.Context) (map[uuid.UUID]bool, error)
	// Resume starts a process for a live application that lacks one, and tells whether it did.
	Resume func(ctx context.Context, application uuid.UUID) (bool, error)
	// End ends the running workflow of an application whose row is not there or has ended.
	End func(ctx context.Context, application uuid.UUID) error
	// Wake tells the process of an application to look at its row.
	Wake func(ctx context.Context, application uuid.UUID) error
	// RunningBatches and StartBatch are the same for batches.
	RunningBatches func(ctx context.Context) (map[uuid.UUID]bool, error)
	StartBatch     func(ctx context.Context, batch uuid.UUID) error
	// Audit runs the auditor and lists what it found, a sentence for each row.
	Audit func(ctx context.Context) ([]string, error)
	Clock clock.Clock
}

// Findings is what a check found; the rows stand in table check_report.
type Findings struct {
	Count int
}

// CompareCases compares live applications, and open batches, with running processes both ways. A row
// without a process gets one; a process without a live row is ended: its case was lost with another database, or is
// over. Processes whose rows
// somebody moved since the night before are told to look: where everything was killed at once, the row may
// have moved and its process never heard of it.
func (c *Check) CompareCases(ctx context.Context) (Findings, error) {
	defer beat(ctx)()
	running, err := c.Running(ctx)
	if err != nil {
		return Findings{}, fmt.Errorf("running processes: %w", err)
	}
	var found []string
	var after uuid.UUID
	seen := map[uuid.UUID]bool{}
	for {
		// Rows that moved a moment ago may be on either side of their end: only settled ones count.
		page, err := c.Reports.OpenCases(ctx, after, c.Clock.Now().Add(-checkstore.Settled))
		if err != nil {
			return Findings{}, err
		}
		if len(page) == 0 {
			break
		}
		for _, id := range page {
			seen[id] = true
			if running[id] {
				continue
			}
			started, err := c.Resume(ctx, id)
			if err != nil {
				return Findings{}, fmt.Errorf("resume: %w", err)
			}
			if started {
				found = append(found, "application "+id.String()+" had no process, one was started")
			}
		}
		after = page[len(page)-1]
	}
	var extra []uuid.UUID
	for id := range running {
		if !seen[id] {
			extra = append(extra, id)
		}
	}
	closed, err := c.Reports.Ended(ctx, extra, c.Clock.Now().Add(-checkstore.Settled))
	if err != nil {
		return Findings{}, err
	}
	for _, id := range closed {
		if err := c.End(ctx, id); err != nil {
			return Findings{}, fmt.Errorf("end: %w", err)
		}
		found = append(found, "process of application "+id.String()+" ran, but its row has ended or is missing; it was ended")
	}
	batches, err := c.compareBatches(ctx)
	if err != nil {
		return Findings{}, err
	}
	if err := c.wakeDecided(ctx); err != nil {
		return Findings{}, err
	}
	return c.report(ctx, "compare-cases", append(found, batches...))
}

// night is what a check looks back on: the day since the one before, and an hour that the two may be apart.
const night = 25 * time.Hour

func (c *Check) wakeDecided(ctx context.Context) error {
	since := c.Clock.Now().Add(-night)
	var after uuid.UUID
	for {
		page, err := c.Reports.Decided(ctx, after, since)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, after = range page {
			if err := c.Wake(ctx, after); err != nil {
				return fmt.Errorf("wake: %w", err)
			}
		}
	}
}

// compareBatches gives every open batch a process. One that runs without an open row ends by itself: its
// first deed finds the batch done, or nothing to freeze.
func (c *Check) compareBatches(ctx context.Context) ([]string, error) {
	running, err := c.RunningBatches(ctx)
	if err != nil {
		return nil, fmt.Errorf("running batches: %w", err)
	}
	open, err := c.Reports.OpenBatches(ctx, c.Clock.Now().Add(-checkstore.Settled))
	if err != nil {
		return nil, err
	}
	var found []string
	for _, id := range open {
		if running[id] {
			continue
		}
		if err := c.StartBatch(ctx, id); err != nil {
			return nil, fmt.Errorf("start batch: %w", err)
		}
		found = append(found, "batch "+id.String()+" had no process, one was started")
	}
	return found, nil
}

// AuditBooks runs the auditor and keeps its report.
func (c *Check) AuditBooks(ctx context.Context) (Findings, error) {
	defer beat(ctx)()
	found, err := c.Audit(ctx)
	if err != nil {
		return Findings{}, err
	}
	return c.report(ctx, "audit", found)
}

func (c *Check) report(ctx context.Context, name string, found []string) (Findings, error) {
	slices.Sort(found)
	count := len(found)
	if count > 0 {
		slog.ErrorContext(ctx, "check found differences", "check", name, "count", count)
	}
	if count > checkstore.ReportLimit {
		found = found[:checkstore.ReportLimit]
	}
	body, err := json.Marshal(found)
	if err != nil {
		return Findings{}, fmt.Errorf("report: %w", err)
	}
	return Findings{Count: count}, c.Reports.Write(ctx, name, body, count, c.Clock.Now())
}
