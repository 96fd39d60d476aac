package review

import (
	"errors"
	"net/http"
	"time"

	"github.com/gofrs/uuid/v5"

	"volcard/api/web"
	"volcard/internal/fault"
	"volcard/internal/person"
	"volcard/internal/store/photostore"
	"volcard/workflows"
)

// approval is the newest approval that the reviewer can still take back, as every page of the room shows it.
type approval struct {
	photostore.Approval
	Holder string // masked
	Left   int    // whole seconds, at least one
}

// approval reads what the page offers to take back; nil where nothing is left that could succeed.
func (h room) approval(r *http.Request) (*approval, error) {
	found, err := h.Reviews.Retractable(r.Context(), web.User(r).ID)
	if err != nil || found == nil {
		return nil, err
	}
	// Rounded down: the button is gone before the approval takes effect, never after.
	left := int(found.Until.Sub(h.Kit.Now()) / time.Second)
	if left < 1 {
		return nil, nil
	}
	holder := "*"
	if name, err := person.ParseName(found.HolderName); err == nil {
		holder = name.Masked()
	}
	return &approval{Approval: *found, Holder: holder, Left: left}, nil
}

// retract takes an approval back and opens its case again. The same key twice is one retraction.
func (h room) retract(w http.ResponseWriter, r *http.Request) error {
	id, err := idOf(r)
	if err != nil {
		return h.gone(w, r, http.StatusConflict, fault.Sentence(err))
	}
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	me := web.User(r).ID
	photo, err := uuid.FromString(form.Get("photo"))
	if err != nil {
		return h.gone(w, r, http.StatusUnprocessableEntity, "页面已过期，没有撤回。")
	}
	cause := h.Process.RetractPhoto(r.Context(), workflows.PhotoRetraction{ApplicationID: id, StaffID: me, PhotoID: photo})
	ended, kind := errors.Is(cause, workflows.ErrEnded), fault.KindOf(cause)
	if cause != nil && !ended && kind != fault.Conflict && kind != fault.Unavailable && kind != fault.NotFound {
		return cause
	}
	// The row decides: the answer of a retraction may have been lost.
	c, err := h.Reviews.Get(r.Context(), me, id)
	switch {
	case err == nil && c.PhotoID == photo:
		h.Kit.FlashOK(r, "已撤回，请重新决定。")
		web.Redirect(w, r, casesDir+id.String())
		return nil
	case err != nil && !fault.Is(err, fault.NotFound):
		return err
	case kind == fault.Unavailable && !ended:
		w.Header().Set("Retry-After", "5")
		return h.gone(w, r, http.StatusServiceUnavailable, "办理系统暂时繁忙，撤回可能没有生效。还有时间时请再按一次。")
	case kind == fault.Conflict && !ended:
		return h.gone(w, r, http.StatusConflict, fault.Sentence(cause))
	}
	return h.gone(w, r, http.StatusConflict, errNotYours.Msg)
}
