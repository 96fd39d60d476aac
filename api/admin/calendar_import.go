package admin

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"volcard/api/web"
	"volcard/internal/calendar"
	"volcard/internal/csvfile"
	"volcard/internal/fault"
	"volcard/internal/store/calendarstore"
	"volcard/internal/store/cardstore"
)

type calendarImportPage struct {
	web.Frame
	Form   *web.Form
	Errors []csvfile.RowError
	More   int      // errors that are not shown
	Sum    *preview // nil before a file without faults was chosen
}

// preview is what a file would change.
type preview struct {
	Content string // base64; travels with the confirmation, so that nothing is kept here
	SHA256  string
	Over    int // the version of the calendar that it was compared with
	Before  yearView
	After   yearView
	Same    bool // the year is in force as it stands there
	Changes []calendar.Change
	More    int // changes that are not shown
	Effect  cardstore.PromiseEffect
	Waits   int // waiting cards whose last day moves
	Moves   []move

	year calendar.Year
	file []byte
}

// move is a group of cases whose dates move.
type move struct{ cardstore.PromiseMove }

// Start is the day of submission.
func (m move) Start() string { return calendar.DateIn(m.PromiseMove.Start).LongText() }

// Old is what was promised.
func (m move) Old() string { return span(m.OldFrom, m.OldUntil) }

// New is what would be promised.
func (m move) New() string { return span(m.NewFrom, m.NewUntil) }

func span(from, until time.Time) string {
	return calendar.DateIn(from).LongText() + " 至 " + calendar.DateIn(until).LongText()
}

// Shift is by how many days the last day moves.
func (m move) Shift() string {
	const day = 24 * time.Hour
	switch n := int(m.NewUntil.Sub(m.OldUntil) / day); {
	case n > 0:
		return fmt.Sprintf("晚 %d 天", n)
	case n < 0:
		return fmt.Sprintf("早 %d 天", -n)
	}
	return "最晚日期不变"
}

func (h days) importPage(form *web.Form) *calendarImportPage {
	return &calendarImportPage{Frame: web.Frame{Title: "导入放假安排"}, Form: form}
}

func (h days) render(w http.ResponseWriter, r *http.Request, p *calendarImportPage, status int) error {
	return h.Kit.Render(w, r, status, "admin/calendar-import", p)
}

func (h days) showImport(w http.ResponseWriter, r *http.Request) error {
	return h.render(w, r, h.importPage(web.NewForm(nil)), http.StatusOK)
}

// upload looks at a file and tells what it would change. Nothing is changed and nothing is kept.
func (h days) upload(w http.ResponseWriter, r *http.Request) error {
	p := h.importPage(web.NewForm(nil))
	file, err := uploaded(r)
	if err == nil {
		err = h.look(r, p, file)
	}
	if err != nil {
		return h.refuse(w, r, p, err)
	}
	if len(p.Errors) > 0 {
		return h.render(w, r, p, http.StatusUnprocessableEntity)
	}
	return h.render(w, r, p, http.StatusOK)
}

// refuse says beside the file why it cannot be read.
func (h days) refuse(w http.ResponseWriter, r *http.Request, p *calendarImportPage, err error) error {
	if web.StatusOf(err) != http.StatusUnprocessableEntity {
		return err
	}
	p.Form.Fail("file", fault.Sentence(err))
	return h.render(w, r, p, http.StatusUnprocessableEntity)
}

// look compares a file with the calendar in force.
func (h days) look(r *http.Request, p *calendarImportPage, file []byte) error {
	year, faults, err := calendar.Parse(file)
	if err != nil {
		return err
	}
	if len(faults) > 0 {
		p.Errors = faults[:min(len(faults), maxShown)]
		p.More = len(faults) - len(p.Errors)
		return nil
	}
	now, version, err := h.Years.Load(r.Context())
	if err != nil {
		return err
	}
	next, today := now.With(year), calendar.DateOf(h.Kit.Now())
	effect, err := h.Promises.Effect(r.Context(), next)
	if err != nil {
		return err
	}
	waits, err := h.Pickups.Affected(r.Context(), next)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(file)
	before, announced := now.Announced(year.Year)
	p.Sum = &preview{
		Content: base64.StdEncoding.EncodeToString(file), SHA256: hex.EncodeToString(sum[:]), Over: version,
		Before: viewYear(now, year.Year, today), After: viewYear(next, year.Year, today),
		Same: announced && before.Same(year), Changes: now.Changes(next, year.Year), Effect: effect, Waits: waits,
		year: year, file: file,
	}
	p.Sum.More = max(len(p.Sum.Changes)-maxShown, 0)
	p.Sum.Changes = p.Sum.Changes[:len(p.Sum.Changes)-p.Sum.More]
	for _, m := range effect.Samples {
		p.Sum.Moves = append(p.Sum.Moves, move{m})
	}
	return nil
}

// apply puts a year into force that was looked at. The calendar that it was compared with must still be the
// one in force; how many cases it moves may differ, since people go on submitting.
func (h days) apply(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	p := h.importPage(form)
	file, err := base64.StdEncoding.DecodeString(form.Get("content"))
	if err != nil || len(file) == 0 {
		form.Fail("file", "没有收到文件，请重新选择。")
		return h.render(w, r, p, http.StatusUnprocessableEntity)
	}
	if err := h.look(r, p, file); err != nil {
		return h.refuse(w, r, p, err)
	}
	if len(p.Errors) > 0 {
		return h.render(w, r, p, http.StatusUnprocessableEntity)
	}
	if p.Sum.Same || form.Get("sha256") != p.Sum.SHA256 || form.Get("over") != strconv.Itoa(p.Sum.Over) {
		return h.stale(w, r, p)
	}
	by := web.User(r)
	year, err := h.Years.Import(r.Context(), calendarstore.Import{
		Year: p.Sum.year, SHA256: sha256.Sum256(p.Sum.file), Over: p.Sum.Over, Actor: by.Actor(), Staff: by.ID,
	})
	if fault.Is(err, fault.Conflict) {
		return h.stale(w, r, p)
	} else if err != nil {
		return err
	}
	done := fmt.Sprintf("%d 年的放假安排已生效", year.Year)
	// The year is in force whatever becomes of this: the next production day brings the promises up to it.
	if err := h.Process.StartCalendarChange(r.Context()); err != nil {
		h.Kit.FlashOK(r, done+"。办理系统暂时繁忙，已承诺的日期将在下一个工作日重新计算。")
	} else {
		h.Kit.FlashOK(r, done+"，正在重新计算已承诺的日期，变动超过一天的和领卡期限顺延的申请人会收到短信。")
	}
	web.Redirect(w, r, calendarPath+"?year="+strconv.Itoa(year.Year))
	return nil
}

// stale shows what the file would change by now.
func (h days) stale(w http.ResponseWriter, r *http.Request, p *calendarImportPage) error {
	if err := h.look(r, p, p.Sum.file); err != nil {
		return err
	}
	p.Form.Fail("", "日历或文件在您查看之后有变化，下面是现在的结果。请重新核对后再确认。")
	return h.render(w, r, p, http.StatusConflict)
}
