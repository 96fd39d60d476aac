package regular

import (
	"net/http"
	"time"

	"github.com/gofrs/uuid/v5"

	"volcard/api/applicant/cases"
	"volcard/api/web"
	"volcard/internal/card"
	"volcard/internal/fault"
	"volcard/internal/person"
	"volcard/internal/store/cardstore"
	"volcard/internal/store/codestore"
	"volcard/workflows"
)

// phoneChange gives a case another phone for its messages. The account keeps its own.
type phoneChange struct{ Changes }

// newPhone lies in the session between the two pages.
type newPhone struct {
	Case  uuid.UUID
	Phone person.Phone
	Sent  time.Time // until then no other code is sent
	Until time.Time // until then the code is good
}

const valueNewPhone = "case-phone"

// phonePage and codePage are the account's pages, for a case.
type phonePage struct {
	web.Frame
	Form        *web.Form
	Steps       web.Steps
	Lead        string
	Action      string
	AskPassword bool
}

type codePage struct {
	web.Frame
	Form   *web.Form
	Steps  web.Steps
	Lead   string
	Action string
	Submit string
	Resend string
	Change string
	Proved bool
	Follow string
	Left   string
	Wait   int
}

// openPhone opens a case whose phone may be changed; false where the answer is given already.
func (c phoneChange) openPhone(w http.ResponseWriter, r *http.Request) (cs cardstore.Case, ok bool, err error) {
	cs, _, err = c.Desk.Open(r)
	if err != nil {
		return cs, false, err
	}
	if !c.Desk.Outlook(cs).ChangePhone {
		return cs, false, c.Desk.Past(w, r, cs)
	}
	return cs, true, nil
}

func phonePath(cs cardstore.Case) string { return cases.Path(cs.ID) + "/phone" }

func (c phoneChange) form(w http.ResponseWriter, r *http.Request) error {
	cs, ok, err := c.openPhone(w, r)
	if !ok {
		return err
	}
	return c.renderForm(w, r, cs, web.NewForm(nil), http.StatusOK)
}

func (c phoneChange) renderForm(w http.ResponseWriter, r *http.Request, cs cardstore.Case, form *web.Form, status int) error {
	lead := "只更换这份申请的通知号码，登录用的手机号不变。"
	if _, unmade := card.Next(cs.State, card.Promise); unmade {
		lead += "排队位置和送达日期都不受影响。"
	}
	return c.Kit.Render(w, r, status, "applicant/account/phone", &phonePage{
		Frame: web.Frame{Title: "更换领卡手机号", Back: cases.Path(cs.ID)}, Form: form, Steps: web.Steps{Now: 1, Total: 2},
		Lead: lead, Action: phonePath(cs),
	})
}

func (c phoneChange) send(w http.ResponseWriter, r *http.Request) error {
	cs, ok, err := c.openPhone(w, r)
	if !ok {
		return err
	}
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	phone, err := person.ParsePhone(form.Get("phone"))
	if form.FailIf("phone", err) {
		return c.renderForm(w, r, cs, form, form.Status())
	}
	s, err := c.Kit.Session(r)
	if err != nil {
		return err
	}
	var before newPhone
	if err := c.request(r, s, newPhone{Case: cs.ID, Phone: phone}); err != nil {
		if fault.Is(err, fault.TooMany) && s.GetJSON(valueNewPhone, &before) && before.Phone == phone && c.Kit.Now().Before(before.Until) {
			before.Case = cs.ID
			if err := s.PutJSON(valueNewPhone, before); err != nil {
				return err
			}
			c.Kit.FlashOK(r, "验证码已发送，请查看短信。")
			web.Redirect(w, r, phonePath(cs)+"/code")
			return nil
		}
		if absorbed := form.Absorb("phone", err); absorbed != nil {
			return absorbed
		}
		return c.renderForm(w, r, cs, form, form.Status())
	}
	web.Redirect(w, r, phonePath(cs)+"/code")
	return nil
}

func (c phoneChange) request(r *http.Request, s *web.Session, change newPhone) error {
	sent, err := c.Codes.Request(r.Context(), codestore.Ask{
		Purpose: codestore.Application, Phone: change.Phone, PersonID: web.User(r).ID, Session: s.ID(), Address: web.ClientIP(r),
	})
	if err != nil {
		return err
	}
	change.Sent, change.Until = sent.ResendAt, sent.ExpiresAt
	return s.PutJSON(valueNewPhone, change)
}

// under reads the change that is under way for this case.
func (c phoneChange) under(w http.ResponseWriter, r *http.Request) (cs cardstore.Case, s *web.Session, change newPhone, ok bool, err error) {
	if cs, ok, err = c.openPhone(w, r); !ok {
		return cs, nil, change, false, err
	}
	if s, err = c.Kit.Session(r); err != nil {
		return cs, nil, change, false, err
	}
	if !s.GetJSON(valueNewPhone, &change) || change.Case != cs.ID {
		c.Kit.FlashWarn(r, "停留时间太长，请重新填写。")
		web.Redirect(w, r, phonePath(cs))
		return cs, nil, change, false, nil
	}
	return cs, s, change, true, nil
}

func (c phoneChange) codeForm(w http.ResponseWriter, r *http.Request) error {
	cs, _, change, ok, err := c.under(w, r)
	if !ok {
		return err
	}
	return c.renderCode(w, r, cs, change, web.NewForm(nil), http.StatusOK)
}

func (c phoneChange) renderCode(w http.ResponseWriter, r *http.Request, cs cardstore.Case, change newPhone, form *web.Form, status int) error {
	return c.Kit.Render(w, r, status, "applicant/account/code", &codePage{
		Frame: web.Frame{Title: "确认领卡手机号", Back: phonePath(cs)}, Form: form, Steps: web.Steps{Now: 2, Total: 2},
		Lead: "验证码已发送到 " + change.Phone.Masked() + "。", Action: phonePath(cs) + "/code", Submit: "更换手机号",
		Resend: phonePath(cs) + "/resend", Change: phonePath(cs), Wait: max(0, int(change.Sent.Sub(c.Kit.Now()).Seconds())),
	})
}

func (c phoneChange) resend(w http.ResponseWriter, r *http.Request) error {
	cs, s, change, ok, err := c.under(w, r)
	if !ok {
		return err
	}
	form := web.NewForm(nil)
	if err := form.Absorb("", c.request(r, s, change)); err != nil {
		return err
	}
	if !form.OK() {
		return c.renderCode(w, r, cs, change, form, form.Status())
	}
	c.Kit.FlashOK(r, "新的验证码已发送，以前的验证码不再有效。")
	web.Redirect(w, r, phonePath(cs)+"/code")
	return nil
}

func (c phoneChange) code(w http.ResponseWriter, r *http.Request) error {
	cs, s, change, ok, err := c.under(w, r)
	if !ok {
		return err
	}
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	err = c.Codes.Verify(r.Context(), codestore.Try{
		Purpose: codestore.Application, Phone: change.Phone, Session: s.ID(), PersonID: web.User(r).ID, Code: form.Get("code"),
	})
	if err != nil {
		if absorbed := form.Absorb("code", err); absorbed != nil {
			return absorbed
		}
		return c.renderCode(w, r, cs, change, form, form.Status())
	}
	sealed, err := c.Vault.SealString(change.Phone.String(), cardstore.LabelPhone)
	if err != nil {
		return err
	}
	err = c.Processes.ChangePhone(r.Context(), workflows.ChangePhoneInput{ApplicationID: cs.ID, PersonID: web.User(r).ID, SealedPhone: sealed})
	if err = c.Desk.Decided(r, err, cs.ID, func(cardstore.Case) bool { return false }); err != nil {
		if absorbed := form.Absorb("", err); absorbed != nil {
			return absorbed
		}
		now, _, openErr := c.Desk.Open(r)
		if openErr != nil {
			return openErr
		}
		if !c.Desk.Outlook(now).ChangePhone {
			return c.Desk.Past(w, r, now)
		}
		return c.renderCode(w, r, cs, change, form, web.StatusOf(err))
	}
	s.Remove(valueNewPhone)
	c.Kit.FlashOK(r, "领卡手机号已换成 "+change.Phone.Masked()+"。")
	web.Redirect(w, r, cases.Path(cs.ID))
	return nil
}
