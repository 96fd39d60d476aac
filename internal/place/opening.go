package place

import (
	"fmt"
	"time"

	"volcard/internal/calendar"
	"volcard/internal/clock"
)

// Opening is when a branch is open: its weekly hours on the calendar of working days. On a day off that a
// notice or the statutory rule names it is closed, whatever its hours say. A make-up working day has Monday's
// hours; where the branch is closed on Mondays, those of the weekday itself.
type Opening struct {
	Hours    WeekHours
	Calendar *calendar.Calendar
}

// lookAhead bounds the search for an open day, in days: longer than any holidays between two days of a branch
// that is open once a week.
const lookAhead = 60

// on are the hours of a day.
func (o Opening) on(d calendar.Date) []Interval {
	switch kind, _ := o.Calendar.Kind(d); {
	case kind == calendar.Holiday:
		return nil
	case kind == calendar.MakeUp && len(o.Hours[time.Monday]) > 0:
		return o.Hours[time.Monday]
	}
	return o.Hours[d.Weekday()]
}

// OpenOn reports whether the branch is open at some time of a day.
func (o Opening) OpenOn(d calendar.Date) bool { return len(o.on(d)) > 0 }

// OpenDay is the first day from d on at which the branch is open; d itself where no day of the next weeks is.
func (o Opening) OpenDay(d calendar.Date) calendar.Date {
	for ahead := range lookAhead {
		if day := d.Plus(ahead); o.OpenOn(day) {
			return day
		}
	}
	return d
}

// OpenAt reports whether the branch is open at t.
func (o Opening) OpenAt(t time.Time) bool {
	_, ok := o.at(t)
	return ok
}

func (o Opening) at(t time.Time) (Interval, bool) {
	t = t.In(clock.Shanghai)
	m := Minute(t.Hour()*60 + t.Minute())
	for _, iv := range o.on(calendar.DateOf(t)) {
		if iv.From <= m && m < iv.To {
			return iv, true
		}
	}
	return Interval{}, false
}

// NextOpening is the first start of an interval after t; false where none of the next weeks has one.
func (o Opening) NextOpening(t time.Time) (time.Time, bool) {
	t = t.In(clock.Shanghai)
	y, mon, d := t.Date()
	for ahead := range lookAhead {
		midnight := time.Date(y, mon, d+ahead, 0, 0, 0, 0, clock.Shanghai)
		for _, iv := range o.on(calendar.DateOf(midnight)) {
			if start := midnight.Add(time.Duration(iv.From) * time.Minute); start.After(t) {
				return start, true
			}
		}
	}
	return time.Time{}, false
}

// Status says in a few words what a visitor at t finds.
func (o Opening) Status(t time.Time) string {
	if iv, ok := o.at(t); ok {
		return "营业中，" + iv.To.String() + " 结束"
	}
	next, ok := o.NextOpening(t)
	if !ok {
		return "暂不营业"
	}
	today, day := calendar.DateOf(t), calendar.DateOf(next)
	state := "休息中"
	if kind, _ := o.Calendar.Kind(today); kind == calendar.Holiday {
		state = "节假日休息"
	}
	return fmt.Sprintf("%s，%s %d:%02d 开始营业", state, nearDay(today, day), next.Hour(), next.Minute())
}

// nearDay names a day as seen from today: a weekday alone is only clear within the week.
func nearDay(today, day calendar.Date) string {
	const week = 7
	switch n := day.Compare(today); {
	case n == 0:
		return "今天"
	case n == 1:
		return "明天"
	case n < week:
		return day.ShortWeekday()
	}
	return day.Text() + "（" + day.ShortWeekday() + "）"
}
