package branch

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"
	"github.com/gofrs/uuid/v5"

	"volcard/api/web"
	"volcard/internal/batch"
	"volcard/internal/fault"
	"volcard/internal/store/batchstore"
	"volcard/workflows"
)

// parcels holds the pages of the regular cards that a factory sends to the branch.
type parcels struct{ Deps }

type parcelsPage struct {
	web.Frame
	Branch string
	Rows   []batchstore.Parcel
}

func (h parcels) list(w http.ResponseWriter, r *http.Request) error {
	me, err := clerkOf(r)
	if err != nil {
		return err
	}
	p := &parcelsPage{Frame: web.Frame{Title: "到卡确认"}}
	b, err := h.Places.Branch(r.Context(), me.Branch)
	if err != nil {
		return err
	}
	p.Branch = b.Name
	if p.Rows, err = h.Batches.UnderWay(r.Context(), me.Branch); err != nil {
		return err
	}
	return h.Kit.Render(w, r, http.StatusOK, "branch/parcels", p)
}

type parcelPage struct {
	web.Frame
	Parcel batchstore.Parcel
	Cards  []batchstore.ParcelCard
	Form   *web.Form
}

// Unlisted is how many cards of the parcel the page leaves out.
func (p *parcelPage) Unlisted() int { return p.Parcel.Cards - len(p.Cards) }

// Open tells whether the arrival can be confirmed now.
func (p *parcelPage) Open() bool {
	return p.Parcel.ArrivedAt == nil && p.Parcel.BatchState == batch.Shipped
}

// parcelOf reads the parcel that the address names, where it travels to the clerk's branch.
func (h parcels) parcelOf(r *http.Request) (clerk, *parcelPage, error) {
	me, err := clerkOf(r)
	if err != nil {
		return me, nil, err
	}
	id, err := uuid.FromString(chi.URLParam(r, "id"))
	if err != nil {
		return me, nil, fault.New(fault.NotFound, "本网点没有这个包裹。")
	}
	p, err := h.read(r, me, id)
	return me, p, err
}

func (h parcels) read(r *http.Request, me clerk, id uuid.UUID) (*parcelPage, error) {
	parcel, cards, err := h.Batches.ParcelCards(r.Context(), me.Branch, id)
	if err != nil {
		return nil, err
	}
	return &parcelPage{Frame: web.Frame{Title: "清点包裹"}, Parcel: parcel, Cards: cards, Form: web.NewForm(nil)}, nil
}

func (h parcels) show(w http.ResponseWriter, r *http.Request) error {
	_, p, err := h.parcelOf(r)
	if err != nil {
		return err
	}
	return h.Kit.Render(w, r, http.StatusOK, "branch/parcel", p)
}

// ask is a page of its own against a slip of the hand: an arrival cannot be taken back, and everybody
// is told of it.
func (h parcels) ask(w http.ResponseWriter, r *http.Request) error {
	_, p, err := h.parcelOf(r)
	if err != nil {
		return err
	}
	if !p.Open() {
		web.Redirect(w, r, "/branch/parcels/"+p.Parcel.ID.String())
		return nil
	}
	return h.renderAsk(w, r, p, http.StatusOK)
}

func (h parcels) renderAsk(w http.ResponseWriter, r *http.Request, p *parcelPage, status int) error {
	p.Title = "确认到达"
	return h.Kit.Render(w, r, status, "branch/parcel-confirm", p)
}

// confirm makes every card of the parcel ready. The same click again is told as done.
func (h parcels) confirm(w http.ResponseWriter, r *http.Request) error {
	me, p, err := h.parcelOf(r)
	if err != nil {
		return err
	}
	var cause error
	if p.Parcel.ArrivedAt == nil {
		cause = h.Process.ConfirmArrival(r.Context(), workflows.ArrivalInput{
			BatchID: p.Parcel.BatchID, ParcelID: p.Parcel.ID, BranchID: me.Branch, StaffID: me.ID,
		})
	}
	if cause != nil {
		kind := fault.KindOf(cause)
		if !errors.Is(cause, workflows.ErrEnded) && kind != fault.Conflict && kind != fault.Unavailable {
			return cause
		}
		// The row knows whether it was done after all.
		if p, err = h.read(r, me, p.Parcel.ID); err != nil {
			return err
		}
	}
	switch {
	case cause == nil || p.Parcel.ArrivedAt != nil:
		h.Kit.FlashOK(r, "已确认到达："+strconv.Itoa(p.Parcel.Cards)+" 张卡现在可以领取，申请人会收到短信。")
		web.Redirect(w, r, "/branch/parcels")
		return nil
	case p.Parcel.BatchState != batch.Shipped:
		p.Form.Fail("", "这个批次现在是“"+p.Parcel.BatchState.Text()+"”，制卡厂登记寄出之后才能确认到达。")
		return h.Kit.Render(w, r, http.StatusConflict, "branch/parcel", p)
	}
	p.Form.Fail("", "办理系统暂时繁忙，这次确认可能没有完成。请再按一次“确认到达”，不会重复办理。")
	w.Header().Set("Retry-After", "5")
	return h.renderAsk(w, r, p, http.StatusServiceUnavailable)
}
