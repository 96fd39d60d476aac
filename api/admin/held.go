package admin

import (
	"errors"
	"fmt"
	"net/http"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"
	"github.com/gofrs/uuid/v5"

	"volcard/api/web"
	"volcard/internal/card"
	"volcard/internal/fault"
	"volcard/internal/person"
	"volcard/internal/store/adminstore"
	"volcard/workflows"
)

type heldListPage struct {
	web.Frame
	Rows   []heldCase
	Paging web.Paging
}

// heldCase is a held application with the characters that hold it.
type heldCase struct {
	adminstore.Held
	Missing []rune
}

// Characters writes each missing character with its code point.
func (c heldCase) Characters() []character {
	var out []character
	for _, r := range c.Missing {
		out = append(out, character{string(r), fmt.Sprintf("U+%04X", r)})
	}
	return out
}

// Waiting tells whether it still waits for a decision.
func (c heldCase) Waiting() bool { return c.State == card.Held }

type character struct{ Text, Code string }

func (h room) heldCase(c adminstore.Held) heldCase {
	return heldCase{Held: c, Missing: h.Missing(c.HolderName)}
}

func (h room) heldList(w http.ResponseWriter, r *http.Request) error {
	p := &heldListPage{Frame: web.Frame{Title: "姓名核对"}, Paging: web.NewPaging(r, pageSize)}
	rows, err := h.Reads.HeldCases(r.Context(), window(p.Paging))
	if err != nil {
		return err
	}
	for _, c := range web.Trim(&p.Paging, rows) {
		p.Rows = append(p.Rows, h.heldCase(c))
	}
	return h.Kit.Render(w, r, http.StatusOK, "admin/held-list", p)
}

type heldPage struct {
	web.Frame
	Case heldCase
	Form *web.Form
}

func (h room) heldOf(r *http.Request) (adminstore.Held, error) {
	id, err := idOf(r)
	if err != nil {
		return adminstore.Held{}, err
	}
	return h.Reads.HeldCase(r.Context(), id)
}

func idOf(r *http.Request) (uuid.UUID, error) {
	id, err := uuid.FromString(chi.URLParam(r, "id"))
	if err != nil {
		return uuid.Nil, fault.New(fault.NotFound, "没有找到。")
	}
	return id, nil
}

func (h room) showHeld(w http.ResponseWriter, r *http.Request) error {
	c, err := h.heldOf(r)
	if err != nil {
		return err
	}
	return h.renderHeld(w, r, c, web.NewForm(nil), http.StatusOK)
}

func (h room) renderHeld(w http.ResponseWriter, r *http.Request, c adminstore.Held, form *web.Form, status int) error {
	return h.Kit.Render(w, r, status, "admin/held", &heldPage{Frame: web.Frame{Title: "姓名核对"}, Case: h.heldCase(c), Form: form})
}

// decideHeld sends the decision to the process. Sending it again does no harm.
func (h room) decideHeld(w http.ResponseWriter, r *http.Request) error {
	c, err := h.heldOf(r)
	if err != nil {
		return err
	}
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	in := workflows.DecideHeldInput{ApplicationID: c.ID, StaffID: web.User(r).ID}
	switch form.Get("decision") {
	case "release":
		in.Release = true
	case "refuse":
		in.Reason = form.Get("reason")
		checkReason(form, in.Reason, c.HolderName)
	default:
		form.Fail("decision", "请选择通过或不通过。")
	}
	if !form.OK() {
		return h.renderHeld(w, r, c, form, form.Status())
	}
	err = h.Process.DecideHeld(r.Context(), in)
	if err == nil {
		text := "已通过，电子证已签发。"
		switch {
		case !in.Release:
			text = "已登记不通过，申请人会收到原因。"
		case c.Edition == card.Regular: // its preview showed no name
			text = "已通过，申请人会收到短信，确认卡面后签发。"
		}
		h.Kit.FlashOK(r, text)
		web.Redirect(w, r, "/admin/held")
		return nil
	}
	ended, kind := errors.Is(err, workflows.ErrEnded), fault.KindOf(err)
	if !ended && kind != fault.Conflict && kind != fault.Unavailable {
		return err
	}
	cause := err
	if c, err = h.Reads.HeldCase(r.Context(), c.ID); err != nil {
		return err
	}
	switch {
	case c.State != card.Held: // decided in between; the page says how it stands
		return h.renderHeld(w, r, c, form, http.StatusConflict)
	case ended || kind == fault.Unavailable:
		form.Fail("", "办理系统暂时繁忙，这次决定可能没有生效。请再提交一次，不会重复办理。")
		w.Header().Set("Retry-After", "5")
		return h.renderHeld(w, r, c, form, http.StatusServiceUnavailable)
	}
	form.Fail("", fault.Sentence(cause))
	return h.renderHeld(w, r, c, form, http.StatusConflict)
}

// checkReason keeps what the applicant will read, and what the process carries, free of names and numbers.
func checkReason(form *web.Form, reason, holder string) {
	switch n := utf8.RuneCountInString(reason); {
	case n < 4 || n > 60:
		form.Fail("reason", "请用 4 到 60 个字写明原因，申请人会在短信里读到。")
	case person.GivesAway(reason, holder):
		form.Fail("reason", "请不要写姓名、电话和证件号。")
	}
}
