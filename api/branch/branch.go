// Package branch is the room of a bank branch's clerks: the counter at which the plastic card is
// handed over, the parcels of regular cards that arrive, and the branch's stock of general cards. A clerk
// sees cases and cards of the own branch only, and never a list of everybody who waits. Everything can be
// done by keyboard, since a scanner is one.
package branch

import (
	"context"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/gofrs/uuid/v5"

	"volcard/api/web"
	"volcard/internal/card"
	"volcard/internal/credential"
	"volcard/internal/fault"
	"volcard/internal/limit"
	"volcard/internal/store/batchstore"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/photostore"
	"volcard/internal/store/placestore"
	"volcard/workflows"
)

// Process carries out the clerk's decisions; workflows.Production is one.
type Process interface {
	HandOver(ctx context.Context, in workflows.HandOverInput) error
	UndoHandOver(ctx context.Context, in workflows.UndoInput) error
	ConfirmArrival(ctx context.Context, in workflows.ArrivalInput) error
}

var _ Process = workflows.Production{}

// Deps is what the room needs.
type Deps struct {
	Kit     *web.Kit
	Process Process
	Counter cardstore.Counter
	Stock   cardstore.Stock
	Batches batchstore.Reads
	Photos  photostore.Photos
	Places  placestore.Store
	Keyring *credential.Keyring
	Limiter limit.Limiter
	Terms   card.Terms
}

// room holds the pages of the counter.
type room struct{ Deps }

// Routes mounts the room.
func Routes(r chi.Router, d Deps) {
	h, s, ps := room{d}, shelf{d}, parcels{d}
	r.Route("/branch", func(r chi.Router) {
		r.Use(d.Kit.RequireStaff(web.RoleClerk))
		r.Get("/", d.Kit.Handle(h.desk))
		r.Post("/", d.Kit.Handle(h.find))
		r.Get("/cases/{id}", d.Kit.Handle(h.showCase))
		r.Post("/cases/{id}", d.Kit.Handle(h.handOver))
		r.Get("/cases/{id}/photo.jpg", d.Kit.Handle(h.photo))
		r.Get("/cases/{id}/undo", d.Kit.Handle(h.showUndo))
		r.Post("/cases/{id}/undo", d.Kit.Handle(h.undo))
		r.Get("/parcels", d.Kit.Handle(ps.list))
		r.Get("/parcels/{id}", d.Kit.Handle(ps.show))
		r.Get("/parcels/{id}/confirm", d.Kit.Handle(ps.ask))
		r.Post("/parcels/{id}/confirm", d.Kit.Handle(ps.confirm))
		r.Get("/stock", d.Kit.Handle(s.stock))
		r.Get("/stock/receive", d.Kit.Handle(s.showReceive))
		r.Post("/stock/receive", d.Kit.Handle(s.receive))
		r.Get("/stock/spoil", d.Kit.Handle(s.showSpoil))
		r.Post("/stock/spoil", d.Kit.Handle(s.spoil))
	})
}

// clerk is who stands at the counter, and where.
type clerk struct {
	ID, Branch uuid.UUID
}

func clerkOf(r *http.Request) (clerk, error) {
	p := web.User(r)
	if p == nil || !p.BranchID.Valid {
		return clerk{}, fault.New(fault.Forbidden, "您的账号没有所属网点，请联系省级管理员。")
	}
	return clerk{ID: p.ID, Branch: p.BranchID.UUID}, nil
}

// caseOf reads the case that the address names, where it is one of the clerk's branch.
func (h room) caseOf(r *http.Request) (clerk, cardstore.CounterCase, error) {
	me, err := clerkOf(r)
	if err != nil {
		return me, cardstore.CounterCase{}, err
	}
	id, err := uuid.FromString(chi.URLParam(r, "id"))
	if err != nil {
		return me, cardstore.CounterCase{}, fault.New(fault.NotFound, "本网点没有这份申请。")
	}
	c, err := h.Counter.Get(r.Context(), me.Branch, id)
	return me, c, err
}

// statusOf is the form's status; a limit answers as one, so that a program notices too.
func statusOf(form *web.Form, limited error) int {
	if limited != nil {
		return web.StatusOf(limited)
	}
	return form.Status()
}
