package applicant_test

import (
	"net/url"
	"testing"
	"time"

	"volcard/internal/clock"
)

// T71: on a public holiday no page says that the branch is open, and what is promised ends on an open day.
func TestPagesKnowTheHolidays(t *testing.T) {
	t.Parallel()
	r := open(t)
	r.exec(`UPDATE branch SET hours = '{"mon": ["09:00-17:00"], "wed": ["09:00-17:00"], "fri": ["09:00-17:00"]}'`)
	newYear := time.Date(2027, 1, 1, 10, 0, 0, 0, clock.Shanghai) // a Friday
	r.Clock.Advance(newYear.Sub(r.Clock.Now()))
	p := r.person("王𠮷", adultID)
	p.draft()
	row := "[data-branch='" + r.branch.String() + "']"
	const closed = "节假日休息，周一 9:00 开始营业"
	p.Get("/apply/branch").WantText(row, closed)
	p.HTMX().Post("/apply/branch/near", url.Values{"lng": {"114.33"}, "lat": {"30.54"}}).Want(200).WantText(row, closed)

	// The thirtieth day is Sunday, 31 January.
	p.Get("/apply/preview").WantText(".expect", "请在 2月1日（周一，含当日）前")
	page := p.submitted()
	page.WantText("main", closed).WantText(".until", "2月1日（周一，含当日）前").WantText(".timeline .next", "2月1日（周一，含当日）前")
}
