package calendar

import (
	"slices"
	"strings"
)

// Break is a run of days off around a holiday.
type Break struct {
	Name        string // 国庆节、中秋节
	From, Until Date
}

// Days counts the days of the break.
func (b Break) Days() int { return b.Until.Compare(b.From) + 1 }

// Text is 10月1日至10月7日, or 1月1日.
func (b Break) Text() string {
	if b.From == b.Until {
		return b.From.Text()
	}
	return b.From.Text() + "至" + b.Until.Text()
}

// Breaks lists a year's holidays in their order. Weekends inside a break belong to it, those around it do not.
func (c *Calendar) Breaks(year int) []Break {
	var out []Break
	open := false // no working day since the last holiday
	for d := Day(year, 1, 1); d.Year() == year; d = d.Plus(1) {
		switch kind, _ := c.Kind(d); {
		case kind == Holiday && open:
			out[len(out)-1].Until = d
		case kind == Holiday:
			out = append(out, Break{From: d, Until: d})
			open = true
		case kind.Works():
			open = false
		}
	}
	statutory := Statutory(year)
	for i := range out {
		b := &out[i]
		var names []string
		for _, s := range statutory {
			if !s.Day.Before(b.From) && !b.Until.Before(s.Day) && !slices.Contains(names, s.Name) {
				names = append(names, s.Name)
			}
		}
		b.Name = strings.Join(names, "、")
	}
	return out
}

// MakeUps lists the weekend days of a year that are worked.
func (c *Calendar) MakeUps(year int) []Date {
	var out []Date
	for d := Day(year, 1, 1); d.Year() == year; d = d.Plus(1) {
		if kind, _ := c.Kind(d); kind == MakeUp {
			out = append(out, d)
		}
	}
	return out
}
