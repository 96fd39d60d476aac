// Package cases opens a person's case for the pages that show it and change it.
package cases

import (
	"errors"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/gofrs/uuid/v5"

	"volcard/api/web"
	"volcard/internal/calendar"
	"volcard/internal/card"
	"volcard/internal/consent"
	"volcard/internal/fault"
	"volcard/internal/store/cardstore"
	"volcard/workflows"
)

// Root is the list of a person's cases.
const Root = "/cards"

// Path is the page of a case.
func Path(id uuid.UUID) string { return Root + "/" + id.String() }

// Desk opens cases and tells what may be done about them.
type Desk struct {
	Kit   *web.Kit
	Cases cardstore.Cases
	Terms card.Terms
	// Start starts the process of a case that has none.
	Start func(application uuid.UUID) (before int)
}

// Open reads the case in the path. An id that is none, or somebody else's, is not found.
func (d Desk) Open(r *http.Request) (cardstore.Case, []cardstore.Step, error) {
	id, err := uuid.FromString(chi.URLParam(r, "id"))
	if err != nil {
		return cardstore.Case{}, nil, fault.Wrap(fault.NotFound, err, "没有找到这份申请。")
	}
	return d.Cases.Get(r.Context(), web.User(r).ID, id)
}

// Outlook tells where a case stands and what its applicant may do; the steps, where they are known,
// tell what is to be mended.
func (d Desk) Outlook(cs cardstore.Case, steps ...cardstore.Step) card.Outlook {
	s := Situation(cs, d.Kit.Now(), d.Terms)
	asked, _ := Asked(steps)
	s.ConfirmOnly = ConfirmOnly(asked)
	return card.LookAhead(s)
}

// Asked is the last step that asked the applicant to mend the case, or to confirm it again.
func Asked(steps []cardstore.Step) (cardstore.Step, bool) {
	for i := len(steps) - 1; i >= 0; i-- {
		if steps[i].To == card.Mending && steps[i].From != card.Mending {
			return steps[i], true
		}
	}
	return cardstore.Step{}, false
}

// ConfirmOnly tells whether a step asked for no change: another look at the preview is enough.
func ConfirmOnly(asked cardstore.Step) bool {
	return asked.Action == card.AskAgain || asked.Action == card.Reject
}

// Situation is a case as the rules look at it.
func Situation(cs cardstore.Case, now time.Time, terms card.Terms) card.Situation {
	_, unmade := card.Next(cs.State, card.Overdue)
	s := card.Situation{
		Edition: cs.Edition, State: cs.State, Now: now, SubmittedAt: cs.SubmittedAt, Branch: cs.BranchName, Terms: terms,
		PickupUntil: at(cs.PickupUntil), ClosedAt: at(cs.ClosedAt), MendUntil: at(cs.MendUntil),
		Overdue: unmade && cs.OverdueAt != nil, CardStatus: cs.CardStatus,
		Missing: consent.Titles(consent.MissingNow(cs.Edition, cs.State, cs.Consents)),
	}
	if cs.State != card.Mending { // it counts anew from the confirmation
		s.PromisedUntil = at(cs.Due)
	}
	return s
}

func at(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// Promise is the two dates of a regular case in words; empty where there are none, or where they are over.
func Promise(cs cardstore.Case, now time.Time) string {
	_, unmade := card.Next(cs.State, card.Promise)
	late := cs.OverdueAt != nil || cs.Due != nil && now.After(*cs.Due)
	if !unmade || late || cs.State == card.Mending || cs.PromisedFrom == nil || cs.PromisedUntil == nil {
		return ""
	}
	return calendar.Promise{
		Start: calendar.DateOf(now), From: calendar.DateIn(*cs.PromisedFrom), Until: calendar.DateIn(*cs.PromisedUntil),
		Provisional: cs.Provisional,
	}.Text()
}

// DatesAfter tells what a change of a card that is not made yet means for its dates.
func DatesAfter(cs cardstore.Case, now time.Time) string {
	switch cs.State {
	case card.Held:
		return "送达日期从姓名核对后您确认卡面那天起算。"
	case card.Mending:
		return "送达日期从您重新确认那天起算。"
	default:
	}
	if dates := Promise(cs, now); dates != "" {
		return "送达日期不变：" + dates + "。"
	}
	return ""
}

// Showable tells whether the digital card may be drawn: a cancelled or replaced one is not shown as if it were one.
func Showable(cs cardstore.Case) bool {
	return cs.CardStatus == card.Valid || cs.CardStatus == card.Suspended
}

// Frozen tells whether a regular card is being made, or has been: what stands on it can be changed no more.
func Frozen(cs cardstore.Case) bool {
	return cs.Edition == card.Regular && (cs.State == card.Producing || cs.State == card.Ready || cs.State == card.Lapsed)
}

type frozenPage struct {
	web.Frame
	Case cardstore.Case
	URL  string
}

// Past answers a wish that comes too late: it leads back to the case, or tells what can be done about a
// card that is made already.
func (d Desk) Past(w http.ResponseWriter, r *http.Request, cs cardstore.Case) error {
	if Frozen(cs) {
		return d.Kit.Render(w, r, http.StatusConflict, "applicant/card/frozen", &frozenPage{
			Frame: web.Frame{Title: "现在不能修改", Back: Path(cs.ID)}, Case: cs, URL: Path(cs.ID),
		})
	}
	d.Kit.FlashWarn(r, tooLate(cs))
	web.Redirect(w, r, Path(cs.ID))
	return nil
}

func tooLate(cs cardstore.Case) string {
	return "这份申请现在是“" + cs.State.Text() + "”，不能再进行这项操作。"
}

// Decided asks the row about a decision that its process refused, or could not be asked about. The row may be as
// it was wished all the same: of an earlier try the answer was lost, and while the process of a case that is over
// winds up, it refuses every decision. Such a decision succeeded. A live case without a process, or with one that
// cannot be reached, can still be decided: that is no conflict, but to be tried again.
func (d Desk) Decided(r *http.Request, err error, id uuid.UUID, done func(cardstore.Case) bool) error {
	ended := errors.Is(err, workflows.ErrEnded)
	if !ended && !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.Unavailable) {
		return err
	}
	now, _, readErr := d.Cases.Get(r.Context(), web.User(r).ID, id)
	switch {
	case readErr != nil:
		return readErr
	case done(now):
		return nil
	case !ended:
		return err
	case now.State.Live():
		// Its process was never started, or is lost: the sweeper and the nightly check start it.
		d.Start(id)
		return fault.Wrap(fault.Unavailable, err, "这份申请正在受理中，请过几秒钟再试。")
	}
	return fault.Wrap(fault.Conflict, err, tooLate(now))
}
