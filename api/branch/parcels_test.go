package branch_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/api/web/webtest"
	"volcard/internal/card"
	"volcard/internal/fault"
	"volcard/internal/photo/demo"
	"volcard/internal/store/storetest/stage"
	"volcard/workflows"
)

// underWay is a parcel on its way to the first branch, and its cases.
func (c *counter) underWay() (batch, parcel uuid.UUID, cases []stage.Applicant) {
	c.T.Helper()
	cases = []stage.Applicant{
		c.works.Apply("王𠮷", idWang, c.branch, demo.Portrait(0)),
		c.works.Apply("李娜", idLi, c.branch, demo.Portrait(1)),
	}
	c.works.Apply("孙浩然", idSun, c.other, demo.Portrait(2))
	batch = c.works.Freeze()
	c.works.Render(batch)
	return batch, c.works.Parcel(batch, c.branch), cases
}

// arrived are two regular cards that wait at the first branch.
func (c *counter) arrived() []stage.Applicant {
	c.T.Helper()
	batch, _, cases := c.underWay()
	c.works.Ship(batch, c.clerk)
	c.works.Receive(batch, c.branch, c.clerk)
	return cases
}

func regularPath(of stage.Applicant) string { return "/branch/cases/" + of.ID.String() }

func TestParcelArrives(t *testing.T) {
	t.Parallel()
	c := setup(t)
	me := c.me()
	me.Get("/branch/parcels").Want(http.StatusOK).Has("#none")
	batch, parcel, cases := c.underWay()
	path := "/branch/parcels/" + parcel.String()
	me.Get("/branch").WantText("#coming", "1 个包裹在途")
	page := me.Get("/branch/parcels").WantText(".parcels", "2 张卡").WantText(".parcels", "还没有寄出").Click(".parcels a").WantAt(path)
	page.Has("#too-early").Lacks("#to-confirm").WantText(".count-list", "王𠮷").WantText(".count-list", c.works.CardNumber(cases[0]))
	me.Get(path + "/confirm").WantAt(path)
	me.Post(path+"/confirm", nil).Want(http.StatusConflict).WantError("", "寄出之后")

	c.works.Ship(batch, c.clerk)
	page = me.Get(path).Lacks("#too-early")
	require.Equal(t, 2, page.Find(".count-list input[type=checkbox]:not([name])").Length())
	page = page.Lacks("form[action*=parcels]").Click("#to-confirm").WantAt(path+"/confirm").WantText("#confirm", "2 位申请人会收到短信")
	require.Equal(t, card.Producing, c.works.State(cases[0]), "looking at the question decides nothing")
	page.Submit("#confirm", nil).WantAt("/branch/parcels").WantText(".flash", "2 张卡现在可以领取").Has("#none")
	require.Equal(t, card.Ready, c.works.State(cases[0]))
	page.Submit("#confirm", nil).WantAt("/branch/parcels").WantText(".flash", "已确认到达") // a double click
	require.Equal(t, 2, c.count("SELECT count(*) FROM audit_entry WHERE action = 'arrive'"))
	require.Equal(t, 2, c.count("SELECT count(*) FROM message WHERE template = 'card-arrived'"))
	me.Get(path).WantText("#arrived", "周敏").Lacks("#to-confirm")
	me.Get(path + "/confirm").WantAt(path)
	me.Get("/branch").Lacks("#coming").WantText(".numbers", "等待领取2")
}

func TestParcelOfAnotherBranch(t *testing.T) {
	t.Parallel()
	c := setup(t)
	batch, parcel, cases := c.underWay()
	c.works.Ship(batch, c.clerk)
	away := c.Clerk(c.away, c.other)
	for _, id := range []string{parcel.String(), uuid.Must(uuid.NewV7()).String(), "x"} {
		away.Get("/branch/parcels/" + id).Want(http.StatusNotFound)
		away.Get("/branch/parcels/" + id + "/confirm").Want(http.StatusNotFound)
		away.Post("/branch/parcels/"+id+"/confirm", nil).Want(http.StatusNotFound)
	}
	require.NotContains(t, string(away.Get("/branch/parcels").Body), parcel.String())
	require.Equal(t, card.Producing, c.works.State(cases[0]))
	for who, other := range map[string]*webtest.Client{
		"factory": c.Factory(uuid.Must(uuid.NewV7())), "admin": c.Admin(uuid.Must(uuid.NewV7())),
		"reviewer": c.Reviewer(uuid.Must(uuid.NewV7())), "person": c.Person(cases[0].Person, "王𠮷"),
	} {
		require.Equal(t, http.StatusForbidden, other.Post("/branch/parcels/"+parcel.String()+"/confirm", nil).Response.StatusCode, who)
		require.Equal(t, http.StatusForbidden, other.Get(regularPath(cases[0])+"/photo.jpg").Response.StatusCode, who)
	}
	require.Zero(t, c.process.calls)
}

func TestArrivalWhileTheSystemIsAway(t *testing.T) {
	t.Parallel()
	c := setup(t)
	batch, parcel, cases := c.underWay()
	c.works.Ship(batch, c.clerk)
	path := "/branch/parcels/" + parcel.String() + "/confirm"
	c.process.instead = &fault.Error{Kind: fault.Unavailable, Msg: "办理系统暂时繁忙，请稍后再试。"}
	page := c.me().Post(path, nil).Want(http.StatusServiceUnavailable).WantError("", "再按一次")
	require.NotEmpty(t, page.Response.Header.Get("Retry-After"))
	c.process.instead = &fault.Error{Kind: fault.Conflict, Msg: "这项办理已经结束。", Err: workflows.ErrEnded}
	c.me().Post(path, nil).Want(http.StatusServiceUnavailable)
	require.Equal(t, card.Producing, c.works.State(cases[0]))
	c.process.instead, c.process.after = nil, &fault.Error{Kind: fault.Unavailable, Msg: "办理系统暂时繁忙，请稍后再试。"}
	c.me().Post(path, nil).WantAt("/branch/parcels").WantText(".flash", "已确认到达") // only the answer was lost
	require.Equal(t, card.Ready, c.works.State(cases[0]))
}

func (c *counter) qrOf(of stage.Applicant) string {
	c.T.Helper()
	var token string
	require.NoError(c.T, c.DB.QueryRow(c.T.Context(), "SELECT token FROM card WHERE application_id = $1", of.ID).Scan(&token))
	return "HTTPS://CARD.EXAMPLE/V/" + token
}

func TestRegularHandOver(t *testing.T) {
	t.Parallel()
	c := setup(t)
	cases := c.arrived()
	number, other := c.works.CardNumber(cases[0]), c.works.CardNumber(cases[1])
	me, path := c.me(), regularPath(cases[0])
	page := me.Get("/branch").Submit("#find-code", map[string]string{"code": number}).WantAt(path)
	page.Has(`img.portrait[src="`+path+`/photo.jpg"]`).WantText("#hand-over", "扫描卡片上的证号")

	for typed, want := range map[string]string{
		"":                     "请扫描",
		"12345678":             "没有认出",
		c.serials[0]:           "没有认出",
		number[:13] + "x":      "没有认出",
		other:                  "不是为该申请人制作的卡",
		c.qrOf(cases[1]):       "不是为该申请人制作的卡",
		c.qrOf(cases[0])[:150]: "二维码",
	} {
		got := page.Submit("#hand-over", map[string]string{"tail": "004X", "serial": typed}).Want(http.StatusUnprocessableEntity)
		got.WantError("serial", want).Has("#f-serial[autofocus]")
		require.Equal(t, typed, got.Find("#f-serial").AttrOr("value", ""), "what was typed stays")
	}
	require.Zero(t, c.count("SELECT count(*) FROM hand_over"))

	done := page.Submit("#hand-over", map[string]string{"tail": "004x", "serial": "]C1" + number + number})
	done.WantAt("/branch?last="+cases[0].ID.String()).WantText("#outcome", "证号").WantText("#outcome", number)
	require.Equal(t, card.Collected, c.works.State(cases[0]))
	require.Equal(t, 1, c.count("SELECT count(*) FROM hand_over WHERE card_number = $1 AND serial IS NULL AND staff_id = $2", number, c.clerk))
	// The same act again is the same act; another clerk reads who, when and where.
	page.Submit("#hand-over", map[string]string{"tail": "004X", "serial": number}).WantAt("/branch?last=" + cases[0].ID.String())
	second := c.Clerk(c.rows.Clerk("郑洁", c.branch), c.branch)
	second.Post(path, url.Values{"tail": {"004X"}, "serial": {number}}).Want(http.StatusConflict).WantText("#notice-case", "周敏")
	second.Get(path).WantText("#notice-case", "（证号"+number+"）").Has("img.portrait")

	undone := me.Get(path+"/undo").WantText(".facts", "证号").Submit("#undo", map[string]string{"reason": "发给了别人"})
	undone.WantText("#outcome", "已撤销")
	require.Equal(t, card.Ready, c.works.State(cases[0]))
	// By the QR on the card's back, in the scanner's way.
	qr := c.qrOf(cases[0])
	me.Post(path, url.Values{"tail": {"004X"}, "serial": {"]Q1" + strings.ToLower(qr)}}).WantText("#outcome", number)
	require.Equal(t, card.Collected, c.works.State(cases[0]))
}

func TestLapsedRegularCardStaysAtItsBranch(t *testing.T) {
	t.Parallel()
	c := setup(t)
	cases := c.arrived()
	c.Clock.Advance(45 * 24 * time.Hour)
	_, err := c.works.Process.Lapse(t.Context(), cases[0].ID)
	require.NoError(t, err)
	page := c.me().Get(regularPath(cases[0])).Want(http.StatusOK).WantText("#notice-case", "仍由本网点保管").WantText("#notice-case", "重新预约领取")
	page.Lacks("#hand-over").Lacks("img.portrait")
}

func TestPortraitIsForTheCounterAlone(t *testing.T) {
	t.Parallel()
	c := setup(t)
	cases := c.arrived()
	general := c.waiting("赵一", "420199199901040023")
	path := regularPath(cases[0]) + "/photo.jpg"
	jpeg := c.me().Get(path).Want(http.StatusOK)
	require.Equal(t, demo.Portrait(0), jpeg.Body)
	header := jpeg.Response.Header
	require.Equal(t, "image/jpeg", header.Get("Content-Type"))
	require.Equal(t, "no-store", header.Get("Cache-Control"))
	require.Equal(t, "nosniff", header.Get("X-Content-Type-Options"))
	require.Contains(t, header.Get("Content-Security-Policy"), "sandbox")
	c.Clerk(c.away, c.other).Get(path).Want(http.StatusNotFound)
	_, err := c.DB.Exec(t.Context(), "UPDATE consent SET withdrawn_at = now() WHERE purpose = 'bank'")
	require.NoError(t, err)
	c.me().Get(path).Want(http.StatusNotFound)
	_, err = c.DB.Exec(t.Context(), "UPDATE consent SET withdrawn_at = NULL")
	require.NoError(t, err)
	c.me().Get(casePath(general) + "/photo.jpg").Want(http.StatusNotFound)
	waits := c.works.Apply("钱多", "420199200612310117", c.branch, demo.Portrait(1))
	c.me().Get(regularPath(waits) + "/photo.jpg").Want(http.StatusNotFound) // not at the branch yet
	require.Contains(t, c.Client().Still().Get(path).Location(), "/staff/login")
}

func TestRegularCardsByKeyboardAlone(t *testing.T) {
	c := setup(t)
	batch, _, cases := c.underWay()
	c.works.Ship(batch, c.clerk)
	b := webtest.NewBrowser(t)
	me := c.me()

	// The parcel: from the list to the last button with Tab, Space and Enter.
	k := keyboard{t, b.Tab(me, "/branch/parcels", 1280, 800)}
	_, err := chromedp.Run(k.tab, chromedp.Poll[bool](`document.readyState === "complete"`))
	require.NoError(t, err)
	k.tabTo(`document.activeElement.matches(".parcels a")`)
	k.types("\r")
	require.NoError(t, chromedp.Do(k.tab, chromedp.WaitReady(chromedp.CSS("#to-confirm"))))
	k.tabTo(`document.activeElement.matches(".count-list input")`)
	k.types(" ")
	require.Equal(t, "已清点 1 张，共 2 张", k.eval(`document.querySelector("[data-counted]").textContent`))
	picture(t, b, k.tab, "branch-parcel-counting")
	k.tabTo(`document.activeElement.id === "to-confirm"`)
	k.types("\r")
	require.NoError(t, chromedp.Do(k.tab, chromedp.WaitReady(chromedp.CSS("#confirm button"))))
	k.tabTo(`document.activeElement.textContent === "确认到达"`)
	k.types("\r")
	require.NoError(t, chromedp.Do(k.tab, chromedp.WaitReady(chromedp.CSS("#none"))))
	require.Equal(t, card.Ready, c.works.State(cases[0]))

	// The counter: tail, then the card's number from a scanner that fires twice.
	number := c.works.CardNumber(cases[0])
	k = keyboard{t, b.Tab(me, "/branch", 1280, 800)}
	require.Equal(t, "f-code", k.arrives("#find-code"))
	k.types(c.qrOf(cases[0]) + "\r")
	require.Equal(t, "f-tail", k.arrives("#hand-over"))
	k.types("004x\r")
	require.Equal(t, "f-serial", k.focus())
	k.types(c.works.CardNumber(cases[1]) + "\r")
	require.Equal(t, "f-serial", k.arrives("#f-serial-error"), "the wrong card has the focus")
	picture(t, b, k.tab, "branch-regular-wrong")
	k.types(number + number + "\r")
	require.Equal(t, "f-code", k.arrives("#outcome"))
	require.Equal(t, card.Collected, c.works.State(cases[0]))
}

// tabTo presses Tab until the expression holds.
func (k keyboard) tabTo(expression string) {
	k.t.Helper()
	for range 30 {
		k.types("\t")
		if k.eval(`String(`+expression+`)`) == "true" {
			return
		}
	}
	require.Fail(k.t, "no way by Tab", expression)
}

func TestPagesOfRegularCardsAreAccessible(t *testing.T) {
	c := setup(t)
	batch, parcel, cases := c.underWay()
	me, b := c.me(), webtest.NewBrowser(t)
	parcelPath := "/branch/parcels/" + parcel.String()
	b.Shots(me, parcelPath, "branch-parcel-early")
	c.works.Ship(batch, c.clerk)
	for name, path := range map[string]string{"desk-coming": "/branch", "parcels": "/branch/parcels", "parcel": parcelPath, "parcel-confirm": parcelPath + "/confirm"} {
		b.Shots(me, path, "branch-"+name)
		webtest.Axe(t, b, me, path)
	}
	me.Post(parcelPath+"/confirm", nil).Want(http.StatusOK)
	b.Shots(me, parcelPath, "branch-parcel-arrived")
	b.Shots(me, regularPath(cases[0]), "branch-regular")
	webtest.Axe(t, b, me, regularPath(cases[0]))
}
