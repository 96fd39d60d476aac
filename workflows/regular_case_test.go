package workflows

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"volcard/activities"
	"volcard/internal/calendar"
	"volcard/internal/card"
	"volcard/internal/fault"
	"volcard/internal/store/cardstore"
)

// One test for each sentence of docs/processes/card-application.md that the regular edition adds.

// regular is what the book keeps of a regular case.
type regular struct {
	due       time.Time
	mendUntil time.Time
	reminders []time.Time
	told      []time.Time // when people were told that the card is overdue
	gaveUp    int
	// decidedUntil is when an approval takes effect; tookEffect is when each did.
	decidedUntil time.Time
	tookEffect   []time.Time
}

// settle carries an approval out that is due, as the store does at every look.
func (b *book) settle() {
	if until := b.regular.decidedUntil; b.state == card.Reviewing && !until.IsZero() && !b.env.Now().Before(until) {
		b.state, b.regular.decidedUntil = card.Waiting, time.Time{}
		b.regular.tookEffect = append(b.regular.tookEffect, b.env.Now())
	}
}

const days = 24 * hours

// due15 is the end of the fifteenth working day after the start.
var due15 = calendar.EndOf(calendar.Day(2026, time.December, 14))

// newRegularBook plays a regular case that IssueCard moves to the given state.
func newRegularBook(t *testing.T, issueTo card.State) *book {
	t.Helper()
	b := newBook(t)
	b.issueTo, b.regular.due = issueTo, due15
	var c *activities.Card
	b.env.OnActivity(c.DecidePhoto, mock.Anything, mock.Anything).Return(func(_ context.Context, in cardstore.PhotoDecision) (cardstore.Snapshot, error) {
		if b.state != card.Reviewing {
			return cardstore.Snapshot{}, conflict()
		}
		if in.Approve {
			b.regular.decidedUntil = b.env.Now().Add(card.RetractWindow)
		} else {
			b.mend()
		}
		return b.snapshot(), nil
	}).Maybe()
	b.env.OnActivity(c.RetractPhoto, mock.Anything, mock.Anything).Return(func(context.Context, cardstore.PhotoRetraction) (cardstore.Snapshot, error) {
		if b.settle(); b.state != card.Reviewing {
			return cardstore.Snapshot{}, conflict()
		}
		b.regular.decidedUntil = time.Time{}
		return b.snapshot(), nil
	}).Maybe()
	b.env.OnActivity(c.ChangeDesign, mock.Anything, mock.Anything).Return(func(_ context.Context, _ cardstore.NewDesign) (cardstore.Snapshot, error) {
		switch b.state {
		case card.Mending:
			b.state, b.regular.due = card.Waiting, b.env.Now().Add(21*days)
		case card.Waiting, card.Reviewing:
		default:
			return cardstore.Snapshot{}, conflict()
		}
		return b.snapshot(), nil
	}).Maybe()
	b.env.OnActivity(c.ChangePhone, mock.Anything, mock.Anything).Return(func(context.Context, activities.ChangePhoneInput) (cardstore.Snapshot, error) {
		return b.snapshot(), nil
	}).Maybe()
	b.env.OnActivity(c.GiveUpCase, mock.Anything, mock.Anything).Return(func(context.Context, activities.CaseInput) (cardstore.Snapshot, error) {
		if b.state == card.Mending && !b.env.Now().Before(b.regular.mendUntil) {
			b.state = card.Refused
			b.regular.gaveUp++
		}
		return b.snapshot(), nil
	}).Maybe()
	b.env.OnActivity(c.TellOverdue, mock.Anything, mock.Anything).Return(func(context.Context, activities.CaseInput) (cardstore.Snapshot, error) {
		if b.snapshot().Due.IsZero() || b.env.Now().Before(b.regular.due) {
			return b.snapshot(), nil
		}
		b.regular.told, b.regular.due = append(b.regular.told, b.env.Now()), time.Time{}
		return b.snapshot(), nil
	}).Maybe()
	return b
}

func conflict() error {
	return temporal.NewNonRetryableApplicationError("这份申请刚刚发生了变化。", string(fault.Conflict), nil)
}

func (b *book) mend() {
	b.state, b.regular.mendUntil = card.Mending, b.env.Now().Add(21*days)
	b.regular.reminders = []time.Time{b.env.Now().Add(7 * days), b.env.Now().Add(14 * days), b.env.Now().Add(19 * days)}
}

// moved is a move by sets: it changes the row, and the process may hear of it.
func (b *book) moved(after time.Duration, heard bool, move func()) {
	b.env.RegisterDelayedCallback(func() {
		move()
		if heard {
			b.env.SignalWorkflow(signalMoved, nil)
		}
	}, after)
}

func (b *book) arrive() {
	b.state = card.Ready
	b.wait()
}

// A regular card is frozen, made, arrives and is handed over. Only the arrival is heard.
func TestRegularCardIsMadeAndCollected(t *testing.T) {
	t.Parallel()
	b := newRegularBook(t, card.Waiting)
	b.moved(2*days, false, func() { b.state = card.Producing })
	b.moved(16*days, true, b.arrive)
	hand := b.after(20*days, updateHandOver, cardstore.HandOver{})
	b.run(t)
	require.True(t, hand.done)
	require.Equal(t, card.Collected, b.state)
	require.Equal(t, 1, b.looked, "the arrival wakes it")
	require.Empty(t, b.regular.told, "it came in time")
	require.Empty(t, b.reminders)
}

// The card waits thirty days from its arrival, as a general one does.
func TestArrivalBeginsTheWait(t *testing.T) {
	t.Parallel()
	b := newRegularBook(t, card.Waiting)
	b.moved(16*days, true, b.arrive)
	b.run(t)
	require.Equal(t, []int{1, 2, 3}, b.reminders)
	require.Equal(t, card.Closed, b.state)
	require.WithinDuration(t, b.terms.PickupUntil(start.Add(16*days), branch).Add(b.terms.Lapsed), b.env.Now(), time.Minute)
}

// Not at its branch by the end of working day fifteen: told, once, and the case goes on.
func TestOverdueIsToldOnceAtTheEndOfDayFifteen(t *testing.T) {
	t.Parallel()
	for _, state := range []card.State{card.Reviewing, card.Waiting, card.Held} {
		b := newRegularBook(t, state)
		b.moved(40*days, true, b.arrive)
		hand := b.after(41*days, updateHandOver, cardstore.HandOver{})
		b.run(t)
		require.Len(t, b.regular.told, 1, state)
		require.WithinDuration(t, due15, b.regular.told[0], time.Minute)
		require.True(t, hand.done)
	}
}

// Another calendar moves the promise: the process is told and keeps the new day, earlier or later.
func TestMovedPromiseIsKept(t *testing.T) {
	t.Parallel()
	for _, by := range []time.Duration{-3 * days, 5 * days} {
		b := newRegularBook(t, card.Waiting)
		due := due15.Add(by)
		b.moved(days, true, func() { b.regular.due = due })
		b.moved(40*days, true, b.arrive)
		b.after(41*days, updateHandOver, cardstore.HandOver{})
		b.run(t)
		require.Len(t, b.regular.told, 1, by)
		require.WithinDuration(t, due, b.regular.told[0], time.Minute)
	}
}

// A promise that was overdue and is moved to a later day is told again when that day is over.
func TestPromiseThatIsMovedAfterItWasOverdue(t *testing.T) {
	t.Parallel()
	b := newRegularBook(t, card.Waiting)
	later := due15.Add(10 * days)
	b.moved(23*days, true, func() { b.regular.due = later })
	b.moved(40*days, true, b.arrive)
	late := b.after(40*days+hours, updateChangePhone, activities.ChangePhoneInput{})
	b.after(41*days, updateHandOver, cardstore.HandOver{})
	b.run(t)
	require.True(t, late.done, "also while it lies at the branch")
	require.Len(t, b.regular.told, 2)
	require.WithinDuration(t, later, b.regular.told[1], time.Minute)
}

// A doubtful photo waits for a reviewer.
func TestReviewerApprovesThePhoto(t *testing.T) {
	t.Parallel()
	b := newRegularBook(t, card.Reviewing)
	approve := b.after(days, updateDecidePhoto, cardstore.PhotoDecision{Approve: true})
	second := b.after(2*days, updateDecidePhoto, cardstore.PhotoDecision{})
	b.moved(16*days, true, b.arrive)
	b.after(20*days, updateHandOver, cardstore.HandOver{})
	late := b.after(20*days+time.Minute, updateDecidePhoto, cardstore.PhotoDecision{})
	b.run(t)
	require.True(t, approve.done)
	require.Error(t, second.failed, "the activity finds that it was decided")
	require.Len(t, b.regular.tookEffect, 1)
	require.WithinDuration(t, start.Add(days+card.RetractWindow), b.regular.tookEffect[0], time.Second)
	require.Error(t, late.failed)
	require.Equal(t, card.Collected, b.state)
}

// An approval that is taken back within its window never takes effect; the case waits for a reviewer again.
func TestApprovalIsTakenBack(t *testing.T) {
	t.Parallel()
	b := newRegularBook(t, card.Reviewing)
	b.after(days, updateDecidePhoto, cardstore.PhotoDecision{Approve: true})
	back := b.after(days+card.RetractWindow/2, updateRetractPhoto, cardstore.PhotoRetraction{})
	b.after(2*days, updateDecidePhoto, cardstore.PhotoDecision{Approve: true})
	late := b.after(2*days+2*card.RetractWindow, updateRetractPhoto, cardstore.PhotoRetraction{})
	b.after(3*days, updateWithdraw, activities.WithdrawInput{})
	b.run(t)
	require.True(t, back.done)
	require.Error(t, late.failed)
	require.Len(t, b.regular.tookEffect, 1)
	require.WithinDuration(t, start.Add(2*days+card.RetractWindow), b.regular.tookEffect[0], time.Second)
}

// A process that starts anew over an approval that waits, or is late, carries it out.
func TestResumedProcessCarriesAnApprovalOut(t *testing.T) {
	t.Parallel()
	b := newRegularBook(t, card.Reviewing)
	b.regular.decidedUntil = start.Add(-hours)
	b.after(days, updateWithdraw, activities.WithdrawInput{})
	b.run(t)
	require.Len(t, b.regular.tookEffect, 1)
	require.WithinDuration(t, start, b.regular.tookEffect[0], 2*time.Second)
}

// A refused photo is mended within fifteen working days, and the dates count from then.
func TestRefusedPhotoIsMended(t *testing.T) {
	t.Parallel()
	b := newRegularBook(t, card.Reviewing)
	b.after(days, updateDecidePhoto, cardstore.PhotoDecision{Reason: "太暗"})
	mended := b.after(10*days, updateChangeDesign, cardstore.NewDesign{})
	b.moved(40*days, true, b.arrive)
	b.after(41*days, updateHandOver, cardstore.HandOver{})
	b.run(t)
	require.True(t, mended.done)
	require.Equal(t, []int{1}, b.reminders, "the one of the first week")
	require.Len(t, b.regular.told, 1)
	require.WithinDuration(t, start.Add(31*days), b.regular.told[0], time.Minute)
	require.Zero(t, b.regular.gaveUp)
}

// Nothing mended: three reminders, then the case is given up. While it is mended nothing is overdue.
func TestNothingMendedIsGivenUp(t *testing.T) {
	t.Parallel()
	b := newRegularBook(t, card.Reviewing)
	b.after(days, updateDecidePhoto, cardstore.PhotoDecision{Reason: "太暗"})
	b.run(t)
	require.Equal(t, []int{1, 2, 3}, b.reminders)
	require.Equal(t, card.Refused, b.state)
	require.Equal(t, 1, b.regular.gaveUp)
	require.Empty(t, b.regular.told)
	require.WithinDuration(t, start.Add(22*days), b.env.Now(), time.Minute)
}

// The batch found other content than was confirmed: the process hears it and waits for the applicant.
func TestRejectedCardIsConfirmedAgain(t *testing.T) {
	t.Parallel()
	b := newRegularBook(t, card.Waiting)
	b.moved(2*days, true, b.mend)
	confirm := b.after(12*days, updateChangeDesign, cardstore.NewDesign{})
	b.moved(20*days, true, b.arrive)
	hand := b.after(21*days, updateHandOver, cardstore.HandOver{})
	b.run(t)
	require.Equal(t, []int{1}, b.reminders)
	require.True(t, confirm.done)
	require.True(t, hand.done)
}

// Photo, face and phone change while the card waits; the wait goes on, and so does the promise.
func TestChangesWhileTheCardWaits(t *testing.T) {
	t.Parallel()
	b := newRegularBook(t, card.Waiting)
	design := b.after(days, updateChangeDesign, cardstore.NewDesign{})
	phone := b.after(days+hours, updateChangePhone, activities.ChangePhoneInput{})
	branch := b.after(days+2*hours, updateChooseBranch, activities.ChooseBranchInput{})
	b.moved(40*days, true, b.arrive)
	b.after(41*days, updateHandOver, cardstore.HandOver{})
	b.run(t)
	require.True(t, design.done)
	require.True(t, phone.done)
	require.True(t, branch.done)
	require.Len(t, b.regular.told, 1)
	require.WithinDuration(t, due15, b.regular.told[0], time.Minute)
}

// What the freeze decides is decided by the row: the process has not heard of it.
func TestDecisionsAfterTheFreeze(t *testing.T) {
	t.Parallel()
	b := newRegularBook(t, card.Waiting)
	b.moved(2*days, false, func() { b.state = card.Producing })
	design := b.after(3*days, updateChangeDesign, cardstore.NewDesign{})
	b.moved(16*days, true, b.arrive)
	b.after(17*days, updateHandOver, cardstore.HandOver{})
	b.run(t)
	require.Equal(t, fault.Conflict, fault.KindOf(toFault(design.failed)))
	require.Equal(t, card.Collected, b.state)
}

// The clerk unpacks the parcel and hands the first card over before its process has heard of the arrival.
func TestHandOverOvertakesTheNewsOfTheArrival(t *testing.T) {
	t.Parallel()
	b := newRegularBook(t, card.Waiting)
	b.moved(16*days, false, b.arrive)
	hand := b.after(16*days+time.Minute, updateHandOver, cardstore.HandOver{})
	b.moved(16*days+2*time.Minute, true, func() {})
	b.run(t)
	require.True(t, hand.done)
	require.Equal(t, card.Collected, b.state)
}

// A process that never hears of the arrival finds it out when the promised day is over.
func TestLostNewsOfTheArrivalIsFound(t *testing.T) {
	t.Parallel()
	b := newRegularBook(t, card.Waiting)
	b.moved(16*days, false, b.arrive)
	b.run(t)
	require.Equal(t, card.Closed, b.state)
	require.Empty(t, b.regular.told)
}

// Withdrawn before the freeze, from the review and from mending as well.
func TestRegularCaseIsWithdrawn(t *testing.T) {
	t.Parallel()
	for _, refuse := range []bool{false, true} {
		b := newRegularBook(t, card.Reviewing)
		if refuse {
			b.after(hours, updateDecidePhoto, cardstore.PhotoDecision{Reason: "太暗"})
		}
		w := b.after(days, updateWithdraw, activities.WithdrawInput{})
		b.run(t)
		require.True(t, w.done)
		require.Equal(t, card.Withdrawn, b.state)
		require.Empty(t, b.regular.told)
	}
}

// A released name of a regular case is confirmed by its applicant first.
func TestReleasedRegularCaseIsConfirmed(t *testing.T) {
	t.Parallel()
	b := newRegularBook(t, card.Held)
	b.releaseTo = b.mend
	b.after(days, updateDecideHeld, activities.DecideHeldInput{Release: true})
	confirm := b.after(2*days, updateChangeDesign, cardstore.NewDesign{})
	w := b.after(3*days, updateWithdraw, activities.WithdrawInput{})
	b.run(t)
	require.True(t, confirm.done)
	require.True(t, w.done)
}

// A process that starts anew over a case in production goes on from there: what is overdue is told late.
func TestResumedRegularProcess(t *testing.T) {
	t.Parallel()
	b := newRegularBook(t, card.Waiting)
	b.state, b.regular.due = card.Producing, start.Add(-5*days)
	b.moved(days, true, b.arrive)
	b.after(2*days, updateHandOver, cardstore.HandOver{})
	b.run(t)
	require.Len(t, b.regular.told, 1)
	require.Equal(t, card.Collected, b.state)
}

// News that says nothing new does no harm, however often it comes.
func TestNewsThatSaysNothingNew(t *testing.T) {
	t.Parallel()
	b := newRegularBook(t, card.Waiting)
	for n := range 5 {
		b.moved(time.Duration(n+1)*hours, true, func() {})
	}
	b.moved(40*days, true, b.arrive)
	b.moved(40*days+hours, true, func() {})
	b.after(41*days, updateHandOver, cardstore.HandOver{})
	b.run(t)
	require.Equal(t, 7, b.looked)
	require.Len(t, b.regular.told, 1)
	require.Equal(t, card.Collected, b.state)
}
