package calendar

import (
	"cmp"
	"maps"
	"slices"
)

// Year is a year as it was announced. Days that its notice takes from the December before belong to it.
type Year struct {
	Year    int
	Notice  string // 国办发明电〔2025〕7号; may be empty
	Version int    // of the imports of this year; 0: built in
	Off     []Date // days off that the notice names, weekends among them
	MakeUp  []Date // weekend days that are worked
}

// Kind is what a day is.
type Kind uint8

// The kinds of day.
const (
	Workday Kind = iota
	Weekend
	Holiday // off by a notice or by the statutory rule
	MakeUp  // a weekend day that is worked
)

// Works tells whether people work on such a day.
func (k Kind) Works() bool { return k == Workday || k == MakeUp }

// Calendar knows the kind of every day. It never changes, so that it can be shared.
type Calendar struct {
	announced map[int]Year
	special   map[Date]Kind // Holiday and MakeUp of the announced years
}

// New makes a calendar of the announced years; of two of the same year the later one counts.
func New(years ...Year) *Calendar {
	c := &Calendar{announced: map[int]Year{}, special: map[Date]Kind{}}
	for _, y := range years {
		c.announced[y.Year] = y
	}
	// In order, so that a notice has the last word on the December before it.
	for _, n := range slices.Sorted(maps.Keys(c.announced)) {
		y := c.announced[n]
		for _, d := range y.Off {
			c.special[d] = Holiday
		}
		for _, d := range y.MakeUp {
			c.special[d] = MakeUp
		}
	}
	return c
}

// With is the calendar with another year, or another version of one.
func (c *Calendar) With(y Year) *Calendar {
	years := slices.SortedFunc(maps.Values(c.announced), func(a, b Year) int { return cmp.Compare(a.Year, b.Year) })
	return New(append(years, y)...)
}

// Announced is the year as it was announced; false: only the statutory rule is known of it.
func (c *Calendar) Announced(year int) (Year, bool) {
	y, ok := c.announced[year]
	return y, ok
}

// YearOf is a year as it was announced or, with announced false and no notice, as the statutory rule lays it
// out, made-up days among its days off. A calendar with either has the same days.
func (c *Calendar) YearOf(year int) (y Year, announced bool) {
	if y, ok := c.announced[year]; ok {
		return y, true
	}
	return Year{Year: year, Off: slices.SortedFunc(maps.Keys(statutoryOf(year).off), Date.Compare)}, false
}

// Years are the announced years, oldest first.
func (c *Calendar) Years() []Year {
	return slices.SortedFunc(maps.Values(c.announced), func(a, b Year) int { return cmp.Compare(a.Year, b.Year) })
}

// Kind tells what a day is, and whether a notice may still change it.
func (c *Calendar) Kind(d Date) (kind Kind, provisional bool) {
	year := d.Year()
	_, announced := c.announced[year]
	if k, ok := c.special[d]; ok {
		return k, !announced
	}
	if !announced && statutoryOf(year).off[d] {
		return Holiday, true
	}
	if d.Weekend() {
		return Weekend, !announced
	}
	return Workday, !announced
}

// IsWorkday tells whether people work on a day, and whether a notice may still change it.
func (c *Calendar) IsWorkday(d Date) (workday, provisional bool) {
	k, provisional := c.Kind(d)
	return k.Works(), provisional
}

// Add is the n-th working day after start, which does not count. It is provisional where one of the days
// between lies in a year that is not announced. With n of 0 or less it is start itself.
func (c *Calendar) Add(start Date, n int) (day Date, provisional bool) {
	day = start
	for n > 0 {
		day = day.Plus(1)
		works, maybe := c.IsWorkday(day)
		if works {
			n--
		}
		provisional = provisional || maybe
	}
	return day, provisional
}

// Workdays counts the working days of a year.
func (c *Calendar) Workdays(year int) int {
	n := 0
	for d := Day(year, 1, 1); d.Year() == year; d = d.Plus(1) {
		if works, _ := c.IsWorkday(d); works {
			n++
		}
	}
	return n
}
