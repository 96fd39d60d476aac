package branch

import (
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"volcard/api/web"
	"volcard/internal/card"
	"volcard/internal/clock"
	"volcard/internal/credential"
	"volcard/internal/fault"
	"volcard/internal/limit"
	"volcard/internal/store/cardstore"
	"volcard/workflows"
)

// casePage is one case at the counter.
type casePage struct {
	web.Frame
	Case   cardstore.CounterCase
	Form   *web.Form
	Done   *handedOver // where the card was handed over already
	Notice string      // why it cannot be handed over now
	Focus  string      // the field that comes next
}

// Seen is since when the case waits, as the page shows it: an act meant for an earlier wait is refused.
func (p *casePage) Seen() string { return stamp(p.Case.ReadyAt) }

// fieldSeen carries the moment of what the clerk looks at.
const fieldSeen = "seen"

func stamp(t *time.Time) string {
	if t == nil {
		return ""
	}
	return strconv.FormatInt(t.UnixMicro(), 10) // as exact as the row
}

// seen reads what stamp wrote. A form without it means what the row shows now.
func seen(form *web.Form, now *time.Time) time.Time {
	if n, err := strconv.ParseInt(form.Get(fieldSeen), 10, 64); err == nil {
		return time.UnixMicro(n).UTC()
	}
	if now == nil {
		return time.Time{}
	}
	return *now
}

func newCasePage(c cardstore.CounterCase, form *web.Form) *casePage {
	return &casePage{Frame: web.Frame{Title: "发卡"}, Case: c, Form: form, Focus: "tail"}
}

// LongName tells the page to set the name smaller: beyond this it would fill the screen.
func (p *casePage) LongName() bool { return len([]rune(p.Case.HolderName)) > 9 }

// Regular tells whether the card has a photo and a number of its own.
func (p *casePage) Regular() bool { return p.Case.Edition == card.Regular }

// Photo tells whether there is a photo to compare the holder with.
func (p *casePage) Photo() bool {
	return p.Regular() && p.Case.Consented && (p.Ready() || p.Case.State == card.Collected)
}

// Ready tells whether the card can be handed over.
func (p *casePage) Ready() bool {
	return p.Case.State == card.Ready && p.Case.Hindrance() == card.Unhindered
}

func (h room) showCase(w http.ResponseWriter, r *http.Request) error {
	me, c, err := h.caseOf(r)
	if err != nil {
		return err
	}
	// Who looked at whom can be told afterwards (T58); identifiers only.
	slog.InfoContext(r.Context(), "case shown to clerk", "staff", me.ID, "application", c.ID)
	return h.renderCase(w, r, newCasePage(c, web.NewForm(nil)), http.StatusOK)
}

func (h room) renderCase(w http.ResponseWriter, r *http.Request, p *casePage, status int) error {
	if p.Case.State == card.Collected {
		done := h.handed(p.Case)
		p.Done = &done
	}
	if p.Notice == "" {
		p.Notice = whyNot(p.Case)
	}
	return h.Kit.Render(w, r, status, "branch/case", p)
}

// takenBack is all that a clerk hears of a person who lets the bank see nothing.
const takenBack = "持卡人已撤回授权。请持卡人在手机上打开“我的账号 → 授权与同意”，重新同意“向领卡银行提供信息”，之后刷新本页就可以发卡。"

// whyNot tells the clerk, and through the clerk the holder, why there is no card to hand over; empty
// where there is one.
func whyNot(c cardstore.CounterCase) string {
	if c.State != card.Collected {
		switch c.Hindrance() {
		case card.CardSuspended:
			return "证件已暂停使用，现在不能发卡。请持卡人联系省志愿者协会，恢复使用后刷新本页就可以发卡。"
		case card.CardCancelled, card.CardReplaced:
			return "证件已经注销或者换发，不能再发卡。请持卡人在手机上查看“我的证件”。"
		default:
		}
	}
	if !c.Consented && c.State != card.Collected {
		return takenBack
	}
	regular := c.Edition == card.Regular
	switch c.State {
	case card.Ready:
	case card.Collected:
		return alreadyCollected(c)
	case card.Lapsed:
		if regular {
			return "领卡期限已过，卡片仍由本网点保管。请申请人在手机上打开这份申请，点“重新预约领取”，之后刷新本页就可以发卡。"
		}
		return "领卡期限已过，为申请人预留的卡片已经收回。请申请人在手机上重新选择领卡网点，选好后就可以领卡。"
	case card.Producing:
		return "卡片还没有到网点，到达后申请人会收到短信。如果包裹已经在本网点，请先在“到卡确认”里确认到达。"
	case card.Accepted, card.Held, card.Reviewing, card.Mending, card.Waiting:
		if regular {
			return "这份申请还在办理，卡片还没有制作。卡片到达网点后，申请人会收到短信。"
		}
		return "这份申请还在核对，现在还不能领卡。通过后申请人会收到短信。"
	case card.Withdrawn:
		return "这份申请已由申请人撤回，没有可发的卡片。"
	case card.Refused:
		return "这份申请没有通过，没有可发的卡片。"
	case card.Closed:
		return "这份申请长期没有领卡，已经结束，不能再领卡。需要实体卡的，请申请人联系省志愿者协会。"
	}
	return ""
}

func alreadyCollected(c cardstore.CounterCase) string {
	if c.HandedOverAt == nil {
		return "该证已经领取，不能重复领取。"
	}
	return "该证已于" + c.HandedOverAt.In(clock.Shanghai).Format("2006年1月2日15:04") + "由" + c.HandedOverBy +
		"在本网点发放（" + plastic(c.Edition) + c.Serial + "），不能重复领取。"
}

// handOver checks the holder's ID number and lets the process hand the card over. Sending it again
// does no harm: the row decides, and the same act of the same clerk is told as done.
func (h room) handOver(w http.ResponseWriter, r *http.Request) error {
	me, c, err := h.caseOf(r)
	if err != nil {
		return err
	}
	form, err := web.ParseForm(r)
	if err != nil {
		return err
	}
	p := newCasePage(c, form)
	if c.State == card.Ready && c.Hindrance() != card.Unhindered {
		return h.renderCase(w, r, p, http.StatusConflict)
	}
	limited, err := h.checkTail(r, me, c, form)
	if err != nil {
		return err
	}
	serial, err := h.readCard(r, c, form)
	if err != nil {
		return err
	}
	if !form.OK() {
		p.Focus = firstFault(form)
		return h.renderCase(w, r, p, statusOf(form, limited))
	}
	in := workflows.HandOverInput{ApplicationID: c.ID, BranchID: me.Branch, StaffID: me.ID, Serial: serial, Seen: seen(form, c.ReadyAt)}
	err = h.Process.HandOver(r.Context(), in)
	if err == nil {
		web.Redirect(w, r, "/branch?last="+c.ID.String())
		return nil
	}
	return h.afterRefusal(w, r, me, p, serial, err)
}

// readCard reads what was scanned from the plastic card: a general one's serial, a regular one's number
// or QR. What it cannot read stands beside the field.
func (h room) readCard(r *http.Request, c cardstore.CounterCase, form *web.Form) (string, error) {
	text := form.Get("serial")
	if c.Edition != card.Regular {
		serial, ok := parseSerial(text)
		switch {
		case text == "":
			form.Fail("serial", "请扫描或输入卡片上的序列号。")
		case !ok:
			form.Fail("serial", "没有认出这个序列号。它由 6 到 20 位字母和数字组成，请重新扫描卡片。")
		}
		return serial, nil
	}
	q, _ := parseQuery(text)
	switch {
	case text == "":
		form.Fail("serial", "请扫描或输入卡片上的证号。")
	case q.card != "":
		return q.card, nil
	case q.scan != "":
		_, claims, err := h.Keyring.Redeem(r.Context(), q.scan, h.Kit.Now())
		if err != nil && !errors.Is(err, credential.ErrExpired) {
			return "", form.Absorb("serial", err)
		}
		return claims.CardNumber, nil
	default:
		form.Fail("serial", "没有认出这个证号。它是卡片上的 14 位数字；也可以扫描卡片背面的二维码。")
	}
	return "", nil
}

// photo shows the holder's portrait, to compare with the person at the counter.
func (h room) photo(w http.ResponseWriter, r *http.Request) error {
	me, c, err := h.caseOf(r)
	if err != nil {
		return err
	}
	jpeg, err := h.Photos.ForCounter(r.Context(), me.Branch, c.ID, h.Terms.Undo)
	if err != nil {
		return err
	}
	return web.SendPrivate(w, r, "image/jpeg", "", jpeg)
}

// firstFault is the field that the clerk mends first; the order is the page's.
func firstFault(form *web.Form) string {
	if form.Error("tail") != "" || form.OK() {
		return "tail"
	}
	return "serial"
}

// checkTail compares what the clerk read from the identity card. The tail stays in this room: the
// process never hears of it. Wrong tries are counted for each clerk and case; a text that cannot
// be a tail, as a scan in the wrong field, is none.
func (h room) checkTail(r *http.Request, me clerk, c cardstore.CounterCase, form *web.Form) (limited, err error) {
	tail, ok := parseTail(form.Get("tail"))
	if !ok {
		form.Fail("tail", wantTail)
		return nil, nil
	}
	ctx, key := r.Context(), me.ID.String()+" "+c.ID.String()
	if err := h.Limiter.Allow(ctx, limit.CounterTail, key); err != nil {
		return err, tooManyTails(form, err)
	}
	ok, err = h.Counter.TailMatches(ctx, me.Branch, c.ID, tail)
	if err != nil {
		return nil, err
	}
	if !ok {
		slog.WarnContext(ctx, "wrong tail of an ID number", "staff", me.ID, "application", c.ID)
		form.Fail("tail", "与申请人的证件号不符。请核对本人身份证后重新输入。")
		return nil, nil
	}
	return nil, h.Limiter.Forget(ctx, limit.CounterTail, key)
}

const unclear = "办理系统暂时繁忙，还不能确定这次发卡是否完成。请直接再按一次“确认发卡”，不会重复发卡。"

// afterRefusal says why the process did not hand the card over. Where the process has ended or
// cannot be reached, the row is asked: it knows what was done.
func (h room) afterRefusal(w http.ResponseWriter, r *http.Request, me clerk, p *casePage, serial string, cause error) error {
	ended := errors.Is(cause, workflows.ErrEnded)
	kind := fault.KindOf(cause)
	if !ended && kind != fault.Conflict && kind != fault.Invalid && kind != fault.Unavailable {
		return cause
	}
	c, err := h.Counter.Get(r.Context(), me.Branch, p.Case.ID)
	if err != nil {
		return err
	}
	p.Case = c
	switch {
	case c.State == card.Collected && (ended || kind == fault.Unavailable) && c.Serial == serial:
		// Done after all; only the answer was lost.
		web.Redirect(w, r, "/branch?last="+c.ID.String())
		return nil
	case c.State != card.Ready, c.Hindrance() != card.Unhindered:
		// Of a hand-over the row tells.
		if c.Consented && kind == fault.Conflict && !ended && c.State != card.Collected {
			p.Notice = fault.Sentence(cause)
		}
		return h.renderCase(w, r, p, http.StatusConflict)
	case ended, kind == fault.Unavailable:
		p.Focus = "serial"
		p.Form.Fail("", unclear)
		w.Header().Set("Retry-After", "5")
		return h.renderCase(w, r, p, http.StatusServiceUnavailable)
	}
	// The case is as it was, so it is the plastic card that will not do.
	p.Focus = "serial"
	p.Form.Fail("serial", fault.Sentence(cause))
	return h.renderCase(w, r, p, web.StatusOf(cause))
}
