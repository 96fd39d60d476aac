package cardstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/card"
	"volcard/internal/fault"
	"volcard/internal/store"
)

// HandOver is one act at the counter, as the clerk's page sends it.
type HandOver struct {
	ApplicationID uuid.UUID
	BranchID      uuid.UUID // the clerk's branch
	StaffID       uuid.UUID
	// Serial is what the clerk scanned from the plastic card: the stock serial of a general one, the
	// card's own number of a regular one.
	Serial string
	// Seen is since when the case has waited, as the clerk's page knew it: an act that was on its
	// way while the case was handed over and taken back is late, and must not count. Zero: any wait.
	Seen time.Time `json:",omitzero"`
}

// HandOver gives the plastic card to its holder, once. The clerk may take any general card of the
// branch: where it is not the reserved one, the reservation moves on to the other card. Of a regular
// card only the one that was made for this case. A second hand-over is refused; the same one by the same clerk
// is told as done.
func (s Process) HandOver(ctx context.Context, in HandOver) (Snapshot, error) {
	return s.move(ctx, in.ApplicationID, func(w *work, a *locked, now time.Time) error {
		if a.BranchID != in.BranchID {
			return fault.Newf(fault.Forbidden, "这份申请的领卡网点是%s，不能在本网点领取。", a.BranchName)
		}
		if a.State == card.Collected {
			return s.collected(ctx, w, in)
		}
		if _, err := a.must(card.HandOver); err != nil {
			return err
		}
		if err := still(in.Seen, a.ReadyAt); err != nil {
			return err
		}
		if err := s.consented(ctx, w, a.ID); err != nil {
			return err
		}
		made, err := s.inForce(ctx, w, a.ID)
		if err != nil {
			return err
		}
		var serial, number *string
		if a.Edition == card.Regular {
			if made != in.Serial {
				return fault.New(fault.Invalid, "这不是为该申请人制作的卡，请核对卡上的证号。")
			}
			number = &in.Serial
		} else {
			if err := s.takeSerial(ctx, w, in, now); err != nil {
				return err
			}
			serial = &in.Serial
		}
		id, err := uuid.NewV7()
		if err != nil {
			return fmt.Errorf("cardstore: %w", err)
		}
		_, err = w.later.Exec(ctx, `
			INSERT INTO hand_over (id, application_id, branch_id, staff_id, serial, card_number, collector, at)
			VALUES ($1, $2, $3, $4, $5, $6, 'self', $7)`, id, a.ID, in.BranchID, in.StaffID, serial, number, now)
		if err != nil {
			return store.Translate(err)
		}
		actor := store.Staff(in.StaffID)
		detail := map[string]any{"serial": in.Serial, "branch": in.BranchID, "collector": "self"}
		if err := s.set(ctx, w, a, actor, card.HandOver, now, detail); err != nil {
			return err
		}
		return s.tell(ctx, &w.later, *a, "collected-"+id.String(), "card-collected", now, map[string]string{"branch": a.BranchName})
	})
}

// consented refuses where the holder has taken back the consent to the bank's part.
func (s Store) consented(ctx context.Context, w *work, id uuid.UUID) error {
	var ok bool
	err := w.tx.QueryRow(ctx, "SELECT "+bankConsent+" FROM application a WHERE a.id = $1", id).Scan(&ok)
	if err == nil && !ok {
		return fault.New(fault.Conflict, "持卡人已撤回向领卡银行提供信息的授权，不能发卡。")
	}
	return store.Translate(err)
}

// still refuses an act that was meant for an earlier state of the case.
func still(seen time.Time, at *time.Time) error {
	if seen.IsZero() || (at != nil && at.Equal(seen)) {
		return nil
	}
	return fault.New(fault.Conflict, "这份申请刚刚发生了变化，请刷新后再试。")
}

// collected answers a hand-over of a card that was handed over before. The sentence travels through
// Temporal, so it names nobody; the page reads who, when and where from the row.
func (s Store) collected(ctx context.Context, w *work, in HandOver) error {
	var serial string
	var staff uuid.UUID
	err := w.tx.QueryRow(ctx, `
		SELECT coalesce(serial, card_number), staff_id FROM hand_over WHERE application_id = $1 AND undone_at IS NULL`, in.ApplicationID).
		Scan(&serial, &staff)
	if err != nil {
		return store.Translate(err)
	}
	if staff == in.StaffID && serial == in.Serial {
		return nil
	}
	return fault.New(fault.Conflict, "该证已经领取，不能重复领取。")
}

// takeSerial marks the plastic card as handed over and settles the reservation.
func (s Store) takeSerial(ctx context.Context, w *work, in HandOver, now time.Time) error {
	rows, err := w.tx.Query(ctx, `
		SELECT serial, branch_id, state, application_id FROM stock_card
		 WHERE serial = $1 OR (application_id = $2 AND state = 'reserved')
		 ORDER BY serial FOR UPDATE`, in.Serial, in.ApplicationID)
	if err != nil {
		return store.Translate(err)
	}
	type stockCard struct {
		Serial        string
		BranchID      uuid.UUID
		State         string
		ApplicationID *uuid.UUID
	}
	cards, err := pgx.CollectRows(rows, pgx.RowToStructByPos[stockCard])
	if err != nil {
		return store.Translate(err)
	}
	var taken, reserved *stockCard
	for i := range cards {
		if cards[i].Serial == in.Serial {
			taken = &cards[i]
		}
		if cards[i].State == "reserved" && cards[i].ApplicationID != nil && *cards[i].ApplicationID == in.ApplicationID {
			reserved = &cards[i]
		}
	}
	switch {
	case taken == nil:
		return fault.New(fault.Invalid, "没有这个卡片序列号，请核对后重新扫描。")
	case taken.BranchID != in.BranchID:
		return fault.New(fault.Invalid, "这张卡片不属于本网点，请换一张。")
	case taken.State == "handed_over":
		return fault.New(fault.Conflict, "这张卡片已经发给别人，请换一张。")
	case taken.State == "spoiled":
		return fault.New(fault.Conflict, "这张卡片已登记作废，请换一张。")
	case reserved == nil: // moved by another act at this moment; the next try sees where to
		return fault.New(fault.Unavailable, "卡片库存刚刚变动，请再试一次。")
	}
	if taken != reserved {
		// The unique index allows no moment in which two cards belong to one application.
		if _, err := w.later.Exec(ctx, "UPDATE stock_card SET state = 'in_stock', application_id = NULL WHERE serial = $1", reserved.Serial); err != nil {
			return store.Translate(err)
		}
	}
	_, err = w.later.Exec(ctx, "UPDATE stock_card SET state = 'handed_over', application_id = $2 WHERE serial = $1", in.Serial, in.ApplicationID)
	if err != nil {
		return store.Translate(err)
	}
	note := ""
	if taken != reserved && taken.State == "reserved" {
		note = "reservation of another application moved to " + reserved.Serial
		_, err := w.later.Exec(ctx, "UPDATE stock_card SET state = 'reserved', application_id = $2 WHERE serial = $1", reserved.Serial, taken.ApplicationID)
		if err != nil {
			return store.Translate(err)
		}
	}
	return s.book(ctx, w, "hand_over", -1, -1, in, note, now)
}

// book appends the ledger entry of an act at the counter.
func (s Store) book(ctx context.Context, w *work, kind string, onHand, reserved int, in HandOver, note string, now time.Time) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("cardstore: %w", err)
	}
	_, err = w.later.Exec(ctx, `
		INSERT INTO stock_entry (id, branch_id, kind, on_hand, reserved, serial_from, serial_to, application_id, staff_id, note, at)
		VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9, $10)`,
		id, in.BranchID, kind, onHand, reserved, in.Serial, in.ApplicationID, in.StaffID, note, now)
	return store.Translate(err)
}

// Undo takes a hand-over back: wrong person, wrong card.
type Undo struct {
	ApplicationID uuid.UUID
	BranchID      uuid.UUID
	StaffID       uuid.UUID
	Reason        string
	// Seen is when the card was handed over, as the clerk's page knew it; a late undo must not take
	// back the next hand-over. Zero: any.
	Seen time.Time `json:",omitzero"`
}

// UndoHandOver takes the last hand-over back within the clerk's window. The plastic card is
// reserved for the holder again and the wait begins anew.
func (s Process) UndoHandOver(ctx context.Context, in Undo) (Snapshot, error) {
	return s.move(ctx, in.ApplicationID, func(w *work, a *locked, now time.Time) error {
		if a.BranchID != in.BranchID {
			return fault.New(fault.Forbidden, "只能撤销本网点的发卡。")
		}
		if a.State == card.Ready { // undone a moment ago: the same click again
			return nil
		}
		if _, err := a.must(card.UndoHandOver); err != nil {
			return err
		}
		if err := still(in.Seen, a.ClosedAt); err != nil {
			return err
		}
		if a.ClosedAt == nil || now.After(a.ClosedAt.Add(s.Terms.Undo)) {
			return fault.Newf(fault.Conflict, "发卡已超过%d分钟，不能撤销。", int(s.Terms.Undo.Minutes()))
		}
		var serial string
		err := w.tx.QueryRow(ctx, `
			UPDATE hand_over SET undone_at = $2, undone_by = $3, undo_reason = $4
			 WHERE application_id = $1 AND undone_at IS NULL RETURNING coalesce(serial, card_number)`,
			a.ID, now, in.StaffID, in.Reason).Scan(&serial)
		if errors.Is(err, pgx.ErrNoRows) {
			return fault.New(fault.Conflict, "没有可以撤销的发卡记录。")
		}
		if err != nil {
			return store.Translate(err)
		}
		if a.Edition != card.Regular {
			_, err = w.later.Exec(ctx, "UPDATE stock_card SET state = 'reserved' WHERE serial = $1 AND state = 'handed_over'", serial)
			if err != nil {
				return store.Translate(err)
			}
			act := HandOver{ApplicationID: a.ID, BranchID: in.BranchID, StaffID: in.StaffID, Serial: serial}
			if err := s.book(ctx, w, "undo", 1, 1, act, in.Reason, now); err != nil {
				return err
			}
		}
		actor := store.Staff(in.StaffID)
		return s.ready(ctx, w, a, actor, card.UndoHandOver, now, "card-collection-undone", map[string]any{"serial": serial, "reason": in.Reason})
	})
}
