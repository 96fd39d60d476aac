package applicant

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"volcard/api/web"
	"volcard/internal/card"
	"volcard/internal/consent"
	"volcard/internal/person"
	"volcard/internal/place"
	"volcard/internal/store/codestore"
	"volcard/internal/store/personstore"
)

// editionStep chooses the edition (R55).
type editionStep struct{ wizard }

type editionPage struct {
	applyPage
	Promise string // the dates of a regular card that is applied for today
	Terms   card.RegularTerms
}

func (editionStep) fill(v *visit, form *web.Form) {
	edition := v.draft.Edition
	if edition == "" {
		edition = card.General // at hand at once
	}
	form.Values.Set(card.FieldEdition, string(edition))
}

// take keeps an edition that exists; the rules say whether it is offered.
func (editionStep) take(_ *http.Request, v *visit, form *web.Form) error {
	if e := card.Edition(form.Get(card.FieldEdition)); e.Text() != "" {
		v.draft.Edition = e
	}
	return nil
}

func (a editionStep) show(w http.ResponseWriter, r *http.Request, v *visit, form *web.Form) error {
	p := &editionPage{applyPage: a.page(v, "edition", form)}
	p.Back = "/"
	var err error
	if p.Promise, err = a.promises().Today(r.Context(), a.Kit); err != nil {
		return err
	}
	p.Terms = a.RegularTerms
	return a.Kit.Render(w, r, status(form), "applicant/apply/edition", p)
}

// identityStep shows the person's data and chooses the identity (R56).
type identityStep struct{ wizard }

type identityPage struct {
	applyPage
	Profile    personstore.Profile
	Place      string
	Identities []identityChoice
}

type identityChoice struct {
	Identity card.Identity
	Hint     string
}

func (identityStep) fill(v *visit, form *web.Form) {
	form.Values.Set(card.FieldIdentity, string(v.draft.Identity))
}

func (identityStep) take(_ *http.Request, v *visit, form *web.Form) error {
	if i := card.Identity(form.Get(card.FieldIdentity)); i.Text() != "" {
		v.draft.Identity = i
	}
	return nil
}

func (a identityStep) show(w http.ResponseWriter, r *http.Request, v *visit, form *web.Form) error {
	profile, err := a.People.ByID(r.Context(), v.person)
	if err != nil {
		return err
	}
	p := &identityPage{applyPage: a.page(v, "identity", form), Profile: profile, Place: place.FullName(profile.DivisionCode)}
	for _, i := range card.Identities() {
		p.Identities = append(p.Identities, identityChoice{i, map[card.Identity]string{
			card.Student: "在湖北省内高校就读，单位从高校名单中选择",
			card.Worker:  "在机关、企业、事业单位或社会组织工作",
			card.Social:  "其他志愿者，可以填写社区、村或所在组织",
		}[i]})
	}
	return a.Kit.Render(w, r, status(form), "applicant/apply/identity", p)
}

// noticeStep is the notice to read and the consents, each apart (R19, R59).
type noticeStep struct{ wizard }

type noticePage struct {
	applyPage
	PickupDays int
	LapsedDays int
	Terms      card.RegularTerms
	Current    string // version of the notice in force
	Consents   []consentChoice
}

// consentChoice is one consent, each with a box of its own (PIPL 23, 29).
type consentChoice struct {
	consent.Item
	GivenAt time.Time // zero: not given
	Checked bool
	Needed  bool
	Error   string
}

func (noticeStep) fill(v *visit, form *web.Form) {
	if v.draft.NoticeVersion == card.NoticeVersion {
		form.Values.Set(card.FieldNotice, card.NoticeVersion)
	}
}

// take keeps the tick and stores the consents that were given. A consent that is not ticked
// is not taken back here: that is done on the account's own page.
func (a noticeStep) take(r *http.Request, v *visit, form *web.Form) error {
	v.draft.NoticeVersion = ""
	if form.Is(card.FieldNotice, card.NoticeVersion) {
		v.draft.NoticeVersion = card.NoticeVersion
	}
	var given []consent.Purpose
	for _, item := range consentsAsked(v) {
		// An older key is another text than the one that is in force now.
		if slices.Contains(form.Values[card.FieldConsent], item.Key()) {
			given = append(given, item.Purpose)
		}
	}
	if len(given) == 0 {
		return nil
	}
	return a.Consents.Give(r.Context(), v.person, given...)
}

// consentsAsked are those of the card, and those of the registration that were taken back since.
func consentsAsked(v *visit) []consent.Item {
	asked := consent.ForCard(v.draft.Edition)
	for _, item := range consent.All() {
		known := slices.ContainsFunc(asked, func(i consent.Item) bool { return i.Purpose == item.Purpose })
		if !known && slices.Contains(v.facts.MissingConsents, item.Title) {
			asked = append(asked, item)
		}
	}
	return asked
}

func (a noticeStep) show(w http.ResponseWriter, r *http.Request, v *visit, form *web.Form) error {
	given, err := a.Consents.List(r.Context(), v.person)
	if err != nil {
		return err
	}
	const day = 24 * time.Hour
	p := &noticePage{
		applyPage: a.page(v, "notice", form), Current: card.NoticeVersion, Terms: a.RegularTerms,
		PickupDays: int(a.Terms.Pickup / day), LapsedDays: int(a.Terms.Lapsed / day),
	}
	for _, item := range consentsAsked(v) {
		c := consentChoice{
			Item: item, Needed: item.Needs(v.draft.Edition),
			Checked: slices.Contains(form.Values[card.FieldConsent], item.Key()),
		}
		for _, g := range given {
			if g.Purpose == item.Purpose && g.Current() {
				c.GivenAt = g.GivenAt
			}
		}
		if !form.OK() && slices.Contains(v.facts.MissingConsents, item.Title) {
			c.Error = "需要您单独同意这一项，才能申领。"
		}
		p.Consents = append(p.Consents, c)
	}
	return a.Kit.Render(w, r, status(form), "applicant/apply/notice", p)
}

// phoneStep proves the phone of the application by a code (R60).
type phoneStep struct{ wizard }

// valueCodeSent is when this browser was last sent a code for the application.
const valueCodeSent = "apply-code-sent"

// What the buttons of the phone's page do.
const (
	actionSend   = "send"
	actionChange = "change"
)

type phoneStepPage struct {
	applyPage
	AccountPhone string // masked
	Phone        string // masked, of the draft
	Verified     bool
	Proved       bool // the account's phone was proved a moment ago: no code is needed
	Wait         int  // seconds until another code may be asked for
}

func (phoneStep) fill(*visit, *web.Form) {}

// errStay ends a post with its own page: the button did something on it.
var errStay = errors.New("the page is not left")

func (a phoneStep) take(r *http.Request, v *visit, form *web.Form) error {
	switch form.Get("action") {
	case actionSend:
		return a.sendCode(r, v, form)
	case actionChange:
		v.draft.Phone, v.draft.PhoneVerifiedAt = "", time.Time{}
		return errStay
	}
	if v.draft.Phone == "" || len(v.of(card.FieldPhone)) == 0 {
		return nil // nothing to verify, or verified already
	}
	phone, err := person.ParsePhone(v.draft.Phone)
	if err != nil {
		return err
	}
	s, err := a.Kit.Session(r)
	if err != nil {
		return err
	}
	err = a.Codes.Verify(r.Context(), codestore.Try{
		Purpose: codestore.Application, Phone: phone, Session: s.ID(), PersonID: v.person, Code: form.Get("code"),
	})
	if err != nil {
		return form.Absorb("code", err)
	}
	v.draft.PhoneVerifiedAt = v.facts.Now
	s.Remove(valueCodeSent)
	return noteProof(a.Kit, r, phone)
}

// fieldPhoneFrom is whose phone the code goes to.
const fieldPhoneFrom = "phone_from"

// sendCode sends a code to the account's phone, to another one, or once more to the draft's. A number that was proved
// a moment ago needs none.
func (a phoneStep) sendCode(r *http.Request, v *visit, form *web.Form) error {
	field := card.FieldPhone
	if form.Is(fieldPhoneFrom, "account") {
		field = fieldPhoneFrom // the field of another phone is hidden then
	}
	phone, err := a.phoneOf(r, v, form)
	if err != nil {
		return form.Absorb(field, err)
	}
	s, err := a.Kit.Session(r)
	if err != nil {
		return err
	}
	if at := provedAt(a.Kit, s, phone); !at.IsZero() {
		v.draft.Phone, v.draft.PhoneVerifiedAt = phone.String(), at
		return nil
	}
	sent, err := a.Codes.Request(r.Context(), codestore.Ask{
		Purpose: codestore.Application, Phone: phone, Session: s.ID(), Address: web.ClientIP(r), PersonID: v.person,
	})
	if err != nil {
		return form.Absorb(field, err)
	}
	s.Put(valueCodeSent, sent.ResendAt.Format(time.RFC3339))
	v.draft.Phone, v.draft.PhoneVerifiedAt = phone.String(), time.Time{}
	a.Kit.FlashOK(r, "验证码已发送到 "+phone.Masked()+"，5 分钟内有效。")
	return errStay
}

func (a phoneStep) phoneOf(r *http.Request, v *visit, form *web.Form) (person.Phone, error) {
	switch form.Get(fieldPhoneFrom) {
	case "account":
		private, err := a.People.Reveal(r.Context(), v.person, web.User(r).Actor(), "application phone")
		return private.Phone, err
	case "draft":
		return person.ParsePhone(v.draft.Phone)
	}
	return person.ParsePhone(form.Get(card.FieldPhone))
}

func (a phoneStep) show(w http.ResponseWriter, r *http.Request, v *visit, form *web.Form) error {
	profile, err := a.People.ByID(r.Context(), v.person)
	if err != nil {
		return err
	}
	s, err := a.Kit.Session(r)
	if err != nil {
		return err
	}
	if form.Error(fieldPhoneFrom) != "" {
		delete(form.Errors, card.FieldPhone) // that none is proved follows from it
	}
	p := &phoneStepPage{
		applyPage: a.page(v, "phone", form), AccountPhone: profile.MaskedPhone, Verified: len(v.of(card.FieldPhone)) == 0,
	}
	if phone, err := person.ParsePhone(v.draft.Phone); err == nil {
		p.Phone = phone.Masked()
	}
	if v.draft.Phone == "" && s.Get(valueProofs) != "" {
		private, err := a.People.Reveal(r.Context(), v.person, web.User(r).Actor(), "")
		if err != nil {
			return err
		}
		p.Proved = !provedAt(a.Kit, s, private.Phone).IsZero()
	}
	if at, err := time.Parse(time.RFC3339, s.Get(valueCodeSent)); err == nil {
		p.Wait = max(0, int(at.Sub(v.facts.Now).Seconds()))
	}
	return a.Kit.Render(w, r, status(form), "applicant/apply/phone", p)
}
