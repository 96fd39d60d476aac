// Package api mounts the rooms. Each room decides at its own door who may enter; the order of
// everything that every request passes stands in web.Standard.
package api

import (
	"net/http"
	"path"

	"github.com/go-chi/chi/v5"

	"volcard/api/admin"
	"volcard/api/applicant"
	"volcard/api/branch"
	"volcard/api/factory"
	"volcard/api/public"
	"volcard/api/review"
	"volcard/api/staff"
	"volcard/api/web"
)

// Rooms are all pages of the house, by their audience.
type Rooms struct {
	Kit *web.Kit
	// Metrics counts requests by route.
	Metrics func(http.Handler) http.Handler

	Home      public.Home
	Status    public.Status
	Verify    public.Verify
	Outbox    public.Outbox
	Logins    public.DemoLogins
	Account   applicant.Account
	Applicant applicant.Deps
	Staff     staff.Room
	Branch    branch.Deps
	Factory   factory.Deps
	Review    review.Deps
	Admin     admin.Deps
}

// loads are the requests that are no plain pages: the methods are POST, the paths as path.Match reads them.
var loads = map[web.Load][]string{
	web.Logins: {
		"/login", "/register/code", "/reset/code", "/account/password", "/account/phone",
		web.StaffLogin, "/staff/first", "/staff/password", "/staff/password/initial", "/admin/staff/new",
		"/admin/staff/*/reset", "/admin/staff/*/disable", "/admin/staff/*/enable", // both factors are proved again
	},
	web.Submissions: {"/apply/submit"},
	web.Decisions: {
		"/cards/*/withdraw", "/cards/*/branch", "/cards/*/design", "/cards/*/phone/code", "/account/phone/code",
		"/branch/cases/*", "/branch/cases/*/undo", "/branch/parcels/*/confirm", "/review/cases/*/*",
		"/factory/batches/*/*", "/admin/held/*", "/admin/batches",
	},
	web.Uploads: {"/apply/photo/upload", "/cards/*/design/photo", "/admin/*/import", "/admin/*/apply"},
}

// LoadOf says of which kind a request is.
func LoadOf(r *http.Request) web.Load {
	if r.Method != http.MethodPost {
		return web.Pages
	}
	for load, paths := range loads {
		for _, p := range paths {
			if ok, err := path.Match(p, r.URL.Path); ok && err == nil {
				return load
			}
		}
	}
	return web.Pages
}

// Router mounts them.
func Router(rooms Rooms) chi.Router {
	r := chi.NewRouter()
	r.Get("/static/*", rooms.Kit.Static)
	r.Group(func(r chi.Router) {
		r.Use(rooms.Metrics)
		r.Use(rooms.Kit.Standard()...)
		r.NotFound(rooms.Kit.NotFound)
		r.MethodNotAllowed(rooms.Kit.MethodNotAllowed)
		rooms.Home.Routes(r)
		rooms.Status.Routes(r)
		rooms.Verify.Routes(r)
		rooms.Outbox.Routes(r)
		rooms.Logins.Routes(r)
		rooms.Account.Routes(r)
		applicant.Routes(r, rooms.Applicant)
		rooms.Staff.Routes(r)
		branch.Routes(r, rooms.Branch)
		factory.Routes(r, rooms.Factory)
		review.Routes(r, rooms.Review)
		admin.Routes(r, rooms.Admin)
	})
	return r
}
