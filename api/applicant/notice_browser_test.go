package applicant_test

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/api/web/webtest"
	"volcard/internal/card"
)

const noticeText = `document.getElementById("notice").textContent`

// What cannot be fetched is said above the page, in place of nothing else, until something can be.
func TestWhatCannotBeFetchedIsSaid(t *testing.T) {
	r := open(t)
	p := r.person("阿卜杜热合曼·买买提", adultID)
	p.draft(func(d *card.Draft) { d.BranchID = uuid.Nil })
	b := webtest.NewBrowser(t)
	tab := b.Tab(p.Client, "/apply/branch", 375, 812)
	js := func(script string) { do(t, tab, chromedp.Evaluate[bool](script+`; true`)) }
	says := func(sentence string) {
		do(t, tab, chromedp.Poll[bool](noticeText+` === "`+sentence+`"`))
		require.True(t, do(t, tab, chromedp.Evaluate[bool](`document.querySelectorAll("#branches .branch").length > 0`)), "the list stays")
	}
	js(`window.send = XMLHttpRequest.prototype.send;
		document.addEventListener("htmx:configRequest", e => { if (window.lost) { e.detail.path = window.lost; } })`)
	failing := func(event string) {
		js(`XMLHttpRequest.prototype.send = function () { setTimeout(() => this.dispatchEvent(new ProgressEvent("` + event + `"))); }`)
	}
	failing("error")
	choose(t, tab, "city", "420100")
	says("网络不通，页面暂时不能更新。")
	js(`document.getElementById("notice").textContent = ""`)
	failing("timeout")
	choose(t, tab, "city", "")
	says("网络不通，页面暂时不能更新。")
	js(`XMLHttpRequest.prototype.send = window.send; window.lost = "/cards/00000000-0000-7000-8000-000000000000"`)
	for range 2 {
		choose(t, tab, "city", "420100")
		says("没有找到这份申请。")
		js(`document.getElementById("notice").textContent = ""`)
	}
	choose(t, tab, "city", "")
	says("没有找到这份申请。")
	js(`delete window.lost`)
	choose(t, tab, "city", "420100")
	says("")
	do(t, tab, chromedp.WaitReady(chromedp.CSS(`#f-city option[value="420100"][selected]`)))

	// The position was found, but no list came.
	js(`navigator.geolocation.getCurrentPosition = found => found({coords: {longitude: 114.33, latitude: 30.54}})`)
	failing("error")
	do(t, tab, chromedp.Click(chromedp.CSS("[data-near]")))
	do(t, tab, chromedp.Poll[bool](`document.querySelector("[data-near-note]").textContent === "没有查到，请按地区选择。" && !document.querySelector("[data-near]").disabled`))
	b.WantPolicyKept(tab)
}

// A page that nobody looks at does not ask, and what it asks by itself is marked as such.
func TestHiddenPagesDoNotAsk(t *testing.T) {
	r := open(t)
	p := r.person("阿卜杜热合曼·买买提", adultID)
	p.draft()
	r.process.away.Store(true)
	page := p.submitted()
	tab := webtest.NewBrowser(t).Tab(p.Client, page.Path(), 375, 812)
	do(t, tab, chromedp.Evaluate[bool](`Object.defineProperty(document, "hidden", {get: () => !window.looks}),
		addEventListener("htmx:beforeRequest", e => { window.asked = !e.defaultPrevented; window.mark = e.detail.requestConfig.headers["Volcard-Poll"]; }), true`))
	do(t, tab, chromedp.Poll[bool](`window.asked === false`))
	do(t, tab, chromedp.Evaluate[bool](`window.looks = true`))
	do(t, tab, chromedp.Poll[bool](`window.asked === true`))
	require.Equal(t, "1", do(t, tab, chromedp.Evaluate[string](`window.mark`)))
}

// A form whose answer never comes says that it is being sent, is sent once, and can be sent again later.
func TestFormWithoutAnswer(t *testing.T) {
	r := open(t)
	p := r.person("阿卜杜热合曼·买买提", adultID)
	p.draft(func(d *card.Draft) { d.BranchID = uuid.Nil })
	tab := webtest.NewBrowser(t).Tab(p.Client, "/apply/branch", 375, 812)
	got := do(t, tab, chromedp.Evaluate[[]string](`(() => {
		const form = document.querySelector("form[data-once]"), button = form.querySelector("[type=submit]");
		const tells = () => [form.getAttribute("aria-busy") || "", button.textContent];
		const said = [];
		let stops = 0, later;
		document.addEventListener("submit", e => { if (!e.defaultPrevented) { stops++; } e.preventDefault(); }); // as a network that is gone
		window.setTimeout = f => { later = f; };
		button.click();
		said.push(...tells());
		button.click();
		said.push(String(stops));
		later();
		said.push(...tells());
		button.click();
		said.push(String(stops));
		return said;
	})()`))
	require.Equal(t, []string{"true", "正在提交…", "1", "", got[4], "2"}, got)
	require.Contains(t, got[4], "下一步")
}
