package applicant

import (
	"net/http"
	"slices"
	"time"
	"unicode/utf8"

	"volcard/api/web"
	"volcard/internal/consent"
	"volcard/internal/fault"
	"volcard/internal/person"
	"volcard/internal/store/codestore"
	"volcard/internal/store/personstore"
	"volcard/internal/typed"
)

// registration is what the pages before the last one have gathered. It lies in the session,
// sealed, and nowhere else: who does not finish leaves nothing behind.
type registration struct {
	Name     person.Name
	IDNumber string
	Division string
	Address  string
	Consents []consent.Purpose
	Guardian person.Guardian
	Phone    person.Phone
	Sent     time.Time
	Proved   time.Time // when a code for the phone was right
	Next     string    // own path to which the registration leads; empty: Home
}

const (
	valueRegistration = "registration"
	registerStart     = "/register"
	addressMax        = 100
)

type registerPage struct {
	web.Frame
	Form     *web.Form
	MaskedID string // of the number that was typed before; it may be left out
	Next     string // own path to which the registration leads
	Steps    web.Steps
	Consents consentBlock
}

type guardianPage struct {
	web.Frame
	Form      *web.Form
	Steps     web.Steps
	Lead      string
	Action    string // path that the form is sent to
	Submit    string
	Relations []string
	Consents  consentBlock
}

// consentBlock is part "consents": each point with a box of its own.
type consentBlock struct {
	Title string
	Items []consentItem
	Error string
}

type consentItem struct {
	consent.Item
	Checked bool
	Wrong   bool // the form came back without it
}

const consentField = "consent"

func newConsents(title string, form *web.Form, items []consent.Item) consentBlock {
	block := consentBlock{Title: title, Error: form.Error(consentField)}
	for _, item := range items {
		checked := slices.Contains(form.Values[consentField], item.Key())
		block.Items = append(block.Items, consentItem{Item: item, Checked: checked, Wrong: block.Error != "" && !checked})
	}
	return block
}

// agreed reads the boxes; the form notes all that are missing. A box of an older version counts as
// not ticked: the text has changed since the page was opened.
func agreed(form *web.Form, items []consent.Item) []consent.Purpose {
	var purposes []consent.Purpose
	var missing string
	for _, item := range items {
		if slices.Contains(form.Values[consentField], item.Key()) {
			purposes = append(purposes, item.Purpose)
		} else {
			missing += "「" + item.Title + "」"
		}
	}
	if missing != "" {
		form.Fail(consentField, "需要同意"+missing+"才能继续。")
	}
	return purposes
}

func (a registering) registerForm(w http.ResponseWriter, r *http.Request) error {
	p, err := a.Kit.Principal(r)
	if err != nil {
		return err
	}
	if p.IsPerson() {
		web.Redirect(w, r, web.Next(r, Home))
		return nil
	}
	form := web.NewForm(nil)
	reg, err := a.begun(r)
	if err != nil {
		return err
	}
	if !reg.Name.IsZero() {
		form.Values.Set("name", reg.Name.String())
		form.Values.Set("address", reg.Address)
		form.Values.Set("district", reg.Division)
		form.Values[consentField] = keysOf(reg.Consents)
	}
	return a.renderRegister(w, r, form)
}

// begun is what the pages have gathered so far in this browser; zero where nothing is.
func (a registering) begun(r *http.Request) (reg registration, err error) {
	s, err := a.Kit.Session(r)
	if err == nil {
		s.GetJSON(valueRegistration, &reg)
	}
	return reg, err
}

// keysOf are the values of the boxes of consents to the texts in force.
func keysOf(purposes []consent.Purpose) (keys []string) {
	for _, p := range purposes {
		if item, ok := consent.Lookup(p); ok {
			keys = append(keys, item.Key())
		}
	}
	return keys
}

// renderRegister shows no ID number that was typed on an earlier visit: the next person at a shared device
// would read it. It is kept where the field is left empty.
func (a registering) renderRegister(w http.ResponseWriter, r *http.Request, form *web.Form) error {
	reg, err := a.begun(r)
	if err != nil {
		return err
	}
	next := web.Next(r, web.OwnPath(reg.Next, Home))
	p := &registerPage{
		Frame: web.Frame{Title: "注册", Back: loginTo(next)}, Form: form, Next: next, Steps: web.Steps{Now: 1, Total: 3},
		Consents: newConsents("请逐项确认", form, consent.ForRegistration(false)),
	}
	if id, err := person.ParseIDNumber(reg.IDNumber); err == nil {
		p.MaskedID = id.Masked()
	}
	return a.Kit.Render(w, r, form.Status(), "applicant/account/register", p)
}

func (a registering) register(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	if form.Refresh() {
		return a.renderRegister(w, r, form)
	}
	reg, err := a.begun(r)
	if err != nil {
		return err
	}
	typed := form.Get("id_number")
	if typed == "" {
		typed = reg.IDNumber
	}
	reg.Name, err = person.ParseName(form.Get("name"))
	form.FailIf("name", err)
	if id, ok := a.parseID(form, typed); ok {
		if text := reg.Name.CheckDocument(id); text != "" {
			form.Fail("name", text)
		}
		if id.String() != reg.IDNumber { // somebody else, with another guardian
			reg.IDNumber, reg.Guardian = id.String(), person.Guardian{}
		}
		// A guardian is asked for on the next page, so only an age that no guardian mends fails here.
		for _, reason := range person.AgeRule(id.Age(a.Kit.Now()), true) {
			form.Fail("id_number", reason)
		}
	}
	reg.Next = web.Next(r, reg.Next)
	reg.Division = form.DivisionCode()
	reg.Address = checkAddress(form, "address")
	reg.Consents = agreed(form, consent.ForRegistration(false))
	if !reg.Guardian.IsZero() {
		reg.Consents = append(reg.Consents, consent.Guardian)
	}
	if !form.OK() {
		return a.renderRegister(w, r, form)
	}
	s, err := a.Kit.Session(r)
	if err != nil {
		return err
	}
	if err := s.PutJSON(valueRegistration, reg); err != nil {
		return err
	}
	web.Redirect(w, r, a.afterData(reg))
	return nil
}

// afterData is the page after the personal data: a minor's guardian comes first.
func (a registering) afterData(reg registration) string {
	id, err := person.ParseIDNumber(reg.IDNumber)
	if err != nil || (reg.Guardian.IsZero() && person.NeedsGuardian(id.Age(a.Kit.Now()))) {
		return "/register/guardian"
	}
	return "/register/phone"
}

func (a registering) guardianForm(w http.ResponseWriter, r *http.Request) error {
	var reg registration
	_, ok, err := started(a.Kit, w, r, valueRegistration, registerStart, &reg)
	if !ok {
		return err
	}
	form := web.NewForm(nil)
	if g := reg.Guardian; !g.IsZero() {
		form.Values.Set("guardian_name", g.Name.String())
		form.Values.Set("guardian_relation", g.Relation)
		form.Values.Set("guardian_phone", g.Phone.String())
		form.Values[consentField] = keysOf(reg.Consents)
	}
	return a.renderGuardian(w, r, form)
}

func (a registering) renderGuardian(w http.ResponseWriter, r *http.Request, form *web.Form) error {
	return a.Kit.Render(w, r, form.Status(), "applicant/account/guardian", &guardianPage{
		Frame: web.Frame{Title: "监护人同意", Back: registerStart}, Form: form, Steps: web.Steps{Now: 1, Total: 3},
		Lead:   "您未满 18 周岁。按照《注册志愿者管理办法》，注册须由监护人同意，请和监护人一起填写。",
		Action: "/register/guardian", Submit: "下一步",
		Relations: person.Relations(), Consents: newConsents("请监护人确认", form, guardianConsents()),
	})
}

func guardianConsents() []consent.Item {
	if item, ok := consent.Lookup(consent.Guardian); ok {
		return []consent.Item{item}
	}
	return nil
}

func parseGuardian(form *web.Form) person.Guardian {
	guardian, faults := person.ParseGuardian(form.Get("guardian_name"), form.Get("guardian_relation"), form.Get("guardian_phone"))
	for field, sentence := range faults {
		form.Fail("guardian_"+field, sentence)
	}
	return guardian
}

func (a registering) guardian(w http.ResponseWriter, r *http.Request) error {
	var reg registration
	s, ok, err := started(a.Kit, w, r, valueRegistration, registerStart, &reg)
	if !ok {
		return err
	}
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	guardian := parseGuardian(form)
	purposes := agreed(form, guardianConsents())
	if !form.OK() {
		return a.renderGuardian(w, r, form)
	}
	reg.Guardian = guardian
	for _, p := range purposes {
		if !slices.Contains(reg.Consents, p) {
			reg.Consents = append(reg.Consents, p)
		}
	}
	if err := s.PutJSON(valueRegistration, reg); err != nil {
		return err
	}
	web.Redirect(w, r, "/register/phone")
	return nil
}

func (a registering) registerPhoneForm(w http.ResponseWriter, r *http.Request) error {
	var reg registration
	_, ok, err := started(a.Kit, w, r, valueRegistration, registerStart, &reg)
	if !ok {
		return err
	}
	if next := a.afterData(reg); next != "/register/phone" {
		web.Redirect(w, r, next)
		return nil
	}
	form := web.NewForm(nil)
	if !reg.Phone.IsZero() {
		form.Values.Set("phone", reg.Phone.String())
	}
	return a.renderRegisterPhone(w, r, form, reg)
}

func (a registering) renderRegisterPhone(w http.ResponseWriter, r *http.Request, form *web.Form, reg registration) error {
	back := registerStart
	if !reg.Guardian.IsZero() {
		back = "/register/guardian"
	}
	return a.Kit.Render(w, r, form.Status(), "applicant/account/phone", &phonePage{
		Frame: web.Frame{Title: "绑定手机号", Back: back}, Form: form, Steps: web.Steps{Now: 2, Total: 3},
		Lead: "我们会发一条验证码，确认这个号码是您本人在用。", Action: "/register/phone",
	})
}

func (a registering) registerPhone(w http.ResponseWriter, r *http.Request) error {
	var reg registration
	s, ok, err := started(a.Kit, w, r, valueRegistration, registerStart, &reg)
	if !ok {
		return err
	}
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	if next := a.afterData(reg); next != "/register/phone" {
		web.Redirect(w, r, next)
		return nil
	}
	before := reg.Phone
	reg.Phone, err = person.ParsePhone(form.Get("phone"))
	if form.FailIf("phone", err) {
		return a.renderRegisterPhone(w, r, form, reg)
	}
	if err := a.sendRegister(r, s, &reg); err != nil {
		if a.waits(err, reg.Phone == before, reg.Sent) {
			a.Kit.FlashOK(r, codeIsThere)
			web.Redirect(w, r, "/register/code")
			return nil
		}
		if err := form.Absorb("", err); err != nil {
			return err
		}
		return a.renderRegisterPhone(w, r, form, reg)
	}
	web.Redirect(w, r, "/register/code")
	return nil
}

func (a registering) sendRegister(r *http.Request, s *web.Session, reg *registration) error {
	_, err := a.Codes.Request(r.Context(), codestore.Ask{
		Purpose: codestore.Register, Phone: reg.Phone, Session: s.ID(), Address: web.ClientIP(r),
	})
	if err != nil {
		return err
	}
	reg.Sent, reg.Proved = a.Kit.Now(), time.Time{}
	return s.PutJSON(valueRegistration, reg)
}

func (a registering) registerCodeForm(w http.ResponseWriter, r *http.Request) error {
	var reg registration
	_, ok, err := started(a.Kit, w, r, valueRegistration, registerStart, &reg)
	if !ok {
		return err
	}
	if reg.Phone.IsZero() {
		web.Redirect(w, r, "/register/phone")
		return nil
	}
	return a.renderRegisterCode(w, r, web.NewForm(nil), reg)
}

func (a registering) renderRegisterCode(w http.ResponseWriter, r *http.Request, form *web.Form, reg registration) error {
	p := &codePage{
		Frame: web.Frame{Back: "/register/phone"}, Form: form, Steps: web.Steps{Now: 3, Total: 3},
		Lead:   "验证码已发送到 " + reg.Phone.Masked() + "。",
		Action: "/register/code", Resend: "/register/resend", Change: "/register/phone", Proved: a.proved(reg.Proved), Wait: a.wait(reg.Sent),
	}
	return a.Kit.Render(w, r, form.Status(), "applicant/account/code", p.titled("设置密码", "完成注册"))
}

func (a registering) registerResend(w http.ResponseWriter, r *http.Request) error {
	var reg registration
	s, ok, err := started(a.Kit, w, r, valueRegistration, registerStart, &reg)
	if !ok {
		return err
	}
	if reg.Phone.IsZero() {
		web.Redirect(w, r, "/register/phone")
		return nil
	}
	form := web.NewForm(nil)
	if err := form.Absorb("", a.sendRegister(r, s, &reg)); err != nil {
		return err
	}
	if !form.OK() {
		return a.renderRegisterCode(w, r, form, reg)
	}
	a.Kit.FlashOK(r, "新的验证码已发送，以前的验证码不再有效。")
	web.Redirect(w, r, "/register/code")
	return nil
}

// registerCode makes the account. The code comes first and counts for a while, so that what fails after it
// costs no other one.
func (a registering) registerCode(w http.ResponseWriter, r *http.Request) error {
	var reg registration
	s, ok, err := started(a.Kit, w, r, valueRegistration, registerStart, &reg)
	if !ok {
		return err
	}
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	id, err := person.ParseIDNumber(reg.IDNumber)
	if err != nil {
		return err
	}
	if !a.proved(reg.Proved) {
		if err := a.spend(r, form, codestore.Try{Purpose: codestore.Register, Phone: reg.Phone, Session: s.ID()}); err != nil {
			return err
		}
		if !form.OK() {
			return a.renderRegisterCode(w, r, form, reg)
		}
		reg.Proved = a.Kit.Now()
		if err := s.PutJSON(valueRegistration, reg); err != nil {
			return err
		}
		if !form.Values.Has("password") {
			web.Redirect(w, r, "/register/code")
			return nil
		}
	}
	password := newPassword(form, id, reg.Phone)
	if !form.OK() {
		return a.renderRegisterCode(w, r, form, reg)
	}
	account, err := a.People.Register(r.Context(), personstore.NewPerson{
		Name: reg.Name, IDNumber: id, Phone: reg.Phone, DivisionCode: reg.Division, Address: reg.Address,
		Guardian: reg.Guardian, Password: password, Consents: reg.Consents,
	})
	if fault.Is(err, fault.Conflict) {
		// The holder of the phone has proved nothing about the ID number: no more is said.
		s.Remove(valueRegistration)
		a.Kit.FlashWarn(r, fault.Sentence(err))
		web.Redirect(w, r, loginTo(web.OwnPath(reg.Next, Home)))
		return nil
	}
	if err != nil {
		return err
	}
	a.Kit.Devices.Remember(w, r, web.KindPerson, id.String())
	if err := a.signIn(r, account); err != nil {
		return err
	}
	if err := noteProof(a.Kit, r, reg.Phone); err != nil {
		return err
	}
	a.Kit.FlashOK(r, "注册成功，欢迎您成为志愿者。")
	web.Redirect(w, r, web.OwnPath(reg.Next, Home))
	return nil
}

// checkAddress reads a postal address without its division.
func checkAddress(form *web.Form, field string) string {
	address := typed.Text(form.Get(field))
	switch n, wrong := utf8.RuneCountInString(address), typed.RefuseText(address); {
	case n < 2:
		form.Fail(field, "请填写详细地址。")
	case n > addressMax:
		form.Fail(field, "详细地址不能超过 100 个字。")
	case wrong != "":
		form.Fail(field, "详细地址"+wrong)
	}
	return address
}
