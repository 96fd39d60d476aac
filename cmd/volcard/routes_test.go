package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/require"

	"volcard/api/web"
	"volcard/api/web/webtest"
)

// access says who may use a route.
type access string

const (
	open       access = "anybody"
	ownLogin   access = "whoever names one of the own logins, which nobody does here"
	people     access = "whoever is logged in as a person"
	ownCase    access = "the person whose case it is"
	ownRegular access = "the person whose regular case or photo it is"
	clerk      access = "any clerk"
	ownBranch  access = "a clerk of the case's branch"
	province   access = "a province administrator"
	anyStaff   access = "any member of staff"
	factoryOf  access = "the card factory"
	reviewing  access = "any reviewer"
	ownReview  access = "the reviewer who took the case"
)

// matrix has a row for every route of the house; one that is missing fails the test.
var matrix = map[string]access{
	"GET /": open, "GET /static/*": open, "GET /parts/divisions": open,
	"GET /status": open, "POST /status": open,
	"GET /v/{token}": open, "HEAD /v/{token}": open, "GET /V/{token}": open, "HEAD /V/{token}": open,
	"GET /v/{token}/*": open, "HEAD /v/{token}/*": open, "GET /V/{token}/*": open, "HEAD /V/{token}/*": open,
	"GET /verify": open, "POST /verify": open, "GET /verify-worker.js": open, "GET /.well-known/volcard/keys": open, "GET /.well-known/volcard/revoked": open,
	"GET /.well-known/volcard/status-list": open,
	"GET /dev/outbox":                      open, "GET /dev/logins": open,

	"GET /register": open, "POST /register": open, "GET /register/guardian": open, "POST /register/guardian": open,
	"GET /register/phone": open, "POST /register/phone": open, "GET /register/code": open, "POST /register/code": open,
	"POST /register/resend": open, "GET /login": open, "POST /login": open, "POST /logout": open,
	"GET /reset": open, "POST /reset": open, "GET /reset/code": open, "POST /reset/code": open, "POST /reset/resend": open,

	"GET /account": people, "GET /account/password": people, "POST /account/password": people,
	"GET /account/phone": people, "POST /account/phone": people, "GET /account/phone/code": people,
	"POST /account/phone/code": people, "POST /account/phone/resend": people, "GET /account/consents": people,
	"POST /account/consents/give": people, "POST /account/consents/withdraw": people, "GET /account/guardian": people, "POST /account/guardian": people, "GET /account/logins": people,
	"POST /account/logins/end": ownLogin, "POST /account/logins/end-others": people,

	"GET /apply": people, "GET /apply/universities": people, "POST /apply/branch/near": people,
	"GET /apply/preview": people, "GET /apply/preview.jpg": people, "POST /apply/submit": people,
	"GET /apply/edition": people, "POST /apply/edition": people, "GET /apply/identity": people, "POST /apply/identity": people,
	"GET /apply/notice": people, "POST /apply/notice": people, "GET /apply/phone": people, "POST /apply/phone": people,
	"GET /apply/unit": people, "POST /apply/unit": people, "GET /apply/branch": people, "POST /apply/branch": people,

	"GET /cards": people, "GET /cards/{id}": ownCase, "GET /cards/{id}/card.jpg": ownCase, "GET /cards/{id}/card.pdf": ownCase,
	"GET /cards/{id}/present": ownCase, "GET /cards/{id}/card.svg": ownCase, "GET /cards/{id}/pickup.svg": ownCase,
	"GET /cards/{id}/withdraw": ownCase, "POST /cards/{id}/withdraw": ownCase, "GET /cards/{id}/branch": ownCase,
	"POST /cards/{id}/branch": ownCase, "POST /cards/{id}/branch/near": ownCase,

	"GET /apply/photo": people, "POST /apply/photo": people, "POST /apply/photo/upload": people,
	"GET /apply/face": people, "POST /apply/face": people,
	"GET /photos/{photo}": ownRegular, "GET /cards/{id}/design": ownRegular, "POST /cards/{id}/design": ownRegular,
	"GET /cards/{id}/design.jpg": ownRegular, "GET /cards/{id}/design/photo": ownRegular, "POST /cards/{id}/design/photo": ownRegular,
	"GET /cards/{id}/design/face": ownRegular, "GET /cards/{id}/phone": ownRegular, "POST /cards/{id}/phone": ownRegular,
	"GET /cards/{id}/phone/code": ownRegular, "POST /cards/{id}/phone/code": ownRegular, "POST /cards/{id}/phone/resend": ownRegular,

	"GET /staff/login": open, "POST /staff/login": open, "POST /staff/logout": open, "GET /staff/first": open, "POST /staff/first": open,
	"GET /staff/password/initial": open, "POST /staff/password/initial": open,
	"GET /staff": anyStaff, "GET /staff/password": anyStaff, "POST /staff/password": anyStaff,

	"GET /branch/": clerk, "POST /branch/": clerk, "GET /branch/cases/{id}": ownBranch, "POST /branch/cases/{id}": ownBranch,
	"GET /branch/cases/{id}/undo": ownBranch, "POST /branch/cases/{id}/undo": ownBranch, "GET /branch/stock": clerk,
	"GET /admin/": province, "GET /admin/checks": province, "GET /admin/keys": province, "GET /admin/stock": province,
	"GET /admin/held": province, "GET /admin/held/{id}": province, "POST /admin/held/{id}": province,
	"GET /admin/staff": province, "GET /admin/staff/new": province, "POST /admin/staff/new": province,
	"GET /admin/staff/{staff}": province, "GET /admin/staff/{staff}/reset": province, "POST /admin/staff/{staff}/reset": province,
	"GET /admin/staff/{staff}/disable": province, "POST /admin/staff/{staff}/disable": province,
	"GET /admin/staff/{staff}/enable": province, "POST /admin/staff/{staff}/enable": province,
	"GET /admin/branches": province, "GET /admin/branches/export": province, "GET /admin/branches/import": province,
	"POST /admin/branches/import": province, "POST /admin/branches/apply": province,
	"GET /admin/universities": province, "GET /admin/universities/export": province, "GET /admin/universities/import": province,
	"POST /admin/universities/import": province, "POST /admin/universities/apply": province,
	"GET /admin/calendar": province, "GET /admin/calendar/export": province,
	"GET /admin/calendar/import": province, "POST /admin/calendar/import": province,
	"POST /admin/calendar/apply": province,

	"GET /admin/batches": province, "POST /admin/batches": province, "GET /admin/batches/{id}": province, "GET /admin/overdue": province, "GET /admin/reviews": province,

	"GET /review/": reviewing, "POST /review/next": reviewing, "GET /review/cases/{id}": ownReview, "GET /review/cases/{id}/photo.jpg": ownReview,
	// A case that is not the reviewer's answers like one that does not exist: with what to do next.
	"POST /review/cases/{id}/approve": reviewing, "POST /review/cases/{id}/refuse": reviewing, "POST /review/cases/{id}/release": reviewing,
	"POST /review/cases/{id}/retract": reviewing, "GET /review/cases/{id}/retract": reviewing,

	"GET /factory/": factoryOf, "GET /factory/batches/{id}": factoryOf, "GET /factory/batches/{id}/manifest.csv": factoryOf,
	"GET /factory/batches/{id}/print/{n}.pdf": factoryOf, "GET /factory/batches/{id}/printed": factoryOf,
	"POST /factory/batches/{id}/printed": factoryOf, "GET /factory/batches/{id}/shipped": factoryOf, "POST /factory/batches/{id}/shipped": factoryOf,

	// The address of a form's answer, opened again, leads to the page beside it, which has a door of its own.
	"GET /apply/submit": people, "GET /apply/photo/upload": people, "GET /apply/branch/near": people, "GET /cards/{id}/branch/near": people,
	"GET /cards/{id}/phone/resend": people, "GET /account/phone/resend": people, "GET /register/resend": open, "GET /reset/resend": open,
	"GET /admin/branches/apply": province, "GET /admin/universities/apply": province, "GET /admin/calendar/apply": province,
	"GET /review/cases/{id}/approve": reviewing, "GET /review/cases/{id}/refuse": reviewing, "GET /review/cases/{id}/release": reviewing,

	"GET /branch/cases/{id}/photo.jpg": ownBranch, "GET /branch/parcels": clerk,
	"GET /branch/parcels/{id}": ownBranch, "GET /branch/parcels/{id}/confirm": ownBranch, "POST /branch/parcels/{id}/confirm": ownBranch,

	"GET /branch/stock/receive": clerk, "POST /branch/stock/receive": clerk, "GET /branch/stock/spoil": clerk, "POST /branch/stock/spoil": clerk,
}

// roles are everybody who tries every route.
var roles = []string{"nobody", "owner", "regular owner", "stranger", "clerk", "clerk elsewhere", "admin", "factory", "reviewer", "other reviewer"}

// may tells whether a role passes the door and finds the object.
func (a access) may(role string) bool {
	switch a {
	case open:
		return true
	case people:
		return role == "owner" || role == "regular owner" || role == "stranger"
	case ownCase:
		return role == "owner"
	case ownRegular:
		return role == "regular owner"
	case clerk:
		return strings.HasPrefix(role, "clerk")
	case ownBranch:
		return role == "clerk"
	case province:
		return role == "admin"
	case ownLogin:
	case anyStaff:
		return strings.HasPrefix(role, "clerk") || strings.HasSuffix(role, "reviewer") || role == "admin" || role == "factory"
	case factoryOf:
		return role == "factory"
	case reviewing:
		return strings.HasSuffix(role, "reviewer")
	case ownReview:
		return role == "reviewer"
	}
	return false
}

func TestEveryRouteByEveryRole(t *testing.T) {
	h := newHouse(t)
	seen := map[string]bool{}
	require.NoError(t, chi.Walk(h.router, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		route = h.row(route)
		name := method + " " + route
		who, ok := matrix[name]
		if !ok {
			t.Errorf("%s has no row in the matrix: say who may use it", name)
			return nil
		}
		seen[name] = true
		path := h.path(route)
		for _, role := range roles {
			// A login of its own for each try: some routes end it.
			page := h.client(role).Still().Do(method, path, "application/x-www-form-urlencoded", strings.NewReader(""))
			if who == open {
				// An open door may still lead to a login; it refuses nobody.
				require.NotEqual(t, http.StatusForbidden, page.Response.StatusCode, name)
				require.Less(t, page.Response.StatusCode, 500, name)
				continue
			}
			if got := let(page); got != who.may(role) {
				t.Errorf("%s by %q: status %d to %q, but it is for %s", name, role, page.Response.StatusCode, page.Location(), who)
			}
		}
		return nil
	}))
	for name := range matrix {
		require.True(t, seen[name], "%s is in the matrix and nowhere else", name)
	}
}

// let tells whether an answer let somebody in: not sent to a login, not forbidden, not told that
// the object does not exist.
func let(p *webtest.Page) bool {
	if slices.Contains([]int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound}, p.Response.StatusCode) {
		return false
	}
	to := p.Location()
	return !strings.HasPrefix(to, "/login") && !strings.HasPrefix(to, web.StaffLogin)
}
