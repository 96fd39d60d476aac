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
	Status    card.Status
	Token     string // what was published: it holds the masked name
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// Lookup finds a card by its number; ok is false for a number that was never issued.
func (s Store) Lookup(ctx context.Context, number string) (c Card, ok bool, err error) {
	err = s.DB.QueryRow(ctx, `
		SELECT status, token, issued_at, expires_at
		  FROM card WHERE number = $1`, number).Scan(
		&c.Status, &c.Token, &c.IssuedAt, &c.ExpiresAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return Card{}, false, nil
	}
	return c, err == nil, store.Translate(err)
}

// Fingerprint changes whenever the answer of Revoked does: the newest change alone would miss one
// that committed late.
func (s Store) Fingerprint(ctx context.Context, now time.Time) (string, error) {
	var n, newest int64
	var sum string
	err := s.DB.QueryRow(ctx, `
		SELECT count(*), coalesce(max(extract(epoch FROM status_at) * 1000000), 0)::bigint,
		       coalesce(sum(hashtextextended(number || status, 0)), 0)::text
		  FROM card WHERE status <> 'valid' AND expires_at > $1`, now).Scan(&n, &newest, &sum)
	if err != nil {
		return "", store.Translate(err)
	}
	return fmt.Sprintf("%d/%d/%s", n, newest, sum), nil
}

// Revoked lists the cards that must not be accepted though they are not expired, at most limit+1.
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
