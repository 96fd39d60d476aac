// Package checkstore reads what the nightly comparison compares and keeps its reports.
package checkstore

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/card"
	"volcard/internal/store"
)

// Settled is how long ago a case must have moved for the comparison to count it: within it, a row
// and its process may be on two sides of the same move. It is longer than a clerk's undo window.
const Settled = 15 * time.Minute

// ReportLimit bounds the findings that a report keeps.
const ReportLimit = 1000

// pageSize bounds one page of the walk over live cases.
const pageSize = 5000

// Reports reads and writes for the checks.
type Reports struct{ DB *store.DB }

// OpenCases lists live applications submitted before a time, in order of id, after the given one.
func (s Reports) OpenCases(ctx context.Context, after uuid.UUID, before time.Time) ([]uuid.UUID, error) {
	rows, err := s.DB.Query(ctx, `
		SELECT id FROM application WHERE closed_at IS NULL AND id > $1 AND submitted_at < $2 ORDER BY id LIMIT $3`,
		after, before, pageSize)
	if err != nil {
		return nil, store.Translate(err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	return ids, store.Translate(err)
}

// Decided lists live applications that somebody moved after a time, in order of id, after the given one.
func (s Reports) Decided(ctx context.Context, after uuid.UUID, since time.Time) ([]uuid.UUID, error) {
	rows, err := s.DB.Query(ctx, `
		SELECT a.id FROM application a
		 WHERE a.closed_at IS NULL AND a.id > $1 AND EXISTS (
		   SELECT 1 FROM audit_entry e
		    WHERE e.subject_id = a.id AND e.at > $2 AND e.actor_kind IN ('person', 'staff') AND e.action <> $3)
		 ORDER BY a.id LIMIT $4`, after, since, card.Submit, pageSize)
	if err != nil {
		return nil, store.Translate(err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	return ids, store.Translate(err)
}

// Ended picks from ids those whose application ended before a time, or does not exist.
func (s Reports) Ended(ctx context.Context, ids []uuid.UUID, before time.Time) ([]uuid.UUID, error) {
	rows, err := s.DB.Query(ctx, `
		SELECT u.id FROM unnest($1::uuid[]) AS u(id) LEFT JOIN application a ON a.id = u.id
		 WHERE a.id IS NULL OR a.closed_at < $2 ORDER BY u.id`, ids, before)
	if err != nil {
		return nil, store.Translate(err)
	}
	ended, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	return ended, store.Translate(err)
}

// OpenBatches lists batches that were frozen before a time and are not done.
func (s Reports) OpenBatches(ctx context.Context, before time.Time) ([]uuid.UUID, error) {
	rows, err := s.DB.Query(ctx, "SELECT id FROM batch WHERE state <> 'done' AND frozen_at < $1 ORDER BY frozen_at LIMIT $2", before, pageSize)
	if err != nil {
		return nil, store.Translate(err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	return ids, store.Translate(err)
}

// Write keeps a report.
func (s Reports) Write(ctx context.Context, name string, findings json.RawMessage, count int, at time.Time) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("checkstore: %w", err)
	}
	_, err = s.DB.Exec(ctx, "INSERT INTO check_report (id, name, findings, count, at) VALUES ($1, $2, $3, $4, $5)",
		id, name, findings, count, at)
	return store.Translate(err)
}

// Report is the newest report of a check.
type Report struct {
	Name     string
	Findings json.RawMessage
	Count    int
	At       time.Time
}

// Newest lists the newest report of each check.
func (s Reports) Newest(ctx context.Context) ([]Report, error) {
	rows, err := s.DB.Query(ctx, "SELECT DISTINCT ON (name) name, findings, count, at FROM check_report ORDER BY name, at DESC")
	if err != nil {
		return nil, store.Translate(err)
	}
	reports, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Report])
	return reports, store.Translate(err)
}
