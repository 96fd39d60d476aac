package place_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"volcard/internal/calendar"
	"volcard/internal/clock"
	"volcard/internal/place"
)

var builtIn = calendar.New(calendar.BuiltIn()...)

func opening(t *testing.T, hours string) place.Opening {
	t.Helper()
	return place.Opening{Hours: mustHours(t, hours), Calendar: builtIn}
}

// 2026-11-23 is a Monday.
func at(day, hour, minute int) time.Time { return on(11, day, hour, minute) }

func on(month time.Month, day, hour, minute int) time.Time {
	return time.Date(2026, month, day, hour, minute, 0, 0, clock.Shanghai)
}

func TestOpenAt(t *testing.T) {
	t.Parallel()
	o := opening(t, usual)
	for _, c := range []struct {
		when   time.Time
		open   bool
		next   time.Time
		status string
	}{
		{at(23, 8, 59), false, at(23, 9, 0), "休息中，今天 9:00 开始营业"},
		{at(23, 9, 0), true, at(23, 13, 30), "营业中，12:00 结束"},
		{at(23, 12, 0), false, at(23, 13, 30), "休息中，今天 13:30 开始营业"},
		{at(23, 16, 59), true, at(24, 9, 0), "营业中，17:00 结束"},
		{at(23, 17, 0), false, at(24, 9, 0), "休息中，明天 9:00 开始营业"},
		{at(28, 16, 0), false, at(30, 9, 0), "休息中，周一 9:00 开始营业"},
		{at(29, 12, 0), false, at(30, 9, 0), "休息中，明天 9:00 开始营业"},
		{at(23, 9, 30).UTC(), true, at(23, 13, 30), "营业中，12:00 结束"},
		// T71: holidays, announced ones and those of the rule, and make-up days.
		{on(9, 30, 18, 0), false, on(10, 8, 9, 0), "休息中，10月8日（周四） 9:00 开始营业"},
		{on(10, 1, 10, 0), false, on(10, 8, 9, 0), "节假日休息，10月8日（周四） 9:00 开始营业"},
		{on(10, 3, 10, 0), false, on(10, 8, 9, 0), "节假日休息，周四 9:00 开始营业"}, // a Saturday
		{on(10, 10, 16, 30), true, on(10, 12, 9, 0), "营业中，17:00 结束"},     // a Saturday with Monday's hours
		{on(9, 20, 10, 0), true, on(9, 20, 13, 30), "营业中，12:00 结束"},      // a Sunday that is worked
		{on(12, 31, 20, 0), false, time.Date(2027, 1, 2, 9, 0, 0, 0, clock.Shanghai), "休息中，周六 9:00 开始营业"},
	} {
		require.Equal(t, c.open, o.OpenAt(c.when), c.when)
		next, ok := o.NextOpening(c.when)
		require.True(t, ok)
		require.True(t, c.next.Equal(next), "%s: %s", c.when, next)
		require.Equal(t, c.status, o.Status(c.when), c.when)
	}
	closed := place.Opening{Calendar: builtIn}
	_, ok := closed.NextOpening(at(23, 9, 0))
	require.False(t, ok)
	require.Equal(t, "暂不营业", closed.Status(at(23, 9, 0)))
	require.Equal(t, calendar.Day(2026, 11, 23), closed.OpenDay(calendar.Day(2026, 11, 23)), "there is no open day")

	weekly := opening(t, "周一 9:00-10:00")
	next, ok := weekly.NextOpening(at(23, 9, 0))
	require.True(t, ok)
	require.True(t, at(30, 9, 0).Equal(next), "the same day a week later")
}

func TestOpenOn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		hours      string
		month, day int
		open       bool
	}{
		{"周一至周五 9:00-17:00", 10, 10, true}, // a Saturday that is worked
		{"周一至周五 9:00-17:00", 10, 17, false},
		{"每天 9:00-17:00", 10, 1, false},    // a holiday closes all
		{"每天 9:00-17:00", 10, 4, false},    // a Sunday in the holidays
		{"周六、周日 9:00-17:00", 10, 10, true}, // closed on Mondays: the Saturday's own hours
		{"周二至周日 9:00-17:00", 9, 20, true},
		{"周二至周五 9:00-17:00", 9, 20, false},
	} {
		require.Equal(t, c.open, opening(t, c.hours).OpenOn(calendar.Day(2026, time.Month(c.month), c.day)), "%s on %d-%d", c.hours, c.month, c.day)
	}
	require.Equal(t, calendar.Day(2026, 10, 8), opening(t, usual).OpenDay(calendar.Day(2026, 10, 1)))
	require.Equal(t, calendar.Day(2026, 10, 14), opening(t, "周三 9:00-17:00").OpenDay(calendar.Day(2026, 10, 1)), "closed on Mondays and in the holidays")
}

// Whoever comes at the next opening finds it open, and nothing opened in between. An open day has an opening.
func TestOpeningsHold(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := place.Opening{Hours: genHours(t), Calendar: builtIn}
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, clock.Shanghai).Add(time.Duration(rapid.IntRange(0, 400*1440).Draw(t, "now")) * time.Minute)
		next, ok := o.NextOpening(now)
		if !ok {
			require.True(t, o.Hours.IsZero())
			return
		}
		require.True(t, o.OpenAt(next))
		require.True(t, next.After(now))
		require.True(t, o.OpenOn(calendar.DateOf(next)))
		for d := calendar.DateOf(now).Plus(1); d.Before(calendar.DateOf(next)); d = d.Plus(1) {
			require.False(t, o.OpenOn(d), d)
		}
		day := o.OpenDay(calendar.DateOf(now))
		require.True(t, o.OpenOn(day))
		kind, _ := builtIn.Kind(day)
		require.NotEqual(t, calendar.Holiday, kind)
	})
}
