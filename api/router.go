// Package api mounts the rooms. Each room decides at its own door who may enter; the order of
// everything that every request passes stands in web.Standard.
package api

import (
	"net/http"

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
