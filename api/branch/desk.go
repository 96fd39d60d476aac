package branch

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gofrs/uuid/v5"

	"volcard/api/web"
	"volcard/internal/card"
	"volcard/internal/clock"
	"volcard/internal/credential"
	"volcard/internal/fault"
	"volcard/internal/limit"
	"volcard/internal/person"
	"volcard/internal/store/cardstore"
)

// lapseSoon is the time within which a waiting card counts as lapsing soon.
const lapseSoon = 3 * 24 * time.Hour

// maxFound bounds an answer: who has more than a handful of namesakes needs another key.
const maxFound = 5

// deskPage is the counter: one field, and what lies before the branch today.
type deskPage struct {
	web.Frame
	Branch string
	Form   *web.Form
	ByName bool // the fields of the name search have the focus
	Found  []cardstore.CounterCase
	Last   *handedOver // what was done a moment ago
	Work   cardstore.Workload
	Recent []handedOver
	Soon   int // days
	Coming int // parcels under way
}

// plastic names what is printed on a plastic card and scanned at the counter.
func plastic(e card.Edition) string {
	if e == card.Regular {
		return "证号"
	}
	return "卡片序列号"
}

// handedOver is a case after its hand-over, or after the hand-over was taken back.
type handedOver struct {
	cardstore.CounterCase
	Masked    string
	Undone    bool
	UndoUntil time.Time
	MayUndo   bool
}

// Plastic names the number under which the card went over.
func (o handedOver) Plastic() string { return plastic(o.Edition) }

func (h room) handed(c cardstore.CounterCase) handedOver {
	o := handedOver{CounterCase: c, Undone: c.State == card.Ready, Masked: "*"}
	if n, err := person.ParseName(c.HolderName); err == nil {
		o.Masked = n.Masked()
	}
	if c.HandedOverAt != nil {
		o.UndoUntil = c.HandedOverAt.Add(h.Terms.Undo)
		o.MayUndo = !h.Kit.Now().After(o.UndoUntil)
	}
	return o
}

func (h room) desk(w http.ResponseWriter, r *http.Request) error {
	me, err := clerkOf(r)
	if err != nil {
		return err
	}
	p := &deskPage{Form: web.NewForm(nil)}
	if err := h.lastOf(r, me, p); err != nil {
		return err
	}
	return h.showDesk(w, r, me, p, http.StatusOK)
}

// lastOf fills in the case that the clerk comes from, where it is one of this branch.
func (h room) lastOf(r *http.Request, me clerk, p *deskPage) error {
	id, err := uuid.FromString(r.URL.Query().Get("last"))
	if err != nil {
		return nil // no or no proper parameter: nothing was done before
	}
	c, err := h.Counter.Get(r.Context(), me.Branch, id)
	switch {
	case fault.Is(err, fault.NotFound):
		return nil
	case err != nil:
		return err
	}
	if c.State == card.Collected || c.State == card.Ready {
		last := h.handed(c)
		p.Last = &last
	}
	return nil
}

func (h room) showDesk(w http.ResponseWriter, r *http.Request, me clerk, p *deskPage, status int) error {
	ctx, now := r.Context(), h.Kit.Now()
	b, err := h.Places.Branch(ctx, me.Branch)
	if err != nil {
		return err
	}
	y, m, d := now.In(clock.Shanghai).Date()
	today := time.Date(y, m, d, 0, 0, 0, 0, clock.Shanghai)
	if p.Work, err = h.Counter.Workload(ctx, me.Branch, now.Add(lapseSoon), today); err != nil {
		return err
	}
	recent, err := h.Counter.Recent(ctx, me.Branch, today)
	if err != nil {
		return err
	}
	for _, c := range recent {
		p.Recent = append(p.Recent, h.handed(c))
	}
	coming, err := h.Batches.UnderWay(ctx, me.Branch)
	if err != nil {
		return err
	}
	p.Coming = len(coming)
	p.Title, p.Branch, p.Soon = "领卡核发", b.Name, int(lapseSoon.Hours()/24)
	return h.Kit.Render(w, r, status, "branch/desk", p)
}

// find looks a case up and leads to it. The form is a POST: a name belongs into no address.
func (h room) find(w http.ResponseWriter, r *http.Request) error {
	me, err := clerkOf(r)
	if err != nil {
		return err
	}
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	p := &deskPage{Form: form, ByName: form.Is("by", "name")}
	field := "code"
	if p.ByName {
		field = "name"
	}
	var found []cardstore.CounterCase
	limited := h.Limiter.Allow(r.Context(), limit.CounterSearch, me.ID.String())
	switch {
	case fault.Is(limited, fault.TooMany):
		form.Fail(field, "查找得太快了，请稍等片刻再试。")
		form.Limit(limited)
	case limited != nil:
		return limited
	case p.ByName:
		found, limited, err = h.findByName(r, me, form)
	default:
		found, err = h.findByCode(r, me, form)
	}
	if err != nil {
		return err
	}
	switch {
	case len(found) == 1:
		web.Redirect(w, r, "/branch/cases/"+found[0].ID.String())
		return nil
	case len(found) > maxFound:
		form.Fail(field, "找到的申请太多，请改用申请编号或扫描电子证的二维码。")
	case len(found) > 1:
		p.Found = found
	}
	return h.showDesk(w, r, me, p, statusOf(form, limited))
}

const notHere = "本网点没有找到这份申请。请申请人在手机上核对领卡网点和取卡码。"

func (h room) findByCode(r *http.Request, me clerk, form *web.Form) (found []cardstore.CounterCase, err error) {
	text := form.Get("code")
	if text == "" {
		form.Fail("code", "请输入取卡码，或扫描电子证的二维码。")
		return nil, nil
	}
	q, ok := parseQuery(text)
	if !ok {
		form.Fail("code", "没有认出这个号码。取卡码是 8 位数字，申请编号以 HB 开头；也可以重新扫描二维码。")
		return nil, nil
	}
	ctx := r.Context()
	switch {
	case q.code != "":
		found, err = h.Counter.ByCode(ctx, me.Branch, q.code)
	case q.application != "":
		found, err = h.Counter.ByNumber(ctx, me.Branch, q.application)
	case q.card != "":
		return h.byCardNumber(ctx, me, form, q.card)
	default:
		_, claims, scanErr := h.Keyring.Redeem(ctx, q.scan, h.Kit.Now())
		// An expired card's claims are true: the clerk finds the case and reads how it stands.
		if scanErr != nil && !errors.Is(scanErr, credential.ErrExpired) {
			return nil, form.Absorb("code", scanErr)
		}
		return h.byCardNumber(ctx, me, form, claims.CardNumber)
	}
	if err == nil && len(found) == 0 {
		form.Fail("code", notHere)
	}
	return found, err
}

// byCardNumber finds the case of a card. A number of a database that was lost has no case, and its card is no good.
func (h room) byCardNumber(ctx context.Context, me clerk, form *web.Form, number string) ([]cardstore.CounterCase, error) {
	found, err := h.Counter.ByCardNumber(ctx, me.Branch, number)
	if err != nil || len(found) > 0 {
		return found, err
	}
	revoked, err := h.Counter.Revoked(ctx, number)
	if err != nil {
		return nil, err
	}
	form.Fail("code", map[bool]string{true: "这个证号已经注销，请收下卡片，并请持卡人联系省志愿者协会。", false: notHere}[revoked])
	return nil, nil
}

// findByName needs the full name and the tail of the ID number. Misses are counted for each name,
// so that nobody finds the tail by trying.
func (h room) findByName(r *http.Request, me clerk, form *web.Form) (found []cardstore.CounterCase, limited, err error) {
	name, err := person.ParseName(form.Get("name"))
	form.FailIf("name", err)
	tail, ok := parseTail(form.Get("tail"))
	if !ok {
		form.Fail("tail", wantTail)
	}
	if !form.OK() {
		return nil, nil, nil
	}
	ctx, key := r.Context(), me.ID.String()+" "+name.String()
	if err := h.Limiter.Allow(ctx, limit.CounterTail, key); err != nil {
		return nil, err, tooManyTails(form, err)
	}
	found, err = h.Counter.ByName(ctx, me.Branch, name.String(), tail)
	if err != nil {
		return nil, nil, err
	}
	if len(found) == 0 {
		form.Fail("name", "本网点没有姓名和证件号后四位都相符的待领卡片。还没有到网点的卡片，请按申请编号查找。")
		return nil, nil, nil
	}
	return found, nil, h.Limiter.Forget(ctx, limit.CounterTail, key)
}

const wantTail = "请输入身份证号的最后四位（最后一位可以是 X）。"

// tooManyTails says when the tail may be tried again; any other failure is returned.
func tooManyTails(form *web.Form, err error) error {
	if !fault.Is(err, fault.TooMany) {
		return err
	}
	wait, _ := limit.RetryAfter(err)
	form.Fail("tail", "证件号后四位输错的次数太多，请在"+limit.Text(wait)+"后再试，或请另一位同事核对证件后办理。")
	form.Limit(err)
	return nil
}
