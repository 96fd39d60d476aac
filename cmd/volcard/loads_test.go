package main

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/require"

	"volcard/api"
	"volcard/api/web"
)

// busy are the routes that are no plain pages. A form that hashes a password, waits for the workflow
// engine or receives a file belongs here: as a page it would keep the pages' places.
var busy = map[web.Load][]string{
	web.Logins: {
		"/account/password", "/account/phone", "/admin/staff/new", "/admin/staff/{staff}/reset",
		"/admin/staff/{staff}/disable", "/admin/staff/{staff}/enable", "/login", "/register/code", "/reset/code",
		"/staff/first", "/staff/login", "/staff/password", "/staff/password/initial",
	},
	web.Submissions: {"/apply/submit"},
	web.Decisions: {
		"/account/phone/code", "/admin/batches", "/admin/held/{id}", "/branch/cases/{id}", "/branch/cases/{id}/undo",
		"/branch/parcels/{id}/confirm", "/cards/{id}/branch", "/cards/{id}/design", "/cards/{id}/phone/code", "/cards/{id}/withdraw",
		"/factory/batches/{id}/printed", "/factory/batches/{id}/shipped", "/review/cases/{id}/approve", "/review/cases/{id}/refuse",
		"/review/cases/{id}/release", "/review/cases/{id}/retract",
	},
	web.Uploads: {
		"/admin/branches/apply", "/admin/branches/import", "/admin/calendar/apply", "/admin/calendar/import",
		"/admin/universities/apply", "/admin/universities/import", "/apply/photo/upload", "/cards/{id}/design/photo",
	},
}

func TestEveryBusyRouteIsCounted(t *testing.T) {
	h := newHouse(t)
	found := map[web.Load][]string{}
	parameter := regexp.MustCompile(`\{\w+\}`)
	require.NoError(t, chi.Walk(h.router, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		r := httptest.NewRequest(method, parameter.ReplaceAllString(route, "x"), nil)
		if load := api.LoadOf(r); load != web.Pages {
			require.Equal(t, http.MethodPost, method, route)
			found[load] = append(found[load], h.row(route))
		}
		return nil
	}))
	for load, routes := range busy {
		require.ElementsMatch(t, routes, found[load], load)
	}
	require.Len(t, found, len(busy))
}
