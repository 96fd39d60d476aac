package calendar

import (
	"fmt"
	"time"
)

// PromiseTerms are the working days after the submission between which a regular card is at its branch.
type PromiseTerms struct{ From, Until int }

// DefaultPromise is what the notice promises: 10 to 15 working days.
func DefaultPromise() PromiseTerms { return PromiseTerms{From: 10, Until: 15} }

// Promise is the two days between which a card is at its branch.
type Promise struct {
	Start       Date // does not count
	From, Until Date
	// Provisional: one of the days between lies in a year that is not announced.
	Provisional bool
}

// Promise counts the two dates from a start day, which does not count.
func (c *Calendar) Promise(start Date, terms PromiseTerms) Promise {
	from, _ := c.Add(start, terms.From)
	until, provisional := c.Add(start, terms.Until)
	return Promise{Start: start, From: from, Until: until, Provisional: provisional}
}

// Text is what an applicant reads. The year stands there where the promise crosses one.
func (p Promise) Text() string {
	text := Date.Text
	if y := p.Until.Year(); p.From.Year() != y || p.Start.Year() != y {
		text = Date.LongText
	}
	s := fmt.Sprintf("预计 %s（%s）至 %s（%s）送达网点", text(p.From), p.From.ShortWeekday(), text(p.Until), p.Until.ShortWeekday())
	if p.Provisional {
		s += ProvisionalNote
	}
	return s
}

// ProvisionalNote stands behind dates that another notice may move.
const ProvisionalNote = "（放假安排公布前为暂定）"

// Pace is how long a working day lasts. The zero Pace is the calendar's; any other is for a demonstration.
type Pace struct{ Workday time.Duration }

// After is the deadline n working days after t: the end of that day, or the demonstration's moment.
func (c *Calendar) After(t time.Time, n int, pace Pace) time.Time {
	if pace.Workday > 0 {
		return t.Add(time.Duration(n) * pace.Workday).UTC()
	}
	d, _ := c.Add(DateOf(t), n)
	return EndOf(d)
}
