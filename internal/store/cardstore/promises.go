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
	"volcard/internal/store"
)

// Promises recomputes the dates of every open regular case when the calendar changes.
type Promises struct {
	Store
	Regular Regular
}

// openPromise are the states in which a case still waits for what it was promised.
const openPromise = "('accepted', 'held', 'reviewing', 'mending', 'waiting', 'producing')"

// PromiseEffect is what another calendar would change.
type PromiseEffect struct {
	Open              int // cases with an open promise
	Moved             int // of these, whose dates move
	MovedMoreThanADay int // of these, who are told
	Samples           []PromiseMove
}

// PromiseMove is one group of cases whose dates move: those that count from the same day.
type PromiseMove struct {
	Start              time.Time // dates, at midnight UTC
	OldFrom, OldUntil  time.Time
	NewFrom, NewUntil  time.Time
	Cases              int
	ProvisionalNowTold bool // the new dates are provisional
}

// sampleMoves bounds what the page shows.
const sampleMoves = 20

// Effect tells what a calendar would change, without changing it.
func (s Promises) Effect(ctx context.Context, cal *calendar.Calendar) (PromiseEffect, error) {
	rows, err := s.DB.Query(ctx, `
		SELECT promise_start, promised_from, promised_until, promise_provisional, count(*) FROM application
		 WHERE closed_at IS NULL AND edition = 'regular' AND state IN `+openPromise+`
		 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4`)
	if err != nil {
		return PromiseEffect{}, store.Translate(err)
	}
	type group struct {
		Start, From, Until time.Time
		Provisional        bool
		Cases              int
	}
	groups, err := pgx.CollectRows(rows, pgx.RowToStructByPos[group])
	if err != nil {
		return PromiseEffect{}, store.Translate(err)
	}
	var e PromiseEffect
	for _, g := range groups {
		e.Open += g.Cases
		p := cal.Promise(calendar.DateIn(g.Start), s.Regular.Terms.Promise)
		from, until := p.From.UTC(), p.Until.UTC()
		if from.Equal(g.From) && until.Equal(g.Until) && p.Provisional == g.Provisional {
			continue
		}
		e.Moved += g.Cases
		if movedFar(g.From, from) || movedFar(g.Until, until) {
			e.MovedMoreThanADay += g.Cases
		}
		if len(e.Samples) < sampleMoves {
			e.Samples = append(e.Samples, PromiseMove{
				Start: g.Start, OldFrom: g.From, OldUntil: g.Until, NewFrom: from, NewUntil: until, Cases: g.Cases, ProvisionalNowTold: p.Provisional,
			})
		}
	}
	return e, nil
}

// movedFar tells whether a date moved by more than a day: its holder is told.
func movedFar(old, now time.Time) bool {
	const day = 24 * time.Hour
	return now.Sub(old).Abs() > day
}

// Recomputed is a page of cases that were given the dates of the calendar in force.
type Recomputed struct {
	Last    uuid.UUID // nil: the end
	Cases   []uuid.UUID
	Changed []uuid.UUID
}

// Recompute gives the next open cases after the given one, in order of id, the dates of the calendar in
// force, in one transaction. Running it again changes nothing.
func (s Promises) Recompute(ctx context.Context, after uuid.UUID, limit int) (Recomputed, error) {
	cal, err := s.Regular.inForce(ctx)
	if err != nil {
		return Recomputed{}, err
	}
	var page Recomputed
	err = s.DB.InTx(ctx, func(tx pgx.Tx) error {
		page = Recomputed{} // a try before this one was rolled back
		rows, err := tx.Query(ctx, lockedSQL+`
			 WHERE a.closed_at IS NULL AND a.edition = 'regular' AND a.state IN `+openPromise+` AND a.id > $1
			 ORDER BY a.id LIMIT $2 FOR UPDATE OF a`, after, limit)
		if err != nil {
			return err
		}
		cases, err := pgx.CollectRows(rows, scanLocked)
		if err != nil {
			return err
		}
		now := s.Clock.Now()
		w := &work{tx: tx}
		for _, a := range cases {
			moved, err := s.repromise(ctx, w, cal, a, now)
			if err != nil {
				return err
			}
			page.Last, page.Cases = a.ID, append(page.Cases, a.ID)
			if moved {
				page.Changed = append(page.Changed, a.ID)
			}
		}
		return w.later.Send(ctx, tx)
	})
	return page, err
}

// repromise gives one case the calendar's dates, and tells its holder where they moved far.
func (s Promises) repromise(ctx context.Context, w *work, cal *calendar.Calendar, a locked, now time.Time) (bool, error) {
	if _, ok := card.Next(a.State, card.Promise); !ok {
		return false, nil // it arrived or ended at this moment
	}
	p := cal.Promise(calendar.DateIn(*a.Promise.Start), s.Regular.Terms.Promise)
	from, until := p.From.UTC(), p.Until.UTC()
	if from.Equal(*a.Promise.From) && until.Equal(*a.Promise.Until) && p.Provisional == *a.Promise.Provisional {
		return false, nil
	}
	due := *a.Promise.Due
	if s.Regular.Terms.Pace.Workday == 0 {
		due = calendar.EndOf(p.Until)
	}
	overdue := a.OverdueAt
	if due.After(now) {
		overdue = nil
	}
	w.later.Must(fault.New(fault.Conflict, "这份申请刚刚发生了变化。"), `
		UPDATE application SET promised_from = $2, promised_until = $3, promise_provisional = $4, promise_due = $5, overdue_at = $6
		 WHERE id = $1 AND state = $7`, a.ID, from, until, p.Provisional, due, overdue, a.State)
	detail := map[string]any{
		"from": from.Format(time.DateOnly), "until": until.Format(time.DateOnly),
		"old_from": a.Promise.From.Format(time.DateOnly), "old_until": a.Promise.Until.Format(time.DateOnly),
	}
	if err := s.audit(ctx, &w.later, a.ID, store.Process("calendar"), card.Promise, a.State, a.State, now, detail); err != nil {
		return false, err
	}
	if _, err := w.later.Exec(ctx, "SELECT pg_notify($1, $2)", CaseChannel, a.ID.String()); err != nil {
		return false, err
	}
	if !movedFar(*a.Promise.From, from) && !movedFar(*a.Promise.Until, until) {
		return true, nil
	}
	event := fmt.Sprintf("promise-%d", now.UnixMicro())
	return true, s.tell(ctx, &w.later, a, event, "promise-moved", now, map[string]string{
		"from": clock.Day(from), "until": promisedDay(until, p.Provisional),
	})
}

// promisedDay is the last day of a promise as messages say it.
func promisedDay(until time.Time, provisional bool) string {
	if provisional {
		return clock.Day(until) + "（暂定）"
	}
	return clock.Day(until)
}
