package main

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"volcard/api/web"
	"volcard/api/web/webtest"
)

// notRefused are the POST rows that refuse nothing here, and why.
var notRefused = map[string]string{
	"POST /logout": nothingTyped, "POST /staff/logout": nothingTyped, "POST /account/logins/end-others": nothingTyped,
	"POST /account/logins/end":         nothingTyped,
	"POST /account/consents/withdraw":  "who takes back what was not given has it so",
	"POST /admin/staff/{staff}/enable": nothingTyped,
	"POST /review/next":                nothingTyped,
	"POST /cards/{id}/withdraw":        "the process refuses, and there is none here",
	"POST /apply/photo":                "sent where the photo is there already",
}

const nothingTyped = "nothing is typed"

// secret is what is typed into fields that are never shown again.
const secret = "typed-secret-7"

// TestEveryRefusedFormIsShownAgain sends each form of each page with nothing chosen and with nonsense typed into it.
// What refuses it must have an address, so that Back and Reload show it: the same status and the same values, and no
// secret among them.
func TestEveryRefusedFormIsShownAgain(t *testing.T) {
	h := newHouse(t)
	h.furnish()
	refused := map[string]bool{}
	for _, v := range h.visits() {
		if strings.HasPrefix(v.path, "/review/cases/") {
			h.retake()
		}
		page := v.client.Get(v.path)
		if page.Doc == nil {
			continue
		}
		page.Find(`form[method="post"]`).Each(func(_ int, form *goquery.Selection) {
			h.tryRefusal(v, page, form, refused)
		})
	}
	h.tryRows(refused)
	for row := range matrix {
		if strings.HasPrefix(row, "POST ") && notRefused[row] == "" {
			assert.True(t, refused[row], "%s: no page's form was refused here. Prepare one, or give a reason in notRefused.", row)
		}
	}
	for row := range notRefused {
		assert.False(t, refused[row], "%s was refused after all", row)
	}
}

// tryRows sends an empty form to the rows whose pages send none that is refused.
func (h *house) tryRows(refused map[string]bool) {
	for row, who := range matrix {
		route, isPost := strings.CutPrefix(row, "POST ")
		if !isPost || refused[row] {
			continue
		}
		for _, role := range roles {
			if !who.may(role) {
				continue
			}
			c := h.client(role).With("Referer", h.env.URL+strings.TrimSuffix(h.path(route), "/near"))
			answer := c.Post(h.path(route), nil)
			if answer.Response.StatusCode < 400 || answer.Response.StatusCode >= 500 {
				continue
			}
			refused[row] = true
			assert.Equal(h.t, http.MethodGet, answer.Response.Request.Method, "%s: status %d has no address", row, answer.Response.StatusCode)
			assert.Equal(h.t, answer.Response.StatusCode, c.Get(answer.Path()).Response.StatusCode, row)
			break
		}
	}
}

func (h *house) tryRefusal(v visit, page *webtest.Page, form *goquery.Selection, refused map[string]bool) {
	t, values := h.t, webtest.FormValues(form)
	form.Find("input, textarea, select").Each(func(_ int, field *goquery.Selection) {
		name, kind := field.AttrOr("name", ""), field.AttrOr("type", "text")
		switch {
		case kind == "password" || field.AttrOr("autocomplete", "") == "one-time-code":
			assert.Contains(t, web.SecretFields(), name, "%s: a secret whose field has another name", v.name)
			values.Set(name, secret)
		case kind == "radio" || kind == "checkbox" || goquery.NodeName(field) == "select":
			values.Del(name)
		case kind != "hidden" && kind != "file" && kind != "submit" && name != "":
			values.Set(name, "typed "+name)
		}
	})
	action, err := page.Response.Request.URL.Parse(form.AttrOr("action", ""))
	require.NoError(t, err)
	row := h.rowOf(http.MethodPost, action.Path)
	if strings.HasSuffix(row, "/logout") {
		return
	}
	answer := v.client.With("Referer", h.env.URL+v.path).Post(action.String(), values)
	if answer.Response.StatusCode < 400 {
		return
	}
	refused[row] = true
	name := v.name + " → " + row
	if !assert.Equal(t, http.MethodGet, answer.Response.Request.Method, "%s: status %d has no address", name, answer.Response.StatusCode) {
		return
	}
	assert.NotContains(t, answer.Response.Request.URL.RawQuery, "typed", name)
	again := v.client.Get(answer.Path())
	assert.Equal(t, answer.Response.StatusCode, again.Response.StatusCode, name)
	for _, p := range []*webtest.Page{answer, again} {
		assert.NotContains(t, string(p.Body), secret, name)
		for field := range values {
			if slices.Contains(web.SecretFields(), field) && field != "code" {
				continue
			}
			if shown := p.Find(`main [name="` + field + `"]`); shown.Length() == 1 && strings.HasPrefix(values.Get(field), "typed ") {
				assert.Equal(t, values.Get(field), shown.AttrOr("value", shown.Text()), "%s: %s", name, field)
			}
		}
	}
}

// rowOf names the matrix's row of a path.
func (h *house) rowOf(method, path string) string {
	h.t.Helper()
	for row := range matrix {
		route, ok := strings.CutPrefix(row, method+" ")
		route = strings.TrimSuffix(route, "/")
		if ok && slices.EqualFunc(strings.Split(route, "/"), strings.Split(path, "/"), func(part, text string) bool {
			return part == text || strings.HasPrefix(part, "{")
		}) {
			return row
		}
	}
	return method + " " + path
}

// TestBackAndReloadOfARefusedForm goes the way of a person: a refused form, the next page, Back and Reload.
func TestBackAndReloadOfARefusedForm(t *testing.T) {
	h := newHouse(t)
	b := webtest.NewBrowser(t)
	for _, scripts := range []bool{true, false} {
		tab := b.Tab(h.client("nobody"), "/register", 375, 812)
		ctx, cancel := context.WithTimeout(tab, time.Minute)
		t.Cleanup(cancel)
		b.Scripts(ctx, scripts)
		require.NoError(t, chromedp.Do(ctx, chromedp.Reload(),
			chromedp.SendKeys(chromedp.CSS("#f-name"), "王小明"), chromedp.SendKeys(chromedp.CSS("#f-id-number"), "123")))
		status := func(action chromedp.Action[chromedp.Void]) (int64, string) {
			t.Helper()
			answer, err := chromedp.RunResponse(ctx, action)
			require.NoError(t, err)
			value, err := chromedp.Run(ctx, chromedp.Evaluate[string](`(document.querySelector("#f-name") || {}).value || document.title`))
			require.NoError(t, err)
			return answer.Status, value
		}
		want := func(action chromedp.Action[chromedp.Void]) {
			t.Helper()
			got, name := status(action)
			require.EqualValues(t, http.StatusUnprocessableEntity, got)
			require.Equal(t, "王小明", name)
		}
		want(chromedp.Click(chromedp.CSS("main form .primary")))
		want(chromedp.Reload())
		_, err := chromedp.RunResponse(ctx, chromedp.Navigate(h.env.URL+"/login"))
		require.NoError(t, err)
		want(chromedp.NavigateBack())
		want(chromedp.Reload())
	}
}
