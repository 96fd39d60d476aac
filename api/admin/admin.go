// Package admin is the room of province administrators: what needs a decision or an eye, the
// lists that are replaced by import, the accounts of staff, the keys, the stock. It decides
// nothing about a case itself: a decision about a held name goes to the case's process.
package admin

import (
	"context"

	"github.com/go-chi/chi/v5"
	"github.com/gofrs/uuid/v5"

	"volcard/api/web"
	"volcard/internal/store"
	"volcard/internal/store/adminstore"
	"volcard/internal/store/batchstore"
	"volcard/internal/store/calendarstore"
	"volcard/internal/store/checkstore"
	"volcard/internal/store/messagestore"
	"volcard/internal/store/placestore"
	"volcard/internal/store/staffstore"
	"volcard/workflows"
)

// Process carries out an administrator's decisions; *workflows.Client is one.
type Process interface {
	DecideHeld(ctx context.Context, in workflows.DecideHeldInput) error
	// StartCalendarChange brings open promises and waits up to a calendar, or hours of branches, that were imported.
	StartCalendarChange(ctx context.Context) error
}

var _ Process = (*workflows.Client)(nil)

// Deps is what the room needs.
type Deps struct {
	Kit      *web.Kit
	Process  Process
	DB       *store.DB // an import is one transaction
	Reads    adminstore.Store
	Messages messagestore.Store
	Reports  checkstore.Reports
	Accounts staffstore.Accounts
	Logins   staffstore.Logins
	Batches  batchstore.Reads
	Press    Press
	Years    calendarstore.Years
	Promises Promises
	Pickups  Pickups
	// Missing lists the characters of a name that no font can draw (render.Missing).
	Missing func(name string) []rune
}

// pageSize is how many rows a list shows.
const pageSize = 30

// room holds the pages that look and decide.
type room struct{ Deps }

// Routes mounts the room.
func Routes(r chi.Router, d Deps) {
	h, a, c, m := room{d}, accounts{d}, days{d}, production{d}
	handle := d.Kit.Handle
	r.Route("/admin", func(r chi.Router) {
		r.Use(d.Kit.RequireStaff(web.RoleProvinceAdmin))
		r.Get("/", handle(h.overview))
		r.Get("/checks", handle(h.checks))
		r.Get("/keys", handle(h.keys))
		r.Get("/stock", handle(h.stock))
		r.Get("/held", handle(h.heldList))
		r.Get("/held/{id}", handle(h.showHeld))
		r.Post("/held/{id}", handle(h.decideHeld))
		r.Get("/batches", handle(m.batches))
		r.Post("/batches", handle(m.start))
		r.Get("/batches/{id}", handle(m.batch))
		r.Get("/overdue", handle(m.overdue))
		r.Get("/reviews", handle(m.undecided))
		r.Get("/staff", handle(a.staffList))
		r.Get("/staff/new", handle(a.showNewStaff))
		r.Post("/staff/new", handle(a.newStaff))
		r.Get("/staff/{id}", handle(a.showStaff))
		for _, action := range staffActions {
			r.Get("/staff/{id}/"+action.Path, handle(a.askStaff(action)))
			r.Post("/staff/{id}/"+action.Path, handle(a.doStaff(action)))
		}
		r.Get("/branches", handle(h.branches))
		r.Get("/universities", handle(h.universities))
		r.Get("/calendar", handle(c.show))
		r.Get("/calendar/export", handle(c.export))
		r.Get("/calendar/import", handle(c.showImport))
		r.With(web.BodyLimit(uploadLimit)).Post("/calendar/import", handle(c.upload))
		r.With(web.BodyLimit(uploadLimit)).Post("/calendar/apply", handle(c.apply))
		r.Get("/calendar/apply", web.Beside("import"))
		for _, l := range lists {
			i := imports{Deps: d, list: l}
			r.Get(l.path+"/export", handle(i.export))
			r.Get(l.path+"/import", handle(i.show))
			// The whole list travels twice: as a file, and with its summary back and forth.
			r.With(web.BodyLimit(uploadLimit)).Post(l.path+"/import", handle(i.upload))
			r.With(web.BodyLimit(uploadLimit)).Post(l.path+"/apply", handle(i.apply))
			r.Get(l.path+"/apply", web.Beside("import"))
		}
	})
}

// list is one of the two lists as pages name it.
type list struct {
	list placestore.List
	path string // below /admin
	Name string
}

// Path is the list's page.
func (l list) Path() string { return "/admin" + l.path }

var lists = []list{
	{placestore.Branches, "/branches", "网点"},
	{placestore.Universities, "/universities", "高校"},
}

func listOf(name placestore.List) list {
	for _, l := range lists {
		if l.list == name {
			return l
		}
	}
	return list{}
}

// importer is who is logged in, as the list's history names them.
func importer(p *web.Principal) placestore.Importer {
	if p == nil {
		return placestore.Importer{StaffID: uuid.Nil}
	}
	return placestore.Importer{Actor: p.Actor(), StaffID: p.ID}
}
