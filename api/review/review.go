// Package review is the room of those who look at photos that the automatic check could not pass. A
// reviewer takes one case at a time, sees what the decision needs and nothing else, and decides with a
// key. Only who took the case sees its photo.
package review

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/gofrs/uuid/v5"

	"volcard/api/web"
	"volcard/internal/fault"
	"volcard/internal/photo"
	"volcard/internal/store/photostore"
	"volcard/workflows"
)

// Process carries out the reviewer's decisions; workflows.Review is one.
type Process interface {
	DecidePhoto(ctx context.Context, in workflows.PhotoDecision) error
	RetractPhoto(ctx context.Context, in workflows.PhotoRetraction) error
}

var _ Process = workflows.Review{}

// Deps is what the room needs.
type Deps struct {
	Kit     *web.Kit
	Process Process
	Reviews photostore.Reviews
}

// room holds the pages.
type room struct{ Deps }

// Paths of the room.
const (
	home     = "/review"
	casesDir = home + "/cases/"
)

// Routes mounts the room.
func Routes(r chi.Router, d Deps) {
	h := room{d}
	handle := d.Kit.Handle
	r.Route(home, func(r chi.Router) {
		r.Use(d.Kit.RequireStaff(web.RoleReviewer))
		r.Get("/", handle(h.first))
		r.Post("/next", handle(h.next))
		r.Get("/cases/{id}", handle(h.show))
		r.Get("/cases/{id}/photo.jpg", handle(h.photo))
		r.Post("/cases/{id}/approve", handle(h.approve))
		r.Post("/cases/{id}/refuse", handle(h.refuse))
		r.Post("/cases/{id}/release", handle(h.release))
		r.Post("/cases/{id}/retract", handle(h.retract))
		for _, decision := range []string{"approve", "refuse", "release", "retract"} {
			r.Get("/cases/{id}/"+decision, web.Beside("."))
		}
	})
}

type firstPage struct {
	web.Frame
	Approval *approval
	photostore.ReviewQueue
}

// Unseen are the cases that this reviewer has not given back before.
func (p *firstPage) Unseen() int { return p.Waiting - p.Released }

func (h room) first(w http.ResponseWriter, r *http.Request) error {
	p := &firstPage{Frame: web.Frame{Title: "照片审核"}}
	var err error
	if p.ReviewQueue, err = h.Reviews.Queue(r.Context(), web.User(r).ID); err != nil {
		return err
	}
	if p.Approval, err = h.approval(r); err != nil {
		return err
	}
	return h.Kit.Render(w, r, http.StatusOK, "review/first", p)
}

// next gives the reviewer a case.
func (h room) next(w http.ResponseWriter, r *http.Request) error {
	return h.openNext(w, r, "")
}

// openNext goes on to the next case, with a sentence about the last one.
func (h room) openNext(w http.ResponseWriter, r *http.Request, said string) error {
	id, err := h.Reviews.Take(r.Context(), web.User(r).ID)
	if err != nil {
		return err
	}
	if id.IsNil() {
		h.Kit.FlashOK(r, said+"现在没有等待审核的照片。")
		web.Redirect(w, r, home)
		return nil
	}
	if said != "" {
		h.Kit.FlashOK(r, said)
	}
	web.Redirect(w, r, casesDir+id.String())
	return nil
}

// release gives a case back to the queue, with a note for the next reviewer. It leads to the start page: where
// nothing else waits, the same photo is opened again only by somebody who asks for it.
func (h room) release(w http.ResponseWriter, r *http.Request) error {
	id, err := idOf(r)
	if err != nil {
		return h.gone(w, r, http.StatusConflict, fault.Sentence(err))
	}
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	me := web.User(r).ID
	c, err := h.Reviews.Get(r.Context(), me, id)
	if fault.Is(err, fault.NotFound) { // a double click, or somebody else's
		web.Redirect(w, r, home)
		return nil
	}
	if err != nil {
		return err
	}
	note := form.Get("remark")
	if note == "" {
		form.Fail("remark", "请写一句拿不准的地方，下一位审核员会读到。")
	}
	checkNote(form, "remark", note, c.HolderName)
	if !form.OK() {
		return h.again(w, r, form, form.Status(), c, true)
	}
	if err := h.Reviews.Release(r.Context(), me, id, note); err != nil {
		return err
	}
	h.Kit.FlashOK(r, "已退回队列，下一位审核员会看到您的说明。您会先审核没有看过的照片。")
	web.Redirect(w, r, home)
	return nil
}

var errNotYours = fault.New(fault.NotFound, "这份申请已不由您审核（超时、已审核或申请人有变动）。")

func idOf(r *http.Request) (uuid.UUID, error) {
	id, err := uuid.FromString(chi.URLParam(r, "id"))
	if err != nil {
		return uuid.Nil, errNotYours
	}
	return id, nil
}

// choice is a reason on the page.
type choice struct {
	reason
	Key     int // on the keyboard; 0: none
	Checked bool
}

type casePage struct {
	web.Frame
	Approval *approval
	Case     photostore.ReviewCase
	// ClaimLeft is for how many seconds the reviewer has the case.
	ClaimLeft int
	Hints     []photo.Finding
	Choices   []choice
	Form      *web.Form
}

// keys is how many reasons have a key of their own.
const keys = 9

func newCasePage(c photostore.ReviewCase, form *web.Form) *casePage {
	p := &casePage{Frame: web.Frame{Title: "审核照片"}, Case: c, Form: form}
	for _, code := range c.Findings {
		p.Hints = append(p.Hints, photo.Finding{Code: photo.Code(code)})
	}
	chosen := map[string]bool{}
	for _, code := range form.Values["reason"] {
		chosen[code] = true
	}
	for i, why := range reasons {
		one := choice{reason: why, Checked: chosen[why.Code]}
		if i < keys {
			one.Key = i + 1
		}
		p.Choices = append(p.Choices, one)
	}
	return p
}

func (h room) show(w http.ResponseWriter, r *http.Request) error {
	id, err := idOf(r)
	if err != nil {
		return err
	}
	c, err := h.Reviews.Get(r.Context(), web.User(r).ID, id)
	if fault.Is(err, fault.NotFound) {
		return h.gone(w, r, http.StatusNotFound, fault.Sentence(err))
	}
	if err != nil {
		return err
	}
	// Who looked at whom can be told afterwards; identifiers only.
	slog.InfoContext(r.Context(), "case shown to reviewer", "staff", web.User(r).ID, "application", c.ID)
	return h.renderCase(w, r, http.StatusOK, c, web.NewForm(nil))
}

func (h room) renderCase(w http.ResponseWriter, r *http.Request, status int, c photostore.ReviewCase, form *web.Form) error {
	p := newCasePage(c, form)
	p.ClaimLeft = int(c.ClaimedTill.Sub(h.Kit.Now()) / time.Second)
	var err error
	if p.Approval, err = h.approval(r); err != nil {
		return err
	}
	return h.Kit.Render(w, r, status, "review/case", p)
}

// photo is the picture under review, for the one who took the case.
func (h room) photo(w http.ResponseWriter, r *http.Request) error {
	id, err := idOf(r)
	if err != nil {
		return err
	}
	jpeg, err := h.Reviews.Image(r.Context(), web.User(r).ID, id)
	if err != nil {
		return err
	}
	return web.SendPrivate(w, r, "image/jpeg", "", jpeg)
}

type gonePage struct {
	web.Frame
	Approval *approval
	Sentence string
}

// gone says why a case is not the reviewer's any more, and leads on to the next.
func (h room) gone(w http.ResponseWriter, r *http.Request, status int, sentence string) error {
	p := &gonePage{Frame: web.Frame{Title: "照片审核"}, Sentence: sentence}
	var err error
	if p.Approval, err = h.approval(r); err != nil {
		return err
	}
	return h.Kit.Render(w, r, status, "review/gone", p)
}
