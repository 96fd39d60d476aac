package card

import "time"

// Party is who must act.
type Party string

const (
	Nobody    Party = ""
	System    Party = "系统自动办理"
	Applicant Party = "您本人"
	Admin     Party = "省级管理员"
	Reviewer  Party = "照片审核员"
	Factory   Party = "制卡厂"
)

// Situation is what the outlook of a case depends on.
type Situation struct {
	Edition     Edition
	State       State
	Now         time.Time
	SubmittedAt time.Time
	PickupUntil time.Time // zero: the card has never waited
	ClosedAt    time.Time // zero: open
	Branch      string
	Terms       Terms

	CardStatus Status   // empty: no card is issued
	Missing    []string // titles of the consents without which the case does not go on

	// Of the regular edition only.
	PromisedUntil time.Time // the last instant of the promised days
	Overdue       bool      // people were told that it is over
	MendUntil     time.Time // zero: nothing is to be mended
	// ConfirmOnly: of a case that is to be mended nothing is wrong; its preview is to be confirmed.
	ConfirmOnly bool
}

// Outlook tells where a case stands and what comes next, in words for its applicant.
type Outlook struct {
	Tone     Tone
	Headline string
	Lead     string
	// Ahead are the steps to come; the first is the next one. None: the case is over.
	Ahead []Milestone
	// Recheck is after how long a page should look again; zero: nothing moves by itself.
	Recheck time.Duration
	Collect bool // the card of plastic can be collected now
	Late    bool // the promised dates are over: they are shown no more
	// What the applicant may do now.
	Withdraw, ChooseBranch, Reapply bool
	ChangeDesign, ChangePhone       bool // another photo or face, another phone
}

// Milestone is a step to come: who makes it, and until when; zero: no deadline.
type Milestone struct {
	Text  string
	Who   Party
	Until time.Time
}

// Tone is the mood of a state.
type Tone string

const (
	ToneWait Tone = "wait" // something is under way
	ToneGood Tone = "good" // the applicant has what was asked for, or can have it
	ToneWarn Tone = "warn" // something was missed
	ToneOver Tone = "over" // over, without a card of plastic
)

const (
	// slow is when an accepted case takes longer than a person expects: the process engine is away.
	slow = 30 * time.Second
	// How soon a page looks again: while the process works, and while only people act.
	recheckSoon, recheckLater = 3 * time.Second, 30 * time.Second
	// patience is how long a page expects the process to answer at once. After it the engine is away
	// for longer, and hundreds of open pages would ask for hours.
	patience = 2 * time.Minute
)

// recheck is how soon a page looks again at what the process has had to do for so long.
func recheck(due time.Duration) time.Duration {
	if due > patience {
		return recheckLater
	}
	return recheckSoon
}

// LookAhead tells the outlook of a case.
func LookAhead(s Situation) Outlook {
	collect := Milestone{Text: "带身份证到" + s.Branch + "领取实体卡", Who: Applicant}
	o := Outlook{
		Headline:     s.State.Text(),
		Withdraw:     Allowed(s.Edition, s.State, Withdraw),
		ChooseBranch: Allowed(s.Edition, s.State, ChooseBranch),
		ChangeDesign: s.State == Mending || Allowed(s.Edition, s.State, ChangeDesign),
		ChangePhone:  Allowed(s.Edition, s.State, ChangePhone),
	}
	switch s.State {
	case Accepted:
		o.Tone, o.Recheck = ToneWait, recheck(s.Now.Sub(s.SubmittedAt))
		o.Lead = "申请已经保存，正在自动核对并签发电子证，一般几秒钟完成。"
		if s.Now.Sub(s.SubmittedAt) > slow {
			o.Lead = "申请已经保存，不会丢失，也不用重复提交。办理系统暂时繁忙，恢复后会自动继续，并用短信通知您。"
		}
		o.Ahead = []Milestone{{Text: "自动核对，签发电子证", Who: System}}
		if s.Edition == Regular {
			o.Ahead = append(o.Ahead, made(s)...)
		}
		o.Ahead = append(o.Ahead, collect)
	case Reviewing:
		o.Tone, o.Recheck = ToneWait, recheckLater
		o.Lead = "照片需要人工看一眼，一般一个工作日内完成，结果会用短信通知您。此时可以更换照片、卡面、网点或手机号，不影响排队。"
		o.Ahead = append([]Milestone{{Text: "审核照片，签发电子证", Who: Reviewer, Until: s.PromisedUntil}}, append(made(s), collect)...)
	case Mending:
		o.Tone, o.Recheck = ToneWarn, recheckLater
		o.Lead = "请按下面的说明修改，并重新确认卡面。排队位置为您保留；送达日期从您重新确认那天起算。"
		step := "更换照片或确认卡面"
		if s.ConfirmOnly {
			o.Headline, step = "请确认卡面", "确认卡面"
			o.Lead = "没有需要修改的内容，请核对卡面预览并确认。排队位置为您保留；送达日期从您确认那天起算。"
		}
		o.Ahead = append([]Milestone{{Text: step, Who: Applicant, Until: s.MendUntil}}, append(made(s), collect)...)
	case Waiting:
		o.Tone, o.Recheck = ToneGood, recheckLater
		o.Lead = "电子证已经生效。实体卡正在排队，进入制卡批次之前，可以更换照片、卡面、网点或手机号。"
		o.Ahead = append(made(s), collect)
	case Producing:
		o.Tone, o.Recheck = ToneGood, recheckLater
		o.Lead = "电子证已经生效。实体卡已进入制卡批次，内容不能再修改；送达网点后会用短信通知您。"
		o.Ahead = append(made(s), collect)
	case Held:
		o.Tone, o.Recheck = ToneWait, recheckLater
		o.Lead = "您的姓名中有字库暂时缺少的字。为了不印错，先由省级管理员人工核对，结果会用短信通知您。"
		o.Ahead = []Milestone{{Text: "核对姓名用字，签发电子证", Who: Admin}, collect}
		if s.Edition == Regular {
			o.Lead += "核对后请您确认一次卡面，送达日期从您确认那天起算。此时可以更换照片、卡面、网点或手机号。"
			// The promise as it stands binds the check; what comes after it is counted anew.
			o.Ahead = []Milestone{
				{Text: "核对姓名用字", Who: Admin, Until: s.PromisedUntil},
				{Text: "确认卡面，签发电子证", Who: Applicant},
				{Text: "制卡并送达" + s.Branch, Who: Factory},
				collect,
			}
		}
	case Ready:
		o.Tone, o.Recheck = ToneGood, recheckLater
		o.Lead = "电子证已经生效。实体卡在" + s.Branch + "为您预留，请本人带身份证，凭取卡码领取。"
		o.Collect = true
		if !s.PickupUntil.IsZero() && s.Now.After(s.PickupUntil) {
			o.Collect, o.Headline = false, "领取期限已过"
			o.Tone, o.Recheck = ToneWarn, recheck(s.Now.Sub(s.PickupUntil))
			o.Lead = "电子证有效。实体卡的领取期限已过，预留即将取消；取消后可以重新选择网点。"
			if s.Edition == Regular {
				o.Lead = "电子证有效。实体卡的领取期限已过，卡片仍在" + s.Branch + "；稍后可以重新预约领取。"
			}
		}
		collect.Until = s.PickupUntil
		o.Ahead = []Milestone{collect}
	case Lapsed:
		o.Tone, o.Recheck = ToneWarn, recheckLater
		o.Lead = "实体卡超过期限没有领取，预留的卡片已退回网点。电子证不受影响，重新选择网点后仍可领取。"
		again := Milestone{Text: "重新选择领卡网点", Who: Applicant}
		if s.Edition == Regular {
			o.Lead = "实体卡超过期限没有领取，仍由" + s.Branch + "保管。电子证不受影响，重新预约后仍可到该网点领取。"
			again.Text = "重新预约领取"
		}
		if !s.PickupUntil.IsZero() {
			again.Until = s.PickupUntil.Add(s.Terms.Lapsed)
		}
		o.Ahead = []Milestone{again, {Text: "带身份证到所选网点领取实体卡", Who: Applicant}}
	case Collected:
		o.Tone = ToneGood
		o.Lead = "实体卡已经由您本人领取，电子证继续有效。感谢您的志愿服务。"
		if s.Now.Before(s.ClosedAt.Add(s.Terms.Undo)) {
			o.Recheck = recheckLater // the clerk can still take it back
		}
	case Closed:
		o.Tone = ToneOver
		o.Lead = "实体卡长期没有领取，这份申请已经结束。电子证继续有效；需要实体卡时请联系省志愿者协会。"
	case Withdrawn:
		o.Tone, o.Reapply = ToneOver, true
		o.Lead = "您已撤回这份申请，已签发的电子证同时注销。需要时可以重新申请。"
	case Refused:
		o.Tone, o.Reapply = ToneOver, true
		o.Lead = "这份申请没有通过，没有有效的证件。请看下面的原因，更正后可以重新申请。"
	}
	o.hinder(s)
	return o
}

// made is the step of a regular card from the approval to the branch.
func made(s Situation) []Milestone {
	return []Milestone{{Text: "制卡并送达" + s.Branch, Who: Factory, Until: s.PromisedUntil}}
}

// TextOf is a recorded step of a case of this edition as its applicant reads it.
func (a Action) TextOf(e Edition) string {
	if a == Lapse && e == Regular { // nothing was reserved: the card itself lies there
		return "逾期未领，卡片由网点保管"
	}
	return a.Text()
}

// Text is a recorded step in words.
func (a Action) Text() string {
	switch a {
	case Submit:
		return "提交申请"
	case Issue:
		return "自动核对通过，签发电子证"
	case Hold:
		return "姓名用字转人工核对"
	case Release:
		return "人工核对通过，签发电子证"
	case Refuse:
		return "人工核对未通过"
	case AskAgain:
		return "姓名用字已可印制，请确认卡面"
	case Approve:
		return "照片检查通过，签发电子证"
	case Review:
		return "照片转人工审核"
	case PreApprovePhoto:
		return "审核员通过，等待生效"
	case RetractApproval:
		return "审核员的通过已撤回"
	case ApprovePhoto:
		return "照片审核通过"
	case RefusePhoto:
		return "照片审核未通过"
	case Requeue:
		return "照片转其他审核员"
	case Mend:
		return "已更换照片并确认卡面，等待审核"
	case Confirm:
		return "已重新确认卡面"
	case GiveUp:
		return "逾期未修改，结束办理"
	case ChangeDesign:
		return "更换照片或卡面"
	case ChangePhone:
		return "更换手机号"
	case Promise:
		return "按最新放假安排调整预计日期"
	case Overdue:
		return "超过预计日期，已转省级管理员跟进"
	case Freeze:
		return "进入制卡批次"
	case Reject:
		return "制卡核对发现内容与您确认的不一致，退回确认"
	case BatchFreeze:
		return "批次冻结"
	case BatchRender:
		return "制卡文件已交付制卡厂"
	case BatchPrint:
		return "印制完成"
	case BatchShip:
		return "已寄往网点"
	case BatchEnd:
		return "批次完成"
	case Arrive:
		return "实体卡送达网点"
	case Extend:
		return "网点休息，领卡期限顺延"
	case Lapse:
		return "逾期未领，预留取消"
	case ChooseBranch:
		return "重新选择领卡网点"
	case HandOver:
		return "领取实体卡"
	case UndoHandOver:
		return "网点更正了领卡登记"
	case Withdraw:
		return "撤回申请"
	case Close:
		return "办理结束"
	}
	return ""
}
