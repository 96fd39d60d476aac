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

// ReceiveLimit bounds one delivery: a carton holds at most this many cards.
const ReceiveLimit = 5000

// Stock is the branch's general cards of plastic.
type Stock struct{ Store }

// Counts is what lies at a branch.
type Counts struct {
	InStock    int // free
	Reserved   int // promised to an application
	HandedOver int
	Spoiled    int
}

// Receive books a delivery of cards with consecutive serials. A range that holds a known serial
// is refused whole. It returns the number of cards. A nil staff is the demonstration's seed.
func (s Stock) Receive(ctx context.Context, branch uuid.UUID, first, last string, staff uuid.UUID) (int, error) {
	serials, ok := card.SerialRange(first, last, ReceiveLimit)
	if !ok {
		return 0, fault.Newf(fault.Invalid, "序列号应为同一前缀的连续号段，每次最多%d张，起始号不大于结束号。", ReceiveLimit)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return 0, fmt.Errorf("cardstore: %w", err)
	}
	now := s.Clock.Now()
	err = s.DB.InTx(ctx, func(tx pgx.Tx) error {
		var known int
		var first *string
		err := tx.QueryRow(ctx, `
			WITH added AS (
			  INSERT INTO stock_card (serial, branch_id, state) SELECT serial, $2, 'in_stock' FROM unnest($1::text[]) AS serial
			  ON CONFLICT DO NOTHING RETURNING serial)
			SELECT count(*), min(s) FROM (SELECT unnest($1::text[]) AS s EXCEPT SELECT serial FROM added) known`,
			serials, branch).Scan(&known, &first)
		switch {
		case err != nil:
			return err
		case known == 1:
			return fault.Newf(fault.Conflict, "序列号 %s 已经登记过，整批未入库，请核对号段。", *first)
		case known > 1:
			return fault.Newf(fault.Conflict, "号段中有 %d 张已经登记过，第一张是 %s，整批未入库，请核对号段。", known, *first)
		}
		_, err = tx.Exec(ctx, `
			INSERT INTO stock_entry (id, branch_id, kind, on_hand, reserved, serial_from, serial_to, staff_id, at)
			VALUES ($1, $2, 'receive', $3, 0, $4, $5, $6, $7)`,
			id, branch, len(serials), serials[0], serials[len(serials)-1], uuid.NullUUID{UUID: staff, Valid: !staff.IsNil()}, now)
		return err
	})
	if err != nil {
		return 0, err
	}
	return len(serials), nil
}

// Spoil books a card as damaged or lost. Where it was promised to somebody, the promise moves to
// another free card of the branch; without one the card stays, so that no holder is left without.
func (s Stock) Spoil(ctx context.Context, branch uuid.UUID, serial string, staff uuid.UUID, note string) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("cardstore: %w", err)
	}
	return s.DB.InTx(ctx, func(tx pgx.Tx) error {
		var state string
		var application *uuid.UUID
		err := tx.QueryRow(ctx, `
			SELECT state, application_id FROM stock_card WHERE serial = $1 AND branch_id = $2 FOR UPDATE`, serial, branch).
			Scan(&state, &application)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return fault.New(fault.Invalid, "本网点没有这张卡片，请核对序列号。")
		case err != nil:
			return err
		case state == "handed_over":
			return fault.New(fault.Conflict, "这张卡片已经发出，不能登记作废。")
		case state == "spoiled":
			return fault.New(fault.Conflict, "这张卡片已经登记过作废。")
		}
		_, err = tx.Exec(ctx, "UPDATE stock_card SET state = 'spoiled', application_id = NULL WHERE serial = $1", serial)
		if err != nil {
			return err
		}
		if application != nil {
			if err := moveReservation(ctx, tx, branch, *application); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, `
			INSERT INTO stock_entry (id, branch_id, kind, on_hand, reserved, serial_from, serial_to, staff_id, note, at)
			VALUES ($1, $2, 'spoil', -1, 0, $3, $3, $4, $5, $6)`, id, branch, serial, staff, note, s.Clock.Now())
		return err
	})
}

// moveReservation promises any free card of the branch in the place of one that was spoiled.
func moveReservation(ctx context.Context, tx pgx.Tx, branch, application uuid.UUID) error {
	tag, err := tx.Exec(ctx, `
		UPDATE stock_card SET state = 'reserved', application_id = $2
		 WHERE serial = (SELECT serial FROM stock_card WHERE branch_id = $1 AND state = 'in_stock'
		                  ORDER BY serial LIMIT 1 FOR UPDATE SKIP LOCKED)`, branch, application)
	if err != nil {
		return err
	}
	if tag.RowsAffected() == 0 {
		return fault.New(fault.Conflict, "这张卡片是为申请人预留的最后一张，网点没有空闲卡片可以替换，请先入库。")
	}
	return nil
}

// Count counts the cards of a branch.
func (s Stock) Count(ctx context.Context, branch uuid.UUID) (Counts, error) {
	var c Counts
	err := s.DB.QueryRow(ctx, `
		SELECT count(*) FILTER (WHERE state = 'in_stock'), count(*) FILTER (WHERE state = 'reserved'),
		       count(*) FILTER (WHERE state = 'handed_over'), count(*) FILTER (WHERE state = 'spoiled')
		  FROM stock_card WHERE branch_id = $1`, branch).Scan(&c.InStock, &c.Reserved, &c.HandedOver, &c.Spoiled)
	return c, store.Translate(err)
}

// StockEntry is one line of the ledger.
type StockEntry struct {
	Kind       string
	OnHand     int
	Reserved   int
	SerialFrom string
	SerialTo   string
	Note       string
	Staff      string // name of who did it; empty for the process
	At         time.Time
}

// Entries lists the ledger of a branch, newest first: limit rows after the first offset ones.
func (s Stock) Entries(ctx context.Context, branch uuid.UUID, limit, offset int) ([]StockEntry, error) {
	rows, err := s.DB.Query(ctx, `
		SELECT e.kind, e.on_hand, e.reserved, e.serial_from, e.serial_to, e.note, coalesce(s.name, ''), e.at
		  FROM stock_entry e LEFT JOIN staff s ON s.id = e.staff_id
		 WHERE e.branch_id = $1 ORDER BY e.at DESC, e.id DESC LIMIT $2 OFFSET $3`, branch, limit, offset)
	if err != nil {
		return nil, store.Translate(err)
	}
	entries, err := pgx.CollectRows(rows, pgx.RowToStructByPos[StockEntry])
	return entries, store.Translate(err)
}
