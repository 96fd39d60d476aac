package applicant

import (
	"net/http"
	"net/url"

	"github.com/gofrs/uuid/v5"

	"volcard/api/web"
	"volcard/internal/store/personstore"
)

type loginPage struct {
	web.Frame
	Form *web.Form
	Next string
}

func (a loggingIn) loginForm(w http.ResponseWriter, r *http.Request) error {
	p, err := a.Kit.Principal(r)
	if err != nil {
		return err
	}
	if p.IsPerson() {
		web.Redirect(w, r, web.Next(r, Home))
		return nil
	}
	return a.renderLogin(w, r, web.NewForm(nil))
}

// loginTo is the login that leads on to an own path.
func loginTo(next string) string {
	if next == Home {
		return web.PersonLogin
	}
	return web.PersonLogin + "?" + url.Values{"next": {next}}.Encode()
}

func (a loggingIn) renderLogin(w http.ResponseWriter, r *http.Request, form *web.Form) error {
	return a.Kit.Render(w, r, form.Status(), "applicant/account/login", &loginPage{
		Frame: web.Frame{Title: "登录", Back: "/"}, Form: form, Next: web.Next(r, Home),
	})
}

// login: the store counts the try before it looks at the password, and takes the same time and
// says the same for an ID number that nobody registered.
func (a loggingIn) login(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	id, _ := a.parseID(form, form.Get("id_number"))
	if form.Raw("password") == "" {
		form.Fail("password", "请输入密码。")
	}
	if !form.OK() {
		return a.renderLogin(w, r, form)
	}
	account, err := a.accounts().Login(r.Context(), personstore.Login{
		IDNumber: id, Password: form.Raw("password"), Address: web.ClientIP(r),
		Device: a.Kit.Devices.Known(r, web.KindPerson, id.String()),
	})
	if err != nil {
		if err := form.Absorb("", err); err != nil {
			return err
		}
		return a.renderLogin(w, r, form)
	}
	a.Kit.Devices.Remember(w, r, web.KindPerson, id.String())
	if err := a.signIn(r, account); err != nil {
		return err
	}
	web.Redirect(w, r, web.Next(r, Home))
	return nil
}

// signIn makes the session the person's, under the name that pages show.
func (a Account) signIn(r *http.Request, id uuid.UUID) error {
	p, err := a.People.ByID(r.Context(), id)
	if err != nil {
		return err
	}
	return a.Kit.SignIn(r, web.Principal{Kind: web.KindPerson, ID: id, Name: p.Name.String()})
}

func (a loggingIn) logout(w http.ResponseWriter, r *http.Request) error {
	if err := a.Kit.SignOut(r); err != nil {
		return err
	}
	web.Redirect(w, r, "/")
	return nil
}
