package cardstore_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"volcard/internal/calendar"
	"volcard/internal/card"
	"volcard/internal/fault"
	"volcard/internal/store"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/storetest/stage"
)

// T1: fifty clicks at once hand the card over once.
func TestRegularCardIsHandedOverOnce(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	a := s.Ready()
	in := s.HandOver(a)
	other := in
	other.StaffID = s.Rows.Clerk("陈柜员", s.Branch)
	var wg sync.WaitGroup
	var mine, theirs atomic.Int64
	press := func(in cardstore.HandOver, done *atomic.Int64) {
		switch _, err := s.Process.HandOver(context.Background(), in); {
		case err == nil:
			done.Add(1)
		case !fault.Is(err, fault.Conflict):
			t.Error(err)
		}
	}
	for range 25 {
		wg.Go(func() { press(in, &mine) })
		wg.Go(func() { press(other, &theirs) })
	}
	wg.Wait()
	// Whoever was first is told so again; the other one hears who it was.
	require.ElementsMatch(t, []int64{25, 0}, []int64{mine.Load(), theirs.Load()})
	require.Equal(t, []string{"submit", "approve", "freeze", "arrive", "hand-over"}, s.Moves(a))
	require.Equal(t, []string{"card-approved", "card-arrived", "card-collected"}, s.Told(a))
	require.Equal(t, 1, s.Count("SELECT count(*) FROM hand_over WHERE serial IS NULL AND card_number = $1", in.Serial))
	require.Zero(t, s.Count("SELECT count(*) FROM stock_entry"))
}

func TestRegularHandOverRefusals(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	a, b := s.Ready(), s.Ready()
	in := s.HandOver(a)
	in.Serial = s.HandOver(b).Serial
	_, err := s.Process.HandOver(ctx, in)
	require.True(t, fault.Is(err, fault.Invalid), "the card of somebody else")
	in = s.HandOver(a)
	in.BranchID, in.StaffID = s.Other, s.OtherClerk
	_, err = s.Process.HandOver(ctx, in)
	require.True(t, fault.Is(err, fault.Forbidden))
	waiting := s.Waiting(s.Branch)
	_, err = s.Process.HandOver(ctx, s.HandOver(waiting))
	require.True(t, fault.Is(err, fault.Conflict), "the card is not made yet")

	snap, err := s.Process.HandOver(ctx, s.HandOver(a))
	require.NoError(t, err)
	require.Equal(t, card.Collected, snap.State)
	late := s.HandOver(a)
	late.StaffID = s.Rows.Clerk("陈柜员", s.Branch)
	_, err = s.Process.HandOver(ctx, late)
	require.True(t, fault.Is(err, fault.Conflict))
	require.Contains(t, fault.Sentence(err), "不能重复领取")
}

func TestRegularHandOverIsUndone(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	a := s.Ready()
	_, err := s.Process.HandOver(ctx, s.HandOver(a))
	require.NoError(t, err)
	undo := cardstore.Undo{ApplicationID: a.ID, BranchID: s.Branch, StaffID: s.Clerk, Reason: "发给了别人"}
	s.Clock.Advance(9 * time.Minute)
	for range 2 {
		snap, err := s.Process.UndoHandOver(ctx, undo)
		require.NoError(t, err)
		require.Equal(t, card.Ready, snap.State)
	}
	_, err = s.Process.HandOver(ctx, s.HandOver(a))
	require.NoError(t, err)
	s.Clock.Advance(11 * time.Minute)
	_, err = s.Process.UndoHandOver(ctx, undo)
	require.True(t, fault.Is(err, fault.Conflict), "the window is over")
	require.Equal(t, []string{"submit", "approve", "freeze", "arrive", "hand-over", "undo-hand-over", "hand-over"}, s.Moves(a))
	require.Zero(t, s.Count("SELECT count(*) FROM stock_entry"))
}

// A regular card that nobody fetched stays where it lies, and may wait there again.
func TestRegularCardWaitsAgainAtItsBranch(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	a := s.Ready()
	snap, err := s.Process.Lapse(ctx, a.ID)
	require.NoError(t, err)
	require.Equal(t, card.Ready, snap.State, "not before the time")
	s.Clock.Advance(45 * day) // longer than any wait
	for range 2 {
		snap, err = s.Process.Lapse(ctx, a.ID)
		require.NoError(t, err)
		require.Equal(t, card.Lapsed, snap.State)
	}
	require.Equal(t, []string{"card-approved", "card-arrived", "card-kept"}, s.Told(a))
	_, err = s.Process.ChooseBranch(ctx, a.ID, a.Person, s.Other)
	require.True(t, fault.Is(err, fault.Conflict), "the card lies elsewhere")
	_, err = s.Process.Withdraw(ctx, a.ID, a.Person)
	require.True(t, fault.Is(err, fault.Conflict))
	for range 2 {
		snap, err = s.Process.ChooseBranch(ctx, a.ID, a.Person, s.Branch)
		require.NoError(t, err)
		require.Equal(t, card.Ready, snap.State)
	}
	require.Equal(t, []string{"submit", "approve", "freeze", "arrive", "lapse", "choose-branch"}, s.Moves(a))
	_, err = s.Process.HandOver(ctx, s.HandOver(a))
	require.NoError(t, err)

	b := s.Ready()
	s.Clock.Advance(45 * day) // longer than any wait
	_, err = s.Process.Lapse(ctx, b.ID)
	require.NoError(t, err)
	s.Clock.Advance(181 * day)
	snap, err = s.Process.Close(ctx, b.ID)
	require.NoError(t, err)
	require.Equal(t, card.Closed, snap.State)
	require.Equal(t, 1, s.Count("SELECT count(*) FROM card WHERE application_id = $1 AND status = 'valid'", b.ID), "the digital card stays")
}

// extraHoliday is 2026 as it was announced, with the first week of December off.
func extraHoliday(t *testing.T, cal *calendar.Calendar, days int) *calendar.Calendar {
	t.Helper()
	year, ok := cal.Announced(2026)
	require.True(t, ok)
	year.Version++
	for d := range days {
		year.Off = append(year.Off, calendar.Day(2026, time.December, 1+d))
	}
	return cal.With(year)
}

func TestCalendarMovesThePromises(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	waiting, accepted, mending := s.Waiting(s.Branch), s.Submitted("clear", s.Branch), s.Mending()
	ready := s.Waiting(s.Branch)
	_, err := s.DB.Exec(ctx, "UPDATE application SET state = 'ready', ready_at = $2, pickup_until = $2 WHERE id = $1", ready.ID, stage.Start)
	require.NoError(t, err)
	before := s.Texts("SELECT promised_until::text FROM application ORDER BY id")

	other := extraHoliday(t, s.Calendar(), 4) // Tuesday to Friday
	effect, err := s.Promises.Effect(ctx, other)
	require.NoError(t, err)
	require.Equal(t, cardstore.PromiseEffect{Open: 3, Moved: 3, MovedMoreThanADay: 3, Samples: []cardstore.PromiseMove{{
		Start: date(11, 23), OldFrom: date(12, 7), OldUntil: date(12, 14), NewFrom: date(12, 11), NewUntil: date(12, 18), Cases: 3,
	}}}, utc(effect))
	require.Equal(t, before, s.Texts("SELECT promised_until::text FROM application ORDER BY id"), "looking changes nothing")

	s.Import(other)
	page, err := s.Promises.Recompute(ctx, waiting.ID, 10)
	require.NoError(t, err)
	require.Len(t, page.Changed, 2, "after the given one, in order of id")
	require.Equal(t, mending.ID, page.Last)
	for range 2 {
		page, err = s.Promises.Recompute(ctx, [16]byte{}, 10)
		require.NoError(t, err)
		require.Len(t, page.Cases, 3)
	}
	require.Empty(t, page.Changed, "doing it twice does no harm")
	page, err = s.Promises.Recompute(ctx, page.Last, 10)
	require.NoError(t, err)
	require.True(t, page.Last.IsNil(), "the end")

	for _, a := range []stage.Applicant{waiting, accepted, mending} {
		require.Equal(t, "2026-12-11 2026-12-18 2026-12-18 15:59:59", s.Text(`
			SELECT concat_ws(' ', promised_from, promised_until, to_char(promise_due AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'))
			  FROM application WHERE id = $1`, a.ID))
		moves, told := s.Moves(a), s.Told(a)
		require.Equal(t, "promise", moves[len(moves)-1])
		require.Equal(t, "promise-moved", told[len(told)-1])
	}
	require.Equal(t, "2026-12-14", s.Text("SELECT promised_until::text FROM application WHERE id = $1", ready.ID), "a card that has arrived keeps its dates")
	require.Equal(t, 3, s.Count("SELECT count(*) FROM message WHERE template = 'promise-moved'"))
}

// A calendar that is imported, taken back and imported again moves the dates three times, and is told as often.
func TestEveryMoveOfThePromiseIsTold(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	a := s.Waiting(s.Branch)
	announced := s.Calendar()
	for _, cal := range []*calendar.Calendar{extraHoliday(t, announced, 4), announced, extraHoliday(t, announced, 4)} {
		s.Clock.Advance(time.Hour)
		s.Import(cal)
		for range 2 {
			_, err := s.Promises.Recompute(context.Background(), [16]byte{}, 10)
			require.NoError(t, err)
		}
	}
	require.Equal(t, []string{"submit", "approve", "promise", "promise", "promise"}, s.Moves(a))
	require.Equal(t, []string{"card-approved", "promise-moved", "promise-moved", "promise-moved"}, s.Told(a))
}

// A day more or less is written down, and no message is spent on it.
func TestADayMoreIsNotTold(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	a := s.Waiting(s.Branch)
	s.Import(extraHoliday(t, s.Calendar(), 1))
	page, err := s.Promises.Recompute(ctx, [16]byte{}, 10)
	require.NoError(t, err)
	require.Len(t, page.Changed, 1)
	require.Equal(t, []string{"submit", "approve", "promise"}, s.Moves(a))
	require.Equal(t, []string{"card-approved"}, s.Told(a))
}

// A promise that was overdue and is not any more is due again; one that is due now is told.
func TestOverdueFollowsTheCalendar(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	a := s.Waiting(s.Branch)
	s.Clock.Advance(time.Date(2026, 12, 15, 1, 0, 0, 0, time.UTC).Sub(stage.Start))
	_, err := s.Regular.TellOverdue(ctx, a.ID)
	require.NoError(t, err)
	s.Import(extraHoliday(t, s.Calendar(), 4))
	_, err = s.Promises.Recompute(ctx, [16]byte{}, 10)
	require.NoError(t, err)
	snap, err := s.Process.Look(ctx, a.ID)
	require.NoError(t, err)
	require.Equal(t, time.Date(2026, 12, 18, 15, 59, 59, 0, time.UTC), snap.Due.UTC())
	s.Clock.Advance(4 * day)
	_, err = s.Regular.TellOverdue(ctx, a.ID)
	require.NoError(t, err)
	require.Equal(t, []string{"submit", "approve", "overdue", "promise", "overdue"}, s.Moves(a))
	require.Equal(t, []string{"card-approved", "card-overdue", "promise-moved", "card-overdue"}, s.Told(a), "once for each promise")
}

// Of a year that is not announced the promise is provisional; the announcement makes it firm.
func TestAnnouncementMakesAPromiseFirm(t *testing.T) {
	t.Parallel()
	s := stage.New(t)
	ctx := context.Background()
	s.Clock.Advance(time.Date(2026, 12, 28, 1, 0, 0, 0, time.UTC).Sub(stage.Start))
	s.Waiting(s.Branch)
	dates := func() string {
		t.Helper()
		return s.Text("SELECT concat_ws(' ', promised_from, promised_until, promise_provisional) FROM application")
	}
	require.Equal(t, "2027-01-12 2027-01-19 t", dates())
	params, err := s.Vault.Unseal(bytesOf(t, s, "SELECT params FROM message WHERE template = 'card-approved'"), store.LabelMessageParams)
	require.NoError(t, err)
	require.Contains(t, string(params), "2027年1月19日（暂定）")
	s.Import(s.Calendar().With(calendar.Year{Year: 2027, Off: []calendar.Date{calendar.Day(2027, time.January, 1)}}))
	page, err := s.Promises.Recompute(ctx, [16]byte{}, 10)
	require.NoError(t, err)
	require.Len(t, page.Changed, 1)
	require.Equal(t, "2027-01-12 2027-01-19 f", dates())
	require.Zero(t, s.Count("SELECT count(*) FROM message WHERE template = 'promise-moved'"), "the dates stay")
}

func date(month time.Month, day int) time.Time {
	return time.Date(2026, month, day, 0, 0, 0, 0, time.UTC)
}

// utc is the effect with its dates in UTC, so that it compares.
func utc(e cardstore.PromiseEffect) cardstore.PromiseEffect {
	for i := range e.Samples {
		m := &e.Samples[i]
		for _, at := range []*time.Time{&m.Start, &m.OldFrom, &m.OldUntil, &m.NewFrom, &m.NewUntil} {
			*at = at.UTC()
		}
	}
	return e
}
