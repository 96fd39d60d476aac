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
func (e Edition) Offered() bool { return e == General || e == Regular }

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
	// Accepted: submitted and stored; of the general edition one stock card is reserved. The process
	// moves it on at once.
	Accepted State = "accepted"
	// Held: the name has a character that no font of ours can draw. A province administrator decides.
	Held State = "held"
	// Reviewing (regular): the automatic check could not pass the photo. A reviewer looks at it.
	Reviewing State = "reviewing"
	// Mending (regular): the photo was refused, or what would be printed is not what was confirmed.
	// The applicant mends it and confirms again; the place in the queue is kept.
	Mending State = "mending"
	// Waiting (regular): approved, the digital card is issued. The next batch takes it.
	Waiting State = "waiting"
	// Producing (regular): frozen in a batch, nothing can be changed until the card is at the branch.
	Producing State = "producing"
	// Ready: the digital card is issued, the plastic one waits at the branch. The applicant collects
	// it, the clerk hands it over.
	Ready State = "ready"
	// Lapsed: not collected in time. A general stock card went back and the applicant chooses a branch
	// again; a regular card stays at its branch and the applicant asks for another wait there.
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
	return []State{Accepted, Held, Reviewing, Mending, Waiting, Producing, Ready, Lapsed, Collected, Closed, Withdrawn, Refused}
}

// Live tells whether the application occupies its person: nobody has two live ones.
func (s State) Live() bool {
	switch s {
	case Accepted, Held, Reviewing, Mending, Waiting, Producing, Ready, Lapsed:
		return true
	case Collected, Closed, Withdrawn, Refused:
	}
	return false
}

// StaffText is the state's name on a page that is not its applicant's.
func (s State) StaffText() string {
	if s == Mending {
		return "等申请人修改确认"
	}
	return s.Text()
}

// Text is the state's name on a page of its applicant.
func (s State) Text() string {
	switch s {
	case Accepted:
		return "已受理"
	case Held:
		return "等待人工核对"
	case Reviewing:
		return "照片审核中"
	case Mending:
		return "等您修改确认"
	case Waiting:
		return "等待制卡"
	case Producing:
		return "制卡中"
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
	Submit   Action = "submit"
	Issue    Action = "issue"
	Hold     Action = "hold"
	Release  Action = "release"   // a person found the held name printable
	AskAgain Action = "ask-again" // the same of a regular card: its preview must be confirmed first
	Refuse   Action = "refuse"
	Approve  Action = "approve" // the rules passed the photo
	Review   Action = "review"  // the rules could not pass the photo
	// PreApprovePhoto is a reviewer's approval that can still be taken back; ApprovePhoto is when it takes effect.
	PreApprovePhoto Action = "pre-approve-photo"
	RetractApproval Action = "retract-approval" // by the reviewer, or by the process where a consent ended
	ApprovePhoto    Action = "approve-photo"
	RefusePhoto     Action = "refuse-photo"
	Requeue         Action = "requeue-photo" // a reviewer left the photo to another one
	Mend            Action = "mend"          // mended and confirmed; a person looks at the photo
	Confirm         Action = "confirm"       // mended and confirmed; the photo had passed
	GiveUp          Action = "give-up"       // nothing was mended in time
	ChangeDesign    Action = "change-design"
	ChangePhone     Action = "change-phone"
	Promise         Action = "promise" // other dates, by another calendar
	Overdue         Action = "overdue"
	Freeze          Action = "freeze"
	Reject          Action = "reject" // the batch found other content than was confirmed
	Arrive          Action = "arrive"
	Extend          Action = "extend" // a later last day, since the branch is closed on the one before
	Lapse           Action = "lapse"
	ChooseBranch    Action = "choose-branch"
	HandOver        Action = "hand-over"
	UndoHandOver    Action = "undo-hand-over"
	Withdraw        Action = "withdraw"
	Close           Action = "close"
)

// Steps of a batch, as they stand in the timelines of its cards.
const (
	BatchFreeze Action = "batch-freeze"
	BatchRender Action = "batch-render"
	BatchPrint  Action = "batch-print"
	BatchShip   Action = "batch-ship"
	BatchEnd    Action = "batch-end"
)

// Move is one allowed change of state.
type Move struct {
	Action   Action
	From, To State
}

// Moves is the whole table. Stores guard their updates with it, the auditor has its own copy.
func Moves() []Move { return slices.Clone(moves) }

var moves = []Move{
	{Submit, "", Accepted},
	{Issue, Accepted, Ready},
	{Hold, Accepted, Held},
	{Release, Held, Ready},
	{AskAgain, Held, Mending},
	{Refuse, Held, Refused},

	{Approve, Accepted, Waiting},
	{Review, Accepted, Reviewing},
	{Approve, Reviewing, Waiting}, // another photo, that the rules pass
	{PreApprovePhoto, Reviewing, Reviewing},
	{RetractApproval, Reviewing, Reviewing},
	{ApprovePhoto, Reviewing, Waiting},
	{RefusePhoto, Reviewing, Mending},
	{Requeue, Reviewing, Reviewing},
	{Mend, Mending, Reviewing},
	{Confirm, Mending, Waiting},
	{GiveUp, Mending, Refused},
	{ChangeDesign, Held, Held},
	{ChangeDesign, Reviewing, Reviewing},
	{ChangeDesign, Waiting, Waiting},
	{Review, Waiting, Reviewing},
	{ChangePhone, Held, Held},
	{ChangePhone, Reviewing, Reviewing},
	{ChangePhone, Mending, Mending},
	{ChangePhone, Waiting, Waiting},
	{ChangePhone, Ready, Ready},
	{ChangePhone, Lapsed, Lapsed},
	{ChooseBranch, Held, Held},
	{ChooseBranch, Reviewing, Reviewing},
	{ChooseBranch, Mending, Mending},
	{ChooseBranch, Waiting, Waiting},
	{Freeze, Waiting, Producing},
	{Reject, Producing, Mending},
	{Arrive, Producing, Ready},

	{Promise, Accepted, Accepted},
	{Promise, Held, Held},
	{Promise, Reviewing, Reviewing},
	{Promise, Mending, Mending},
	{Promise, Waiting, Waiting},
	{Promise, Producing, Producing},
	{Overdue, Held, Held},
	{Overdue, Reviewing, Reviewing},
	{Overdue, Waiting, Waiting},
	{Overdue, Producing, Producing},

	{Extend, Ready, Ready},
	{Lapse, Ready, Lapsed},
	{ChooseBranch, Ready, Ready},
	{ChooseBranch, Lapsed, Ready},
	{HandOver, Ready, Collected},
	{UndoHandOver, Collected, Ready},
	{Withdraw, Accepted, Withdrawn},
	{Withdraw, Held, Withdrawn},
	{Withdraw, Reviewing, Withdrawn},
	{Withdraw, Mending, Withdrawn},
	{Withdraw, Waiting, Withdrawn},
	{Withdraw, Ready, Withdrawn},
	{Withdraw, Lapsed, Withdrawn},
	{Close, Lapsed, Closed},
}

// Next tells where an action leads from a state; false where the move is not in the table.
func Next(from State, a Action) (State, bool) {
	for _, m := range moves {
		if m.From == from && m.Action == a {
			return m.To, true
		}
	}
	return "", false
}

// From lists the states in which an action is allowed.
func From(a Action) []State {
	var states []State
	for _, m := range moves {
		if m.Action == a && !slices.Contains(states, m.From) {
			states = append(states, m.From)
		}
	}
	return states
}

// Allowed tells whether the applicant may ask for an action now. Of a regular card that is being made
// or has been made, branch and withdrawal are decided: the plastic lies where it was promised. The general
// card of a held name keeps the stock card that is reserved for it.
func Allowed(e Edition, s State, a Action) bool {
	if _, ok := Next(s, a); !ok {
		return false
	}
	if e != Regular {
		return s != Held || a != ChooseBranch && a != ChangeDesign
	}
	switch a {
	case Withdraw:
		return s != Ready && s != Lapsed
	case ChooseBranch:
		return s != Ready
	default:
		return true
	}
}

// Status of an issued card, as GET /v/{token} tells it.
type Status string

const (
	Valid     Status = "valid"
	Suspended Status = "suspended"
	Replaced  Status = "replaced"
	Cancelled Status = "cancelled"
)

// May tells whether somebody may give an issued card another status: suspend it, let it hold again,
// cancel it. What was cancelled or replaced stays so.
func (s Status) May(become Status) bool {
	switch become {
	case Valid:
		return s == Suspended
	case Suspended:
		return s == Valid
	case Cancelled:
		return s == Valid || s == Suspended
	default:
		return false
	}
}

// Statuses lists every status; the CHECK constraint of table card lists the same.
func Statuses() []Status { return []Status{Valid, Suspended, Replaced, Cancelled} }
