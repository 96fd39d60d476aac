// Package card holds the rules of the registered-volunteer card (湖北省注册志愿者证): editions,
// identities, the states of an application and its moves, numbers, and what may be submitted.
// Everything here is a pure function of its arguments.
package card

import "slices"

// Edition of the card (notice, attachment 3 §二(二)).
type Edition string

const (
	// General (通用版) is approved by rules and issued at once.
	General Edition = "general"
	// Regular (常规版) adds photo, QR and volunteer number and is produced in 10–15 working days.
	Regular Edition = "regular"
)

// Text is the edition's name on a page.
func (e Edition) Text() string {
	switch e {
	case General:
		return "通用版"
	case Regular:
		return "常规版"
	}
	return ""
}

// Offered tells whether the edition can be applied for.
func (e Edition) Offered() bool { return e == General }

// Identity is the personal identity that an applicant chooses (个人身份).
type Identity string

const (
	// Student (学生志愿者) names a university of Hubei as the unit.
	Student Identity = "student"
	// Worker (在职志愿者) names an employer.
	Worker Identity = "worker"
	// Social (社会志愿者) names any unit, a community for instance.
	Social Identity = "social"
)

// Identities lists them in the order of the page.
func Identities() []Identity { return []Identity{Student, Worker, Social} }

// Text is the identity's name on a page.
func (i Identity) Text() string {
	switch i {
	case Student:
		return "学生志愿者"
	case Worker:
		return "在职志愿者"
	case Social:
		return "社会志愿者"
	}
	return ""
}

// State of an application. The comment of each says how one gets there and who moves it on.
type State string

const (
	// Accepted: submitted and stored, one stock card reserved. The process moves it on at once.
	Accepted State = "accepted"
	// Held: the name has a character that no font of ours can draw. A province administrator decides.
	Held State = "held"
	// Ready: the digital card is issued, the plastic one waits at the branch. The applicant collects
	// it, the clerk hands it over.
	Ready State = "ready"
	// Lapsed: not collected in time, the stock card went back. The applicant chooses a branch again.
	Lapsed State = "lapsed"
	// Collected: handed over. The clerk can undo it for a few minutes.
	Collected State = "collected"
	// Closed: lapsed, and no branch was chosen for a long time. The digital card stays valid.
	Closed State = "closed"
	// Withdrawn by the applicant before collection.
	Withdrawn State = "withdrawn"
	// Refused by a person, with a reason.
	Refused State = "refused"
)

// States lists every state; the CHECK constraint of table application lists the same.
func States() []State {
	return []State{Accepted, Held, Ready, Lapsed, Collected, Closed, Withdrawn, Refused}
}

// Live tells whether the application occupies its person: nobody has two live ones.
func (s State) Live() bool {
	switch s {
	case Accepted, Held, Ready, Lapsed:
		return true
	case Collected, Closed, Withdrawn, Refused:
	}
	return false
}

// Text is the state's name on a page.
func (s State) Text() string {
	switch s {
	case Accepted:
		return "已受理"
	case Held:
		return "等待人工核对"
	case Ready:
		return "可以领卡"
	case Lapsed:
		return "逾期未领"
	case Collected:
		return "已领卡"
	case Closed:
		return "已结束（电子证有效）"
	case Withdrawn:
		return "已撤回"
	case Refused:
		return "未通过"
	}
	return ""
}

// Action names a recorded move of an application, as it stands in the audit chain.
type Action string

const (
	Submit       Action = "submit"
	Issue        Action = "issue"
	Hold         Action = "hold"
	Release      Action = "release" // a person found the held name printable
	Refuse       Action = "refuse"
	Lapse        Action = "lapse"
	ChooseBranch Action = "choose-branch"
	HandOver     Action = "hand-over"
	UndoHandOver Action = "undo-hand-over"
	Withdraw     Action = "withdraw"
	Close        Action = "close"
)

// Move is one allowed change of state.
type Move struct {
	Action   Action
	From, To State
}

// Moves is the whole table. Stores guard their updates with it, the auditor has its own copy.
func Moves() []Move {
	return []Move{
		{Submit, "", Accepted},
		{Issue, Accepted, Ready},
		{Hold, Accepted, Held},
		{Release, Held, Ready},
		{Refuse, Held, Refused},
		{Lapse, Ready, Lapsed},
		{ChooseBranch, Ready, Ready},
		{ChooseBranch, Lapsed, Ready},
		{HandOver, Ready, Collected},
		{UndoHandOver, Collected, Ready},
		{Withdraw, Accepted, Withdrawn},
		{Withdraw, Held, Withdrawn},
		{Withdraw, Ready, Withdrawn},
		{Withdraw, Lapsed, Withdrawn},
		{Close, Lapsed, Closed},
	}
}

// Next tells where an action leads from a state; false where the move is not in the table.
func Next(from State, a Action) (State, bool) {
	for _, m := range Moves() {
		if m.From == from && m.Action == a {
			return m.To, true
		}
	}
	return "", false
}

// From lists the states in which an action is allowed.
func From(a Action) []State {
	var states []State
	for _, m := range Moves() {
		if m.Action == a && !slices.Contains(states, m.From) {
			states = append(states, m.From)
		}
	}
	return states
}

// Status of an issued card, as GET /v/{token} tells it.
type Status string

const (
	Valid     Status = "valid"
	Suspended Status = "suspended"
	Replaced  Status = "replaced"
	Cancelled Status = "cancelled"
)

// Statuses lists every status; the CHECK constraint of table card lists the same.
func Statuses() []Status { return []Status{Valid, Suspended, Replaced, Cancelled} }
