package branch

import (
	"errors"
	"net/http"
	"slices"
	"unicode/utf8"

	"volcard/api/web"
	"volcard/internal/card"
	"volcard/internal/fault"
	"volcard/internal/person"
	"volcard/internal/store/cardstore"
	"volcard/workflows"
)

// undoReasons are what happens at a counter. A reason enters the process and the audit chain, so
// what is typed instead is kept free of names and numbers.
var undoReasons = []string{"发给了别人", "卡片拿错或序列号扫错", "卡片有损坏", "申请人当场表示不领取"}

const otherReason = "other"

// undoPage asks why a hand-over is to be taken back.
type undoPage struct {
	web.Frame
	Case    handedOver
	Form    *web.Form
	Reasons []string
	Minutes int
}

// Seen is when the card that the page shows was handed over: only that hand-over is taken back.
func (p *undoPage) Seen() string { return stamp(p.Case.HandedOverAt) }

func (h room) undoPage(c cardstore.CounterCase, form *web.Form) *undoPage {
	return &undoPage{
		Frame: web.Frame{Title: "撤销发卡"}, Case: h.handed(c), Form: form,
		Reasons: undoReasons, Minutes: int(h.Terms.Undo.Minutes()),
	}
}

func (h room) showUndo(w http.ResponseWriter, r *http.Request) error {
	_, c, err := h.caseOf(r)
	if err != nil {
		return err
	}
	if c.State != card.Collected {
		web.Redirect(w, r, "/branch/cases/"+c.ID.String())
		return nil
	}
	return h.Kit.Render(w, r, http.StatusOK, "branch/undo", h.undoPage(c, web.NewForm(nil)))
}

func (h room) undo(w http.ResponseWriter, r *http.Request) error {
	me, c, err := h.caseOf(r)
	if err != nil {
		return err
	}
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	reason := undoReason(form, c.HolderName)
	if !form.OK() {
		return h.Kit.Render(w, r, form.Status(), "branch/undo", h.undoPage(c, form))
	}
	in := workflows.UndoInput{ApplicationID: c.ID, BranchID: me.Branch, StaffID: me.ID, Reason: reason, Seen: seen(form, c.HandedOverAt)}
	err = h.Process.UndoHandOver(r.Context(), in)
	if err == nil {
		web.Redirect(w, r, "/branch?last="+c.ID.String())
		return nil
	}
	ended, kind := errors.Is(err, workflows.ErrEnded), fault.KindOf(err)
	if !ended && kind != fault.Conflict && kind != fault.Unavailable {
		return err
	}
	cause := err
	if c, err = h.Counter.Get(r.Context(), me.Branch, c.ID); err != nil {
		return err
	}
	p, status := h.undoPage(c, form), http.StatusConflict
	switch {
	case c.State == card.Ready: // taken back after all
		web.Redirect(w, r, "/branch?last="+c.ID.String())
		return nil
	case !ended && kind == fault.Conflict:
		form.Fail("", fault.Sentence(cause))
	case p.Case.MayUndo:
		form.Fail("", "办理系统暂时繁忙，这次撤销可能没有完成。请再按一次“撤销发卡”，不会重复撤销。")
		w.Header().Set("Retry-After", "5")
		status = http.StatusServiceUnavailable
	default: // its time is over, which the page says
	}
	return h.Kit.Render(w, r, status, "branch/undo", p)
}

// undoReason reads the reason: one of the list, or a short text of the clerk's own.
func undoReason(form *web.Form, holder string) string {
	chosen := form.Get("reason")
	if slices.Contains(undoReasons, chosen) {
		return chosen
	}
	if chosen != otherReason {
		form.Fail("reason", "请选择撤销的原因。")
		return ""
	}
	text := form.Get("other")
	switch n := utf8.RuneCountInString(text); {
	case n < 2 || n > 60:
		form.Fail("other", "请用 2 到 60 个字写明原因。")
	case person.GivesAway(text, holder):
		form.Fail("other", "请不要写姓名、电话和证件号。")
	}
	return text
}
