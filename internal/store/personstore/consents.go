package personstore

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/consent"
	"volcard/internal/fault"
	"volcard/internal/person"
	"volcard/internal/store"
)

// Consents keeps what a person agreed to, when, and which text it was.
type Consents struct{ Store }

// Given is one consent as it was given.
type Given struct {
	Purpose     consent.Purpose
	Recipient   string
	Version     string
	GivenAt     time.Time
	WithdrawnAt *time.Time
}

// Current tells whether the consent stands and is about the text in force.
func (g Given) Current() bool {
	item, ok := consent.Lookup(g.Purpose)
	return ok && g.WithdrawnAt == nil && g.Version == item.Version
}

// Give records consents to the texts in force. What was given already stays as it is. A guardian's is given
// with GiveByGuardian.
func (s Consents) Give(ctx context.Context, id uuid.UUID, purposes ...consent.Purpose) error {
	if slices.Contains(purposes, consent.Guardian) {
		return fault.New(fault.Invalid, "这一项需要监护人填写和同意。")
	}
	return s.DB.InTx(ctx, func(tx pgx.Tx) error {
		if _, err := s.lock(ctx, tx, id); err != nil {
			return err
		}
		return s.give(ctx, tx, id, purposes, s.Clock.Now())
	})
}

// GiveByGuardian records who consents for a minor, and the consent.
func (s Consents) GiveByGuardian(ctx context.Context, id uuid.UUID, g person.Guardian) error {
	return s.DB.InTx(ctx, func(tx pgx.Tx) error {
		p, err := s.lock(ctx, tx, id)
		if err != nil {
			return err
		}
		private, err := s.private(p)
		if err != nil {
			return err
		}
		now := s.Clock.Now()
		if g.IsZero() || !person.NeedsGuardian(private.IDNumber.Age(now)) {
			return fault.New(fault.Invalid, "只有未满 18 周岁的志愿者需要监护人同意。")
		}
		sealed, err := s.sealGuardian(g)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "UPDATE person SET guardian = $2, updated_at = $3 WHERE id = $1", id, sealed, now); err != nil {
			return store.Translate(err)
		}
		return s.give(ctx, tx, id, []consent.Purpose{consent.Guardian}, now)
	})
}

func (s Consents) give(ctx context.Context, tx pgx.Tx, id uuid.UUID, purposes []consent.Purpose, now time.Time) error {
	for _, p := range purposes {
		item, ok := consent.Lookup(p)
		if !ok {
			return fault.New(fault.Invalid, "没有这一项授权。")
		}
		row, err := uuid.NewV7()
		if err != nil {
			return fmt.Errorf("personstore: %w", err)
		}
		tag, err := tx.Exec(ctx, `
			INSERT INTO consent (id, person_id, purpose, recipient, version, given_at) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (person_id, purpose, version) WHERE withdrawn_at IS NULL DO NOTHING`,
			row, id, item.Purpose, item.Recipient, item.Version, now)
		if err != nil {
			return store.Translate(err)
		}
		if tag.RowsAffected() == 0 {
			continue
		}
		err = s.audit(ctx, tx, id, store.Person(id), "consent", now, map[string]any{"purpose": item.Purpose, "version": item.Version})
		if err != nil {
			return err
		}
	}
	return nil
}

// Withdraw takes back every open consent to a purpose, of whatever version. Nothing to take back
// is no error: the person has what was asked for.
func (s Consents) Withdraw(ctx context.Context, id uuid.UUID, p consent.Purpose) error {
	return s.DB.InTx(ctx, func(tx pgx.Tx) error {
		if _, err := s.lock(ctx, tx, id); err != nil {
			return err
		}
		now := s.Clock.Now()
		tag, err := tx.Exec(ctx, `
			UPDATE consent SET withdrawn_at = $3 WHERE person_id = $1 AND purpose = $2 AND withdrawn_at IS NULL`, id, p, now)
		if err != nil || tag.RowsAffected() == 0 {
			return store.Translate(err)
		}
		return s.audit(ctx, tx, id, store.Person(id), "withdraw-consent", now, map[string]any{"purpose": p})
	})
}

// listed bounds the list: a person who gives and withdraws all day sees the newest.
const listed = 200

// List returns what the person gave, the newest first, withdrawn ones included.
func (s Consents) List(ctx context.Context, id uuid.UUID) ([]Given, error) {
	rows, err := s.DB.Query(ctx, `
		SELECT purpose, recipient, version, given_at, withdrawn_at FROM consent
		 WHERE person_id = $1 ORDER BY given_at DESC, id DESC LIMIT $2`, id, listed)
	if err != nil {
		return nil, store.Translate(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Given])
	return list, store.Translate(err)
}
