package admin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/api/web"
	"volcard/api/web/webtest"
	"volcard/internal/card"
	"volcard/internal/fault"
	"volcard/internal/photo/demo"
	"volcard/internal/store/checkstore"
	"volcard/internal/store/placestore"
	"volcard/internal/store/staffstore"
	"volcard/workflows"
)

const (
	idWang = "42019920040229004X"
	idLi   = "420199200402290023"
	rare   = "王𠮷" // held in these tests, whatever the real fonts have
)

func TestOverviewTellsWhatNeedsSomebody(t *testing.T) {
	t.Parallel()
	h := setup(t)
	me := h.me()
	me.Get("/admin").Want(http.StatusOK).Has("#calm").Lacks(".todo")

	h.missing['𠮷'] = true
	h.applied(rare, idWang)
	h.applied("李娜", idLi)
	page := me.Get("/admin").Lacks("#calm").WantText("#todo-held", "1 份申请").Lacks("#todo-messages")
	page.WantText("#states", "等待人工核对1").WantText("#states", "可以领卡1")

	h.Clock.Advance(11 * time.Minute)
	findings, err := json.Marshal([]string{"application 1 had no process, one was started"})
	require.NoError(t, err)
	require.NoError(t, checkstore.Reports{DB: h.DB}.Write(t.Context(), "compare-cases", findings, 1, h.Clock.Now()))
	page = h.me().Get("/admin").WantText("#todo-messages", "2 条短信").WantText("#messages", "card-ready").WantText("#messages", "等待发送")
	page.WantText(".todo", "申请与流程核对")
	require.NotContains(t, string(page.Body), rare, "no name on the overview")
	h.me().Get("/admin/checks").WantText(".findings", "had no process")
}

func TestHeldNameIsReleased(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.missing['𠮷'] = true
	id := h.applied(rare, idWang)
	me := h.me()
	page := me.Get("/admin/held").WantText(".held-name", rare).WantText(".held .tag", "U+20BB7").Click(".held a")
	page.WantText("h1", rare).WantText("#missing", "U+20BB7")

	page.Submit("#decide", nil).Want(http.StatusUnprocessableEntity).WantText("#f-decision-error", "请选择")
	// The font still lacks the character: the process refuses.
	page.Submit("#decide", map[string]string{"decision": "release"}).Want(http.StatusConflict).WantError("", "字库中仍没有")
	require.Equal(t, card.Held, h.state(id))

	h.missing = map[rune]bool{}
	me.Get("/admin/held").WantText(".held .tag", "字库已能显示")
	page.Submit("#decide", map[string]string{"decision": "release"}).WantAt("/admin/held").WantText(".flash", "已通过").Lacks(".held")
	require.Equal(t, card.Ready, h.state(id))
	me.Get("/admin/held/"+id.String()).WantText("#decided", "可以领卡").Lacks("#decide")
	page.Submit("#decide", map[string]string{"decision": "refuse", "reason": "请核对姓名后重新申请"}).Want(http.StatusConflict)
	require.Equal(t, card.Ready, h.state(id))
}

// A regular card is confirmed by its applicant before anything is issued: nobody reads otherwise.
func TestHeldNameOfARegularCard(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.missing['𠮷'] = true
	works := h.process.works
	works.Process.Missing = h.lacks
	id := works.Apply(rare, idWang, h.branch, demo.Portrait(0)).ID
	require.Equal(t, card.Held, h.state(id))
	page := h.me().Get("/admin/held/"+id.String()).WantText("#decide", "通过，请申请人确认卡面")
	page.Submit("#decide", nil).WantText("#f-decision-error", "请选择通过或不通过。")
	h.missing = map[rune]bool{}
	page.Submit("#decide", map[string]string{"decision": "release"}).WantAt("/admin/held").WantText(".flash", "确认卡面后签发")
	require.Equal(t, card.Mending, h.state(id))
	require.Zero(t, h.count("SELECT count(*) FROM card"))
	h.me().Get("/admin/held/"+id.String()).WantText("#decided", "等申请人修改确认")
	h.me().Get("/admin").WantText("#states", "等申请人修改确认1")
}

func TestHeldNameIsRefusedWithReason(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.missing['𠮷'] = true
	id := h.applied(rare, idWang)
	page := h.me().Get("/admin/held/" + id.String())
	for reason, want := range map[string]string{
		"": "4 到 60", "短": "4 到 60", strings.Repeat("长", 61): "4 到 60", "王𠮷请重新申请": "不要写", "请致电 02712345678": "不要写",
	} {
		got := page.Submit("#decide", map[string]string{"decision": "refuse", "reason": reason}).Want(http.StatusUnprocessableEntity)
		got.WantError("reason", want)
		require.Equal(t, reason, got.Find("#f-reason").AttrOr("value", ""), "what was typed stays")
	}
	h.process.instead = &fault.Error{Kind: fault.Unavailable, Msg: "办理系统暂时繁忙，请稍后再试。"}
	page.Submit("#decide", map[string]string{"decision": "refuse", "reason": "姓名有误，请核对"}).Want(http.StatusServiceUnavailable).WantError("", "再提交一次")
	h.process.instead = &fault.Error{Kind: fault.Conflict, Msg: "这份申请的办理已经结束。", Err: workflows.ErrEnded}
	page.Submit("#decide", map[string]string{"decision": "refuse", "reason": "姓名有误，请核对"}).Want(http.StatusServiceUnavailable)
	h.process.instead = nil
	page.Submit("#decide", map[string]string{"decision": "refuse", "reason": "姓名有误，请核对"}).WantAt("/admin/held").WantText(".flash", "已登记不通过")
	require.Equal(t, card.Refused, h.state(id))
	h.me().Get("/admin/held/"+id.String()).WantText("#decided", "未通过")
}

// An administrator reads held cases, not every case whose id comes along.
func TestOtherCasesAreNotToBeRead(t *testing.T) {
	t.Parallel()
	h := setup(t)
	id := h.applied("李娜", idLi)
	for _, path := range []string{"/admin/held/" + id.String(), "/admin/held/" + uuid.Must(uuid.NewV7()).String(), "/admin/held/x"} {
		h.me().Get(path).Want(http.StatusNotFound)
		h.me().Post(path, url.Values{"decision": {"release"}}).Want(http.StatusNotFound)
	}
	require.Zero(t, h.process.calls)
}

func TestStaffAccounts(t *testing.T) {
	t.Parallel()
	h := setup(t)
	me := h.me()
	page := me.Get("/admin/staff").WantText("#staff", "province").Click(`.list-head a.btn-primary`).WantAt("/admin/staff/new")
	for _, bad := range []struct{ field, value, at, want string }{
		{"name", "", "#f-name-error", "姓名"},
		{"login", "柜员", "#f-login-error", "登录名"},
		{"login", "Province", "#f-login-error", "已被使用"},
		{"role", "-", "#f-role-error", "角色"},
		{"role", "root", "#f-role-error", "角色"},
		{"branch", "DEMO-9999", "#f-branch-error", "网点"},
		{"branch", "", "#f-branch-error", "网点"},
	} {
		values := map[string]string{"name": "周敏", "login": "zhoumin", "role": "clerk", "branch": "demo-0101"}
		values[bad.field] = bad.value
		got := page.Submit("#new-staff", values).Want(http.StatusUnprocessableEntity).WantText(bad.at, bad.want)
		require.Equal(t, values["name"], got.Find("#f-name").AttrOr("value", ""), "what was typed stays")
	}
	done := page.Submit("#new-staff", map[string]string{"name": "周敏", "login": "ZhouMin", "role": "clerk", "branch": "demo-0101"})
	done.Want(http.StatusOK).WantText("#login", "zhoumin").Has("svg.qr path")
	require.Equal(t, "no-store", done.Response.Header.Get("Cache-Control"))
	password, secret := done.Text("#password"), done.Text("#secret")

	// What was shown opens the account.
	code, err := staffstore.CodeAt(secret, h.Clock.Now())
	require.NoError(t, err)
	who, err := staffstore.Logins{Store: h.staff}.Login(t.Context(), staffstore.Login{
		Login: "zhoumin", Password: password, Code: code, Address: "192.0.2.1",
	})
	require.NoError(t, err)
	require.Equal(t, h.branch, who.BranchID)
	require.True(t, who.MustChange)

	one := "/admin/staff/" + who.ID.String()
	seen := me.Get(one).WantText("h1", "周敏")
	require.NotContains(t, string(seen.Body), password)
	require.NotContains(t, string(seen.Body), secret)
	require.Equal(t, 1, h.count("SELECT count(*) FROM audit_entry WHERE subject_id = $1 AND action = 'create' AND actor_id = $2", who.ID, h.admin.String()))

	// Reset ends the sessions and changes both factors.
	clerk := h.Clerk(who.ID, h.branch)
	clerk.Get("/admin").Want(http.StatusForbidden)
	again := h.confirm(me.Get(one).Click(`a[href$="/reset"]`)).Want(http.StatusOK)
	require.NotEqual(t, password, again.Text("#password"))
	require.NotEqual(t, secret, again.Text("#secret"))
	require.Contains(t, clerk.Still().Get("/admin").Location(), web.StaffLogin)

	clerk = h.Clerk(who.ID, h.branch)
	clerk.Get("/admin").Want(http.StatusForbidden)
	h.confirm(me.Get(one).Click(`a[href$="/disable"]`)).WantAt(one).WantText("#standing", "已停用").WantText(".flash", "停用")
	require.Contains(t, clerk.Still().Get("/admin").Location(), web.StaffLogin)
	me.Get("/admin/staff?q=zhou").WantText("#staff", "已停用")
	for role, name := range map[string]string{"reviewer": "照片审核员", "factory": "制卡厂"} {
		page.Submit("#new-staff", map[string]string{"name": "新同事", "login": "new." + role, "role": role}).Want(http.StatusOK).WantText("#login", "new."+role)
		me.Get("/admin/staff?q=new."+role).WantText("#staff", name)
	}
	me.Get(one + "/disable").WantAt(one) // a second click, a second tab: the account's page says how it stands
	h.confirm(me.Get(one).Click(`a[href$="/enable"]`)).WantText("#standing", "未首次登录")
	me.Get(one + "/enable").WantAt(one)
}

// confirm fills in the administrator's own password and the code of now.
func (h *house) confirm(page *webtest.Page) *webtest.Page {
	h.T.Helper()
	h.Clock.Advance(30 * time.Second)
	code, err := staffstore.CodeAt(h.first.TOTPSecret, h.Clock.Now())
	require.NoError(h.T, err)
	return page.Submit("#confirm", map[string]string{"password": h.first.Password, "code": code})
}

// Nothing happens to an account before its administrator has proved both factors again, each code once.
func TestStaffActionsAskFirst(t *testing.T) {
	t.Parallel()
	h := setup(t)
	clerk := h.rows.Clerk("周敏", h.branch)
	one := "/admin/staff/" + clerk.String()
	before := h.count("SELECT count(*) FROM staff WHERE id = $1 AND disabled_at IS NULL AND password_hash = 'none'", clerk)
	require.Equal(t, 1, before)
	code := func() string {
		h.Clock.Advance(30 * time.Second)
		code, err := staffstore.CodeAt(h.first.TOTPSecret, h.Clock.Now())
		require.NoError(t, err)
		return code
	}
	used := code()
	require.NoError(t, staffstore.Logins{Store: h.staff}.Confirm(t.Context(), h.admin, h.first.Password, used))
	for _, action := range []string{"reset", "disable"} {
		me := h.me() // the last one has expired
		page := me.Get(one + "/" + action).Want(http.StatusOK)
		page.Submit("#confirm", nil).Want(http.StatusUnprocessableEntity).WantError("password", "密码").WantError("code", "动态码")
		page.Submit("#confirm", map[string]string{"password": "wrong horse 1", "code": code()}).WantError("", "不正确")
		page.Submit("#confirm", map[string]string{"password": h.first.Password, "code": "000000"}).WantError("", "不正确")
		page.Submit("#confirm", map[string]string{"password": h.first.Password, "code": used}).WantError("", "只能用一次")
		h.Clock.Advance(15 * time.Minute)
	}
	require.Equal(t, 1, h.count("SELECT count(*) FROM staff WHERE id = $1 AND disabled_at IS NULL AND password_hash = 'none'", clerk))
	me := h.me()
	for range 5 {
		me.Get(one+"/disable").Submit("#confirm", map[string]string{"password": "wrong horse 1", "code": "000000"}).WantError("", "不正确")
	}
	h.confirm(me.Get(one+"/disable")).WantError("", "后再试")
}

func TestNobodyLocksTheHouse(t *testing.T) {
	t.Parallel()
	h := setup(t)
	me, one := h.me(), "/admin/staff/"+h.admin.String()
	for _, action := range []string{"reset", "disable", "enable"} {
		me.Get(one).Lacks(`a[href$="/` + action + `"]`)
		me.Get(one+"/"+action).WantAt(one).WantText(".flash", "自己")
		h.Clock.Advance(30 * time.Second)
		code, err := staffstore.CodeAt(h.first.TOTPSecret, h.Clock.Now())
		require.NoError(t, err)
		me.Post(one+"/"+action, url.Values{"password": {h.first.Password}, "code": {code}}).WantAt(one).WantText(".flash", "自己").WantText("#standing", "未首次登录")
	}
	me.Get(one).Want(http.StatusOK)
	for _, path := range []string{"/admin/staff/" + uuid.Must(uuid.NewV7()).String(), "/admin/staff/x"} {
		me.Get(path).Want(http.StatusNotFound)
		for _, action := range []string{"reset", "disable", "enable"} {
			me.Get(path + "/" + action).Want(http.StatusNotFound)
			me.Post(path+"/"+action, nil).Want(http.StatusNotFound)
		}
	}
}

func upload(c *webtest.Client, path string, file []byte) *webtest.Page {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if file != nil {
		part, err := w.CreateFormFile("file", "list.csv")
		if err == nil {
			_, _ = part.Write(file)
		}
	}
	_ = w.Close()
	return c.Do(http.MethodPost, path, w.FormDataContentType(), &b)
}

func TestImportShowsThenApplies(t *testing.T) {
	t.Parallel()
	h := setup(t)
	me := h.me()
	exported := me.Get("/admin/branches/export").Want(http.StatusOK)
	require.Contains(t, exported.Response.Header.Get("Content-Disposition"), "branch-20261123.csv")
	file := string(exported.Body)

	// One row is left out, one is changed, one is new.
	lines := strings.Split(strings.TrimSpace(file), "\r\n")
	lines[3] = strings.Replace(lines[3], "网点", "支行", 1)
	fresh := strings.Replace(lines[4], strings.SplitN(lines[4], ",", 2)[0], "DEMO-9900", 1)
	fresh = strings.Replace(fresh, strings.Split(fresh, ",")[1], "新设演示网点", 1)
	changed := strings.Join(append(append([]string{}, lines[0]), append(lines[2:], fresh)...), "\r\n")

	h.applied("李娜", idLi) // at DEMO-0101, the row that is left out
	before := h.count("SELECT count(*) FROM branch WHERE closed_at IS NULL")
	page := upload(me, "/admin/branches/import", []byte(changed)).Want(http.StatusOK)
	page.WantText("#summary", "新增1").WantText("#summary", "修改1").WantText("#summary", "停用（文件里没有的）1").WantText("#stranded", "1 份")
	require.Equal(t, before, h.count("SELECT count(*) FROM branch WHERE closed_at IS NULL"), "looking changes nothing")

	// What is confirmed must be what was shown.
	page.Submit("#apply", map[string]string{"sha256": strings.Repeat("0", 64)}).Want(http.StatusConflict).WantError("", "重新核对")
	page.Submit("#apply", map[string]string{"effect": "0/0/0/0"}).Want(http.StatusConflict)
	page.Submit("#apply", map[string]string{"content": "!"}).Want(http.StatusUnprocessableEntity).WantError("file", "没有收到文件")

	done := page.Submit("#apply", nil).WantAt("/admin/branches").WantText(".flash", "新增 1，修改 1，停用 1")
	done.WantText("section:last-of-type", "陈静")
	me.Get("/admin/branches?q=DEMO-9900").WantText("#branches", "新设演示网点")
	me.Get("/admin/branches?q=DEMO-0101").WantText("#branches", "已停用")
	page.Submit("#apply", nil).Want(http.StatusConflict) // sent twice: the list has changed since
	require.Equal(t, 2, h.count("SELECT count(*) FROM list_import WHERE list = 'branch'"))
	upload(me, "/admin/branches/import", []byte(changed)).WantText("#summary", "完全相同").Lacks("#apply")
}

// Cards may wait until a day on which a branch is closed by now: their last days follow. Other columns move nothing.
func TestImportOfOtherHoursMovesLastDays(t *testing.T) {
	t.Parallel()
	h := setup(t)
	me := h.me()
	file := string(me.Get("/admin/branches/export").Want(http.StatusOK).Body)
	other := strings.Replace(file, "江岸滨江", "江岸江滩", 1)
	upload(me, "/admin/branches/import", []byte(other)).Submit("#apply", nil).WantAt("/admin/branches")
	require.Zero(t, h.process.calls)
	hours := strings.Replace(other, "周一至周五 9:00–17:00", "周二至周五 9:00–17:00", 1)
	require.NotEqual(t, other, hours)
	upload(me, "/admin/branches/import", []byte(hours)).Submit("#apply", nil).WantAt("/admin/branches").WantText(".flash", "领卡期限正在顺延")
	require.Equal(t, 1, h.process.calls)
	h.process.instead = fault.New(fault.Unavailable, "x")
	upload(me, "/admin/branches/import", []byte(other)).Submit("#apply", nil).WantAt("/admin/branches").WantText(".flash", "下一个工作日顺延")
}

// A file that is a part of the list would close the rest of it: above a tenth the number is typed first.
func TestImportThatClosesManyAsks(t *testing.T) {
	t.Parallel()
	h := setup(t)
	me := h.me()
	lines := strings.Split(strings.TrimSpace(string(me.Get("/admin/branches/export").Want(http.StatusOK).Body)), "\r\n")
	before := h.count("SELECT count(*) FROM branch WHERE closed_at IS NULL")
	require.Equal(t, before, len(lines)-1)
	few := strings.Join(lines[:len(lines)-before/10], "\r\n")
	upload(me, "/admin/branches/import", []byte(few)).Want(http.StatusOK).Lacks("#closes-many")

	lines[1] = strings.Replace(lines[1], "江岸滨江", "江岸江滩", 1)
	part := strings.Join(lines[:len(lines)-before/10-1], "\r\n")
	n := strconv.Itoa(before/10 + 1)
	page := upload(me, "/admin/branches/import", []byte(part)).Want(http.StatusOK).WantText("#closes-many", "将停用 "+n+" 行")
	page.WantText("main", "网点名称：招商银行演示网点·江岸滨江（演示） → 招商银行演示网点·江岸江滩（演示）")
	for _, typed := range []string{"", "1", "x"} {
		page.Submit("#apply", map[string]string{"closed": typed}).Want(http.StatusUnprocessableEntity).WantError("closed", n)
	}
	require.Equal(t, before, h.count("SELECT count(*) FROM branch WHERE closed_at IS NULL"))
	page.Submit("#apply", map[string]string{"closed": n}).WantAt("/admin/branches").WantText(".flash", "停用 "+n)
}

func TestImportTellsEveryFault(t *testing.T) {
	t.Parallel()
	h := setup(t)
	me := h.me()
	file := string(me.Get("/admin/universities/export").Body)
	lines := strings.Split(strings.TrimSpace(file), "\r\n")
	lines[1] = strings.Replace(lines[1], "本科", "研究所", 1)
	lines[2] = "=cmd," + strings.SplitN(lines[2], ",", 2)[1]
	page := upload(me, "/admin/universities/import", []byte(strings.Join(lines, "\r\n"))).Want(http.StatusUnprocessableEntity)
	page.WantText("#row-errors", "2 处错误").Lacks("#apply")
	require.Equal(t, 2, page.Find("section.card tbody tr").Length())
	before := h.count("SELECT count(*) FROM university WHERE closed_at IS NULL")

	for name, bad := range map[string][]byte{"none": nil, "empty": {}, "excel": []byte("PK\x03\x04xxxx"), "columns": []byte("a,b\n1,2\n")} {
		got := upload(me, "/admin/universities/import", bad).Want(http.StatusUnprocessableEntity)
		require.NotEmpty(t, got.Text("#f-file-error"), name)
	}
	upload(me, "/admin/universities/import", bytes.Repeat([]byte("x"), placestore.MaxBytes+1)).Want(http.StatusUnprocessableEntity).WantError("file", "2 MB")
	upload(me, "/admin/universities/import", bytes.Repeat([]byte("x"), 2*placestore.MaxBytes)).Want(http.StatusRequestEntityTooLarge)
	require.Equal(t, before, h.count("SELECT count(*) FROM university WHERE closed_at IS NULL"))
}

func TestListsAreSearchedAndPaged(t *testing.T) {
	t.Parallel()
	h := setup(t)
	me := h.me()
	first := me.Get("/admin/universities")
	require.Equal(t, 30, first.Find("#universities tbody tr").Length())
	second := first.Click(`.paging a[rel="next"]`)
	require.NotEqual(t, first.Text("#universities tbody tr:first-child"), second.Text("#universities tbody tr:first-child"))
	me.Get("/admin/universities?q="+url.QueryEscape("武大")).WantText("#universities tbody tr:first-child", "武汉大学")
	me.Get("/admin/universities?q=zzzz").WantText("#universities", "没有找到")
	me.Get("/admin/branches?q="+url.QueryEscape("江岸")).WantText("#branches", "DEMO-0101")
	me.Get("/admin/branches?q="+url.QueryEscape("%")).WantText("#branches", "没有找到")
	me.Get("/admin/stock?q=DEMO-0101").WantText("#stock tbody tr", "5")
	me.Get("/admin/keys").WantText("table", "使用中")
}

func TestOnlyAdministratorsEnter(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.missing['𠮷'] = true
	held := "/admin/held/" + h.applied(rare, idWang).String()
	one := "/admin/staff/" + h.admin.String()
	gets := []string{
		"/admin", "/admin/checks", "/admin/keys", "/admin/stock", "/admin/held", held, "/admin/staff", "/admin/staff/new", one,
		"/admin/branches", "/admin/branches/export", "/admin/branches/import",
		"/admin/universities", "/admin/universities/export", "/admin/universities/import",
	}
	posts := []string{
		held, "/admin/staff/new", one + "/reset", one + "/disable", one + "/enable",
		"/admin/branches/import", "/admin/branches/apply", "/admin/universities/import", "/admin/universities/apply",
	}
	form := url.Values{"decision": {"release"}, "do": {"disable"}}
	clerk := h.rows.Clerk("周敏", h.branch)
	for who, c := range map[string]*webtest.Client{"clerk": h.Clerk(clerk, h.branch), "person": h.Person(uuid.Must(uuid.NewV7()), "李娜")} {
		for _, path := range gets {
			require.Equal(t, http.StatusForbidden, c.Get(path).Response.StatusCode, "%s %s", who, path)
		}
		for _, path := range posts {
			require.Equal(t, http.StatusForbidden, c.Post(path, form).Response.StatusCode, "%s %s", who, path)
		}
	}
	for _, path := range gets {
		require.Contains(t, h.Client().Still().Get(path).Location(), web.StaffLogin)
		h.me().Get(path).Want(http.StatusOK)
	}
	for _, path := range posts {
		require.Contains(t, h.Client().Still().Post(path, form).Location(), web.StaffLogin)
		h.me().With("Origin", "https://evil.example").With("Sec-Fetch-Site", "cross-site").Post(path, form).Want(http.StatusForbidden)
	}
	require.Zero(t, h.process.calls)
}

func TestPagesAreAccessible(t *testing.T) {
	h := setup(t)
	h.missing['𠮷'] = true
	held := h.applied(rare, idWang)
	h.applied("李娜", idLi)
	clerk := h.rows.Clerk("周敏", h.branch)
	h.Clock.Advance(11 * time.Minute)
	findings, err := json.Marshal([]string{"application " + held.String() + " had no process, one was started"})
	require.NoError(t, err)
	require.NoError(t, checkstore.Reports{DB: h.DB}.Write(t.Context(), "compare-cases", findings, 1, h.Clock.Now()))
	require.NoError(t, checkstore.Reports{DB: h.DB}.Write(t.Context(), "audit", []byte("[]"), 0, h.Clock.Now()))
	me := h.me()
	b := webtest.NewBrowser(t)
	for _, page := range []struct {
		name, path string
		alike      bool // built of the same parts as another page
	}{
		{"overview", "/admin", false},
		{"held-list", "/admin/held", true},
		{"held", "/admin/held/" + held.String(), false},
		{"staff", "/admin/staff", true},
		{"staff-new", "/admin/staff/new", true},
		{"staff-one", "/admin/staff/" + clerk.String(), false},
		{"staff-action", "/admin/staff/" + clerk.String() + "/disable", false},
		{"branches", "/admin/branches", true},
		{"universities", "/admin/universities", true},
		{"import", "/admin/branches/import", false},
		{"keys", "/admin/keys", true},
		{"stock", "/admin/stock", true},
		{"checks", "/admin/checks", true},
	} {
		shots(t, b, me, page.path, "admin-"+page.name)
		if !page.alike {
			webtest.Axe(t, b, me, page.path)
		}
	}
	// Pages that only an answer shows.
	tab := b.Tab(me, "/admin/staff/new", 1280, 800)
	answer(t, tab, "#new-staff", "svg.qr", `form.elements.name.value = "何伟"; form.elements.login.value = "hewei";
		form.querySelector("[value=province_admin]").checked = true;`)
	b.Axe(tab)
	picture(t, b, tab, "admin-enrolled")
	file, err := json.Marshal(strings.Replace(string(me.Get("/admin/branches/export").Body), "60,是", "61,是", 1))
	require.NoError(t, err)
	choose := `const data = new DataTransfer(); data.items.add(new File([%s], "list.csv")); form.elements.file.files = data.files;`
	tab = b.Tab(me, "/admin/branches/import", 1280, 800)
	answer(t, tab, "#upload", "#apply", fmt.Sprintf(choose, file))
	b.Axe(tab)
	picture(t, b, tab, "admin-import-summary")
	tab = b.Tab(me, "/admin/branches/import", 1280, 800)
	answer(t, tab, "#upload", "#row-errors", fmt.Sprintf(choose, strings.ReplaceAll(string(file), "61,是", "60,也许")))
	b.Axe(tab)
	picture(t, b, tab, "admin-import-errors")
}

// answer fills a form in the browser, sends it, and waits for the page that follows.
func answer(t *testing.T, tab context.Context, form, next, fill string) {
	t.Helper()
	script := fmt.Sprintf(`(function () { const form = document.querySelector(%q); %s form.requestSubmit(); return true; })()`, form, fill)
	_, err := chromedp.Run(tab, chromedp.Evaluate[bool](script))
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(tab, 20*time.Second)
	defer cancel()
	require.NoError(t, chromedp.Do(ctx, chromedp.WaitReady(chromedp.CSS(next))), next)
}
