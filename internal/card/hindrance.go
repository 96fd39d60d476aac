package card

import (
	"slices"
	"strings"
	"time"
)

// Hindrance is what keeps a case from what its state alone says. Every page that names the state asks for it.
type Hindrance string

// Hindrances, the gravest first.
const (
	Unhindered     Hindrance = ""
	CardReplaced   Hindrance = "replaced"
	CardCancelled  Hindrance = "cancelled"
	CardSuspended  Hindrance = "suspended"
	ConsentMissing Hindrance = "consent"
	PromiseBroken  Hindrance = "late"
)

// HindranceOf returns the gravest hindrance of a case. status is its card's, empty where none is issued; missing
// reports a consent without which the case does not go on; late that the promised dates are over.
func HindranceOf(state State, status Status, missing, late bool) Hindrance {
	if state == Withdrawn || state == Refused {
		return Unhindered // over, and the state says so
	}
	switch status {
	case Replaced:
		return CardReplaced
	case Cancelled:
		return CardCancelled
	case Suspended:
		return CardSuspended
	case Valid:
	}
	switch {
	case missing && (state == Ready || state == Lapsed || state == Waiting):
		return ConsentMissing
	case late && state != Mending: // a case that is to be mended is promised anew
		if _, unmade := Next(state, Overdue); unmade {
			return PromiseBroken
		}
	}
	return Unhindered
}

// StaffText is a hindrance as staff read it instead of the state's name; empty where the state's name holds.
func (h Hindrance) StaffText() string {
	switch h {
	case CardReplaced:
		return "证件已换发"
	case CardCancelled:
		return "证件已注销"
	case CardSuspended:
		return "证件已暂停使用"
	case ConsentMissing:
		return "等申请人授权"
	case Unhindered, PromiseBroken:
	}
	return ""
}

// hinder replaces what the state alone would say.
func (o *Outlook) hinder(s Situation) {
	_, unmade := Next(s.State, Overdue)
	o.Late = unmade && (s.Overdue || (!s.PromisedUntil.IsZero() && s.Now.After(s.PromisedUntil)))
	h := HindranceOf(s.State, s.CardStatus, len(s.Missing) > 0, o.Late)
	if h != Unhindered {
		o.Tone = ToneWarn
	}
	switch h {
	case CardReplaced, CardCancelled:
		o.Tone, o.Headline = ToneOver, h.StaffText()
		o.Lead = "这张证件已经注销，不再有效，实体卡也不能再领取。"
		if h == CardReplaced {
			o.Lead = "这张证件已经换发，请使用新证件。"
		}
		o.Ahead, o.Collect, o.ChooseBranch = nil, false, false
	case CardSuspended:
		o.Headline = h.StaffText()
		o.Lead = "暂停期间，扫码核验会显示已暂停。"
		if s.State == Ready || s.State == Lapsed {
			o.Lead = "暂停期间，网点不能发卡，扫码核验会显示已暂停。恢复使用后可以继续领卡。"
			o.Ahead = append([]Milestone{{Text: "恢复使用证件", Who: Admin}}, o.Ahead...)
		}
		o.Collect, o.ChooseBranch = false, false
	case ConsentMissing:
		o.Collect = false
		missing := "“" + strings.Join(s.Missing, "”和“") + "”"
		if s.State == Waiting {
			o.Headline = "需要您同意后才能制卡"
			o.Lead = "电子证已经生效。您还没有同意或者撤回了" + missing + "，同意之前实体卡不会进入制卡批次。"
		} else {
			o.Headline = "需要您授权后才能领卡"
			o.Lead = "电子证已经生效。您还没有同意或者撤回了" + missing + "，同意之前网点不能为您发卡。"
		}
		o.Ahead = append([]Milestone{{Text: "同意" + missing, Who: Applicant}}, o.Ahead...)
	case PromiseBroken:
		o.Headline = "实体卡晚于预计，正在跟进"
		o.Lead = "很抱歉，实体卡没有在承诺的日期送达，我们正在跟进，送达网点后会用短信通知您。"
		if s.CardStatus == Valid {
			o.Lead += "电子证照常有效。"
		}
	case Unhindered:
	}
	if s.State == Mending && s.Overdue {
		o.Lead = "很抱歉，实体卡没有在承诺的日期送达。" + o.Lead
	}
	o.Ahead = slices.Clone(o.Ahead)
	for i := range o.Ahead {
		if o.Ahead[i].Until.Before(s.Now) { // a deadline that is over helps nobody
			o.Ahead[i].Until = time.Time{}
		}
	}
}
