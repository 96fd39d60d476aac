package batchstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/batch"
	"volcard/internal/card"
	"volcard/internal/clock"
	"volcard/internal/fault"
	"volcard/internal/place"
	"volcard/internal/store"
)

// Arrival is a branch's word that its parcel has come.
type Arrival struct {
	BatchID  uuid.UUID
	ParcelID uuid.UUID
	BranchID uuid.UUID // the clerk's
	StaffID  uuid.UUID
}

// ConfirmArrival makes every card of the parcel ready at its branch and tells the holders, once. until
// is when a wait that begins then at a branch with these hours ends.
func (s Batches) ConfirmArrival(ctx context.Context, in Arrival, until func(time.Time, place.WeekHours) time.Time) (Snapshot, error) {
	var snap Snapshot
	err := s.DB.InTx(ctx, func(tx pgx.Tx) error {
		var err error
		if snap, err = look(ctx, tx, in.BatchID); err != nil {
			return err
		}
		var branch uuid.UUID
		var arrived *time.Time
		var hours place.WeekHours
		err = tx.QueryRow(ctx, `
			SELECT p.branch_id, p.arrived_at, b.hours FROM parcel p JOIN branch b ON b.id = p.branch_id
			 WHERE p.id = $1 AND p.batch_id = $2 FOR UPDATE OF p`, in.ParcelID, in.BatchID).Scan(&branch, &arrived, &hours)
		switch {
		case errors.Is(err, pgx.ErrNoRows) || (err == nil && branch != in.BranchID):
			return fault.New(fault.NotFound, "本网点没有这个包裹。")
		case err != nil:
			return err
		case arrived != nil: // the same click again
			return nil
		case snap.State != batch.Shipped:
			return fault.Newf(fault.Conflict, "这个批次现在是“%s”，寄出之后才能确认到达。", snap.State.Text())
		}
		now := s.Clock.Now()
		who := store.Staff(in.StaffID)
		if err := s.arrive(ctx, tx, in, who, now, until(now, hours)); err != nil {
			return err
		}
		var left int
		if err := tx.QueryRow(ctx, "SELECT count(*) FROM parcel WHERE batch_id = $1 AND arrived_at IS NULL", in.BatchID).Scan(&left); err != nil {
			return err
		}
		if left > 0 {
			return nil
		}
		snap.State = batch.Done
		if _, err := tx.Exec(ctx, "UPDATE batch SET state = 'done', done_at = $2 WHERE id = $1", in.BatchID, now); err != nil {
			return err
		}
		return audit(ctx, tx, in.BatchID, who, card.BatchEnd, batch.Shipped, batch.Done, now, nil)
	})
	return snap, err
}

// arrive moves the parcel's cards by one statement and queues their messages.
func (s Batches) arrive(ctx context.Context, tx pgx.Tx, in Arrival, who store.Actor, now, until time.Time) error {
	_, err := tx.Exec(ctx, "UPDATE parcel SET arrived_at = $2, arrived_by = $3 WHERE id = $1", in.ParcelID, now, in.StaffID)
	if err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `
		WITH came AS (
		  UPDATE batch_card SET state = 'arrived' WHERE batch_id = $1 AND branch_id = $2 AND state = 'frozen' RETURNING application_id),
		moved AS (
		  UPDATE application a SET state = 'ready', ready_at = $3, pickup_until = $4
		    FROM came WHERE a.id = came.application_id AND a.state = 'producing'
		  RETURNING a.id, a.person_id, a.phone, a.pickup_code, a.branch_id),
		told AS (
		  INSERT INTO audit_entry (subject_kind, subject_id, seq, at, actor_kind, actor_id, action, from_state, to_state, detail, prev_hash, hash)
		  SELECT 'application', id, 0, $3, $5, $6, 'arrive', 'producing', 'ready', jsonb_build_object('batch', $1::uuid), '', '' FROM moved)
		SELECT m.id, m.person_id, m.phone, m.pickup_code, b.name, pg_notify($7, m.id::text)::text
		  FROM moved m JOIN branch b ON b.id = m.branch_id`,
		in.BatchID, in.BranchID, now, until, who.Kind, who.ID, caseChannel)
	if err != nil {
		return err
	}
	type holder struct {
		ID, Person uuid.UUID
		Phone      []byte
		Code       string
		Branch     string
		Notified   string
	}
	holders, err := pgx.CollectRows(rows, pgx.RowToStructByPos[holder])
	if err != nil {
		return err
	}
	later := &store.Later{}
	for _, h := range holders {
		phone, err := s.Vault.UnsealString(h.Phone, labelPhone)
		if err != nil {
			return err
		}
		err = store.Enqueue(ctx, later, s.Vault, store.Message{
			DedupeKey: fmt.Sprintf("%s:ready-%d:%s", h.ID, now.UnixMicro(), h.Person), PersonID: h.Person, Template: "card-arrived",
			Phone: phone, Params: map[string]string{"branch": h.Branch, "code": h.Code, "until": clock.Day(until)}, At: now,
		})
		if err != nil {
			return err
		}
	}
	return later.Send(ctx, tx)
}

// Cases lists the applications of the batch in a state of their card, after the given one, in order of id.
func (s Batches) Cases(ctx context.Context, id uuid.UUID, state string, branch, after uuid.UUID, limit int) ([]uuid.UUID, error) {
	rows, err := s.DB.Query(ctx, `
		SELECT application_id FROM batch_card
		 WHERE batch_id = $1 AND state = $2 AND branch_id = $3 AND application_id > $4 ORDER BY application_id LIMIT $5`,
		id, state, branch, after, limit)
	if err != nil {
		return nil, store.Translate(err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	return ids, store.Translate(err)
}
