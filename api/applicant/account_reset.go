package applicant

import (
	"net/http"
	"time"

	"volcard/api/web"
	"volcard/internal/person"
	"volcard/internal/store/codestore"
	"volcard/internal/store/personstore"
)

// lostPassword is what lies in the session between the two pages. The phone does not: it is
// looked up again, and the pages are the same whether or not there is an account.
type lostPassword struct {
	IDNumber string
	Sent     time.Time
	Proved   time.Time // when the code was right
	Next     string    // own path to which the login with the new password leads; empty: Home
}

const (
	valueReset = "reset"
	resetStart = "/reset"
)

type resetPage struct {
	web.Frame
	Form  *web.Form
	Steps web.Steps
	Next  string // own path to which the login with the new password leads
}

func (a resetting) resetForm(w http.ResponseWriter, r *http.Request) error {
	return a.renderReset(w, r, web.NewForm(nil))
}

func (a resetting) renderReset(w http.ResponseWriter, r *http.Request, form *web.Form) error {
	return a.Kit.Render(w, r, form.Status(), "applicant/account/reset", &resetPage{
		Frame: web.Frame{Title: "找回密码", Back: loginTo(web.Next(r, Home))}, Form: form, Steps: web.Steps{Now: 1, Total: 2},
		Next: web.Next(r, Home),
	})
}

func (a resetting) reset(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	id, ok := a.parseID(form, form.Get("id_number"))
	if !ok {
		return a.renderReset(w, r, form)
	}
	s, err := a.Kit.Session(r)
	if err != nil {
		return err
	}
	var before lostPassword
	s.GetJSON(valueReset, &before)
	if err := a.sendReset(r, s, id, web.Next(r, Home)); err != nil {
		if a.waits(err, before.IDNumber == id.String(), before.Sent) {
			a.Kit.FlashOK(r, "如果账号存在，"+codeIsThere)
			web.Redirect(w, r, "/reset/code")
			return nil
		}
		if err := form.Absorb("", err); err != nil {
			return err
		}
		return a.renderReset(w, r, form)
	}
	web.Redirect(w, r, "/reset/code")
	return nil
}

// sendReset asks for a code for the account's bound phone. The store does the same work and
// gives the same answer where there is no account.
func (a resetting) sendReset(r *http.Request, s *web.Session, id person.IDNumber, next string) error {
	account, phone, err := a.People.BoundPhone(r.Context(), id)
	if err != nil {
		return err
	}
	_, err = a.Codes.Request(r.Context(), codestore.Ask{
		Purpose: codestore.Reset, IDNumber: id, Phone: phone, PersonID: account, Session: s.ID(), Address: web.ClientIP(r),
	})
	if err != nil {
		return err
	}
	return s.PutJSON(valueReset, lostPassword{IDNumber: id.String(), Sent: a.Kit.Now(), Next: next})
}

func (a resetting) resetCodeForm(w http.ResponseWriter, r *http.Request) error {
	var lost lostPassword
	_, ok, err := started(a.Kit, w, r, valueReset, resetStart, &lost)
	if !ok {
		return err
	}
	return a.renderResetCode(w, r, web.NewForm(nil), lost)
}

func (a resetting) renderResetCode(w http.ResponseWriter, r *http.Request, form *web.Form, lost lostPassword) error {
	p := &codePage{
		Frame: web.Frame{Back: resetStart}, Form: form, Steps: web.Steps{Now: 2, Total: 2},
		Lead:   "如果这个身份证号已经注册，验证码已发送到绑定的手机。",
		Action: "/reset/code", Resend: "/reset/resend", Proved: a.proved(lost.Proved), Wait: a.wait(lost.Sent),
	}
	return a.Kit.Render(w, r, form.Status(), "applicant/account/code", p.titled("设置新密码", "设置新密码"))
}

func (a resetting) resetResend(w http.ResponseWriter, r *http.Request) error {
	var lost lostPassword
	s, ok, err := started(a.Kit, w, r, valueReset, resetStart, &lost)
	if !ok {
		return err
	}
	id, err := person.ParseIDNumber(lost.IDNumber)
	if err != nil {
		return err
	}
	form := web.NewForm(nil)
	if err := form.Absorb("", a.sendReset(r, s, id, lost.Next)); err != nil {
		return err
	}
	if !form.OK() {
		return a.renderResetCode(w, r, form, lost)
	}
	a.Kit.FlashOK(r, "如果账号存在，新的验证码已发送。")
	web.Redirect(w, r, "/reset/code")
	return nil
}

// resetCode sets the new password. A code that was right counts for a while: what fails after it, a password
// that holds the bound phone for instance, costs no other one. Everybody who was logged in with the old one is logged out.
func (a resetting) resetCode(w http.ResponseWriter, r *http.Request) error {
	var lost lostPassword
	s, ok, err := started(a.Kit, w, r, valueReset, resetStart, &lost)
	if !ok {
		return err
	}
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	id, err := person.ParseIDNumber(lost.IDNumber)
	if err != nil {
		return err
	}
	account, phone, err := a.People.BoundPhone(r.Context(), id)
	if err != nil {
		return err
	}
	if !a.proved(lost.Proved) {
		err := a.spend(r, form, codestore.Try{Purpose: codestore.Reset, Phone: phone, PersonID: account, IDNumber: id, Session: s.ID()})
		if err != nil {
			return err
		}
		if !form.OK() {
			return a.renderResetCode(w, r, form, lost)
		}
		lost.Proved = a.Kit.Now()
		// Whoever read the code holds the account: this browser passes where strangers have locked others out.
		a.Kit.Devices.Remember(w, r, web.KindPerson, id.String())
		if err := s.PutJSON(valueReset, lost); err != nil {
			return err
		}
		if !form.Values.Has("password") {
			web.Redirect(w, r, "/reset/code")
			return nil
		}
	}
	// The store compares with the bound phone too.
	password := newPassword(form, id, person.Phone{})
	if !form.OK() {
		return a.renderResetCode(w, r, form, lost)
	}
	if err := a.accounts().SetPassword(r.Context(), account, password, personstore.Reset); err != nil {
		if err := form.Absorb("password", err); err != nil {
			return err
		}
		return a.renderResetCode(w, r, form, lost)
	}
	if err := a.Kit.EndAll(r.Context(), account); err != nil {
		return err
	}
	s.Remove(valueReset)
	a.Kit.FlashOK(r, "新密码已设置，请重新登录。")
	web.Redirect(w, r, loginTo(web.OwnPath(lost.Next, Home)))
	return nil
}
