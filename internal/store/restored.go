package store

import (
	"context"
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/clock"
	"volcard/internal/fault"
)

// Unconfirmed is the sentence of a database that may not issue: it was restored or copied, and no operator
// has said that it is the one in service.
const Unconfirmed = "数据库恢复或迁移后还没有确认，暂停签发和受理，请稍后再试。"

// codeUnconfirmed is what the triggers of migration 00013 raise.
const codeUnconfirmed = "VC001"

// lastSequence is the highest sequence that a card number has room for.
const lastSequence = 99_999_999

// Confirmed reports whether this database is the one that was confirmed.
func Confirmed(ctx context.Context, q Querier) (bool, error) {
	var ok bool
	err := q.QueryRow(ctx, "SELECT database_confirmed()").Scan(&ok)
	return ok, Translate(err)
}

// confirmSQL names this database as the one in service.
const confirmSQL = `
	INSERT INTO database_identity (system_identifier, database_oid, confirmed_at, confirmed_by)
	SELECT c.system_identifier, d.oid, now(), $1 FROM pg_control_system() c, pg_database d WHERE d.datname = current_database()
	ON CONFLICT (singleton) DO UPDATE SET (system_identifier, database_oid, confirmed_at, confirmed_by) =
	  (excluded.system_identifier, excluded.database_oid, excluded.confirmed_at, excluded.confirmed_by)`

// emptySQL holds where no number was ever drawn.
const emptySQL = `
	SELECT NOT EXISTS (SELECT 1 FROM person) AND NOT EXISTS (SELECT 1 FROM application) AND NOT EXISTS (SELECT 1 FROM card)
	   AND NOT EXISTS (SELECT 1 FROM batch) AND (SELECT NOT is_called AND last_value = 1 FROM card_number_seq)`

// Restore is what an operator says about a restored database.
type Restore struct {
	Gap    int64 // how many numbers the lost database may have issued since the backup
	Beyond int64 // a sequence that was reached after an earlier restore of the same backup; 0: none
	Actor  Actor
	Now    time.Time
}

// Restored is what Confirm does, or would do.
type Restored struct {
	Confirmed   bool  // the database was already confirmed
	First, Last int64 // the sequences that are revoked
	BatchFloor  int64
	Sessions    int64
	Codes       int64
	Messages    int64
}

// Confirm makes a restored database the one in service, as its owner, in one transaction: no number that the lost one
// may have issued is issued again or accepted. It moves the sequence of card numbers by the gap and revokes the gap,
// lets the numbers of the day begin beyond it, ends every session, code and token of a first administrator, since what
// ended them may be lost, and has the gateway asked about every notice that was under way. With dry it changes
// nothing. A database that is confirmed already is moved on as well: point-in-time recovery and a copied data
// directory look like a promoted standby.
func (r Restore) Confirm(ctx context.Context, db *DB, dry bool) (Restored, error) {
	var out Restored
	if r.Gap < 1 {
		return out, fault.New(fault.Invalid, "the gap has to be at least 1")
	}
	err := db.InTx(ctx, func(tx pgx.Tx) error {
		var reached int64
		days := r.days()
		err := tx.QueryRow(ctx, `
			SELECT database_confirmed(),
			       greatest((SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM card_number_seq),
			                (SELECT max(substr(number, 5, 8)::bigint) FROM card), (SELECT max(last) FROM revoked_range)),
			       greatest((SELECT max(substr(number, 11)::bigint) FROM batch WHERE substr(number, 3, 8)::date = ANY($1)),
			                (SELECT max(batch_floor) FROM restored_day WHERE day = ANY($1)), 0),
			       (SELECT count(*) FROM session), (SELECT count(*) FROM sms_code WHERE used_at IS NULL),
			       (SELECT count(*) FROM message WHERE state IN ('pending', 'sending'))`,
			days).
			Scan(&out.Confirmed, &reached, &out.BatchFloor, &out.Sessions, &out.Codes, &out.Messages)
		if err != nil {
			return err
		}
		out.First, out.Last = reached+1, max(reached, r.Beyond)+r.Gap
		skipped := out.Last - reached
		out.BatchFloor += skipped
		if out.Last >= lastSequence {
			return fault.Newf(fault.Conflict, "after sequence %d no card number is left", out.Last)
		}
		if dry {
			return nil
		}
		return r.apply(ctx, tx, out, days, min((skipped+r.Gap-1)/r.Gap, mostRestores))
	})
	return out, err
}

// mostRestores bounds how many restores of one backup --beyond can distinguish: internal/card has so many blocks of
// application numbers a day.
const mostRestores = 4

// days are the day of the restore in Shanghai and those beside it: midnight may pass, and clocks differ.
func (r Restore) days() []time.Time {
	y, m, d := r.Now.In(clock.Shanghai).Date()
	return []time.Time{
		time.Date(y, m, d-1, 0, 0, 0, 0, time.UTC), time.Date(y, m, d, 0, 0, 0, 0, time.UTC), time.Date(y, m, d+1, 0, 0, 0, 0, time.UTC),
	}
}

func (r Restore) apply(ctx context.Context, tx pgx.Tx, out Restored, days []time.Time, restores int64) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	w := &Later{}
	for _, s := range []struct {
		sql  string
		args []any
	}{
		{"INSERT INTO revoked_range (first, last, at) VALUES ($1, $2, $3)", []any{out.First, out.Last, r.Now}},
		// Unlike setval, it is undone with its transaction.
		{fmt.Sprintf("ALTER SEQUENCE card_number_seq RESTART WITH %d", out.Last+1), nil},
		{
			`INSERT INTO restored_day (day, restores, batch_floor) SELECT d, $2, $3 FROM unnest($1::date[]) d
		  ON CONFLICT (day) DO UPDATE SET restores = restored_day.restores + excluded.restores, batch_floor = excluded.batch_floor`,
			[]any{days, restores, out.BatchFloor},
		},
		{"UPDATE card_status_change SET changes = changes + 1 WHERE shard = 0", nil},
		{"DELETE FROM session", nil},
		{"DELETE FROM sms_code", nil},
		{"UPDATE admin_token SET expires_at = $1 WHERE used_at IS NULL AND expires_at > $1", []any{r.Now}},
		// A code is never sent late; whether a notice was sent, its gateway knows.
		{"UPDATE message SET state = 'failed', last_error = 'the database was restored' WHERE state IN ('pending', 'sending') AND urgent", nil},
		{"UPDATE message SET state = 'unknown', due_at = $1, last_error = 'the database was restored' WHERE state IN ('pending', 'sending')", []any{r.Now}},
		{confirmSQL, []any{r.Actor.ID}},
	} {
		if _, err := w.Exec(ctx, s.sql, s.args...); err != nil {
			return err
		}
	}
	err = Audit(ctx, w, AuditEntry{
		SubjectKind: "database", SubjectID: id, At: r.Now, Actor: r.Actor, Action: "restored",
		Detail: map[string]any{"first": out.First, "last": out.Last, "batch_floor": out.BatchFloor},
	})
	if err != nil {
		return err
	}
	return w.Send(ctx, tx)
}
