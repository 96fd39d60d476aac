package admin_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"volcard/api/web"
	"volcard/api/web/webtest"
	"volcard/internal/calendar"
	"volcard/internal/csvfile"
	"volcard/internal/fault"
	"volcard/internal/store/calendarstore"
	"volcard/internal/store/cardstore"
)

// notice2027 is a notice as it might be announced for 2027.
func notice2027(t *testing.T) []byte {
	t.Helper()
	y, _ := calendar.New().YearOf(2027)
	y.Notice = "国办发明电〔2026〕9号"
	y.Off = append(y.Off, calendar.Day(2027, 1, 2), calendar.Day(2027, 1, 3), calendar.Day(2027, 2, 11), calendar.Day(2027, 2, 12))
	y.MakeUp = []calendar.Date{calendar.Day(2026, 12, 26), calendar.Day(2027, 2, 20)}
	file, err := y.File()
	require.NoError(t, err)
	return file
}

func (h *house) imported() int {
	h.T.Helper()
	return h.count("SELECT count(*) FROM calendar_year")
}

func TestCalendarShowsYears(t *testing.T) {
	t.Parallel()
	h := setup(t) // it is 2026-11-23
	me := h.me()
	page := me.Get("/admin/calendar").Want(http.StatusOK)
	page.WantText(".years a.on", "2026已公布").WantText(".years a:last-child", "2027推算").WantText("#year h2", "已公布")
	page.WantText("#workdays", "248").WantText(".year-facts", "国办发明电〔2025〕7号").WantText(".breaks", "春节 2月15日至2月23日").WantText(".makeups", "1月4日星期日")
	require.Equal(t, 12, page.Find(".month").Length())
	require.Equal(t, 365, page.Find(".month td b").Length())
	require.Equal(t, 33, page.Find(".month td.off").Length())
	require.Equal(t, 6, page.Find(".month td.work").Length())
	require.Zero(t, page.Find(".maybe").Length())
	require.Equal(t, "23", page.Text(`.month td[aria-current="date"]`))
	// 2026-11-01 is a Sunday: the last day of its sheet's first week.
	require.Equal(t, "1", page.Text(".month:nth-of-type(11) tbody tr:first-child td:last-child"))

	page = page.Click(".years a:last-child").WantAt("/admin/calendar?year=2027").WantText("#year h2", "按放假办法推算").WantText(".year-facts", "暂定")
	require.Equal(t, 19, page.Find(".month td.off.maybe").Length())
	require.Equal(t, 19, strings.Count(page.Text(".months"), "推算放假"))
	for _, year := range []string{"2022", "2028", "x", "2027 "} {
		me.Get("/admin/calendar?year=" + strings.ReplaceAll(year, " ", "%20")).Want(http.StatusNotFound)
		me.Get("/admin/calendar/export?year=" + strings.ReplaceAll(year, " ", "%20")).Want(http.StatusNotFound)
	}
}

func TestCalendarIsExported(t *testing.T) {
	t.Parallel()
	h := setup(t)
	page := h.me().Get("/admin/calendar/export?year=2025").Want(http.StatusOK)
	require.Contains(t, page.Response.Header.Get("Content-Disposition"), "calendar-2025.csv")
	y, faults, err := calendar.Parse(page.Body)
	require.NoError(t, err)
	require.Empty(t, faults)
	cal, _, err := calendarstore.Years{DB: h.DB, Clock: h.Clock}.Load(t.Context())
	require.NoError(t, err)
	announced, _ := cal.Announced(2025)
	require.True(t, announced.Same(y))
	for _, line := range strings.Split(string(page.Body), "\r\n") {
		for _, cell := range strings.Split(line, ",") {
			require.Empty(t, csvfile.RefuseCell(cell), "no spreadsheet runs it")
		}
	}
	// A year that is not announced is a template: it is not imported unread.
	template := h.me().Get("/admin/calendar/export?year=2027").Want(http.StatusOK).Body
	require.Contains(t, string(template), "2027-02-05,休,春节")
	upload(h.me(), "/admin/calendar/import", template).Want(http.StatusUnprocessableEntity).WantText("#row-errors + .card", "没有文号")
	// With the number it is the year as it was shown, made-up days included: no day changes.
	template = bytes.Replace(template, []byte("文号,"), []byte("文号,国办发明电〔2026〕9号"), 1)
	sum := upload(h.me(), "/admin/calendar/import", template).Want(http.StatusOK)
	sum.WantText("#summary", "248 → 248")
	require.Zero(t, sum.Find("#changes").Length())
}

func TestCalendarImportShowsThenApplies(t *testing.T) {
	t.Parallel()
	h := setup(t)
	date := func(month time.Month, day int) time.Time { return time.Date(2027, month, day, 0, 0, 0, 0, time.UTC) }
	h.effects.tell = cardstore.PromiseEffect{Open: 41, Moved: 17, MovedMoreThanADay: 5, Samples: []cardstore.PromiseMove{{
		Start: time.Date(2026, 12, 28, 0, 0, 0, 0, time.UTC), OldFrom: date(1, 12), OldUntil: date(1, 19),
		NewFrom: date(1, 13), NewUntil: date(1, 20), Cases: 5,
	}}}
	h.effects.waits = 3
	me := h.me()
	file := notice2027(t)
	page := upload(me, "/admin/calendar/import", file).Want(http.StatusOK)
	page.WantText("#summary", "国办发明电〔2026〕9号").WantText("#summary", "按放假办法推算")
	page.WantText("#effect", "申请41").WantText("#effect", "会变17").WantText("#effect", "短信通知5").WantText("#effect", "将顺延并短信通知3")
	page.WantText("#moves", "2027年1月12日 至 2027年1月19日").WantText("#moves", "2027年1月13日 至 2027年1月20日").WantText("#moves", "晚 1 天")
	page.WantText("#changes", "2026年12月26日星期六周末 → 调休上班").WantText("#changes", "2027年2月11日星期四工作日 → 放假")
	works, _ := h.effects.asked.IsWorkday(calendar.Day(2026, 12, 26))
	require.True(t, works, "promises are asked with the calendar that would be in force")
	require.Zero(t, h.imported(), "looking changes nothing")

	// What is confirmed must be what was shown.
	page.Submit("#apply", map[string]string{"sha256": strings.Repeat("0", 64)}).Want(http.StatusConflict).WantError("", "重新核对")
	page.Submit("#apply", map[string]string{"over": "1"}).Want(http.StatusConflict)
	page.Submit("#apply", map[string]string{"content": "!"}).Want(http.StatusUnprocessableEntity).WantError("file", "没有收到文件")
	page.Submit("#apply", map[string]string{"content": "eA=="}).Want(http.StatusUnprocessableEntity).Has("#row-errors")
	require.Zero(t, h.imported())
	require.Zero(t, h.process.calls)

	done := page.Submit("#apply", nil).WantAt("/admin/calendar?year=2027").WantText(".flash", "2027 年的放假安排已生效")
	done.WantText(".years a.on", "2027已公布").WantText("#year", "第 1 次导入").WantText("#imports", "陈静").Lacks(".maybe")
	require.Equal(t, 1, h.process.calls)
	require.Equal(t, 1, h.count("SELECT count(*) FROM audit_entry WHERE subject_kind = 'calendar' AND actor_id = $1", h.admin.String()))
	me.Get("/admin/calendar").WantText(".years a:last-child", "2028推算")

	page.Submit("#apply", nil).Want(http.StatusConflict) // sent twice: it is in force by now
	require.Equal(t, 1, h.imported())
	upload(me, "/admin/calendar/import", file).WantText("#same", "完全相同").Lacks("#apply")
}

// Another administrator imports between the look and the confirmation.
func TestCalendarImportOverAnother(t *testing.T) {
	t.Parallel()
	h := setup(t)
	file := notice2027(t)
	page := upload(h.me(), "/admin/calendar/import", file)
	other := bytes.Replace(file, []byte("2027-02-11,休,春节\r\n"), nil, 1)
	other = bytes.Replace(other, []byte("2027-02-20,班,\r\n"), nil, 1)
	require.NotEqual(t, file, other)
	upload(h.me(), "/admin/calendar/import", other).Submit("#apply", nil).WantAt("/admin/calendar?year=2027")
	again := page.Submit("#apply", nil).Want(http.StatusConflict).WantError("", "有变化").WantText("#changes", "2027年2月11日")
	again.Submit("#apply", nil).WantAt("/admin/calendar?year=2027").WantText("#year", "第 2 次导入")
	require.Equal(t, 2, h.imported())
}

// Where Temporal is away the calendar is in force all the same; the dates follow.
func TestCalendarImportWithoutProcesses(t *testing.T) {
	t.Parallel()
	h := setup(t)
	page := upload(h.me(), "/admin/calendar/import", notice2027(t))
	h.process.instead = fault.New(fault.Unavailable, "办理系统暂时繁忙，请稍后再试。")
	page.Submit("#apply", nil).WantAt("/admin/calendar?year=2027").WantText(".flash", "下一个工作日")
	require.Equal(t, 1, h.imported())
}

func TestCalendarImportTellsEveryFault(t *testing.T) {
	t.Parallel()
	h := setup(t)
	me := h.me()
	file := string(notice2027(t))
	bad := strings.Replace(file, "2027-02-20,班", "2027-02-23,班", 1) // a Tuesday
	bad = strings.Replace(bad, "2027-10-02,休,国庆节\r\n", "", 1)
	page := upload(me, "/admin/calendar/import", []byte(bad)).Want(http.StatusUnprocessableEntity)
	page.WantText("#row-errors", "2 处问题").Lacks("#apply").Lacks("#summary")
	page.WantText("#row-errors + .card", "2027年2月23日是星期二，不是周末").WantText("#row-errors + .card", "2027年10月2日是法定节假日（国庆节）")
	upload(me, "/admin/calendar/import", []byte(strings.Replace(file, "年份,2027", "年份,2026", 1))).
		Want(http.StatusUnprocessableEntity).WantText("#row-errors + .card", "不属于 2026 年")
	for name, bad := range map[string][]byte{"none": nil, "excel": []byte("PK\x03\x04xxxx"), "long": bytes.Repeat([]byte("2027-01-01,休\n"), 300)} {
		got := upload(me, "/admin/calendar/import", bad).Want(http.StatusUnprocessableEntity)
		require.NotEmpty(t, got.Text("#f-file-error"), name)
	}
	upload(me, "/admin/calendar/import", bytes.Repeat([]byte("x"), 2*csvfile.MaxBytes)).Want(http.StatusRequestEntityTooLarge)
	require.Zero(t, h.imported())
}

func TestOnlyAdministratorsSeeTheCalendar(t *testing.T) {
	t.Parallel()
	h := setup(t)
	clerk := h.Clerk(h.rows.Clerk("周敏", h.branch), h.branch)
	for _, path := range []string{"/admin/calendar", "/admin/calendar/export", "/admin/calendar/import"} {
		clerk.Get(path).Want(http.StatusForbidden)
		require.Contains(t, h.Client().Still().Get(path).Location(), web.StaffLogin)
	}
	for _, path := range []string{"/admin/calendar/import", "/admin/calendar/apply"} {
		upload(clerk, path, notice2027(t)).Want(http.StatusForbidden)
		require.Contains(t, upload(h.Client().Still(), path, nil).Location(), web.StaffLogin)
		upload(h.me().With("Origin", "https://evil.example").With("Sec-Fetch-Site", "cross-site"), path, notice2027(t)).Want(http.StatusForbidden)
	}
	require.Zero(t, h.imported())
}

func TestCalendarIsAccessible(t *testing.T) {
	h := setup(t)
	h.effects.tell = cardstore.PromiseEffect{Open: 1, Moved: 1, Samples: []cardstore.PromiseMove{{
		Start: time.Date(2026, 12, 28, 0, 0, 0, 0, time.UTC), OldFrom: h.Clock.Now(), OldUntil: h.Clock.Now(),
		NewFrom: h.Clock.Now(), NewUntil: h.Clock.Now(), Cases: 1, ProvisionalNowTold: true,
	}}}
	me := h.me()
	b := webtest.NewBrowser(t)
	for name, path := range map[string]string{"calendar": "/admin/calendar", "calendar-2027": "/admin/calendar?year=2027", "calendar-import": "/admin/calendar/import"} {
		shots(t, b, me, path, "admin-"+name)
		webtest.Axe(t, b, me, path)
	}
	file, err := json.Marshal(string(notice2027(t)))
	require.NoError(t, err)
	choose := `const data = new DataTransfer(); data.items.add(new File([%s], "calendar.csv")); form.elements.file.files = data.files;`
	tab := b.Tab(me, "/admin/calendar/import", 1280, 800)
	answer(t, tab, "#upload", "#apply", fmt.Sprintf(choose, file))
	b.Axe(tab)
	picture(t, b, tab, "admin-calendar-summary")
	tab = b.Tab(me, "/admin/calendar/import", 375, 800)
	answer(t, tab, "#upload", "#row-errors", fmt.Sprintf(choose, strings.ReplaceAll(string(file), "2027-10-02", "2027-10-12")))
	b.Axe(tab)
	picture(t, b, tab, "admin-calendar-errors")
}
