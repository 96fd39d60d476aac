package applicant_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"volcard/api/web/webtest"
)

func TestAccountPagesAreAccessible(t *testing.T) {
	env := setup(t)
	b := webtest.NewBrowser(t)
	c := env.Client()
	for name, path := range map[string]string{"login": "/login", "register": "/register", "reset": "/reset"} {
		b.Shots(c, path, name)
		webtest.Axe(t, b, c, path)
	}
	p := c.Get("/register")
	agree(t, p)
	p = p.Submit("form", personForm(map[string]string{"id_number": idNumber("20100101")})).WantAt("/register/guardian")
	b.Shots(c, "/register/guardian", "guardian")
	agree(t, p)
	p = p.Submit("form", map[string]string{"guardian_name": "王五", "guardian_relation": "父亲", "guardian_phone": phoneTwo})
	b.Shots(c, "/register/phone", "phone")
	p = p.Submit("form", map[string]string{"phone": phoneOne})
	b.Shots(c, "/register/code", "code")
	webtest.Axe(t, b, c, "/register/code")
	p.Submit(`form[action="/register/code"]`, map[string]string{
		"code": messages(t, env)[0].Code, "password": password, "password_again": password,
	}).WantAt("/account")
	for _, name := range []string{"", "/consents", "/logins", "/password", "/phone"} {
		b.Shots(c, "/account"+name, "account"+strings.ReplaceAll(name, "/", "-"))
		webtest.Axe(t, b, c, "/account"+name)
	}
}

func do[T any](t *testing.T, tab context.Context, action chromedp.Action[T]) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(tab, 30*time.Second)
	defer cancel()
	v, err := chromedp.Run(ctx, action)
	require.NoError(t, err)
	return v
}

// choose takes an option as a person does: the browser tells the page that it changed.
func choose(t *testing.T, tab context.Context, field, value string) {
	t.Helper()
	do(t, tab, chromedp.WaitReady(chromedp.CSS(fmt.Sprintf(`#f-%s option[value="%s"]`, field, value))))
	// A list that has just come is not listened to yet; no hand is that quick.
	do(t, tab, chromedp.Poll[bool](`!document.querySelector(".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added")`))
	do(t, tab, chromedp.Evaluate[bool](fmt.Sprintf(
		`(e => { e.value = %q; return e.dispatchEvent(new Event("change", {bubbles: true})); })(document.getElementById("f-%s"))`, value, field)))
}

func TestRegistrationInABrowser(t *testing.T) {
	env := setup(t)
	b := webtest.NewBrowser(t)
	tab := b.Tab(env.Client(), "/register", 375, 812)
	choose(t, tab, "city", "420100")
	choose(t, tab, "district", "420111")
	do(t, tab, chromedp.WaitReady(chromedp.CSS(`#f-district option[value="420111"][selected]`)))
	for field, text := range map[string]string{"name": "阿卜杜热合曼·买买提", "id-number": adultID, "address": "珞喻路 1037 号"} {
		do(t, tab, chromedp.SendKeys(chromedp.CSS("#f-"+field), text))
	}
	require.Equal(t, 3, do(t, tab, chromedp.Evaluate[int](
		`(l => { l.forEach(e => e.click()); return l.length; })(document.querySelectorAll("input[name=consent]"))`)))
	b.WantPolicyKept(tab)
	do(t, tab, chromedp.Click(chromedp.CSS("form .primary")))
	do(t, tab, chromedp.WaitVisible(chromedp.CSS("#f-phone")))
	do(t, tab, chromedp.SendKeys(chromedp.CSS("#f-phone"), phoneOne))
	// A double click sends the form once.
	do(t, tab, chromedp.Evaluate[bool](`(e => { e.click(); e.click(); return true; })(document.querySelector("form .primary"))`))
	do(t, tab, chromedp.WaitVisible(chromedp.CSS("#f-code")))
	require.True(t, do(t, tab, chromedp.Evaluate[bool](`document.querySelector("button[data-wait]").disabled`)))
	b.WantPolicyKept(tab)
	sent := messages(t, env)
	require.Len(t, sent, 1)
	do(t, tab, chromedp.SendKeys(chromedp.CSS("#f-code"), sent[0].Code))
	do(t, tab, chromedp.Click(chromedp.CSS("form .primary")))
	do(t, tab, chromedp.WaitVisible(chromedp.CSS("#f-password")))
	do(t, tab, chromedp.SendKeys(chromedp.CSS("#f-password"), password))
	do(t, tab, chromedp.SendKeys(chromedp.CSS("#f-password-again"), password))
	do(t, tab, chromedp.Click(chromedp.CSS("form .primary")))
	do(t, tab, chromedp.WaitVisible(chromedp.CSS(".flash-ok")))
	require.Contains(t, do(t, tab, chromedp.Text(chromedp.CSS("dl"))), "阿卜杜热合曼·买买提")
}
