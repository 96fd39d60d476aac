package cardstore

import (
	"context"
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"volcard/internal/calendar"
	"volcard/internal/card"
	"volcard/internal/clock"
	"volcard/internal/fault"
	"volcard/internal/place"
	"volcard/internal/store"
)

// Pickups moves the last days of waiting cards on which the branch is closed by now, since another calendar or
// other hours came into force.
type Pickups struct {
	Store
	Regular Regular
}

// closedDays are the last days that have to move, one entry for each branch and last day.
type closedDays struct {
	branches []uuid.UUID
	old      []time.Time
	cases    int
	moved    map[closedDay]time.Time
}

type closedDay struct {
	branch uuid.UUID
	old    int64 // UnixMicro
}

// closed finds them by a calendar. It reads each branch and last day once, not each case.
func closed(ctx context.Context, q store.Querier, cal *calendar.Calendar) (closedDays, error) {
	days := closedDays{moved: map[closedDay]time.Time{}}
	rows, err := q.Query(ctx, `
		SELECT g.branch_id, g.pickup_until, g.cases, b.hours
		  FROM (SELECT branch_id, pickup_until, count(*) AS cases FROM application WHERE state = 'ready' GROUP BY 1, 2) g
		  JOIN branch b ON b.id = g.branch_id`)
	if err != nil {
		return days, store.Translate(err)
	}
	var branch uuid.UUID
	var old time.Time
	var cases int
	var hours place.WeekHours
	_, err = pgx.ForEachRow(rows, []any{&branch, &old, &cases, &hours}, func() error {
		if until, moves := card.LastOpenDay(old, place.Opening{Hours: hours, Calendar: cal}); moves {
			days.branches, days.old = append(days.branches, branch), append(days.old, old)
			days.moved[closedDay{branch, old.UnixMicro()}] = until
			days.cases += cases
		}
		return nil
	})
	return days, store.Translate(err)
}

// Affected counts the waiting cards whose last day a calendar would move. It changes nothing.
func (s Pickups) Affected(ctx context.Context, cal *calendar.Calendar) (int, error) {
	days, err := closed(ctx, s.DB, cal)
	return days.cases, err
}

// Extend moves the last days of so many waiting cards to the next day on which the branch is open, never to an
// earlier one, and tells each holder, in one transaction. It returns whose moved; none: all are right.
func (s Pickups) Extend(ctx context.Context, limit int) ([]uuid.UUID, error) {
	cal, err := s.Regular.inForce(ctx)
	if err != nil {
		return nil, err
	}
	days, err := closed(ctx, s.DB, cal)
	if err != nil || days.cases == 0 {
		return nil, err
	}
	var ids []uuid.UUID
	err = s.DB.InTx(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, lockedSQL+`
			 WHERE a.state = 'ready' AND (a.branch_id, a.pickup_until) IN (SELECT * FROM unnest($1::uuid[], $2::timestamptz[]))
			 ORDER BY a.id LIMIT $3 FOR UPDATE OF a`, days.branches, days.old, limit)
		if err != nil {
			return err
		}
		cases, err := pgx.CollectRows(rows, scanLocked)
		if err != nil {
			return err
		}
		ids = nil // a try before this one was rolled back
		later, now := store.Later{}, s.Clock.Now()
		untils := make([]time.Time, len(cases))
		for i := range cases {
			a := &cases[i]
			untils[i] = days.moved[closedDay{a.BranchID, a.PickupUntil.UnixMicro()}]
			ids = append(ids, a.ID)
			err := s.tell(ctx, &later, *a, fmt.Sprintf("extend-%d", untils[i].UnixMicro()), "pickup-extended", now, map[string]string{
				"branch": a.BranchName, "code": a.PickupCode, "until": clock.Day(untils[i]),
			})
			if err != nil {
				return err
			}
		}
		if len(ids) > 0 {
			extend(&later, ids, untils, now)
		}
		return later.Send(ctx, tx)
	})
	return ids, err
}

// extend queues the move of locked rows with their audit entries.
func extend(later *store.Later, ids []uuid.UUID, untils []time.Time, now time.Time) {
	actor := store.Process("calendar")
	later.Must(fault.New(fault.Conflict, "这份申请刚刚发生了变化。"), `
		WITH moved AS (
		  UPDATE application a SET pickup_until = m.until
		    FROM (SELECT m.id, m.until, o.pickup_until AS old FROM unnest($1::uuid[], $2::timestamptz[]) AS m (id, until)
		            JOIN application o ON o.id = m.id) m
		   WHERE a.id = m.id AND a.state = 'ready'
		  RETURNING a.id, m.until, m.old, pg_notify($6, a.id::text))
		INSERT INTO audit_entry (subject_kind, subject_id, seq, at, actor_kind, actor_id, action, from_state, to_state, detail, prev_hash, hash)
		SELECT 'application', id, 0, $3, $4, $5, $7, 'ready', 'ready', jsonb_build_object(
		         'until', (until AT TIME ZONE 'Asia/Shanghai')::date, 'old_until', (old AT TIME ZONE 'Asia/Shanghai')::date), '', ''
		  FROM moved`, ids, untils, now, actor.Kind, actor.ID, CaseChannel, card.Extend)
}
