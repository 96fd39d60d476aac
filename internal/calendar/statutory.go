package calendar

import (
	"slices"
	"sync"
	"time"

	lunar "github.com/6tail/lunar-go/calendar"
)

// The years for which the statutory rule is known; outside of them only weekends are.
const (
	firstYear = 2014 // the rule of 2013 came into force
	lastYear  = 2099
	rule2024  = 2025 // the first year of the rule of 2024
)

// Named is a day with the name of its holiday.
type Named struct {
	Day  Date
	Name string
}

// statutoryYear is what the law says of a year.
type statutoryYear struct {
	days []Named
	off  map[Date]bool // the days, and the working days on which those on weekends are made up (Art. 6)
}

// Statutory lists the days that the law gives everybody off (全国年节及纪念日放假办法), oldest first, made-up
// days not among them. A day of two holidays stands there once.
func Statutory(year int) []Named { return statutoryOf(year).days }

// statutoryYears computes each year once: lunar dates are costly.
var statutoryYears = func() (years [lastYear - firstYear + 1]func() statutoryYear) {
	for i := range years {
		years[i] = sync.OnceValue(func() statutoryYear { return layOut(firstYear + i) })
	}
	return years
}()

func statutoryOf(year int) statutoryYear {
	if year < firstYear || year > lastYear {
		return statutoryYear{}
	}
	return statutoryYears[year-firstYear]()
}

func layOut(year int) statutoryYear {
	spring, labour := 0, 1 // days from the first day of the lunar year on; days of May
	if year >= rule2024 {
		spring, labour = -1, 2
	}
	var holidays [][]Named
	add := func(name string, first Date, days int) {
		var h []Named
		for i := range days {
			h = append(h, Named{first.Plus(i), name})
		}
		holidays = append(holidays, h)
	}
	newYear := lunarDay(year, 1, 1)
	add("元旦", Day(year, time.January, 1), 1)
	add("春节", newYear.Plus(spring), 3-spring)
	add("清明节", qingming(year), 1)
	add("劳动节", Day(year, time.May, 1), labour)
	add("端午节", lunarDay(year, 5, 5), 1)
	add("中秋节", lunarDay(year, 8, 15), 1)
	add("国庆节", Day(year, time.October, 1), 3)
	return assemble(holidays)
}

// assemble puts the holidays together and makes up for what falls on a weekend, or on another holiday.
func assemble(holidays [][]Named) statutoryYear {
	y := statutoryYear{off: map[Date]bool{}}
	owed := make([]int, len(holidays))
	for i, h := range holidays {
		for _, d := range h {
			if y.off[d.Day] {
				owed[i]++
				continue
			}
			y.off[d.Day] = true
			y.days = append(y.days, d)
			if d.Day.Weekend() {
				owed[i]++
			}
		}
	}
	slices.SortFunc(y.days, func(a, b Named) int { return a.Day.Compare(b.Day) })
	for i, h := range holidays {
		for d := h[len(h)-1].Day.Plus(1); owed[i] > 0; d = d.Plus(1) {
			if !d.Weekend() && !y.off[d] {
				y.off[d] = true
				owed[i]--
			}
		}
	}
	return y
}

func lunarDay(year, month, day int) Date {
	s := lunar.NewLunarFromYmd(year, month, day).GetSolar()
	return Day(s.GetYear(), time.Month(s.GetMonth()), s.GetDay())
}

// qingming is the day of the solar term, which always lies in the first days of April.
func qingming(year int) Date {
	s := lunar.NewSolarFromYmd(year, 4, 1).GetLunar().GetJieQiTable()["清明"]
	return Day(s.GetYear(), time.Month(s.GetMonth()), s.GetDay())
}
