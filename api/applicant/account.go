// Package applicant is the room of the people whom the card is for: their account, their
// applications, their card. Whoever enters is logged in as a person, except on the pages on
// which one becomes so.
package applicant

import (
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"volcard/api/applicant/regular"
	"volcard/api/web"
	"volcard/internal/fault"
	"volcard/internal/person"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/codestore"
	"volcard/internal/store/personstore"
)

// Account holds the pages of registration, login and the account itself (duties R23–R27).
type Account struct {
	Kit    *web.Kit
	People personstore.People
	Codes  codestore.Codes
	// With the account's phone the one of a running case may change.
	Cases     cardstore.Cases
	Processes regular.Processes
}

func (a Account) accounts() personstore.Accounts { return personstore.Accounts(a.People) }
func (a Account) consents() personstore.Consents { return personstore.Consents(a.People) }

// Home is where a person comes to after logging in, where no other page was asked for.
const Home = "/account"

// One type for each thing that a person does here; all stand on the account.
type (
	registering   struct{ Account } // from the ID card to the account
	loggingIn     struct{ Account } // in and out
	resetting     struct{ Account } // a password that was lost
	changingPhone struct{ Account } // to another number
	own           struct{ Account } // what the account shows and lets change
)

// Routes mounts the pages.
func (a Account) Routes(r chi.Router) {
	r.Get(web.DivisionPath, a.Kit.Divisions)
	registering{a}.routes(r)
	loggingIn{a}.routes(r)
	resetting{a}.routes(r)
	r.Group(func(r chi.Router) {
		r.Use(a.Kit.RequirePerson)
		changingPhone{a}.routes(r)
		own{a}.routes(r)
	})
}

func (a registering) routes(r chi.Router) {
	h := a.Kit.Handle
	r.Get("/register", h(a.registerForm))
	r.Post("/register", h(a.register))
	r.Get("/register/guardian", h(a.guardianForm))
	r.Post("/register/guardian", h(a.guardian))
	r.Get("/register/phone", h(a.registerPhoneForm))
	r.Post("/register/phone", h(a.registerPhone))
	r.Get("/register/code", h(a.registerCodeForm))
	r.Post("/register/code", h(a.registerCode))
	r.Post("/register/resend", h(a.registerResend))
	r.Get("/register/resend", web.Beside("code"))
}

func (a loggingIn) routes(r chi.Router) {
	h := a.Kit.Handle
	r.Get("/login", h(a.loginForm))
	r.Post("/login", h(a.login))
	r.Post("/logout", h(a.logout))
}

func (a resetting) routes(r chi.Router) {
	h := a.Kit.Handle
	r.Get("/reset", h(a.resetForm))
	r.Post("/reset", h(a.reset))
	r.Get("/reset/code", h(a.resetCodeForm))
	r.Post("/reset/code", h(a.resetCode))
	r.Post("/reset/resend", h(a.resetResend))
	r.Get("/reset/resend", web.Beside("code"))
}

func (a changingPhone) routes(r chi.Router) {
	h := a.Kit.Handle
	r.Get("/account/phone", h(a.phoneForm))
	r.Post("/account/phone", h(a.phone))
	r.Get("/account/phone/code", h(a.phoneCodeForm))
	r.Post("/account/phone/code", h(a.phoneCode))
	r.Post("/account/phone/resend", h(a.phoneResend))
	r.Get("/account/phone/resend", web.Beside("code"))
}

func (a own) routes(r chi.Router) {
	h := a.Kit.Handle
	r.Get("/account", h(a.show))
	r.Get("/account/password", h(a.passwordForm))
	r.Post("/account/password", h(a.password))
	r.Get("/account/consents", h(a.consentsPage))
	r.Post("/account/consents/give", h(a.giveConsent))
	r.Post("/account/consents/withdraw", h(a.withdrawConsent))
	r.Get(guardianPath, h(a.guardianForm))
	r.Post(guardianPath, h(a.guardian))
	r.Get("/account/logins", h(a.logins))
	r.Post("/account/logins/end", h(a.endLogin))
	r.Post("/account/logins/end-others", h(a.endOtherLogins))
}

// resendAfter is how long the page waits before it offers another code: the shortest window of
// limit.CodePhone. The server decides by its own count.
const resendAfter = time.Minute

// provedFor is how long a password or a code that was right counts, where the step after it failed.
const provedFor = 15 * time.Minute

// codePage asks for the code that was sent, and once it was right for a new password where the process wants one:
// in one form, a wrong code would have emptied the passwords.
type codePage struct {
	web.Frame
	Form   *web.Form
	Steps  web.Steps
	Lead   string
	Action string // path that the form is sent to
	Submit string
	Resend string // path of the button that sends another code
	Change string // path on which the number can be changed; empty: not here
	Proved bool   // the code was right; the password is asked for
	Follow string // number of the running case that may take the same phone
	Left   string // number of the running case that cannot
	Wait   int    // seconds until another code can be asked for
}

// phonePage asks for a phone number.
type phonePage struct {
	web.Frame
	Form        *web.Form
	Steps       web.Steps
	Lead        string
	Action      string
	AskPassword bool
}

// wait is the number of seconds until another code may be asked for.
func (a Account) wait(sent time.Time) int {
	return max(0, int(sent.Add(resendAfter).Sub(a.Kit.Now()).Seconds()))
}

// waits tells whether a request for a code was refused although the code that was sent to the same number
// can still be used: the person is led to it instead of into a dead end.
func (a Account) waits(err error, same bool, sent time.Time) bool {
	return fault.Is(err, fault.TooMany) && same && a.Kit.Now().Before(sent.Add(codestore.Life))
}

const codeIsThere = "验证码已发送，请查看短信。"

// proved tells whether a code was right a moment ago.
func (a Account) proved(at time.Time) bool { return !at.IsZero() && a.Kit.Now().Sub(at) <= provedFor }

// spend tries the code of a form in which nothing else is wrong; where something is, only its shape is looked at.
func (a Account) spend(r *http.Request, form *web.Form, try codestore.Try) error {
	try.Code = form.Get("code")
	if _, ok := codestore.ParseCode(try.Code); !ok {
		form.FailIf("code", codestore.ErrFormat)
	}
	if !form.OK() {
		return nil
	}
	return form.Absorb("code", a.Codes.Verify(r.Context(), try))
}

// parseID reads an ID number that was typed into the form's field id_number. ok is false where nobody can have it,
// which the field then says.
func (a Account) parseID(form *web.Form, typed string) (id person.IDNumber, ok bool) {
	id, err := person.ParseIDNumber(typed)
	if form.FailIf("id_number", err) {
		return id, false
	}
	if text := id.CheckBorn(a.Kit.Now()); text != "" {
		form.Fail("id_number", text)
		return id, false
	}
	return id, true
}

// titled names the page of a code and its button by what is asked for now.
func (p *codePage) titled(password, submit string) *codePage {
	p.Title, p.Submit = "输入验证码", "下一步"
	if p.Proved {
		p.Title, p.Submit, p.Lead = password, submit, "验证码正确。"
	}
	return p
}

// newPassword reads the two fields of a new password and notes every reason why it will not do.
func newPassword(form *web.Form, id person.IDNumber, phone person.Phone) string {
	password := form.Raw("password")
	if reasons := person.CheckPassword(password, id, phone); len(reasons) > 0 {
		form.Fail("password", strings.Join(reasons, ""))
	}
	if form.Error("password") == "" && password != form.Raw("password_again") {
		form.Fail("password_again", "两次输入的密码不一样。")
	}
	return password
}

// started reads what an earlier page of a process left in the session; without it the person
// is sent back to the first page, as after a long pause.
func started[T any](kit *web.Kit, w http.ResponseWriter, r *http.Request, name, first string, into *T) (*web.Session, bool, error) {
	s, err := kit.Session(r)
	if err != nil {
		return nil, false, err
	}
	if !s.GetJSON(name, into) {
		kit.StartAgain(w, r, first)
		return nil, false, nil
	}
	return s, true, nil
}
