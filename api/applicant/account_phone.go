package applicant

import (
	"log/slog"
	"net/http"
	"time"

	"volcard/api/web"
	"volcard/internal/card"
	"volcard/internal/person"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/codestore"
	"volcard/workflows"
)

// phoneChange is what lies in the session between the two pages.
type phoneChange struct {
	Phone  person.Phone
	Proved time.Time // when the password was right
	Sent   time.Time
}

const (
	valuePhone = "phone-change"
	phoneStart = "/account/phone"
)

func (a changingPhone) phoneForm(w http.ResponseWriter, r *http.Request) error {
	return a.renderPhone(w, r, web.NewForm(nil))
}

func (a changingPhone) renderPhone(w http.ResponseWriter, r *http.Request, form *web.Form) error {
	return a.Kit.Render(w, r, form.Status(), "applicant/account/phone", &phonePage{
		Frame: web.Frame{Title: "更换手机号", Back: Home}, Form: form, Steps: web.Steps{Now: 1, Total: 2},
		Lead: "验证码会发到新手机；更换后，我们会通知原来的手机。", Action: phoneStart, AskPassword: true,
	})
}

func (a changingPhone) phone(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	id := web.User(r).ID
	own, err := a.People.Reveal(r.Context(), id, web.User(r).Actor(), "")
	if err != nil {
		return err
	}
	phone, err := person.ParsePhone(form.Get("phone"))
	if !form.FailIf("phone", err) && phone == own.Phone {
		form.Fail("phone", "这就是现在绑定的手机号。")
	}
	if form.OK() {
		if err := form.Absorb("password", a.accounts().CheckPassword(r.Context(), id, form.Raw("password"))); err != nil {
			return err
		}
	}
	if !form.OK() {
		return a.renderPhone(w, r, form)
	}
	s, err := a.Kit.Session(r)
	if err != nil {
		return err
	}
	var before phoneChange
	s.GetJSON(valuePhone, &before)
	change := phoneChange{Phone: phone, Proved: a.Kit.Now()}
	if err := a.sendPhone(r, s, &change); err != nil {
		if a.waits(err, phone == before.Phone, before.Sent) {
			change.Sent = before.Sent
			if err := s.PutJSON(valuePhone, change); err != nil {
				return err
			}
			a.Kit.FlashOK(r, codeIsThere)
			web.Redirect(w, r, "/account/phone/code")
			return nil
		}
		if err := form.Absorb("", err); err != nil {
			return err
		}
		return a.renderPhone(w, r, form)
	}
	web.Redirect(w, r, "/account/phone/code")
	return nil
}

func (a changingPhone) sendPhone(r *http.Request, s *web.Session, change *phoneChange) error {
	_, err := a.Codes.Request(r.Context(), codestore.Ask{
		Purpose: codestore.ChangePhone, Phone: change.Phone, PersonID: web.User(r).ID, Session: s.ID(), Address: web.ClientIP(r),
	})
	if err != nil {
		return err
	}
	change.Sent = a.Kit.Now()
	return s.PutJSON(valuePhone, *change)
}

// changing reads the change that is under way; one whose password was proved too long ago starts again.
func (a changingPhone) changing(w http.ResponseWriter, r *http.Request) (*web.Session, phoneChange, bool, error) {
	var change phoneChange
	s, ok, err := started(a.Kit, w, r, valuePhone, phoneStart, &change)
	if ok && !a.proved(change.Proved) {
		s.Remove(valuePhone)
		a.Kit.FlashWarn(r, "停留时间太长，请重新输入密码。")
		web.Redirect(w, r, phoneStart)
		return nil, phoneChange{}, false, nil
	}
	return s, change, ok, err
}

func (a changingPhone) phoneCodeForm(w http.ResponseWriter, r *http.Request) error {
	_, change, ok, err := a.changing(w, r)
	if !ok {
		return err
	}
	return a.renderPhoneCode(w, r, web.NewForm(nil), change)
}

func (a changingPhone) renderPhoneCode(w http.ResponseWriter, r *http.Request, form *web.Form, change phoneChange) error {
	running, ok, err := a.running(r)
	if err != nil {
		return err
	}
	p := &codePage{
		Frame: web.Frame{Title: "确认新手机号", Back: phoneStart}, Form: form, Steps: web.Steps{Now: 2, Total: 2},
		Lead: "验证码已发送到 " + change.Phone.Masked() + "。", Action: "/account/phone/code", Submit: "更换手机号",
		Resend: "/account/phone/resend", Change: phoneStart, Wait: a.wait(change.Sent),
	}
	switch {
	case ok && card.Allowed(running.Edition, running.State, card.ChangePhone):
		p.Follow = running.Number
	case ok:
		p.Left = running.Number
	}
	return a.Kit.Render(w, r, form.Status(), "applicant/account/code", p)
}

// running is the person's live case: it has a phone of its own for its messages.
func (a changingPhone) running(r *http.Request) (cardstore.Case, bool, error) {
	list, err := a.Cases.OfPerson(r.Context(), web.User(r).ID)
	for _, c := range list {
		if c.State.Live() {
			return c, true, err
		}
	}
	return cardstore.Case{}, false, err
}

// follow gives the live case the phone as well, and says what became of it. The account's phone is changed
// by then, so a failure is no error of the request.
func (a changingPhone) follow(r *http.Request, phone person.Phone) (sentence string, ok bool) {
	running, found, err := a.running(r)
	if err == nil && found {
		var sealed []byte
		if sealed, err = a.People.Vault.SealString(phone.String(), cardstore.LabelPhone); err == nil {
			err = a.Processes.ChangePhone(r.Context(), workflows.ChangePhoneInput{
				ApplicationID: running.ID, PersonID: web.User(r).ID, SealedPhone: sealed,
			})
		}
	}
	switch {
	case err != nil:
		slog.WarnContext(r.Context(), "case keeps its phone", "application", running.ID, "error", err)
		return "申请 " + running.Number + " 的领卡手机号还没有换成，请稍后在申请页更换。", false
	case !found:
		return "", true
	}
	return "申请 " + running.Number + " 的领卡通知也会发到新手机号。", true
}

func (a changingPhone) phoneResend(w http.ResponseWriter, r *http.Request) error {
	s, change, ok, err := a.changing(w, r)
	if !ok {
		return err
	}
	form := web.NewForm(nil)
	if err := form.Absorb("", a.sendPhone(r, s, &change)); err != nil {
		return err
	}
	if !form.OK() {
		return a.renderPhoneCode(w, r, form, change)
	}
	a.Kit.FlashOK(r, "新的验证码已发送，以前的验证码不再有效。")
	web.Redirect(w, r, "/account/phone/code")
	return nil
}

func (a changingPhone) phoneCode(w http.ResponseWriter, r *http.Request) error {
	s, change, ok, err := a.changing(w, r)
	if !ok {
		return err
	}
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	id := web.User(r).ID
	err = a.Codes.Verify(r.Context(), codestore.Try{
		Purpose: codestore.ChangePhone, Phone: change.Phone, PersonID: id, Session: s.ID(), Code: form.Get("code"),
	})
	if err != nil {
		if err := form.Absorb("code", err); err != nil {
			return err
		}
		return a.renderPhoneCode(w, r, form, change)
	}
	if err := a.accounts().ChangePhone(r.Context(), id, change.Phone); err != nil {
		return err
	}
	s.Remove(valuePhone)
	if err := noteProof(a.Kit, r, change.Phone); err != nil {
		return err
	}
	if err := a.Kit.EndOthers(r); err != nil {
		return err
	}
	const done = "手机号已更换，其他设备上的登录已结束。"
	if !form.Checked("follow") {
		a.Kit.FlashOK(r, done)
	} else if sentence, ok := a.follow(r, change.Phone); ok {
		a.Kit.FlashOK(r, done+sentence)
	} else {
		a.Kit.FlashWarn(r, done+sentence)
	}
	web.Redirect(w, r, Home)
	return nil
}
