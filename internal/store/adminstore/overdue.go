package adminstore

import (
	"context"
	"time"

	"github.com/gofrs/uuid/v5"

	"volcard/internal/batch"
	"volcard/internal/card"
	"volcard/internal/store"
)

// Overdue is an open case whose card was not at its branch by the promised day.
type Overdue struct {
	Number        string
	State         card.State
	PromisedUntil time.Time // a date, at midnight UTC
	SubmittedAt   time.Time
	BranchName    string
	BatchID       *uuid.UUID // nil while it is in none
	BatchNumber   string
	BatchState    batch.State
}

// Arrived tells whether the card has come since.
func (o Overdue) Arrived() bool { return o.State == card.Ready || o.State == card.Lapsed }

// OverdueCases lists them: what has not arrived first, the longest overdue on top.
func (s Store) OverdueCases(ctx context.Context, w Window) ([]Overdue, error) {
	limit, offset := w.bounds()
	return list[Overdue](ctx, s, `
		SELECT a.number, a.state, a.promised_until, a.submitted_at, b.name, bt.id, coalesce(bt.number, ''), coalesce(bt.state, '')
		  FROM application a JOIN branch b ON b.id = a.branch_id
		  LEFT JOIN batch_card bc ON bc.application_id = a.id AND bc.state <> 'rejected' LEFT JOIN batch bt ON bt.id = bc.batch_id
		 WHERE a.overdue_at IS NOT NULL AND a.closed_at IS NULL
		 ORDER BY a.state IN ('ready', 'lapsed'), a.promise_due, a.id LIMIT $1 OFFSET $2`, limit, offset)
}

// CountOverdue counts those that have not arrived.
func (s Store) CountOverdue(ctx context.Context) (cases int, err error) {
	err = s.DB.QueryRow(ctx, `
		SELECT count(*) FROM application
		 WHERE overdue_at IS NOT NULL AND closed_at IS NULL AND state NOT IN ('ready', 'lapsed')`).Scan(&cases)
	return cases, store.Translate(err)
}
