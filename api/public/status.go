package public

import (
	"context"
	"errors"
	"net/http"

	"github.com/go-chi/chi/v5"

	"volcard/api/web"
	"volcard/internal/calendar"
	"volcard/internal/card"
	"volcard/internal/consent"
	"volcard/internal/fault"
	"volcard/internal/limit"
	"volcard/internal/person"
	"volcard/internal/store/cardstore"
)

// Status finds a case without login, by its number and the last four characters of the ID number.
// It shows states and times only.
type Status struct {
	Kit    *web.Kit
	Cases  cardstore.Cases
	Limits limit.Limiter
	Terms  card.Terms
}

// Routes mounts the page.
func (s Status) Routes(r chi.Router) {
	r.Get("/status", s.Kit.Handle(s.form))
	r.Post("/status", s.Kit.Handle(s.find))
}

type statusPage struct {
	web.Frame
	Form    *web.Form
	Found   *cardstore.Public
	Outlook card.Outlook
	Promise string // the dates of a regular card that is not made yet
}

func (s Status) form(w http.ResponseWriter, r *http.Request) error {
	return s.show(w, r, &statusPage{Form: web.NewForm(nil)}, http.StatusOK)
}

func (s Status) show(w http.ResponseWriter, r *http.Request, p *statusPage, status int) error {
	p.Frame = web.Frame{Title: "查询办理进度", Back: "/"}
	return s.Kit.Render(w, r, status, "public/status", p)
}

func (s Status) find(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	p := &statusPage{Form: form}
	number, ok := card.ParseApplicationNumber(form.Get("number"))
	if !ok {
		form.Fail("number", "申请编号不完整或有误，请核对：HB 开头，后面是 14 位数字。")
	}
	tail, ok := person.ParseLast4(form.Get("tail"))
	if !ok {
		form.Fail("tail", "请输入身份证号的最后四位。")
	}
	if !form.OK() {
		return s.show(w, r, p, form.Status())
	}
	found, err := s.lookUp(r, number, tail)
	if err != nil {
		if absorbed := form.Absorb("", err); absorbed != nil {
			return absorbed
		}
		return s.show(w, r, p, web.StatusOf(err))
	}
	p.Found, p.Outlook = &found, s.outlook(found)
	if !p.Outlook.Late {
		p.Promise = s.promise(found)
	}
	return s.show(w, r, p, http.StatusOK)
}

// lookUp counts the attempt before it looks: an unknown number and a wrong tail cost the same and
// are answered alike. The holder who is logged in guesses nothing and is not counted, so that strangers'
// guesses close the page to them only.
func (s Status) lookUp(r *http.Request, number, tail string) (cardstore.Public, error) {
	ctx, address := r.Context(), web.ClientIP(r)
	own, err := s.isOwn(r, number)
	if err != nil {
		return cardstore.Public{}, err
	}
	if own {
		return s.byNumber(ctx, number, tail)
	}
	here := limit.At(number, address)
	for _, c := range []struct {
		kind limit.Kind
		key  string
	}{
		{limit.StatusAddress, limit.AddressKey(address)}, {limit.StatusNumber, here}, {limit.StatusAnywhere, number},
	} {
		if err := s.Limits.Allow(ctx, c.kind, c.key); err != nil {
			return cardstore.Public{}, err
		}
	}
	found, err := s.byNumber(ctx, number, tail)
	if err != nil {
		return found, err
	}
	// Who knows the tail guesses no more.
	return found, errors.Join(s.Limits.Forget(ctx, limit.StatusNumber, here), s.Limits.Forget(ctx, limit.StatusAnywhere, number))
}

func (s Status) isOwn(r *http.Request, number string) (bool, error) {
	p, err := s.Kit.Principal(r)
	if err != nil || !p.IsPerson() {
		return false, err
	}
	return s.Cases.IsOwn(r.Context(), p.ID, number)
}

func (s Status) byNumber(ctx context.Context, number, tail string) (cardstore.Public, error) {
	found, err := s.Cases.ByNumber(ctx, number, tail)
	if fault.Is(err, fault.NotFound) {
		// A form that found nothing, not a page that does not exist.
		return found, fault.Wrap(fault.Invalid, err, "没有找到匹配的申请，请核对申请编号和身份证号后四位。")
	}
	return found, err
}

func (s Status) outlook(p cardstore.Public) card.Outlook {
	_, unmade := card.Next(p.State, card.Overdue)
	situation := card.Situation{
		Edition: p.Edition, Overdue: unmade && p.OverdueAt != nil, CardStatus: p.CardStatus,
		Missing: consent.Titles(consent.MissingNow(p.Edition, p.State, p.Consents)), State: p.State, Now: s.Kit.Now(), SubmittedAt: p.SubmittedAt, Branch: "所选网点", Terms: s.Terms,
	}
	if p.PickupUntil != nil {
		situation.PickupUntil = *p.PickupUntil
	}
	if p.ClosedAt != nil {
		situation.ClosedAt = *p.ClosedAt
	}
	if p.MendUntil != nil {
		situation.MendUntil = *p.MendUntil
	}
	if p.Due != nil && p.State != card.Mending { // it counts anew from the confirmation
		situation.PromisedUntil = *p.Due
	}
	return card.LookAhead(situation)
}

// promise is the two dates in words, while the card is not made.
func (s Status) promise(p cardstore.Public) string {
	_, unmade := card.Next(p.State, card.Promise)
	if !unmade || p.State == card.Mending || p.PromisedFrom == nil || p.PromisedUntil == nil {
		return ""
	}
	return calendar.Promise{
		Start: calendar.DateOf(s.Kit.Now()), From: calendar.DateIn(*p.PromisedFrom), Until: calendar.DateIn(*p.PromisedUntil),
		Provisional: p.Provisional,
	}.Text()
}
