// Package verifystore answers what a checker of cards may know: the standing of one card, and
// which cards are revoked. It only reads.
package verifystore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"volcard/internal/card"
	"volcard/internal/credential"
	"volcard/internal/store"
)

// Store reads table card.
type Store struct {
	DB *store.DB
}

// Card is what a checker of cards needs of one.
type Card struct {
	Status    card.Status // of a number in a revoked range: cancelled
	Token     string      // what was published: it holds the masked name
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// Lookup finds a card by its number; ok is false for a number that was never issued.
func (s Store) Lookup(ctx context.Context, number string) (c Card, ok bool, err error) {
	err = s.DB.QueryRow(ctx, `
		SELECT CASE WHEN card_number_revoked(number) THEN 'cancelled' ELSE status END, token, issued_at, expires_at
		  FROM card WHERE number = $1`, number).Scan(
		&c.Status, &c.Token, &c.IssuedAt, &c.ExpiresAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return Card{}, false, nil
	}
	return c, err == nil, store.Translate(err)
}

// RangeRevoked reports whether a number lies in a revoked range: it may have been issued by a database that was lost.
func (s Store) RangeRevoked(ctx context.Context, number string) (bool, error) {
	var revoked bool
	err := s.DB.QueryRow(ctx, "SELECT card_number_revoked($1)", number).Scan(&revoked)
	return revoked, store.Translate(err)
}

// statusBlock is by how many sequences the status list grows: at least so many cards can be issued before
// a list that somebody keeps for a day does not know the newest.
const statusBlock = 1 << 20

// StatusMarker changes with every commit that changes a status, and where the list has to cover more
// sequences. It reads no card: the transactions that change a status count it in a table of a few rows.
func (s Store) StatusMarker(ctx context.Context) (string, error) {
	var changes, last int64
	err := s.DB.QueryRow(ctx, `
		SELECT (SELECT sum(changes) FROM card_status_change)::bigint, (SELECT last_value FROM card_number_seq)`).Scan(&changes, &last)
	return fmt.Sprintf("%d/%d", changes, last/statusBlock), store.Translate(err)
}

// Statuses reads the status of every card that is not in force, expired ones too, and the revoked ranges.
func (s Store) Statuses(ctx context.Context) (*credential.Statuses, error) {
	var last int64
	err := s.DB.QueryRow(ctx, `
		SELECT greatest((SELECT last_value FROM card_number_seq),
		                (SELECT max(substr(number, 5, 8)::bigint) FROM card WHERE status <> 'valid'), (SELECT max(last) FROM revoked_range))`).Scan(&last)
	if err != nil {
		return nil, store.Translate(err)
	}
	statuses := credential.NewStatuses((last/statusBlock + 2) * statusBlock)
	rows, err := s.DB.Query(ctx, "SELECT substr(number, 5, 8)::bigint, status FROM card WHERE status <> 'valid'")
	if err != nil {
		return nil, store.Translate(err)
	}
	var sequence int64
	var status string
	if _, err := pgx.ForEachRow(rows, []any{&sequence, &status}, func() error { return statuses.Set(sequence, status) }); err != nil {
		return nil, store.Translate(err)
	}
	if rows, err = s.DB.Query(ctx, "SELECT first, last FROM revoked_range"); err != nil {
		return nil, store.Translate(err)
	}
	var first, end int64
	_, err = pgx.ForEachRow(rows, []any{&first, &end}, func() error { return statuses.Cancel(first, end) })
	return statuses, store.Translate(err)
}

// Revoked lists, for the old form of the list, the cards that must not be accepted though they are not expired, at most limit+1.
func (s Store) Revoked(ctx context.Context, now time.Time, limit int) ([]credential.Revoked, error) {
	rows, err := s.DB.Query(ctx, `
		SELECT token, status FROM card
		 WHERE status <> 'valid' AND expires_at > $1
		 ORDER BY status_at LIMIT $2`, now, limit+1)
	if err != nil {
		return nil, store.Translate(err)
	}
	cards, err := pgx.CollectRows(rows, pgx.RowToStructByPos[credential.Revoked])
	return cards, store.Translate(err)
}
