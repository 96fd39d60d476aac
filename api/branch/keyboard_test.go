package branch_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"volcard/api/web/webtest"
	"volcard/internal/card"
)

// keyboard is a clerk who never touches the mouse.
type keyboard struct {
	t   *testing.T
	tab context.Context
}

// types sends keys to wherever the focus is; a scanner does the same, only quicker than people.
func (k keyboard) types(keys string) {
	k.t.Helper()
	require.NoError(k.t, chromedp.Do(k.tab, chromedp.KeyEvent(keys)))
}

// arrives waits for a page that has the element, and tells which element has the focus.
func (k keyboard) arrives(selector string) (focus string) {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(k.tab, 20*time.Second)
	defer cancel()
	// The scripts have run when the document is complete; the browser sets the focus a little later.
	err := chromedp.Do(ctx, chromedp.WaitReady(chromedp.CSS(selector)))
	if err == nil {
		_, err = chromedp.Run(ctx, chromedp.Poll[bool](`document.readyState === "complete" && document.activeElement !== document.body`))
	}
	if err != nil {
		require.NoError(k.t, err, "%s is not on the page: %s", selector, k.eval(`document.body.innerText`))
	}
	return k.focus()
}

func (k keyboard) focus() string {
	k.t.Helper()
	got, err := chromedp.Run(k.tab, chromedp.Evaluate[string](`document.activeElement.id || document.activeElement.textContent.trim()`))
	require.NoError(k.t, err)
	return got
}

func (k keyboard) eval(expression string) string {
	k.t.Helper()
	got, err := chromedp.Run(k.tab, chromedp.Evaluate[string](expression))
	require.NoError(k.t, err)
	return got
}

func TestHandOverByKeyboardAlone(t *testing.T) {
	c := setup(t)
	wang, li := c.waiting("王𠮷", idWang), c.waiting("李娜", idLi)
	sun := c.waiting("孙浩然", idSun)
	b := webtest.NewBrowser(t)
	me := c.me()
	k := keyboard{t, b.Tab(me, "/branch", 1280, 800)}

	// The first one shows the code on the phone; the scanner ends with Enter.
	require.Equal(t, "f-code", k.arrives("#find-code"))
	k.types(wang.PickupCode + "\r")
	require.Equal(t, "f-tail", k.arrives("#hand-over"))
	k.types(wang.PickupCode + "\r")
	require.Equal(t, "f-tail", k.focus(), "the scanner fired twice: the second scan is typed over")
	require.Equal(t, "只输入最后四位。", k.eval(`document.getElementById("tail-only").textContent`))
	k.types(idWang + "\r")
	require.Equal(t, "f-tail", k.focus(), "a whole ID number is typed over as well")
	require.Equal(t, "只输入最后四位。", k.eval(`document.getElementById("tail-only").textContent`))
	k.types("004x\r")
	require.Equal(t, "f-serial", k.focus(), "Enter goes on to the next field, it does not send half a form")
	k.types(c.serials[0] + "\r")
	require.Equal(t, "f-code", k.arrives("#outcome"), "ready for the next person")
	require.Equal(t, card.Collected, c.state(wang.ID))

	// The next one shows the QR; this scanner ends with Tab, doubles, and has a prefix.
	qr := "]Q1" + c.qr(li)
	k.types(qr + qr + "\t")
	require.Equal(t, "f-tail", k.arrives("#hand-over"))
	k.types("0024\t")
	require.Equal(t, "f-serial", k.focus())
	k.types(c.serials[1] + "\r")
	require.Equal(t, "f-tail", k.arrives("#f-tail-error"), "the wrong field has the focus")
	_, err := chromedp.Run(k.tab, chromedp.Poll[bool](`document.activeElement.selectionEnd - document.activeElement.selectionStart === 4`))
	require.NoError(t, err, "and its text is selected, so that typing replaces it")
	k.types("0023\r")
	k.arrives("#outcome")
	require.Equal(t, card.Collected, c.state(li.ID))

	// By name: Tab from the first field over its button.
	k.types("\t")
	require.NotEqual(t, "f-code", k.focus())
	for range 4 {
		if k.focus() == "f-name" {
			break
		}
		k.types("\t")
	}
	require.Equal(t, "f-name", k.focus())
	k.types("孙浩然\t0019\r")
	require.Equal(t, "f-tail", k.arrives("#hand-over"))
	k.types("0019\r" + c.serials[2] + "\t")
	require.Equal(t, "确认发卡", k.focus())
	k.types("\r")
	k.arrives("#outcome")
	require.Equal(t, card.Collected, c.state(sun.ID))
	require.Equal(t, 3, c.count("SELECT count(*) FROM hand_over"))
}

// A scanner ends with Enter wherever the focus is: on a box of the parcel's list that confirms nothing.
func TestCountingAParcelConfirmsNothing(t *testing.T) {
	c := setup(t)
	batch, parcel, cases := c.underWay()
	c.works.Ship(batch, c.clerk)
	k := keyboard{t, webtest.NewBrowser(t).Tab(c.me(), "/branch/parcels/"+parcel.String(), 1280, 800)}
	k.eval(`window.sent = 0, document.addEventListener("submit", () => window.sent++, true), document.querySelector(".count-list input").focus(), ""`)
	k.types(" ")
	require.Equal(t, "已清点 1 张，共 2 张", k.eval(`document.querySelector("[data-counted]").textContent`))
	k.types("4200123456\r")
	require.Equal(t, "0", k.eval(`String(window.sent)`))
	require.NotEqual(t, card.Ready, c.works.State(cases[0]))
}

func TestPagesAreAccessible(t *testing.T) {
	c := setup(t)
	wang, li, long := c.waiting("王𠮷", idWang), c.waiting("李娜", idLi), c.waiting(longName, idSun)
	me := c.me()
	me.Post(casePath(li), url.Values{"tail": {"0023"}, "serial": {c.serials[0]}}).Want(http.StatusOK)
	b := webtest.NewBrowser(t)
	for _, page := range []struct {
		name, path string
		alike      bool // built of the same parts as another page
	}{
		{"desk", "/branch", true},
		{"done", "/branch?last=" + li.ID.String(), false},
		{"case", casePath(wang), true},
		{"case-long", casePath(long), false},
		{"case-collected", casePath(li), false},
		{"undo", casePath(li) + "/undo", false},
		{"stock", "/branch/stock", false},
		{"receive", "/branch/stock/receive", true},
		{"spoil", "/branch/stock/spoil", false},
	} {
		shots(t, b, me, page.path, "branch-"+page.name)
		if !page.alike {
			webtest.Axe(t, b, me, page.path)
		}
	}
	// Pages that only an answer shows.
	k := keyboard{t, b.Tab(me, "/branch", 1280, 800)}
	k.arrives("#find-code")
	k.types("12\r")
	k.arrives("#f-code-error")
	b.Axe(k.tab)
	picture(t, b, k.tab, "branch-find-error")
	k = keyboard{t, b.Tab(me, casePath(wang), 1280, 800)}
	k.arrives("#hand-over")
	k.types("1111\r" + c.serials[0] + "\r")
	k.arrives("#f-tail-error")
	b.Axe(k.tab)
	picture(t, b, k.tab, "branch-case-error")
	wide := b.Tab(me, casePath(long), 375, 800)
	over := keyboard{t, wide}.eval(`String(document.documentElement.scrollWidth - document.documentElement.clientWidth)`)
	require.Equal(t, "0", over, "fifty characters fit the narrow page")
}
