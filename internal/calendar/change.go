package calendar

import (
	"slices"
	"strings"
)

// Change is a day that another version of a year makes something else.
type Change struct {
	Day      Date
	From, To Kind
}

// Changes lists the days that are different in another calendar, in a year and in the December before it,
// which the year's notice may set.
func (c *Calendar) Changes(other *Calendar, year int) []Change {
	var out []Change
	for d := Day(year-1, 12, 1); d.Year() <= year; d = d.Plus(1) {
		from, _ := c.Kind(d)
		if to, _ := other.Kind(d); from != to {
			out = append(out, Change{d, from, to})
		}
	}
	return out
}

// Same tells whether two versions of a year say the same.
func (y Year) Same(other Year) bool {
	return y.Year == other.Year && y.Notice == other.Notice && sameDays(y.Off, other.Off) && sameDays(y.MakeUp, other.MakeUp)
}

func sameDays(a, b []Date) bool {
	return slices.Equal(slices.SortedFunc(slices.Values(a), Date.Compare), slices.SortedFunc(slices.Values(b), Date.Compare))
}

// Text names the kind of a day.
func (k Kind) Text() string {
	switch k {
	case Workday:
		return "工作日"
	case Weekend:
		return "周末"
	case Holiday:
		return "放假"
	case MakeUp:
		return "调休上班"
	}
	return ""
}

// ShortWeekday is 周一.
func (d Date) ShortWeekday() string { return "周" + strings.TrimPrefix(d.WeekdayText(), "星期") }

// WeekdayText is 星期一.
func (d Date) WeekdayText() string { return weekdays[d.Weekday()] }
