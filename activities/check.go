package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"

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
	// Start starts the process of an application that lacks one.
	Start func(ctx context.Context, application uuid.UUID) error
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
// without a process gets one; a process without a live row is named for an operator.
func (c *Check) CompareCases(ctx context.Context) (Findings, error) {
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
			if err := c.Start(ctx, id); err != nil {
				return Findings{}, fmt.Errorf("start: %w", err)
			}
			found = append(found, "application "+id.String()+" had no process, one was started")
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
		found = append(found, "process of application "+id.String()+" runs, but its row has ended or is missing")
	}
	batches, err := c.compareBatches(ctx)
	if err != nil {
		return Findings{}, err
	}
	return c.report(ctx, "compare-cases", append(found, batches...))
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
	found, err := c.Audit(ctx)
	if err != nil {
		return Findings{}, err
	}
	return c.report(ctx, "audit", found)
}

func (c *Check) report(ctx context.Context, name string, found []string) (Findings, error) {
	slices.Sort(found)
	if len(found) > 0 {
		slog.ErrorContext(ctx, "check found differences", "check", name, "count", len(found))
	}
	if len(found) > checkstore.ReportLimit {
		found = found[:checkstore.ReportLimit]
	}
	body, err := json.Marshal(found)
	if err != nil {
		return Findings{}, fmt.Errorf("report: %w", err)
	}
	return Findings{Count: len(found)}, c.Reports.Write(ctx, name, body, len(found), c.Clock.Now())
}
