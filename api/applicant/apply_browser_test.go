package applicant_test

import (
	"context"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/require"

	"volcard/api/web/webtest"
	"volcard/internal/card"
)

// What a browser with JavaScript adds: suggestions, the cascade, distance, a page that goes on by itself.
func TestApplyInABrowser(t *testing.T) {
	r := open(t)
	p := r.person("阿卜杜热合曼·买买提", adultID)
	p.draft(func(d *card.Draft) { d.UniversityCode, d.DivisionCode, d.Address, d.BranchID = "", "", "", uuid.Nil })
	b := webtest.NewBrowser(t)
	tab := b.Tab(p.Client, "/apply", 375, 812)

	do(t, tab, chromedp.SendKeys(chromedp.CSS("#f-keyword"), "武汉"))
	do(t, tab, chromedp.Click(chromedp.CSS("#universities input[value=HB001]")))
	choose(t, tab, "city", "420100")
	choose(t, tab, "district", "420106")
	do(t, tab, chromedp.WaitReady(chromedp.CSS(`#f-district option[value="420106"][selected]`)))
	do(t, tab, chromedp.SendKeys(chromedp.CSS("#f-address"), "八一路299号"))
	do(t, tab, chromedp.Click(chromedp.CSS("form > .actions .primary")))

	// The position of a person who shares it, and of one who does not.
	do(t, tab, chromedp.WaitVisible(chromedp.CSS("[data-near]")))
	position := func(answer string) {
		do(t, tab, chromedp.Evaluate[bool](`navigator.geolocation.getCurrentPosition = function (found, failed) { `+answer+` }, true`))
		do(t, tab, chromedp.Click(chromedp.CSS("[data-near]")))
	}
	position(`failed({code: 1});`)
	do(t, tab, chromedp.Poll[bool](`document.querySelector("[data-near-note]").textContent.includes("您没有允许使用位置")`))
	position(`found({coords: {longitude: 114.33, latitude: 30.54}});`)
	do(t, tab, chromedp.WaitVisible(chromedp.CSS(".branch .tag:first-child")))
	do(t, tab, chromedp.Poll[bool](`document.querySelector(".branch .tags").textContent.includes("直线距离")`))
	require.NotContains(t, do(t, tab, chromedp.Evaluate[string](`location.href`)), "114")
	b.WantPolicyKept(tab)
	do(t, tab, chromedp.Click(chromedp.CSS(".branch input:not([disabled])")))
	do(t, tab, chromedp.Click(chromedp.CSS(".actions.sticky .primary")))

	do(t, tab, chromedp.WaitVisible(chromedp.CSS(".faces")))
	do(t, tab, chromedp.Poll[bool](`[...document.querySelectorAll(".faces img")].every(i => i.complete && i.naturalWidth === 1011)`))
	b.WantPolicyKept(tab)
	r.process.away.Store(true)
	do(t, tab, chromedp.Click(chromedp.CSS("form[action='/apply/submit'] .primary")))
	do(t, tab, chromedp.WaitVisible(chromedp.CSS("#live[data-state=accepted]")))
	_, err := r.process.Issue(context.Background(), p.caseID())
	require.NoError(t, err)
	do(t, tab, chromedp.WaitVisible(chromedp.CSS("#live[data-state=ready] [data-card-qr]")))
	b.WantPolicyKept(tab)
}

func TestApplyPagesAreAccessible(t *testing.T) {
	r := open(t)
	b := webtest.NewBrowser(t)
	p := r.person("阿卜杜热合曼·买买提", adultID)
	show := func(name, path string) {
		b.Shots(p.Client, path, name)
		webtest.Axe(t, b, p.Client, path)
	}
	show("apply-edition", "/apply/edition")
	show("apply-identity", "/apply/identity")
	r.exec("UPDATE consent SET withdrawn_at = $1 WHERE purpose = 'bank'", r.Clock.Now())
	show("apply-notice", "/apply/notice")
	r.exec("UPDATE consent SET withdrawn_at = NULL")
	show("apply-phone", "/apply/phone")
	p.draft()
	show("apply-unit", "/apply/unit")
	show("apply-branch", "/apply/branch")
	show("apply-preview", "/apply/preview")
	show("cards-empty", "/cards")
	page := p.submitted()
	show("card", page.Path())
	show("card-withdraw", page.Path()+"/withdraw")
	show("card-branch", page.Path()+"/branch")
	show("cards", "/cards")
	show("apply-stop", "/apply")
}
