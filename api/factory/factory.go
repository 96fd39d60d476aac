// Package factory is the room of the card factory: it downloads the files of a batch, prints, and says
// when the cards are printed and when the parcels left. It sees batches and files, never an application.
package factory

import (
	"context"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/gofrs/uuid/v5"

	"volcard/api/web"
	"volcard/internal/fault"
	"volcard/internal/store/batchstore"
	"volcard/workflows"
)

// Process carries out the factory's words; workflows.Production is one.
type Process interface {
	ReportPrinted(ctx context.Context, in workflows.ReportInput) error
	ReportShipped(ctx context.Context, in workflows.ReportInput) error
}

var _ Process = workflows.Production{}

// Deps is what the room needs.
type Deps struct {
	Kit     *web.Kit
	Process Process
	Reads   batchstore.Reads
	Files   batchstore.Downloads
}

// room holds the pages.
type room struct{ Deps }

// Routes mounts the room.
func Routes(r chi.Router, d Deps) {
	h := room{d}
	handle := d.Kit.Handle
	r.Route("/factory", func(r chi.Router) {
		r.Use(d.Kit.RequireStaff(web.RoleFactory))
		r.Get("/", handle(h.list))
		r.Get("/batches/{id}", handle(h.show))
		r.Get("/batches/{id}/manifest.csv", handle(h.manifest))
		r.Get("/batches/{id}/print/{n}.pdf", handle(h.print))
		for _, w := range words {
			s := saying{room: h, word: w}
			r.Get("/batches/{id}/"+w.path, handle(s.ask))
			r.Post("/batches/{id}/"+w.path, handle(s.say))
		}
	})
}

// pageSize is how many batches the list shows.
const pageSize = 20

type listPage struct {
	web.Frame
	Rows   []batchstore.Batch
	Paging web.Paging
}

func (h room) list(w http.ResponseWriter, r *http.Request) error {
	p := &listPage{Frame: web.Frame{Title: "制卡批次"}, Paging: web.NewPaging(r, pageSize)}
	rows, err := h.Reads.Recent(r.Context(), p.Paging.Limit(), p.Paging.Offset())
	if err != nil {
		return err
	}
	p.Rows = web.Trim(&p.Paging, rows)
	return h.Kit.Render(w, r, http.StatusOK, "factory/list", p)
}

// batchOf reads the batch that the address names.
func (h room) batchOf(r *http.Request) (batchstore.Batch, error) {
	id, err := uuid.FromString(chi.URLParam(r, "id"))
	if err != nil {
		return batchstore.Batch{}, fault.New(fault.NotFound, "没有这个批次。")
	}
	return h.Reads.Get(r.Context(), id)
}
