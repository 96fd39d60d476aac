package store

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Execer is what Audit and Enqueue write to: a pool, a transaction, or Later.
type Execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// Later collects the writes of a transaction, so that all of them travel in one round trip when
// the transaction has read what it needs. PostgreSQL executes them in order and stops at the first
// that fails. Nothing of it has happened before Send.
type Later struct{ batch pgx.Batch }

// Exec queues a statement. The tag is empty: nothing was executed yet.
func (l *Later) Exec(_ context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	l.batch.Queue(sql, args...)
	return pgconn.CommandTag{}, nil
}

// Must queues a statement that has to change at least one row: otherwise Send fails with refused
// and the transaction is to be rolled back.
func (l *Later) Must(refused error, sql string, args ...any) {
	l.batch.Queue(sql, args...).Exec(func(tag pgconn.CommandTag) error {
		if tag.RowsAffected() == 0 {
			return refused
		}
		return nil
	})
}

// Send executes what was queued, in order.
func (l *Later) Send(ctx context.Context, tx pgx.Tx) error {
	if l.batch.Len() == 0 {
		return nil
	}
	return Translate(tx.SendBatch(ctx, &l.batch).Close())
}
