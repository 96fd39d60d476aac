package main

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"volcard/api/web/webtest"
)

// noPage are the GET rows that answer with HTML and with no page, and why.
var noPage = map[string]string{
	"GET /parts/divisions":    "a part that pages ask for",
	"GET /apply/universities": "a part that the page of the unit asks for",

	"GET /apply/submit": elsewhere, "GET /apply/photo/upload": elsewhere, "GET /apply/branch/near": elsewhere,
	"GET /cards/{id}/branch/near": elsewhere, "GET /cards/{id}/phone/resend": elsewhere, "GET /account/phone/resend": elsewhere,
	"GET /register/resend": elsewhere, "GET /reset/resend": elsewhere,
	"GET /admin/branches/apply": elsewhere, "GET /admin/universities/apply": elsewhere, "GET /admin/calendar/apply": elsewhere,
	"GET /admin/staff/{staff}/enable": "the page of disable, of an account that is stopped",
	"GET /review/cases/{id}/approve":  elsewhere, "GET /review/cases/{id}/refuse": elsewhere, "GET /review/cases/{id}/release": elsewhere, "GET /review/cases/{id}/retract": elsewhere,
}

const elsewhere = "leads to the page of its form"

// refusals are the forms whose answer to an empty form is walked too.
var refusals = map[string][]string{
	"GET /login": {"main form"}, "GET /register": {"main form"}, "GET /register/guardian": {"main form"},
	"GET /register/phone": {"main form"}, "GET /register/code": {`form[action="/register/code"]`},
	"GET /reset": {"main form"}, "GET /reset/code": {`form[action="/reset/code"]`}, "GET /status": {`form[action="/status"]`},
	"GET /account/password": {"main form"}, "GET /account/guardian": {"main form"}, "GET /account/phone": {"main form"}, "GET /account/phone/code": {`form[action="/account/phone/code"]`},
	"GET /staff/login": {"main form"}, "GET /staff/first": {"main form"},
	"GET /staff/password": {"main form"}, "GET /staff/password/initial": {"main form"},
	"GET /branch/": {"#find-code", "#find-name"}, "GET /branch/stock/receive": {"main form"}, "GET /branch/stock/spoil": {"main form"},
	"nothing chosen: edition": {"main form"}, "nothing chosen: identity": {"main form"}, "nothing chosen: notice": {"main form"},
	"nothing chosen: phone": {"main form"}, "nothing chosen: unit": {"main form"}, "nothing chosen: branch": {"form:has([name=branch_id])"},
	"no photo yet": {"main form"}, "nothing chosen: face": {"main form"},
	"GET /admin/staff/new": {"#new-staff"}, "GET /admin/branches/import": {"#upload"}, "GET /admin/universities/import": {"#upload"},
}

// visit is a page as somebody sees it.
type visit struct {
	name, path string
	client     *webtest.Client
	status     int
	then       *sent // what is sent from there; nil: nothing
}

// sent is a form, what is filled into it, and what answers.
type sent struct {
	form   string
	values map[string]string // by the fields' names; everything else is emptied
	status int
}

// TestEveryPageIsAccessible walks every page of the house in a browser: on a phone in light colours
// and on a desk in dark ones. The tests of the rooms look at the other two.
func TestEveryPageIsAccessible(t *testing.T) {
	b := webtest.NewBrowser(t)
	h := newHouse(t)
	h.furnish()
	tab := b.Tab(h.client("nobody"), "/", 375, 812)
	for _, v := range h.visits() {
		b.Shots(v.client, v.path, strings.NewReplacer("GET /", "", "/", "-", "{", "", "}", "", " ", "-").Replace(v.name))
		h.check(b, tab, v, v.then)
		for _, form := range refusals[v.name] {
			h.check(b, tab, v, &sent{form: form, status: http.StatusUnprocessableEntity})
		}
	}
	assert.Empty(t, h.shown.unseen(), "nobody looked at these pages. Prepare a state in which they appear, or give a reason in notWhole.")
}

// visits are the pages of the matrix, each by the first who may open it and sees a page there, and
// pages that a row has beside it.
func (h *house) visits() []visit {
	h.t.Helper()
	list := []visit{
		{"home of a person", "/", h.client("owner"), http.StatusOK, nil},
		{"no such page", "/no-such-page", h.client("nobody"), http.StatusNotFound, nil},
		{"not for clerks", "/admin/", h.client("clerk"), http.StatusForbidden, nil},
		{"token that nobody signed", "/v/BROKEN", h.client("nobody"), http.StatusNotFound, nil},
		{"empty shelf", "/branch/stock", h.client("clerk elsewhere"), http.StatusOK, nil},
		{"nothing found", "/admin/branches?q=%E6%97%A0", h.client("admin"), http.StatusOK, nil},
		{"somebody else's photo", "/review/cases/" + h.doubtful.String(), h.client("other reviewer"), http.StatusNotFound, nil},
		{"account made", "/admin/staff/new", h.client("admin"), http.StatusOK, &sent{form: "#new-staff", status: http.StatusOK, values: map[string]string{
			"name": "孙师傅", "login": "new-factory", "role": "factory",
		}}},
		{"first administrator", "/staff/first", h.client("nobody"), http.StatusOK, h.firstAdmin()},
	}
	list = append(list, slices.Concat(h.prepared(), h.production(), h.undecided())...)
	known := map[string]bool{}
	for _, v := range list {
		known[v.name] = true
	}
	for _, row := range slices.Sorted(maps.Keys(matrix)) {
		route, isGet := strings.CutPrefix(row, "GET ")
		if !isGet || known[row] || noPage[row] != "" {
			continue
		}
		v := visit{row, h.path(route), nil, http.StatusOK, nil}
		seen := slices.ContainsFunc(roles, func(role string) bool {
			if !matrix[row].may(role) {
				return false
			}
			v.client = h.client(role)
			p := v.client.Still().Get(v.path)
			if p.Response.StatusCode == http.StatusOK && p.Doc != nil {
				list = append(list, v)
			}
			return p.Response.StatusCode == http.StatusOK
		})
		assert.True(h.t, seen, "%s: nobody sees a page. Prepare what it needs, or give a reason in noPage.", row)
	}
	return list
}

// check opens a page, or a page and then what answers to its form.
func (h *house) check(b *webtest.Browser, tab context.Context, v visit, then *sent) {
	h.t.Helper()
	name := v.name
	if strings.HasPrefix(v.path, "/review/cases/") {
		h.retake() // a case that its reviewer does not look at goes back to the queue
	}
	ctx, cancel := context.WithTimeout(tab, time.Minute)
	defer cancel()
	b.Visit(ctx, v.client, v.path, 375, 812)
	got, err := chromedp.Run(ctx, chromedp.Evaluate[int](`performance.getEntriesByType("navigation")[0].responseStatus`))
	require.NoError(h.t, err, name)
	require.Equal(h.t, v.status, got, "%s: another page than the one to look at", name)
	if then != nil {
		name = v.name + ", sent " + then.form
		answer, err := chromedp.RunResponse(ctx, then.send())
		require.NoError(h.t, err, name)
		require.EqualValues(h.t, then.status, answer.Status, name)
	}
	look := func(how string) {
		findings := b.Findings(ctx)
		assert.Empty(h.t, findings, "%s, %s:\n%s", name, how, strings.Join(findings, "\n"))
	}
	b.WantPolicyKept(ctx)
	look("phone, light")
	if then != nil && then.values == nil {
		return
	}
	b.Dark(ctx)
	require.NoError(h.t, chromedp.Do(ctx, chromedp.EmulateViewport(1280, 900)))
	look("desk, dark")
}

// send fills a form, empties the rest of it, and sends it past what the browser would say about it.
func (s *sent) send() chromedp.Action[chromedp.Void] {
	selector, _ := json.Marshal(s.form)
	values, _ := json.Marshal(s.values)
	return chromedp.Evaluate[chromedp.Void](`(function () {
		const form = document.querySelector(` + string(selector) + `), values = ` + string(values) + ` || {};
		for (const e of form.querySelectorAll("input:not([type=hidden]), select, textarea")) {
			if (e.type === "checkbox" || e.type === "radio") e.checked = values[e.name] === e.value; else e.value = values[e.name] || "";
		}
		form.submit();
	})()`)
}
