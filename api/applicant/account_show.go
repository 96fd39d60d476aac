package applicant

import (
	"net/http"
	"time"

	"volcard/api/web"
	"volcard/internal/consent"
	"volcard/internal/person"
	"volcard/internal/place"
	"volcard/internal/store/personstore"
)

// accountPage shows the person's own data, masked: a phone is often looked at by two.
type accountPage struct {
	web.Frame
	Person   personstore.Profile
	Place    string
	Consents int  // that stand
	Guardian bool // the guardian's consent is one of them
}

func (a own) show(w http.ResponseWriter, r *http.Request) error {
	p, err := a.People.ByID(r.Context(), web.User(r).ID)
	if err != nil {
		return err
	}
	given, err := a.consents().List(r.Context(), p.ID)
	if err != nil {
		return err
	}
	page := &accountPage{
		Frame: web.Frame{Title: "我的账号", Back: "/"}, Person: p, Place: place.FullName(p.DivisionCode),
	}
	for _, g := range given {
		if g.Current() {
			page.Consents++
			page.Guardian = page.Guardian || g.Purpose == consent.Guardian
		}
	}
	return a.Kit.Render(w, r, http.StatusOK, "applicant/account/account", page)
}

type passwordPage struct {
	web.Frame
	Form *web.Form
}

func (a own) passwordForm(w http.ResponseWriter, r *http.Request) error {
	return a.renderPassword(w, r, web.NewForm(nil))
}

func (a own) renderPassword(w http.ResponseWriter, r *http.Request, form *web.Form) error {
	return a.Kit.Render(w, r, form.Status(), "applicant/account/password", &passwordPage{
		Frame: web.Frame{Title: "修改密码", Back: Home}, Form: form,
	})
}

// password asks for the present one again: an unlocked phone that was left lying must not be
// enough to take an account over. The rules come first, since wrong tries are counted.
func (a own) password(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	who := *web.User(r)
	own, err := a.People.Reveal(r.Context(), who.ID, who.Actor(), "")
	if err != nil {
		return err
	}
	password := newPassword(form, own.IDNumber, own.Phone)
	if form.OK() {
		if err := form.Absorb("current", a.accounts().CheckPassword(r.Context(), who.ID, form.Raw("current"))); err != nil {
			return err
		}
	}
	if !form.OK() {
		return a.renderPassword(w, r, form)
	}
	if err := a.accounts().SetPassword(r.Context(), who.ID, password, personstore.Changed); err != nil {
		return err
	}
	if err := a.Kit.EndAll(r.Context(), who.ID); err != nil {
		return err
	}
	if err := a.Kit.SignIn(r, who); err != nil {
		return err
	}
	a.Kit.FlashOK(r, "密码已修改，其他设备上的登录已结束。")
	web.Redirect(w, r, Home)
	return nil
}

type loginsPage struct {
	web.Frame
	Logins []web.Login
}

func (a own) logins(w http.ResponseWriter, r *http.Request) error {
	list, err := a.Kit.Logins(r)
	if err != nil {
		return err
	}
	return a.Kit.Render(w, r, http.StatusOK, "applicant/account/logins", &loginsPage{
		Frame: web.Frame{Title: "登录过的设备", Back: Home}, Logins: list,
	})
}

func (a own) endLogin(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	if err := a.Kit.EndOne(r, form.Get("id")); err != nil {
		return err
	}
	a.Kit.FlashOK(r, "已结束这次登录。")
	web.Redirect(w, r, "/account/logins")
	return nil
}

func (a own) endOtherLogins(w http.ResponseWriter, r *http.Request) error {
	if err := a.Kit.EndOthers(r); err != nil {
		return err
	}
	a.Kit.FlashOK(r, "其他设备上的登录已全部结束。")
	web.Redirect(w, r, "/account/logins")
	return nil
}

// consentRow is one point of the catalogue and how the person stands to it.
type consentRow struct {
	consent.Item
	Given   bool
	GivenAt time.Time
	Old     bool // given to an older text
	Back    bool // taken back, and not given again
	Ask     bool // may be given now
}

type consentsPage struct {
	web.Frame
	Rows []consentRow
}

func (a own) consentsPage(w http.ResponseWriter, r *http.Request) error {
	p, err := a.People.ByID(r.Context(), web.User(r).ID)
	if err != nil {
		return err
	}
	given, err := a.consents().List(r.Context(), p.ID)
	if err != nil {
		return err
	}
	page := &consentsPage{Frame: web.Frame{Title: "授权与同意", Back: Home}}
	for _, item := range consent.All() {
		row := consentRow{Item: item}
		for _, g := range given {
			if g.Purpose == item.Purpose && g.WithdrawnAt == nil && !row.Given {
				row.Given, row.GivenAt, row.Old = g.Current(), g.GivenAt, !g.Current()
			}
			row.Back = row.Back || g.Purpose == item.Purpose && g.WithdrawnAt != nil
		}
		if row.Given || row.Old {
			row.Back = false
		}
		if item.Minor && !p.HasGuardian && !person.NeedsGuardian(p.Age) {
			continue
		}
		row.Ask = !row.Given && (!item.Minor || person.NeedsGuardian(p.Age))
		page.Rows = append(page.Rows, row)
	}
	return a.Kit.Render(w, r, http.StatusOK, "applicant/account/consents", page)
}

const (
	consentsPath = "/account/consents"
	guardianPath = "/account/guardian"
)

// guardianForm asks a minor's guardian for a consent that is not given, or was taken back: as at the
// registration, with who it is, since the minor is not to give it alone.
func (a own) guardianForm(w http.ResponseWriter, r *http.Request) error {
	p, err := a.People.ByID(r.Context(), web.User(r).ID)
	if err != nil {
		return err
	}
	if !person.NeedsGuardian(p.Age) {
		web.Redirect(w, r, consentsPath)
		return nil
	}
	return a.renderGuardian(w, r, web.NewForm(nil))
}

func (a own) renderGuardian(w http.ResponseWriter, r *http.Request, form *web.Form) error {
	return a.Kit.Render(w, r, form.Status(), "applicant/account/guardian", &guardianPage{
		Frame: web.Frame{Title: "监护人同意", Back: consentsPath}, Form: form, Action: guardianPath, Submit: "同意",
		Lead:      "您未满 18 周岁，申办志愿者证须由监护人同意，请和监护人一起填写。",
		Relations: person.Relations(), Consents: newConsents("请监护人确认", form, guardianConsents()),
	})
}

func (a own) guardian(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	guardian := parseGuardian(form)
	agreed(form, guardianConsents())
	if form.OK() {
		if err := form.Absorb("", a.consents().GiveByGuardian(r.Context(), web.User(r).ID, guardian)); err != nil {
			return err
		}
	}
	if !form.OK() {
		return a.renderGuardian(w, r, form)
	}
	a.Kit.FlashOK(r, "已记录监护人的同意。")
	web.Redirect(w, r, consentsPath)
	return nil
}

func (a own) giveConsent(w http.ResponseWriter, r *http.Request) error {
	return a.changeConsent(w, r, "已记录您的同意。", func(p consent.Purpose) error {
		return a.consents().Give(r.Context(), web.User(r).ID, p)
	})
}

func (a own) withdrawConsent(w http.ResponseWriter, r *http.Request) error {
	return a.changeConsent(w, r, "已撤回。", func(p consent.Purpose) error {
		return a.consents().Withdraw(r.Context(), web.User(r).ID, p)
	})
}

func (a own) changeConsent(w http.ResponseWriter, r *http.Request, done string, change func(consent.Purpose) error) error {
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	if err := change(consent.Purpose(form.Get("purpose"))); err != nil {
		return err
	}
	a.Kit.FlashOK(r, done)
	web.Redirect(w, r, consentsPath)
	return nil
}
