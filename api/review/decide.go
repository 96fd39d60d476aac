package review

import (
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/gofrs/uuid/v5"

	"volcard/api/web"
	"volcard/internal/fault"
	"volcard/internal/person"
	"volcard/internal/store/photostore"
	"volcard/workflows"
)

// maxNote bounds what a reviewer writes in own words, in characters: it goes into a message.
const maxNote = photostore.MaxReviewNote

func (h room) approve(w http.ResponseWriter, r *http.Request) error { return h.decide(w, r, true) }
func (h room) refuse(w http.ResponseWriter, r *http.Request) error  { return h.decide(w, r, false) }

// decide sends the decision to the case's process. It names the photo that was seen, so a photo that was
// changed meanwhile is not decided unseen. The same click again is told as done. A case that is not the
// reviewer's answers like one that does not exist.
func (h room) decide(w http.ResponseWriter, r *http.Request, approve bool) error {
	id, err := idOf(r)
	if err != nil {
		return h.gone(w, r, http.StatusConflict, fault.Sentence(err))
	}
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	me := web.User(r).ID
	in := workflows.PhotoDecision{ApplicationID: id, StaffID: me, Approve: approve}
	in.PhotoID, err = uuid.FromString(form.Get("photo"))
	if err != nil {
		form.Fail("", "页面已过期，请看清照片后再决定。")
	}
	c, err := h.Reviews.Get(r.Context(), me, id)
	mine := err == nil
	if !mine && !fault.Is(err, fault.NotFound) {
		return err
	}
	if !approve {
		in.Reason = reasonOf(form, c)
	}
	if !form.OK() {
		return h.again(w, r, form, form.Status(), c, mine)
	}
	cause := h.Process.DecidePhoto(r.Context(), in)
	if cause == nil {
		return h.openNext(w, r, saidOf(approve))
	}
	ended, kind := errors.Is(cause, workflows.ErrEnded), fault.KindOf(cause)
	if !ended && kind != fault.Conflict && kind != fault.Unavailable && kind != fault.NotFound {
		return cause
	}
	return h.afterRefusal(w, r, form, in, cause)
}

// saidOf is the sentence about a decision. Of an approval the page says it beside the button that takes it back.
func saidOf(approve bool) string {
	if approve {
		return ""
	}
	return "已退回，申请人会收到原因。"
}

// afterRefusal says why a decision was not taken. Where the answer was lost, the row is asked.
func (h room) afterRefusal(w http.ResponseWriter, r *http.Request, form *web.Form, in workflows.PhotoDecision, cause error) error {
	decision, err := h.Reviews.Decided(r.Context(), in.StaffID, in.ApplicationID, in.PhotoID)
	if err != nil {
		return err
	}
	if (in.Approve && decision == "approved") || (!in.Approve && decision == "refused") {
		return h.openNext(w, r, saidOf(in.Approve))
	}
	c, err := h.Reviews.Get(r.Context(), in.StaffID, in.ApplicationID)
	mine := err == nil
	if !mine && !fault.Is(err, fault.NotFound) {
		return err
	}
	if kind := fault.KindOf(cause); mine && (errors.Is(cause, workflows.ErrEnded) || kind == fault.Unavailable) {
		form.Fail("", "办理系统暂时繁忙，这次决定可能没有生效。请再按一次，不会重复办理。")
		w.Header().Set("Retry-After", "5")
		return h.again(w, r, form, http.StatusServiceUnavailable, c, mine)
	} else if kind == fault.Conflict && !errors.Is(cause, workflows.ErrEnded) {
		form.Fail("", fault.Sentence(cause))
	}
	return h.again(w, r, form, http.StatusConflict, c, mine)
}

// again shows the case with what was typed; where it is not the reviewer's any more, the sentence alone.
func (h room) again(w http.ResponseWriter, r *http.Request, form *web.Form, status int, c photostore.ReviewCase, mine bool) error {
	if !mine {
		sentence := form.Error("")
		if sentence == "" {
			sentence = errNotYours.Msg
		}
		return h.gone(w, r, http.StatusConflict, sentence)
	}
	return h.renderCase(w, r, status, c, form)
}

// reasonOf reads why the photo is refused, in the words that the applicant will read.
func reasonOf(form *web.Form, c photostore.ReviewCase) string {
	chosen := map[string]bool{}
	for _, code := range form.Values["reason"] {
		chosen[code] = true
	}
	var told []string
	for _, why := range reasons {
		if chosen[why.Code] {
			told = append(told, why.Tell)
		}
	}
	if len(told) == 0 {
		form.Fail("reason", "请至少选一个退回的原因，申请人会读到。")
	}
	note := strings.TrimRight(form.Get("note"), "。.；;")
	checkNote(form, "note", note, c.HolderName)
	if note != "" && form.Error("note") == "" {
		told = append(told, note)
	}
	return strings.Join(told, "；")
}

// checkNote fails a field in which the reviewer wrote too much, or what tells who the applicant is.
func checkNote(form *web.Form, field, note, holder string) {
	if utf8.RuneCountInString(note) > maxNote {
		form.Fail(field, "说明最多 60 个字。")
	}
	if person.GivesAway(note, holder) {
		form.Fail(field, "请不要写姓名、电话和证件号。")
	}
}
