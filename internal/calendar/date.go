// Package calendar counts working days as the State Council announces them, make-up days (调休)
// included. A year that is not announced yet is laid out by the statutory rule, and everything
// that was counted through it is provisional.
package calendar

import (
	"fmt"
	"time"

	"volcard/internal/clock"
)

// Date is a day of the calendar, without a time or a zone. Dates compare with ==; the zero Date is none.
type Date struct{ n int32 } // days since the one before the first of the year 1

// Day makes a Date. Overflowing days and months go on into the next month and year.
func Day(year int, month time.Month, day int) Date {
	return DateIn(time.Date(year, month, day, 0, 0, 0, 0, time.UTC))
}

// DateOf is the day on which a moment lies in Shanghai.
func DateOf(t time.Time) Date { return DateIn(t.In(clock.Shanghai)) }

// DateIn is the day that a time shows in its own zone: a date column is read as midnight UTC.
func DateIn(t time.Time) Date {
	y, m, d := t.Date()
	midnight := time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix()
	days := midnight / secondsPerDay // exact: UTC has no odd days
	return Date{int32(days) + epoch}
}

const (
	secondsPerDay = 24 * 60 * 60
	epoch         = 719163 // n of 1970-01-01
)

// ParseDate reads 2026-12-07.
func ParseDate(text string) (Date, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return Date{}, fmt.Errorf("date: %w", err)
	}
	return DateIn(t), nil
}

// UTC is midnight of the day in UTC, the form of a date column.
func (d Date) UTC() time.Time { return time.Unix(int64(d.n-epoch)*secondsPerDay, 0).UTC() }

// IsZero tells whether there is no date.
func (d Date) IsZero() bool { return d.n == 0 }

func (d Date) civil() (int, time.Month, int) { return d.UTC().Date() }

// Year is the year of the Date.
func (d Date) Year() int { return d.UTC().Year() }

// Month is the month of the Date.
func (d Date) Month() time.Month { return d.UTC().Month() }

// DayOfMonth is 1 to 31.
func (d Date) DayOfMonth() int { return d.UTC().Day() }

// Weekday is the day of the week.
func (d Date) Weekday() time.Weekday { return d.UTC().Weekday() }

// Weekend tells whether the day is a Saturday or a Sunday.
func (d Date) Weekend() bool { w := d.Weekday(); return w == time.Saturday || w == time.Sunday }

// Plus is n days later; working days are Calendar.Add.
func (d Date) Plus(n int) Date { return Date{d.n + int32(n)} }

// Before tells whether d is an earlier day.
func (d Date) Before(e Date) bool { return d.n < e.n }

// Compare orders dates.
func (d Date) Compare(e Date) int { return int(d.n) - int(e.n) }

// String is 2026-12-07, or "" for no date.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return d.UTC().Format(time.DateOnly)
}

// Text is 12月7日.
func (d Date) Text() string {
	_, m, day := d.civil()
	return fmt.Sprintf("%d月%d日", int(m), day)
}

// LongText is 2026年12月7日.
func (d Date) LongText() string { return fmt.Sprintf("%d年%s", d.Year(), d.Text()) }

// EndOf is the last second of a day in Shanghai: a deadline that says "on that day".
func EndOf(d Date) time.Time {
	return d.UTC().Add(24*time.Hour - time.Second).Add(-shanghaiOffset)
}

// shanghaiOffset is by how much Shanghai is ahead of UTC.
const shanghaiOffset = 8 * time.Hour
