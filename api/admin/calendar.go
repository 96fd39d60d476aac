package admin

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"volcard/api/web"
	"volcard/internal/calendar"
	"volcard/internal/fault"
	"volcard/internal/store/calendarstore"
	"volcard/internal/store/cardstore"
)

// Promises tells what another calendar would do to open promises; cardstore.Promises is one.
type Promises interface {
	Effect(ctx context.Context, cal *calendar.Calendar) (cardstore.PromiseEffect, error)
}

// Pickups counts the waiting cards whose last day another calendar would move; cardstore.Pickups is one.
type Pickups interface {
	Affected(ctx context.Context, cal *calendar.Calendar) (int, error)
}

var (
	_ Promises = cardstore.Promises{}
	_ Pickups  = cardstore.Pickups{}
)

const (
	calendarPath = "/admin/calendar"
	// yearsAhead is how many years behind the present one are shown, announced or not.
	yearsAhead = 1
)

// days are the pages of the working days.
type days struct{ Deps }

type calendarPage struct {
	web.Frame
	Years   []yearTab
	Year    yearView
	Imports []calendarstore.Imported
}

// yearTab is a year in the page's menu.
type yearTab struct {
	Year            int
	Announced, Here bool
}

func (h days) show(w http.ResponseWriter, r *http.Request) error {
	cal, _, err := h.Years.Load(r.Context())
	if err != nil {
		return err
	}
	today := calendar.DateOf(h.Kit.Now())
	year, err := askedYear(r, cal, today)
	if err != nil {
		return err
	}
	p := &calendarPage{Frame: web.Frame{Title: "工作日历"}, Year: viewYear(cal, year, today)}
	for _, y := range shownYears(cal, today) {
		_, announced := cal.Announced(y)
		p.Years = append(p.Years, yearTab{Year: y, Announced: announced, Here: y == year})
	}
	if p.Imports, err = h.Years.Imported(r.Context(), maxImports); err != nil {
		return err
	}
	return h.Kit.Render(w, r, http.StatusOK, "admin/calendar", p)
}

// export is a year as a file that import reads. Of a year that is not announced it is a template: the
// days of the statutory rule, without a notice.
func (h days) export(w http.ResponseWriter, r *http.Request) error {
	cal, _, err := h.Years.Load(r.Context())
	if err != nil {
		return err
	}
	year, err := askedYear(r, cal, calendar.DateOf(h.Kit.Now()))
	if err != nil {
		return err
	}
	y, _ := cal.YearOf(year)
	file, err := y.File()
	if err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", "text/csv; charset=utf-8")
	header.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="calendar-%d.csv"`, year))
	header.Set("Cache-Control", "no-store")
	_, err = w.Write(file)
	return err
}

// askedYear is the year in the address, or the present one.
func askedYear(r *http.Request, cal *calendar.Calendar, today calendar.Date) (int, error) {
	asked := r.URL.Query().Get("year")
	if asked == "" {
		return today.Year(), nil
	}
	for _, y := range shownYears(cal, today) {
		if asked == strconv.Itoa(y) {
			return y, nil
		}
	}
	return 0, fault.New(fault.NotFound, "没有这一年的日历。")
}

// shownYears runs from the first announced year to the one after the present one, or after the last announced.
func shownYears(cal *calendar.Calendar, today calendar.Date) []int {
	announced := cal.Years()
	first, last := today.Year(), today.Year()
	if len(announced) > 0 {
		first, last = min(first, announced[0].Year), max(last, announced[len(announced)-1].Year)
	}
	var out []int
	for y := first; y <= last+yearsAhead; y++ {
		out = append(out, y)
	}
	return out
}

// yearView is a year to look at.
type yearView struct {
	Year      int
	Announced bool
	Notice    string
	Version   int // 0: as the program has it
	Workdays  int
	Breaks    []calendar.Break
	MakeUps   []calendar.Date
	Months    []monthView
}

// monthView is a month as a sheet of weeks, Monday first.
type monthView struct {
	Month time.Month
	Weeks [][]cell
}

// cell is one day of a month's sheet; Day 0 is none.
type cell struct {
	Day         int
	Kind        calendar.Kind
	Provisional bool
	Today       bool
}

// Class is how the day looks.
func (c cell) Class() string {
	switch {
	case c.Day == 0:
		return ""
	case c.Kind == calendar.Holiday && c.Provisional:
		return "off maybe"
	case c.Kind == calendar.Holiday:
		return "off"
	case c.Kind == calendar.MakeUp:
		return "work"
	case c.Kind == calendar.Weekend:
		return "rest"
	}
	return ""
}

// Mark is the sign beside the day.
func (c cell) Mark() string {
	switch {
	case c.Day == 0:
		return ""
	case c.Kind == calendar.Holiday:
		return "休"
	case c.Kind == calendar.MakeUp:
		return "班"
	}
	return ""
}

// Text is what the sign means.
func (c cell) Text() string {
	switch {
	case c.Mark() == "":
		return ""
	case c.Provisional:
		return "推算" + c.Kind.Text()
	}
	return c.Kind.Text()
}

func viewYear(cal *calendar.Calendar, year int, today calendar.Date) yearView {
	announced, ok := cal.Announced(year)
	v := yearView{
		Year: year, Announced: ok, Notice: announced.Notice, Version: announced.Version,
		Workdays: cal.Workdays(year), Breaks: cal.Breaks(year), MakeUps: cal.MakeUps(year),
	}
	for m := time.January; m <= time.December; m++ {
		v.Months = append(v.Months, viewMonth(cal, year, m, today))
	}
	return v
}

func viewMonth(cal *calendar.Calendar, year int, month time.Month, today calendar.Date) monthView {
	const week = 7
	first := calendar.Day(year, month, 1)
	before := (int(first.Weekday()) + week - 1) % week // a week begins on Monday
	var cells []cell
	for range before {
		cells = append(cells, cell{})
	}
	for d := first; d.Month() == month; d = d.Plus(1) {
		kind, provisional := cal.Kind(d)
		cells = append(cells, cell{Day: d.DayOfMonth(), Kind: kind, Provisional: provisional, Today: d == today})
	}
	for len(cells)%week != 0 {
		cells = append(cells, cell{})
	}
	m := monthView{Month: month}
	for ; len(cells) > 0; cells = cells[week:] {
		m.Weeks = append(m.Weeks, cells[:week])
	}
	return m
}
