package cardstore

import (
	"context"
	"errors"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/card"
	"volcard/internal/fault"
	"volcard/internal/store"
)

// Standings change what an issued card is worth: it was lost, it is misused. Checkers read the row, so
// the QR says it at once; the published list follows within seconds.
type Standings struct{ Store }

// Standing is what an issued card is worth now.
type Standing struct {
	Number     string
	HolderName string
	Status     card.Status
	Open       bool // its application goes on: the plastic card is not handed over yet
}

// Look finds a card by its number.
func (s Standings) Look(ctx context.Context, number string) (Standing, error) {
	st, _, err := s.find(ctx, s.DB, number, "")
	return st, err
}

// standingRow is what a change needs beside what it tells.
type standingRow struct{ id, application uuid.UUID }

func (s Standings) find(ctx context.Context, q store.Querier, number, lock string) (Standing, standingRow, error) {
	st, row := Standing{Number: number}, standingRow{}
	err := q.QueryRow(ctx, `
		SELECT c.id, c.application_id, c.holder_name, c.status, a.closed_at IS NULL
		  FROM card c JOIN application a ON a.id = c.application_id WHERE c.number = $1 `+lock, number).
		Scan(&row.id, &row.application, &st.HolderName, &st.Status, &st.Open)
	if errors.Is(err, pgx.ErrNoRows) {
		return st, row, fault.New(fault.NotFound, "没有这个证号。")
	}
	return st, row, store.Translate(err)
}

// Refusal tells why the card cannot become this; nil where it can.
func (st Standing) Refusal(become card.Status) error {
	switch {
	case !st.Status.May(become):
		return fault.Newf(fault.Conflict, "证件现在的状态是 %s，不能改为 %s。", st.Status, become)
	case become == card.Cancelled && st.Open:
		// Its application would go on without a card.
		return fault.New(fault.Conflict, "这张证件的申请还没有办结，请先暂停证件，由本人撤回申请或等申请办结后再注销。")
	}
	return nil
}

// Set gives a card another status, with its reason in the card's chain. The same once more does no harm.
func (s Standings) Set(ctx context.Context, actor store.Actor, number string, become card.Status, reason string) error {
	return s.DB.InTx(ctx, func(tx pgx.Tx) error {
		st, row, err := s.find(ctx, tx, number, "FOR UPDATE OF c")
		if err != nil || st.Status == become {
			return err
		}
		if err := st.Refusal(become); err != nil {
			return err
		}
		now := s.Clock.Now()
		if _, err := tx.Exec(ctx, "UPDATE card SET status = $2, status_at = $3 WHERE id = $1", row.id, become, now); err != nil {
			return err
		}
		action := map[card.Status]string{card.Valid: "resume", card.Suspended: "suspend", card.Cancelled: "cancel"}[become]
		if err := auditCard(ctx, tx, row.id, actor, action, st.Status, become, now, map[string]any{"reason": reason}); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "SELECT pg_notify($1, $2)", CaseChannel, row.application.String())
		return err
	})
}

func auditCard(ctx context.Context, q store.Execer, id uuid.UUID, actor store.Actor, action string, from, to card.Status, now time.Time, detail map[string]any) error {
	return store.Audit(ctx, q, store.AuditEntry{
		SubjectKind: "card", SubjectID: id, At: now, Actor: actor, Action: action, From: string(from), To: string(to), Detail: detail,
	})
}

// inForce returns the number of the case's card, or refuses to hand over one that no checker accepts.
func (s Store) inForce(ctx context.Context, w *work, application uuid.UUID) (number string, err error) {
	var status card.Status
	err = w.tx.QueryRow(ctx, `
		SELECT number, CASE WHEN card_number_revoked(number) THEN 'cancelled' ELSE status END FROM card WHERE application_id = $1`, application).Scan(&number, &status)
	if err == nil && status != card.Valid {
		return "", fault.New(fault.Conflict, "这份申请的电子证已暂停使用或注销，不能发卡，请申请人联系省志愿者协会。")
	}
	return number, store.Translate(err)
}
