// Package cardstore keeps drafts, applications, cards, the stock of general cards and the
// hand-overs. What an applicant submits, and every later move of the case, is one transaction
// here: a guarded update, its audit row, the reservation and the message that belong to it.
package cardstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/card"
	"volcard/internal/clock"
	"volcard/internal/fault"
	"volcard/internal/place"
	"volcard/internal/store"
	"volcard/internal/vault"
)

// Labels of the sealed columns of this area.
const (
	LabelDraft   = "application_draft.data"
	LabelAddress = "application.address"
	LabelPhone   = "application.phone"
)

// Store is what every type of this area stands on.
type Store struct {
	DB    *store.DB
	Vault *vault.Vault
	Clock clock.Clock
}

// CaseChannel is the NOTIFY channel on which each commit that moves a case tells its id.
// Pages that wait for an answer listen to it.
const CaseChannel = "volcard_case"

// audit queues the audit entry of a move of an application.
func (s Store) audit(ctx context.Context, q store.Execer, id uuid.UUID, actor store.Actor, a card.Action,
	from, to card.State, at time.Time, detail map[string]any,
) error {
	return store.Audit(ctx, q, store.AuditEntry{
		SubjectKind: "application", SubjectID: id, At: at, Actor: actor, Action: string(a),
		From: string(from), To: string(to), Detail: detail,
	})
}

// locked is an application whose row is locked by the transaction that reads it.
type locked struct {
	ID          uuid.UUID
	PersonID    uuid.UUID
	Number      string
	State       card.State
	Edition     card.Edition
	HolderName  string
	BranchID    uuid.UUID
	BranchName  string
	BranchHours place.WeekHours
	PickupCode  string
	ReadyAt     *time.Time
	PickupUntil *time.Time
	ClosedAt    *time.Time
	Phone       []byte
	VolunteerNo string
	SubmittedAt time.Time
	making
}

// making is the part of an application that only the regular edition has.
type making struct {
	PhotoID     *uuid.UUID
	Face        *string
	DesignHash  []byte
	Promise     promise
	OverdueAt   *time.Time
	MendFrom    *time.Time
	MendUntil   *time.Time
	ReviewerID  *uuid.UUID
	ReviewUntil *time.Time
	// DecidedUntil is until when ReviewerID can take the approval of the photo back; nil: there is none.
	DecidedUntil *time.Time
}

// promise is two dates, the day they count from, and the instant at which the card is overdue.
type promise struct {
	Start, From, Until *time.Time
	Provisional        *bool
	Due                *time.Time
}

const lockedSQL = `
	SELECT a.id, a.person_id, a.number, a.state, a.edition, a.holder_name, a.branch_id, b.name, b.hours,
	       a.pickup_code, a.ready_at, a.pickup_until, a.closed_at, a.phone, p.volunteer_no, a.submitted_at,
	       a.photo_id, a.face, a.design_hash, a.promise_start, a.promised_from, a.promised_until, a.promise_provisional,
	       a.promise_due, a.overdue_at, a.mend_from, a.mend_until, a.reviewer_id, a.review_until, a.decided_until
	  FROM application a JOIN branch b ON b.id = a.branch_id JOIN person p ON p.id = a.person_id `

func scanLocked(row pgx.CollectableRow) (locked, error) {
	var a locked
	err := row.Scan(
		&a.ID, &a.PersonID, &a.Number, &a.State, &a.Edition, &a.HolderName, &a.BranchID, &a.BranchName, &a.BranchHours,
		&a.PickupCode, &a.ReadyAt, &a.PickupUntil, &a.ClosedAt, &a.Phone, &a.VolunteerNo, &a.SubmittedAt,
		&a.PhotoID, &a.Face, &a.DesignHash, &a.Promise.Start, &a.Promise.From, &a.Promise.Until, &a.Promise.Provisional,
		&a.Promise.Due, &a.OverdueAt, &a.MendFrom, &a.MendUntil, &a.ReviewerID, &a.ReviewUntil, &a.DecidedUntil)
	return a, err
}

// lock reads an application and keeps everybody else from moving it until the transaction ends.
func lock(ctx context.Context, tx pgx.Tx, id uuid.UUID) (locked, error) {
	rows, err := tx.Query(ctx, lockedSQL+"WHERE a.id = $1 FOR UPDATE OF a", id)
	if err != nil {
		return locked{}, store.Translate(err)
	}
	a, err := pgx.CollectExactlyOneRow(rows, scanLocked)
	if errors.Is(err, pgx.ErrNoRows) {
		return a, fault.New(fault.NotFound, "没有找到这份申请。")
	}
	return a, store.Translate(err)
}

// must gives the state that an action leads to, or the conflict that tells where the case stands.
func (a locked) must(action card.Action) (card.State, error) {
	to, ok := card.Next(a.State, action)
	if !ok || !card.Allowed(a.Edition, a.State, action) {
		return "", fault.Newf(fault.Conflict, "这份申请现在是“%s”，不能进行此操作。", a.State.Text())
	}
	return to, nil
}

// tell queues a message about the case to its applicant.
func (s Store) tell(ctx context.Context, q store.Execer, a locked, event, template string, at time.Time, params map[string]string) error {
	phone, err := s.Vault.UnsealString(a.Phone, LabelPhone)
	if err != nil {
		return err
	}
	return store.Enqueue(ctx, q, s.Vault, store.Message{
		DedupeKey: a.ID.String() + ":" + event + ":" + a.PersonID.String(),
		PersonID:  a.PersonID, Template: template, Phone: phone, Params: params, At: at,
	})
}

// work is the transaction of one deed. It reads with tx, at once; what it writes goes later, in one
// round trip.
type work struct {
	tx    pgx.Tx
	later store.Later
}

// reserve binds one free card of the branch to the application and books it. SKIP LOCKED keeps
// two applicants from waiting for the same row; the last card goes to one of them. A branch that an
// import closed in between has no free cards.
func (s Store) reserve(w *work, branch, application uuid.UUID, at time.Time) error {
	entry, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("cardstore: %w", err)
	}
	w.later.Must(fault.New(fault.Conflict, "所选网点的通用版卡片刚刚领完，请另选一个网点。"), `
		WITH free AS (
		  SELECT serial FROM stock_card WHERE branch_id = $1 AND state = 'in_stock'
		      AND EXISTS (SELECT 1 FROM branch WHERE id = $1 AND closed_at IS NULL)
		   ORDER BY serial LIMIT 1 FOR UPDATE SKIP LOCKED),
		taken AS (
		  UPDATE stock_card s SET state = 'reserved', application_id = $2
		    FROM free WHERE s.serial = free.serial RETURNING s.serial)
		INSERT INTO stock_entry (id, branch_id, kind, on_hand, reserved, serial_from, serial_to, application_id, at)
		SELECT $3, $1, 'reserve', 0, 1, serial, serial, $2, $4 FROM taken`, branch, application, entry, at)
	return nil
}

// release gives the application's reserved card back to its branch, where there is one.
func (s Store) release(ctx context.Context, w *work, application uuid.UUID, note string, at time.Time) error {
	entry, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("cardstore: %w", err)
	}
	_, err = w.later.Exec(ctx, `
		WITH freed AS (
		  UPDATE stock_card SET state = 'in_stock', application_id = NULL
		   WHERE application_id = $1 AND state = 'reserved' RETURNING serial, branch_id)
		INSERT INTO stock_entry (id, branch_id, kind, on_hand, reserved, serial_from, serial_to, application_id, note, at)
		SELECT $2, branch_id, 'release', 0, -1, serial, serial, $1, $3, $4 FROM freed`, application, entry, note, at)
	return store.Translate(err)
}

// dayWithin is clock.Day, without the year where only one is meant: a text message has no room for more.
func dayWithin(now, t time.Time) string {
	if t.Sub(now) > 300*24*time.Hour {
		return clock.Day(t)
	}
	t = t.In(clock.Shanghai)
	return fmt.Sprintf("%d月%d日", t.Month(), t.Day())
}

// trim cuts what a person typed to what is stored.
func trim(s string) string { return strings.TrimSpace(s) }
