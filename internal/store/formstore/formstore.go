// Package formstore keeps refused forms for a short while, each for the browser that sent it. What a row holds is
// sealed and opaque here.
package formstore

import (
	"context"
	"time"

	"volcard/internal/clock"
	"volcard/internal/fault"
	"volcard/internal/store"
)

// Life is how long a form is kept.
const Life = 30 * time.Minute

// perBrowser bounds what is kept for one browser: a few tabs with a few steps each.
const perBrowser = 8

// Store keeps the rows.
type Store struct {
	db    store.Querier
	clock clock.Clock
}

// New makes a store on a pool.
func New(db store.Querier, c clock.Clock) *Store { return &Store{db: db, clock: c} }

// Save keeps data under a new id. The browser's oldest rows make place.
func (s *Store) Save(ctx context.Context, id string, browser, data []byte) error {
	_, err := s.db.Exec(ctx, `
		WITH old AS (DELETE FROM kept_form WHERE id IN (
			SELECT id FROM kept_form WHERE browser = $2 ORDER BY expires_at DESC OFFSET $5))
		INSERT INTO kept_form (id, browser, data, expires_at) VALUES ($1, $2, $3, $4)`,
		id, browser, data, s.clock.Now().Add(Life), perBrowser-1)
	return store.Translate(err)
}

// Load returns what was kept under an id for this browser; false where there is nothing, or no more.
func (s *Store) Load(ctx context.Context, id string, browser []byte) ([]byte, bool, error) {
	var data []byte
	err := s.db.QueryRow(ctx, `SELECT data FROM kept_form WHERE id = $1 AND browser = $2 AND expires_at > $3`,
		id, browser, s.clock.Now()).Scan(&data)
	if err = store.Translate(err); fault.Is(err, fault.NotFound) {
		return nil, false, nil
	}
	return data, err == nil, err
}

// Sweep deletes at most limit rows whose time is over and returns their number.
func (s *Store) Sweep(ctx context.Context, limit int) (int64, error) {
	tag, err := s.db.Exec(ctx, `
		DELETE FROM kept_form WHERE id IN (SELECT id FROM kept_form WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`,
		s.clock.Now(), limit)
	return tag.RowsAffected(), store.Translate(err)
}
