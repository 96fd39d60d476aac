// Package staff is the door of everybody who works here: clerks and administrators log in with a
// password and a code of their authenticator, change the password that somebody else gave them
// before anything else, and the first administrator of an installation is made with a token.
package staff

import (
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/gofrs/uuid/v5"

	"volcard/api/web"
	"volcard/internal/fault"
	"volcard/internal/person"
	"volcard/internal/render"
	"volcard/internal/store/staffstore"
)

// Room holds the pages.
type Room struct {
	Kit   *web.Kit
	Staff staffstore.Store
}

func (room Room) logins() staffstore.Logins     { return staffstore.Logins{Store: room.Staff} }
func (room Room) accounts() staffstore.Accounts { return staffstore.Accounts{Store: room.Staff} }
func (room Room) first() staffstore.FirstAdmin  { return staffstore.FirstAdmin{Store: room.Staff} }

// Paths of the room.
const (
	Home         = web.StaffHome
	passwordPath = "/staff/password"
	initialPath  = "/staff/password/initial"
	firstPath    = "/staff/first"
)

// valueInitial is the session's note of somebody who has proved both factors, and must replace
// the password before anything else; valueInitialNext is the page that was asked for.
const (
	valueInitial     = "staff-initial"
	valueInitialNext = "staff-initial-next"
)

// Routes mounts the pages.
func (room Room) Routes(r chi.Router) {
	h := room.Kit.Handle
	r.Get(web.StaffLogin, h(room.loginForm))
	r.Post(web.StaffLogin, h(room.login))
	r.Post("/staff/logout", h(room.logout))
	r.Get(initialPath, h(room.initialForm))
	r.Post(initialPath, h(room.initial))
	r.Get(firstPath, h(room.firstForm))
	r.Post(firstPath, h(room.claim))
	r.Group(func(r chi.Router) {
		r.Use(room.Kit.RequireStaff())
		r.Get(Home, h(room.home))
		r.Get(passwordPath, h(room.passwordForm))
		r.Post(passwordPath, h(room.password))
	})
}

type loginPage struct {
	web.Frame
	Form *web.Form
	Next string
}

func (room Room) loginForm(w http.ResponseWriter, r *http.Request) error {
	p, err := room.Kit.Principal(r)
	if err != nil {
		return err
	}
	if p.IsStaff() {
		web.Redirect(w, r, web.Landing(web.Next(r, ""), p.Role))
		return nil
	}
	return room.renderLogin(w, r, web.NewForm(nil))
}

func (room Room) renderLogin(w http.ResponseWriter, r *http.Request, form *web.Form) error {
	return room.Kit.Render(w, r, form.Status(), "staff/login", &loginPage{
		Frame: web.Frame{Title: "工作人员登录"}, Form: form, Next: web.Next(r, Home),
	})
}

// login takes both factors at once, so that nobody learns which one was wrong.
func (room Room) login(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	login, err := staffstore.ParseLogin(form.Get("login"))
	if err != nil {
		login = "" // goes on as an account that does not exist
	}
	who, err := room.logins().Login(r.Context(), staffstore.Login{
		Login: login, Password: form.Raw("password"), Code: form.Get("code"), Address: web.ClientIP(r),
		Device: room.Kit.Devices.Known(r, web.KindStaff, login),
	})
	if err != nil {
		if err := form.Absorb("", err); err != nil {
			return err
		}
		return room.renderLogin(w, r, form)
	}
	room.Kit.Devices.Remember(w, r, web.KindStaff, login)
	if who.MustChange {
		s, err := room.Kit.Restart(r, who.ID)
		if err != nil {
			return err
		}
		s.Put(valueInitial, who.ID.String())
		s.Put(valueInitialNext, web.Next(r, ""))
		web.Redirect(w, r, initialPath)
		return nil
	}
	if err := room.signIn(r, who); err != nil {
		return err
	}
	web.Redirect(w, r, web.Landing(web.Next(r, ""), string(who.Role)))
	return nil
}

func (room Room) signIn(r *http.Request, who staffstore.Staff) error {
	return room.Kit.SignIn(r, web.Principal{
		Kind: web.KindStaff, ID: who.ID, Name: who.Name, Role: string(who.Role),
		BranchID: uuid.NullUUID{UUID: who.BranchID, Valid: !who.BranchID.IsNil()},
	})
}

func (room Room) logout(w http.ResponseWriter, r *http.Request) error {
	if err := room.Kit.SignOut(r); err != nil {
		return err
	}
	web.Redirect(w, r, web.StaffLogin)
	return nil
}

type homePage struct{ web.Frame }

func (room Room) home(w http.ResponseWriter, r *http.Request) error {
	return room.Kit.Render(w, r, http.StatusOK, "staff/home", &homePage{Frame: web.Frame{Title: "工作台"}})
}

type passwordPage struct {
	web.Frame
	Form   *web.Form
	Forced bool
}

func (room Room) passwordForm(w http.ResponseWriter, r *http.Request) error {
	return room.renderPassword(w, r, web.NewForm(nil), false)
}

func (room Room) renderPassword(w http.ResponseWriter, r *http.Request, form *web.Form, forced bool) error {
	title := "修改密码"
	if forced {
		title = "设置新密码"
	}
	return room.Kit.Render(w, r, form.Status(), "staff/password", &passwordPage{
		Frame: web.Frame{Title: title}, Form: form, Forced: forced,
	})
}

func (room Room) password(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	who := *web.User(r)
	if err := room.change(r, form, who.ID); err != nil {
		return err
	}
	if !form.OK() {
		return room.renderPassword(w, r, form, false)
	}
	if err := room.Kit.EndAll(r.Context(), who.ID); err != nil {
		return err
	}
	if err := room.Kit.SignIn(r, who); err != nil {
		return err
	}
	room.Kit.FlashOK(r, "密码已修改，其他设备上的登录已结束。")
	web.Redirect(w, r, Home)
	return nil
}

// change replaces the password, or leaves in the form why not.
func (room Room) change(r *http.Request, form *web.Form, id uuid.UUID) error {
	password := newPassword(form)
	if form.Raw("current") == "" {
		form.Fail("current", "请输入现在的密码。")
	}
	if !form.OK() {
		return nil
	}
	return form.Absorb("current", room.accounts().ChangePassword(r.Context(), id, form.Raw("current"), password))
}

func newPassword(form *web.Form) string {
	password := form.Raw("password")
	for _, reason := range person.CheckPassword(password, person.IDNumber{}, person.Phone{}) {
		form.Fail("password", reason)
	}
	if form.Error("password") == "" && password != form.Raw("password_again") {
		form.Fail("password_again", "两次输入的密码不一样。")
	}
	return password
}

// waiting is who must replace the password; without one the login comes first.
func (room Room) waiting(w http.ResponseWriter, r *http.Request) (uuid.UUID, bool, error) {
	s, err := room.Kit.Session(r)
	if err != nil {
		return uuid.Nil, false, err
	}
	id, err := uuid.FromString(s.Get(valueInitial))
	if err != nil {
		web.Redirect(w, r, web.StaffLogin)
		return uuid.Nil, false, nil
	}
	return id, true, nil
}

func (room Room) initialForm(w http.ResponseWriter, r *http.Request) error {
	_, ok, err := room.waiting(w, r)
	if !ok {
		return err
	}
	return room.renderPassword(w, r, web.NewForm(nil), true)
}

func (room Room) initial(w http.ResponseWriter, r *http.Request) error {
	id, ok, err := room.waiting(w, r)
	if !ok {
		return err
	}
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	if err := room.change(r, form, id); err != nil {
		return err
	}
	if !form.OK() {
		return room.renderPassword(w, r, form, true)
	}
	who, err := room.Staff.ByID(r.Context(), id)
	if err != nil {
		return err
	}
	s, err := room.Kit.Session(r)
	if err != nil {
		return err
	}
	next := s.Get(valueInitialNext) // the login forgets what the session held
	if err := room.signIn(r, who); err != nil {
		return err
	}
	room.Kit.FlashOK(r, "新密码已设置。")
	web.Redirect(w, r, web.Landing(next, string(who.Role)))
	return nil
}

type firstPage struct {
	web.Frame
	Form *web.Form
}

func (room Room) firstForm(w http.ResponseWriter, r *http.Request) error {
	return room.renderFirst(w, r, web.NewForm(nil))
}

func (room Room) renderFirst(w http.ResponseWriter, r *http.Request, form *web.Form) error {
	return room.Kit.Render(w, r, form.Status(), "staff/first", &firstPage{
		Frame: web.Frame{Title: "开设第一个管理员"}, Form: form,
	})
}

// claim makes the first administrator. The authenticator's secret is on the answer itself and
// nowhere else: it cannot be had by coming back.
func (room Room) claim(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	password := newPassword(form)
	if form.Get("token") == "" {
		form.Fail("token", "请输入一次性口令。")
	}
	if form.Get("name") == "" {
		form.Fail("name", "请填写姓名。")
	}
	_, err = staffstore.ParseLogin(form.Get("login"))
	form.FailIf("login", err)
	if !form.OK() {
		return room.renderFirst(w, r, form)
	}
	e, err := room.first().Claim(r.Context(), form.Get("token"), web.ClientIP(r), staffstore.NewStaff{
		Login: form.Get("login"), Name: form.Get("name"), Password: password, KeepPassword: true,
	})
	if err != nil {
		field := ""
		switch fault.KindOf(err) {
		case fault.Forbidden:
			field = "token"
		case fault.Conflict:
			field = "login"
		default:
		}
		if err := form.Absorb(field, err); err != nil {
			return err
		}
		return room.renderFirst(w, r, form)
	}
	qr, err := render.QR(e.TOTPURI)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return room.Kit.Render(w, r, http.StatusOK, "staff/enroll", &enrolPage{
		Frame: web.Frame{Title: "绑定身份验证器"}, Enrolment: e, QR: qr,
	})
}

type enrolPage struct {
	web.Frame
	Enrolment staffstore.Enrolment
	QR        render.Code
}
