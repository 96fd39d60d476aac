// Package batchstore keeps batches, their files and their parcels. It moves the cards of a batch by
// sets: one statement for all, with their audit rows (docs/architecture.md, law 8).
package batchstore

import (
	"context"
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/batch"
	"volcard/internal/card"
	"volcard/internal/clock"
	"volcard/internal/fault"
	"volcard/internal/store"
	"volcard/internal/vault"
)

// Store is what every type of this area stands on.
type Store struct {
	DB    *store.DB
	Vault *vault.Vault
	Clock clock.Clock
}

// Labels of the sealed columns of this area; photo and phone are other areas'.
const (
	LabelFile  = "batch_file.body"
	labelPhoto = "photo.image"
	labelPhone = "application.phone"
)

// caseChannel is cardstore's: pages that wait for a case listen to it.
const caseChannel = "volcard_case"

// Snapshot is what the process knows of its batch.
type Snapshot struct {
	State batch.State // empty: nothing waited, there is no batch
	Cards int
}

// Batches makes the moves of batches. Only activities call it; each move does no harm when it is
// made twice.
type Batches struct{ Store }

// actor of the moves that the process makes by itself.
var actor = store.Process("production-batch")

// Freeze takes what waits, oldest submission first, into a new batch. A batch that exists is returned as
// it is; where nothing waits, none is made. Whoever has taken back a consent that making the card needs waits
// until it is given again: nothing goes to a factory against a person's word.
func (s Batches) Freeze(ctx context.Context, id uuid.UUID) (Snapshot, error) {
	var snap Snapshot
	err := s.DB.InTx(ctx, func(tx pgx.Tx) error {
		// Two batches of one day draw the same number only at the same moment; the lock orders them. It comes
		// before the look, so that a second try of one batch finds what the first is about to commit.
		_, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtext('batch number'))")
		if err != nil {
			return err
		}
		if snap, err = look(ctx, tx, id); err == nil || !fault.Is(err, fault.NotFound) {
			return err
		}
		now := s.Clock.Now()
		var cards int
		err = tx.QueryRow(ctx, `
			WITH picked AS (
			  SELECT a.id FROM application a
			   WHERE a.state = 'waiting' AND EXISTS (SELECT 1 FROM card c WHERE c.application_id = a.id) AND NOT EXISTS (
			    SELECT 1 FROM consent t WHERE t.person_id = a.person_id AND t.purpose IN ('photo', 'factory') AND t.withdrawn_at IS NOT NULL
			     AND NOT EXISTS (SELECT 1 FROM consent o WHERE o.person_id = t.person_id AND o.purpose = t.purpose AND o.withdrawn_at IS NULL))
			   ORDER BY a.submitted_at, a.id LIMIT $4 FOR UPDATE SKIP LOCKED),
			made AS (
			  INSERT INTO batch (id, number, state, cards, frozen_at)
			  SELECT $1, 'PC' || $2 || lpad(n, greatest(length(n), 2), '0'), 'frozen', 0, $3
			    FROM (SELECT (greatest(max(substr(number, 11)::bigint), (SELECT batch_floor FROM restored_day WHERE day = $7), 0) + 1)::text AS n
			            FROM batch WHERE number LIKE 'PC' || $2 || '%') today
			   WHERE EXISTS (SELECT 1 FROM picked)
			  RETURNING id),
			moved AS (
			  UPDATE application a SET state = 'producing' FROM picked WHERE a.id = picked.id AND a.state = 'waiting'
			  RETURNING a.id, a.submitted_at, a.branch_id, a.design_hash),
			placed AS (
			  INSERT INTO batch_card (batch_id, application_id, seq, card_number, branch_id, design_hash, state)
			  SELECT made.id, m.id, row_number() OVER (ORDER BY m.branch_id, m.submitted_at, m.id), c.number, m.branch_id, m.design_hash, 'frozen'
			    FROM moved m JOIN card c ON c.application_id = m.id, made
			  RETURNING application_id),
			told AS (
			  INSERT INTO audit_entry (subject_kind, subject_id, seq, at, actor_kind, actor_id, action, from_state, to_state, detail, prev_hash, hash)
			  SELECT 'application', application_id, 0, $3, $5, $6, 'freeze', 'waiting', 'producing', jsonb_build_object('batch', $1::uuid), '', '' FROM placed
			  RETURNING 1)
			SELECT count(*) FROM told`, id, now.In(clock.Shanghai).Format("20060102"), now, batch.MaxCards, actor.Kind, actor.ID,
			now.In(clock.Shanghai).Format(time.DateOnly)).Scan(&cards)
		if err != nil {
			return err
		}
		if cards == 0 {
			return nil
		}
		if _, err := tx.Exec(ctx, "UPDATE batch SET cards = $2 WHERE id = $1", id, cards); err != nil {
			return err
		}
		snap = Snapshot{State: batch.Frozen, Cards: cards}
		return audit(ctx, tx, id, actor, card.BatchFreeze, "", batch.Frozen, now, map[string]any{"cards": cards})
	})
	return snap, err
}

// Look tells where the batch stands; an empty snapshot where there is none.
func (s Batches) Look(ctx context.Context, id uuid.UUID) (Snapshot, error) {
	var snap Snapshot
	err := s.DB.InTx(ctx, func(tx pgx.Tx) error {
		var err error
		if snap, err = look(ctx, tx, id); fault.Is(err, fault.NotFound) {
			return nil
		}
		return err
	})
	return snap, err
}

func look(ctx context.Context, tx pgx.Tx, id uuid.UUID) (Snapshot, error) {
	var snap Snapshot
	err := tx.QueryRow(ctx, "SELECT state, cards FROM batch WHERE id = $1 FOR UPDATE", id).Scan(&snap.State, &snap.Cards)
	return snap, store.Translate(err)
}

func audit(ctx context.Context, tx pgx.Tx, id uuid.UUID, who store.Actor, a card.Action, from, to batch.State, at time.Time, detail map[string]any) error {
	return store.Audit(ctx, tx, store.AuditEntry{
		SubjectKind: "batch", SubjectID: id, At: at, Actor: who, Action: string(a), From: string(from), To: string(to), Detail: detail,
	})
}

// Finish closes the writing of files: it makes a parcel for each branch. Every card has its print hash
// by then; a batch of which every card was taken out is done.
func (s Batches) Finish(ctx context.Context, id uuid.UUID) (Snapshot, error) {
	return s.move(ctx, id, batch.Frozen, func(tx pgx.Tx, snap *Snapshot, now time.Time) error {
		var missing int
		err := tx.QueryRow(ctx, `
			SELECT count(*) FILTER (WHERE state = 'frozen'), count(*) FILTER (WHERE state = 'frozen' AND print_hash IS NULL)
			  FROM batch_card WHERE batch_id = $1`, id).Scan(&snap.Cards, &missing)
		if err != nil {
			return err
		}
		if missing > 0 {
			return fmt.Errorf("batchstore: %d cards of batch %s are in no file", missing, id)
		}
		rows, err := tx.Query(ctx, `
			SELECT branch_id, count(*) FROM batch_card WHERE batch_id = $1 AND state = 'frozen' GROUP BY branch_id`, id)
		if err != nil {
			return err
		}
		type share struct {
			Branch uuid.UUID
			Cards  int
		}
		shares, err := pgx.CollectRows(rows, pgx.RowToStructByPos[share])
		if err != nil {
			return err
		}
		later := &store.Later{}
		for _, sh := range shares {
			parcel, err := uuid.NewV7()
			if err != nil {
				return fmt.Errorf("batchstore: %w", err)
			}
			_, _ = later.Exec(ctx, "INSERT INTO parcel (id, batch_id, branch_id, cards) VALUES ($1, $2, $3, $4)", parcel, id, sh.Branch, sh.Cards)
		}
		snap.State = batch.Rendered
		if snap.Cards == 0 {
			snap.State = batch.Done
		}
		_, _ = later.Exec(ctx, `
			UPDATE batch SET state = $2::text, cards = $3, rendered_at = $4::timestamptz, done_at = CASE WHEN $2::text = 'done' THEN $4::timestamptz END
			 WHERE id = $1`, id, snap.State, snap.Cards, now)
		if err := later.Send(ctx, tx); err != nil {
			return err
		}
		return audit(ctx, tx, id, actor, card.BatchRender, batch.Frozen, snap.State, now, map[string]any{"cards": snap.Cards})
	})
}

// ReportPrinted records the factory's word that the cards are printed.
func (s Batches) ReportPrinted(ctx context.Context, id, staff uuid.UUID) (Snapshot, error) {
	return s.report(ctx, id, staff, batch.Rendered, batch.Printed, card.BatchPrint, "UPDATE batch SET state = 'printed', printed_at = $2 WHERE id = $1")
}

// ReportShipped records the factory's word that the parcels left.
func (s Batches) ReportShipped(ctx context.Context, id, staff uuid.UUID) (Snapshot, error) {
	return s.report(ctx, id, staff, batch.Printed, batch.Shipped, card.BatchShip, "UPDATE batch SET state = 'shipped', shipped_at = $2 WHERE id = $1")
}

func (s Batches) report(ctx context.Context, id, staff uuid.UUID, from, to batch.State, a card.Action, sql string) (Snapshot, error) {
	return s.move(ctx, id, from, func(tx pgx.Tx, snap *Snapshot, now time.Time) error {
		if _, err := tx.Exec(ctx, sql, id, now); err != nil {
			return err
		}
		snap.State = to
		if err := audit(ctx, tx, id, store.Staff(staff), a, from, to, now, nil); err != nil {
			return err
		}
		return s.wakePages(ctx, tx, id)
	})
}

// wakePages tells the pages of the batch's cases that something moved.
func (s Batches) wakePages(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	_, err := tx.Exec(ctx, "SELECT pg_notify($1, application_id::text) FROM batch_card WHERE batch_id = $2 AND state <> 'rejected'", caseChannel, id)
	return err
}

// move locks a batch in the state from and lets fn change it. A batch that is past the state is returned as
// it is: the same report again.
func (s Batches) move(ctx context.Context, id uuid.UUID, from batch.State, fn func(tx pgx.Tx, snap *Snapshot, now time.Time) error) (Snapshot, error) {
	var snap Snapshot
	err := s.DB.InTx(ctx, func(tx pgx.Tx) error {
		var err error
		if snap, err = look(ctx, tx, id); err != nil {
			return err
		}
		switch {
		case snap.State == from:
			return fn(tx, &snap, s.Clock.Now())
		case snap.State.After(from):
			return nil
		}
		return fault.Newf(fault.Conflict, "这个批次现在是“%s”，不能进行此操作。", snap.State.Text())
	})
	return snap, err
}
