package cardstore_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/internal/calendar"
	"volcard/internal/card"
	"volcard/internal/store"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/storetest/stage"
)

// general adds a general card that waits at the branch.
func general(t *testing.T, s *stage.Stage) stage.Applicant {
	t.Helper()
	a := s.Person("clear")
	d := s.Draft(a)
	d.Edition, d.PhotoID, d.Face = card.General, uuid.Nil, ""
	accepted, reasons, err := s.Submissions.Submit(t.Context(), s.Form(a, d))
	require.NoError(t, err)
	require.Empty(t, reasons)
	a.ID = accepted.ID
	_, err = s.Process.Issue(t.Context(), a.ID)
	require.NoError(t, err)
	return a
}

// lastDay is the last day of a wait, in the row and in what the process knows, which are the same.
func lastDay(t *testing.T, s *stage.Stage, a stage.Applicant) string {
	t.Helper()
	snap, err := s.Process.Look(t.Context(), a.ID)
	require.NoError(t, err)
	require.Equal(t, calendar.EndOf(calendar.DateOf(snap.Until)), snap.Until.UTC())
	day := s.Text("SELECT (pickup_until AT TIME ZONE 'Asia/Shanghai')::date::text FROM application WHERE id = $1", a.ID)
	require.Equal(t, day, calendar.DateOf(snap.Until).String())
	return day
}

// off is the calendar with other days off in December 2026.
func off(t *testing.T, s *stage.Stage, days ...int) *calendar.Calendar {
	t.Helper()
	year, ok := s.Calendar().Announced(2026)
	require.True(t, ok)
	for _, d := range days {
		year.Off = append(year.Off, calendar.Day(2026, time.December, d))
	}
	return s.Calendar().With(year)
}

// T71: every wait ends on a day on which its branch is open, from the start and in every message: of a general card,
// of one that arrives, at another branch, and after a hand-over that was undone.
func TestWaitsEndWhenTheBranchIsOpen(t *testing.T) {
	t.Parallel()
	s := stage.New(t) // Monday, 2026-11-23
	ctx := t.Context()
	s.Rows.Stock(s.Branch, 3)
	s.Rows.Stock(s.Other, 3)
	s.Clock.Advance(3 * day) // the plain last day is Saturday, 2026-12-26
	first, second := general(t, s), general(t, s)
	require.Equal(t, "2026-12-28", lastDay(t, s, first))
	require.Equal(t, "2026-12-28", lastDay(t, s, s.Ready()), "a parcel that arrived")

	_, err := s.DB.Exec(ctx, `UPDATE branch SET hours = '{"tue": ["09:00-17:00"]}' WHERE id = $1`, s.Other)
	require.NoError(t, err)
	s.Clock.Advance(time.Second)
	_, err = s.Process.ChooseBranch(ctx, first.ID, first.Person, s.Other)
	require.NoError(t, err)
	require.Equal(t, "2026-12-29", lastDay(t, s, first))

	serial := s.Text("SELECT serial FROM stock_card WHERE application_id = $1", second.ID)
	_, err = s.Process.HandOver(ctx, cardstore.HandOver{ApplicationID: second.ID, BranchID: s.Branch, StaffID: s.Clerk, Serial: serial})
	require.NoError(t, err)
	s.Clock.Advance(time.Second)
	_, err = s.Process.UndoHandOver(ctx, cardstore.Undo{ApplicationID: second.ID, BranchID: s.Branch, StaffID: s.Clerk, Reason: "扫错了"})
	require.NoError(t, err)
	require.Equal(t, "2026-12-28", lastDay(t, s, second))
	for template, want := range map[string]string{
		"card-arrived": "12月28日", "branch-changed": "12月29日", "card-collection-undone": "12月28日", "card-ready": "12月28日",
	} {
		params, err := s.Vault.Unseal(bytesOf(t, s, "SELECT params FROM message WHERE template = $1 ORDER BY id LIMIT 1", template), store.LabelMessageParams)
		require.NoError(t, err)
		require.Contains(t, string(params), want, template)
	}
}

// An import that closes the last day moves it to the next open one, never to an earlier one, and tells the holder once.
func TestCalendarMovesLastDays(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := t.Context()
	s.Rows.Stock(s.Branch, 3)
	a := general(t, s)
	s.Clock.Advance(day)
	b, arrived := general(t, s), s.Ready()
	require.Equal(t, []string{"2026-12-23", "2026-12-24", "2026-12-24"}, []string{lastDay(t, s, a), lastDay(t, s, b), lastDay(t, s, arrived)})
	announced := s.Calendar()
	closed := off(t, s, 23, 24, 25)
	n, err := s.Pickups.Affected(ctx, closed)
	require.NoError(t, err)
	require.Equal(t, 3, n)
	require.Equal(t, "2026-12-23", lastDay(t, s, a), "looking changes nothing")

	s.Import(closed)
	moved, err := s.Pickups.Extend(ctx, 2)
	require.NoError(t, err)
	require.Len(t, moved, 2, "a page")
	moved, err = s.Pickups.Extend(ctx, 2)
	require.NoError(t, err)
	require.Len(t, moved, 1)
	for range 2 {
		moved, err = s.Pickups.Extend(ctx, 2)
		require.NoError(t, err)
		require.Empty(t, moved)
	}
	for _, x := range []stage.Applicant{a, b, arrived} {
		require.Equal(t, "2026-12-28", lastDay(t, s, x))
		moves, told := s.Moves(x), s.Told(x)
		require.Equal(t, "extend", moves[len(moves)-1])
		require.Equal(t, "pickup-extended", told[len(told)-1])
	}
	require.JSONEq(t, `{"until": "2026-12-28", "old_until": "2026-12-23"}`,
		s.Text("SELECT detail::text FROM audit_entry WHERE action = 'extend' AND subject_id = $1", a.ID))
	params, err := s.Vault.Unseal(bytesOf(t, s, "SELECT params FROM message WHERE template = 'pickup-extended' LIMIT 1"), store.LabelMessageParams)
	require.NoError(t, err)
	require.Contains(t, string(params), "12月28日")

	// A process that was not signalled reads the row at the old day.
	s.Clock.Advance(time.Date(2026, 12, 24, 17, 0, 0, 0, time.UTC).Sub(s.Clock.Now()))
	snap, err := s.Process.Lapse(ctx, a.ID)
	require.NoError(t, err)
	require.Equal(t, card.Ready, snap.State)

	// Taken back: the message that was sent stays.
	s.Import(announced)
	moved, err = s.Pickups.Extend(ctx, 10)
	require.NoError(t, err)
	require.Empty(t, moved, "never earlier")
	require.Equal(t, "2026-12-28", lastDay(t, s, a))
	require.Equal(t, 3, s.Count("SELECT count(*) FROM message WHERE template = 'pickup-extended'"))
}

// Other hours of a branch do the same, at this branch alone; a branch that names no hours moves nothing.
func TestHoursMoveLastDays(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	s.Rows.Stock(s.Branch, 1)
	a := general(t, s)
	for hours, want := range map[string]string{`{}`: "2026-12-23", `{"wed": ["09:00-10:00"]}`: "2026-12-23"} {
		_, err := s.DB.Exec(t.Context(), "UPDATE branch SET hours = $2 WHERE id = $1", s.Branch, hours)
		require.NoError(t, err)
		moved, err := s.Pickups.Extend(t.Context(), 10)
		require.NoError(t, err)
		require.Empty(t, moved)
		require.Equal(t, want, lastDay(t, s, a))
	}
	_, err := s.DB.Exec(t.Context(), `UPDATE branch SET hours = '{"fri": ["09:00-10:00"]}' WHERE id = $1`, s.Branch)
	require.NoError(t, err)
	moved, err := s.Pickups.Extend(t.Context(), 10)
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{a.ID}, moved)
	require.Equal(t, "2026-12-25", lastDay(t, s, a))
}

// Whoever collects at that moment has collected; two recomputations at once move and tell once.
func TestLastDaysMoveOnce(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	s.Rows.Stock(s.Branch, 8)
	var waiting []stage.Applicant
	for range 4 {
		waiting = append(waiting, general(t, s))
	}
	s.Import(off(t, s, 23))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := s.Pickups.Extend(context.Background(), 10); err != nil {
				t.Error(err)
			}
		})
	}
	for _, a := range waiting[:2] {
		serial := s.Text("SELECT serial FROM stock_card WHERE application_id = $1", a.ID)
		wg.Go(func() {
			_, err := s.Process.HandOver(context.Background(), cardstore.HandOver{ApplicationID: a.ID, BranchID: s.Branch, StaffID: s.Clerk, Serial: serial})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, a := range waiting[:2] {
		require.Equal(t, card.Collected, s.State(a))
		require.LessOrEqual(t, s.Count("SELECT count(*) FROM audit_entry WHERE action = 'extend' AND subject_id = $1", a.ID), 1)
	}
	for _, a := range waiting[2:] {
		require.Equal(t, "2026-12-24", lastDay(t, s, a))
		require.Equal(t, []string{"submit", "issue", "extend"}, s.Moves(a))
		require.Equal(t, []string{"card-ready", "pickup-extended"}, s.Told(a))
	}
}
