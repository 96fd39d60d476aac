package branch_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/api/web/webtest"
	"volcard/internal/card"
	"volcard/internal/credential"
	"volcard/internal/credential/credentialtest"
	"volcard/internal/fault"
	"volcard/internal/store/cardstore"
	"volcard/workflows"
)

const (
	idWang = "42019920040229004X"
	idLi   = "420199200402290023"
	idSun  = "420199200505040019"
)

func casePath(c cardstore.Case) string { return "/branch/cases/" + c.ID.String() }

func (c *counter) qr(of cardstore.Case) string {
	return credential.URL(&url.URL{Scheme: "https", Host: "card.example"}, of.Token)
}

func TestFindLeadsToTheCase(t *testing.T) {
	t.Parallel()
	c := setup(t)
	wang := c.waiting("王𠮷", idWang)
	c.waiting("李娜", idLi)
	me := c.me()
	qr := c.qr(wang)
	for what, typed := range map[string]string{
		"code":               wang.PickupCode,
		"code with blanks":   wang.PickupCode[:4] + " " + wang.PickupCode[4:],
		"application number": strings.ToLower(wang.Number),
		"card number":        wang.CardNumber,
		"scan":               qr,
		"scan, doubled":      qr + qr,
		"scan, prefixed":     "]Q1" + qr,
		"scan, lower case":   strings.ToLower(qr),
		"bare token":         wang.Token,
	} {
		page := me.Get("/branch").Want(http.StatusOK).Submit("#find-code", map[string]string{"code": typed})
		require.Equal(t, casePath(wang), page.Path(), what)
		page.WantText("h1", "王𠮷").WantText(".case-line", "武汉大学")
	}
	for what, typed := range credentialtest.Sent(qr) {
		c.Clock.Advance(20 * time.Second) // searches are limited
		page := me.Get("/branch").Submit("#find-code", map[string]string{"code": typed})
		require.Equal(t, casePath(wang), page.Path(), what)
	}
	page := me.Get("/branch").Submit("#find-name", map[string]string{"name": "王𠮷", "tail": "004x"})
	page.WantAt(casePath(wang))
	require.NotContains(t, string(page.Body), idWang[:14], "the ID number is on no page")
}

func TestFindSaysWhyNot(t *testing.T) {
	t.Parallel()
	c := setup(t)
	wang := c.waiting("王𠮷", idWang)
	me := c.me()
	otherRing := setup(t).waiting("王𠮷", idWang)
	for typed, want := range map[string]string{
		"":         "请输入取卡码",
		"abc":      "没有认出",
		"00000000": "没有找到",
		c.qr(wang)[:len(c.qr(wang))-9] + "AAAAAAAAA": "二维码",
		c.qr(otherRing): "不是由本系统签发",
	} {
		page := me.Get("/branch").Submit("#find-code", map[string]string{"code": typed}).Want(http.StatusUnprocessableEntity)
		page.WantError("code", want)
		require.Equal(t, typed, page.Find("#f-code").AttrOr("value", ""), "what was typed stays")
		page.Has("#f-code[autofocus]")
	}
	page := me.Get("/branch").Submit("#find-name", map[string]string{"name": "王𠮷", "tail": "0000"}).Want(http.StatusUnprocessableEntity)
	page.WantError("name", "都相符").Has("#f-name[autofocus]")
	me.Get("/branch").Submit("#find-name", map[string]string{"name": "", "tail": "1"}).WantError("name", "姓名").WantError("tail", "最后四位")
}

func TestNameSearchCannotBeUsedToGuess(t *testing.T) {
	t.Parallel()
	c := setup(t)
	c.waiting("王𠮷", idWang)
	me := c.me()
	for range 5 {
		me.Post("/branch", url.Values{"by": {"name"}, "name": {"王𠮷"}, "tail": {"0000"}}).Want(http.StatusUnprocessableEntity)
	}
	me.Post("/branch", url.Values{"by": {"name"}, "name": {"王𠮷"}, "tail": {"004X"}}).
		Want(http.StatusTooManyRequests).WantError("tail", "分钟后再试")
	c.Clock.Advance(16 * time.Minute)
	me = c.me()
	me.Post("/branch", url.Values{"by": {"name"}, "name": {"王𠮷"}, "tail": {"004X"}}).Want(http.StatusOK)
}

func TestNamesakesAreToldApart(t *testing.T) {
	t.Parallel()
	c := setup(t)
	c.waiting("王五", "420199200402290023")
	c.waiting("王五", "420199199901040023")
	page := c.me().Get("/branch").Submit("#find-name", map[string]string{"name": "王五", "tail": "0023"}).Want(http.StatusOK)
	require.Equal(t, 2, page.Find(".found li").Length())
	page.Has(".found a[data-first]")
}

func TestSearchesAreLimited(t *testing.T) {
	t.Parallel()
	c := setup(t)
	me := c.me()
	for range 30 {
		me.Post("/branch", url.Values{"code": {"00000000"}}).Want(http.StatusUnprocessableEntity)
	}
	me.Post("/branch", url.Values{"code": {"00000000"}}).Want(http.StatusTooManyRequests).WantError("code", "太快")
}

func TestHandOver(t *testing.T) {
	t.Parallel()
	c := setup(t)
	wang := c.waiting("王𠮷", idWang)
	me := c.me()
	page := me.Get(casePath(wang)).Want(http.StatusOK).Has("#f-tail[autofocus]")
	page = page.Submit("#hand-over", map[string]string{"tail": "004x", "serial": "sn:" + strings.ToLower(c.serials[3])})
	page.WantAt("/branch?last=" + wang.ID.String())
	page.WantText("#outcome .person", "王𠮷").WantText("#outcome", c.serials[3]).Has("#undo-last").Has("#f-code[autofocus]")
	require.Equal(t, "王*", page.Text(".recent .who"), "the list shows no full name")
	require.Equal(t, card.Collected, c.state(wang.ID))
	require.Equal(t, 1, c.count("SELECT count(*) FROM hand_over WHERE staff_id = $1 AND serial = $2", c.clerk, c.serials[3]))
	page.WantText(".numbers", "今天已发1")
}

func TestSecondHandOverIsRefusedWithWhoWhenWhere(t *testing.T) {
	t.Parallel()
	c := setup(t)
	wang := c.waiting("王𠮷", idWang)
	form := url.Values{"tail": {"004X"}, "serial": {c.serials[0]}}
	c.me().Post(casePath(wang), form).Want(http.StatusOK)

	// The same act again is the same act: the answer may have been lost.
	c.me().Post(casePath(wang), form).WantAt("/branch?last=" + wang.ID.String())

	second := c.rows.Clerk("郑洁", c.branch)
	page := c.Clerk(second, c.branch).Post(casePath(wang), url.Values{"tail": {"004X"}, "serial": {c.serials[1]}})
	page.Want(http.StatusConflict).WantText("#notice-case", "2026年11月23日10:00由周敏在本网点发放")
	page.WantText("#notice-case", c.serials[0]).Lacks("#hand-over")
	c.Clerk(second, c.branch).Get(casePath(wang)).Want(http.StatusOK).WantText("#notice-case", "周敏").Lacks("#hand-over")
	require.Equal(t, 1, c.count("SELECT count(*) FROM hand_over"))

	// When the process is over, the row still tells.
	c.process.instead = &fault.Error{Kind: fault.Conflict, Msg: "这份申请的办理已经结束。", Err: workflows.ErrEnded}
	page = c.Clerk(second, c.branch).Post(casePath(wang), url.Values{"tail": {"004X"}, "serial": {c.serials[1]}})
	page.Want(http.StatusConflict).WantText("#notice-case", "由周敏在本网点发放")
}

func TestHandOverNeedsTheRightTail(t *testing.T) {
	t.Parallel()
	c := setup(t)
	wang, li := c.waiting("王𠮷", idWang), c.waiting("李娜", idLi)
	me := c.me()
	// A scan that went into the wrong field is no guess.
	for range 6 {
		page := me.Post(casePath(wang), url.Values{"tail": {c.serials[0]}, "serial": {""}}).Want(http.StatusUnprocessableEntity)
		page.WantError("tail", "最后四位").WantError("serial", "序列号")
	}
	for range 5 {
		page := me.Post(casePath(wang), url.Values{"tail": {"0023"}, "serial": {c.serials[0]}}).Want(http.StatusUnprocessableEntity)
		page.WantError("tail", "不符").Has("#f-tail[autofocus]")
		require.Equal(t, c.serials[0], page.Find("#f-serial").AttrOr("value", ""), "what was scanned stays")
	}
	page := me.Post(casePath(wang), url.Values{"tail": {"004X"}, "serial": {c.serials[0]}})
	page.Want(http.StatusTooManyRequests).WantError("tail", "15 分钟后再试，或请另一位同事")
	require.Zero(t, c.process.calls, "the process never hears of a tail")
	me.Post(casePath(li), url.Values{"tail": {"0023"}, "serial": {c.serials[0]}}).WantAt("/branch?last=" + li.ID.String())
	colleague := c.rows.Clerk("郑洁", c.branch)
	c.Clerk(colleague, c.branch).Post(casePath(wang), url.Values{"tail": {"004X"}, "serial": {c.serials[1]}}).WantAt("/branch?last=" + wang.ID.String())
}

func TestHandOverRefusesTheWrongPlastic(t *testing.T) {
	t.Parallel()
	c := setup(t)
	wang, li := c.waiting("王𠮷", idWang), c.waiting("李娜", idLi)
	elsewhere := c.rows.Stock(c.other, 1)[0]
	stock := cardstore.Stock{Store: c.store}
	require.NoError(t, stock.Spoil(t.Context(), c.branch, c.serials[4], c.clerk, "折断或破损"))
	me := c.me()
	me.Post(casePath(li), url.Values{"tail": {"0023"}, "serial": {c.serials[5]}}).Want(http.StatusOK)
	for serial, want := range map[string]struct {
		status   int
		sentence string
	}{
		"":           {http.StatusUnprocessableEntity, "请扫描"},
		"?":          {http.StatusUnprocessableEntity, "没有认出"},
		c.qr(wang):   {http.StatusUnprocessableEntity, "没有认出"},
		"ZZ00000001": {http.StatusUnprocessableEntity, "没有这个卡片序列号"},
		elsewhere:    {http.StatusUnprocessableEntity, "不属于本网点"},
		c.serials[4]: {http.StatusConflict, "作废"},
		c.serials[5]: {http.StatusConflict, "已经发给别人"},
	} {
		page := me.Post(casePath(wang), url.Values{"tail": {"004X"}, "serial": {serial}}).Want(want.status)
		page.WantError("serial", want.sentence).Has("#f-serial[autofocus]").WantText("h1", "王𠮷")
		require.Equal(t, "004X", page.Find("#f-tail").AttrOr("value", ""), "what was typed stays")
	}
	require.Equal(t, card.Ready, c.state(wang.ID))
}

func TestHandOverWhileTemporalIsAway(t *testing.T) {
	t.Parallel()
	c := setup(t)
	wang := c.waiting("王𠮷", idWang)
	me := c.me()
	form := url.Values{"tail": {"004X"}, "serial": {c.serials[0]}}
	away := &fault.Error{Kind: fault.Unavailable, Msg: "办理系统暂时繁忙，请稍后再试。"}
	for _, err := range []error{away, &fault.Error{Kind: fault.Conflict, Msg: "这份申请的办理已经结束。", Err: workflows.ErrEnded}} {
		c.process.instead = err
		page := me.Post(casePath(wang), form).Want(http.StatusServiceUnavailable)
		page.WantError("", "办理系统暂时繁忙").WantError("", "不会重复发卡")
		require.Equal(t, c.serials[0], page.Find("#f-serial").AttrOr("value", ""))
		require.Equal(t, "5", page.Response.Header.Get("Retry-After"))
	}
	// Done, but the answer was lost: the row tells.
	c.process.instead, c.process.after = nil, away
	me.Post(casePath(wang), form).WantAt("/branch?last="+wang.ID.String()).WantText("#outcome", "已发卡")
	require.Equal(t, 1, c.count("SELECT count(*) FROM hand_over"))
}

func TestLapsedCaseSaysWhatTheHolderMustDo(t *testing.T) {
	t.Parallel()
	c := setup(t)
	wang := c.waiting("王𠮷", idWang)
	c.Clock.Advance(45 * 24 * time.Hour)
	_, err := c.process.process.Lapse(t.Context(), wang.ID)
	require.NoError(t, err)
	me := c.me()
	me.Get(casePath(wang)).WantText("#notice-case", "重新选择领卡网点").Lacks("#hand-over")
	me.Post(casePath(wang), url.Values{"tail": {"004X"}, "serial": {c.serials[0]}}).
		Want(http.StatusConflict).WantText("#notice-case", "逾期未领")
}

func TestUndo(t *testing.T) {
	t.Parallel()
	c := setup(t)
	wang := c.waiting("王𠮷", idWang)
	me := c.me()
	undo := casePath(wang) + "/undo"
	me.Get(undo).WantAt(casePath(wang)) // nothing to undo yet
	page := me.Post(casePath(wang), url.Values{"tail": {"004X"}, "serial": {c.serials[2]}}).Click("#undo-last")
	page.WantAt(undo).WantText(".person-line", "王𠮷")

	page.Submit("#undo", nil).Want(http.StatusUnprocessableEntity).WantText("#f-reason-error", "请选择")
	page.Submit("#undo", map[string]string{"reason": "forged"}).Want(http.StatusUnprocessableEntity)
	for text, want := range map[string]string{
		"": "2 到 60", "王𠮷不要了": "不要写姓名", "电话 13800000000": "不要写姓名", strings.Repeat("长", 61): "2 到 60",
	} {
		got := page.Submit("#undo", map[string]string{"reason": "other", "other": text}).Want(http.StatusUnprocessableEntity)
		got.WantError("other", want)
		require.Equal(t, text, got.Find("#f-other").AttrOr("value", ""))
	}
	require.Equal(t, card.Collected, c.state(wang.ID))

	c.process.instead = &fault.Error{Kind: fault.Unavailable, Msg: "办理系统暂时繁忙，请稍后再试。"}
	page.Submit("#undo", map[string]string{"reason": "发给了别人"}).Want(http.StatusServiceUnavailable).WantError("", "再按一次")
	c.process.instead = nil
	done := page.Submit("#undo", map[string]string{"reason": "发给了别人"})
	done.WantAt("/branch?last="+wang.ID.String()).WantText("#outcome", "已撤销").Has("#outcome a")
	require.Equal(t, card.Ready, c.state(wang.ID))
	require.Equal(t, 1, c.count("SELECT count(*) FROM hand_over WHERE undone_by = $1 AND undo_reason = '发给了别人'", c.clerk))
	page.Submit("#undo", map[string]string{"reason": "发给了别人"}).WantAt("/branch?last=" + wang.ID.String())
	me.Post(casePath(wang), url.Values{"tail": {"004X"}, "serial": {c.serials[2]}}).WantText("#outcome", "已发卡")
}

func TestUndoTooLate(t *testing.T) {
	t.Parallel()
	c := setup(t)
	wang := c.waiting("王𠮷", idWang)
	undo := casePath(wang) + "/undo"
	c.me().Post(casePath(wang), url.Values{"tail": {"004X"}, "serial": {c.serials[2]}}).Want(http.StatusOK)
	c.Clock.Advance(10*time.Minute + time.Second)
	me := c.me()
	me.Get(undo).WantText("#too-late", "10 分钟").Lacks("#undo")
	me.Get("/branch").Lacks(".recent a")
	me.Post(undo, url.Values{"reason": {"发给了别人"}}).Want(http.StatusConflict).WantText("#too-late", "10 分钟")
	c.process.instead = &fault.Error{Kind: fault.Conflict, Msg: "这份申请的办理已经结束。", Err: workflows.ErrEnded}
	me.Post(undo, url.Values{"reason": {"发给了别人"}}).Want(http.StatusConflict).WantText("#too-late", "10 分钟")
	require.Equal(t, card.Collected, c.state(wang.ID))
}

// Every page of the room, as the router knows it.
func roomPaths(id uuid.UUID) (gets, posts []string) {
	one := "/branch/cases/" + id.String()
	gets = []string{"/branch", one, one + "/undo", "/branch/stock", "/branch/stock/receive", "/branch/stock/spoil"}
	posts = []string{"/branch", one, one + "/undo", "/branch/stock/receive", "/branch/stock/spoil"}
	return gets, posts
}

func TestOnlyClerksEnter(t *testing.T) {
	t.Parallel()
	c := setup(t)
	wang := c.waiting("王𠮷", idWang)
	gets, posts := roomPaths(wang.ID)
	form := url.Values{"tail": {"004X"}, "serial": {c.serials[0]}, "reason": {"发给了别人"}, "first": {"HB000001"}, "last": {"HB000002"}}
	strangers := map[string]*webtest.Client{
		"admin": c.Admin(uuid.Must(uuid.NewV7())), "person": c.Person(uuid.Must(uuid.NewV7()), "王𠮷"),
		"clerk without branch": c.Clerk(c.clerk, uuid.Nil),
	}
	for who, client := range strangers {
		want := http.StatusForbidden
		if who == "clerk without branch" {
			want = http.StatusNotFound
		}
		for _, path := range gets {
			if who != "clerk without branch" {
				client.Get(path).Want(want)
			}
		}
		for _, path := range posts {
			if who != "clerk without branch" || strings.Contains(path, "/cases/") {
				client.Post(path, form).Want(want)
			}
		}
	}
	for _, path := range gets {
		require.Contains(t, c.Client().Still().Get(path).Location(), "/staff/login")
	}
	for _, path := range posts {
		require.Contains(t, c.Client().Still().Post(path, form).Location(), "/staff/login")
		c.me().With("Origin", "https://evil.example").With("Sec-Fetch-Site", "cross-site").Post(path, form).Want(http.StatusForbidden)
	}
	require.Equal(t, card.Ready, c.state(wang.ID))
	require.Zero(t, c.process.calls)
}

func TestAnotherBranchSeesNothing(t *testing.T) {
	t.Parallel()
	c := setup(t)
	wang := c.waiting("王𠮷", idWang)
	foreign := c.Clerk(c.away, c.other)
	form := url.Values{"tail": {"004X"}, "serial": {c.serials[0]}, "reason": {"发给了别人"}}
	for _, path := range []string{casePath(wang), casePath(wang) + "/undo"} {
		page := foreign.Get(path).Want(http.StatusNotFound).WantText("body", "本网点没有这份申请")
		require.NotContains(t, string(page.Body), "王𠮷")
		foreign.Post(path, form).Want(http.StatusNotFound)
	}
	foreign.Get("/branch/cases/not-an-id").Want(http.StatusNotFound)
	for _, typed := range []string{wang.PickupCode, wang.Number, wang.CardNumber, c.qr(wang)} {
		foreign.Post("/branch", url.Values{"code": {typed}}).Want(http.StatusUnprocessableEntity).WantError("code", "本网点没有找到")
	}
	foreign.Post("/branch", url.Values{"by": {"name"}, "name": {"王𠮷"}, "tail": {"004X"}}).Want(http.StatusUnprocessableEntity)
	foreign.Get("/branch?last=" + wang.ID.String()).Want(http.StatusOK).Lacks("#outcome")
	foreign.Post("/branch/stock/spoil", url.Values{"serial": {c.serials[0]}, "reason": {"遗失"}}).WantError("serial", "本网点没有这张卡片")
	require.Equal(t, card.Ready, c.state(wang.ID))
	require.Zero(t, c.process.calls)
}

func TestStock(t *testing.T) {
	t.Parallel()
	c := setup(t)
	me := c.me()
	receive := func(first, last string) *webtest.Page {
		return me.Get("/branch/stock/receive").Submit("#receive", map[string]string{"first": first, "last": last})
	}
	receive("]C1hb000001", "HB000040HB000040").WantAt("/branch/stock").WantText(".flash", "已入库 40 张")
	for _, bad := range []struct{ first, last, field, want string }{
		{"", "HB000050", "first", "序列号"},
		{"HB000041", "?", "last", "序列号"},
		{"HB000050", "HB000041", "last", "连续号段"},
		{"HB000041", "HC000042", "last", "连续号段"},
		{"HB000001", "HB009999", "last", "最多5000张"},
		{"HB000040", "HB000045", "last", "序列号 HB000040 已经登记过"},
		{"HB000039", "HB000045", "last", "有 2 张已经登记过，第一张是 HB000039"},
	} {
		page := receive(bad.first, bad.last).Want(http.StatusUnprocessableEntity).WantError(bad.field, bad.want)
		require.Equal(t, bad.first, page.Find("#f-first").AttrOr("value", ""))
	}
	spoil := func(serial, reason string) *webtest.Page {
		return me.Get("/branch/stock/spoil").Submit("#spoil", map[string]string{"serial": serial, "reason": reason})
	}
	spoil("HB000007", "折断或破损").WantAt("/branch/stock").WantText(".flash", "HB000007")
	spoil("HB000007", "折断或破损").WantError("serial", "已经登记过作废")
	spoil("HB999999", "遗失").WantError("serial", "没有这张卡片")
	spoil("HB000008", "").Want(http.StatusUnprocessableEntity).WantText("#f-reason-error", "原因")

	c.waiting("王𠮷", idWang)
	page := me.Get("/branch/stock").WantText("#in-stock", "44").WantText("#reserved", "1")
	page.WantText(".ledger", "HB000001 – HB000040").WantText(".ledger", "折断或破损").WantText(".ledger", "预留给申请")
	require.Equal(t, 45, c.count("SELECT sum(on_hand) FROM stock_entry WHERE branch_id = $1", c.branch))

	// A digit too many makes thousands: they are asked for first.
	asked := receive("HC000001", "HC002000").Want(http.StatusUnprocessableEntity).WantError("count", "共 2000 张")
	asked.Submit("#receive", map[string]string{"count": "200"}).Want(http.StatusUnprocessableEntity).WantError("count", "共 2000 张")
	require.Zero(t, c.count("SELECT count(*) FROM stock_card WHERE serial LIKE 'HC%'"))
	asked.Submit("#receive", map[string]string{"count": "２０００"}).WantAt("/branch/stock").WantText(".flash", "已入库 2000 张")
	require.Equal(t, 2000, c.count("SELECT count(*) FROM stock_card WHERE serial LIKE 'HC%'"))
}

func TestLedgerIsPaged(t *testing.T) {
	t.Parallel()
	c := setup(t)
	stock := cardstore.Stock{Store: c.store}
	_, err := stock.Receive(context.Background(), c.branch, "HB000001", "HB000030", c.clerk)
	require.NoError(t, err)
	for _, serial := range []string{"01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13", "14", "15", "16", "17", "18", "19", "20", "21"} {
		require.NoError(t, stock.Spoil(context.Background(), c.branch, "HB0000"+serial, c.clerk, "遗失"))
	}
	first := c.me().Get("/branch/stock")
	require.Equal(t, 20, first.Find(".ledger tbody tr").Length())
	second := first.Click(`.paging a[rel="next"]`)
	require.Equal(t, 3, second.Find(".ledger tbody tr").Length(), "entries of the same moment are not lost between pages")
	second.Has(`.paging a[rel="prev"]`)
}

func TestLongestNameStandsWhole(t *testing.T) {
	t.Parallel()
	require.Len(t, []rune(longName), 50)
	c := setup(t)
	long := c.waiting(longName, idSun)
	page := c.me().Get(casePath(long))
	require.Equal(t, longName, page.Text("h1"))
	page.Has("h1.holder-long")
}

func TestNobodyIsShownAfterTakingTheConsentBack(t *testing.T) {
	t.Parallel()
	c := setup(t)
	wang := c.waiting("王𠮷", idWang)
	_, err := c.DB.Exec(t.Context(), "UPDATE consent SET withdrawn_at = now() WHERE purpose = 'bank'")
	require.NoError(t, err)
	me := c.me()
	page := me.Get("/branch").Submit("#find-code", map[string]string{"code": wang.PickupCode}).WantAt(casePath(wang))
	page.WantText("#notice-case", "持卡人已撤回授权").WantText("#notice-case", "授权与同意").Lacks("#hand-over").Has("a[data-first]")
	require.NotContains(t, string(page.Body), "王𠮷")
	require.NotContains(t, string(page.Body), "武汉大学")
	page = me.Post(casePath(wang), url.Values{"tail": {"004X"}, "serial": {c.serials[0]}}).Want(http.StatusConflict)
	page.WantText("#notice-case", "持卡人已撤回授权")
	require.Zero(t, c.count("SELECT count(*) FROM hand_over"))

	_, err = c.DB.Exec(t.Context(), "UPDATE consent SET withdrawn_at = NULL")
	require.NoError(t, err)
	me.Get(casePath(wang)).WantText("h1", "王𠮷").Has("#hand-over")
}

// Taken back between the page and the press of the button.
func TestConsentTakenBackBeforeTheHandOver(t *testing.T) {
	t.Parallel()
	c := setup(t)
	wang := c.waiting("王𠮷", idWang)
	me := c.me()
	page := me.Get(casePath(wang)).Want(http.StatusOK)
	c.process.before = func() {
		_, err := c.DB.Exec(context.Background(), "UPDATE consent SET withdrawn_at = now() WHERE purpose = 'bank'")
		require.NoError(t, err)
	}
	page = page.Submit("#hand-over", map[string]string{"tail": "004x", "serial": c.serials[0]}).Want(http.StatusConflict)
	page.WantText("#notice-case", "持卡人已撤回授权").Lacks("#hand-over")
}
