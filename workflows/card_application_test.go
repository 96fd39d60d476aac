package workflows

import (
	"context"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"volcard/activities"
	"volcard/internal/calendar"
	"volcard/internal/card"
	"volcard/internal/fault"
	"volcard/internal/place"
	"volcard/internal/store/cardstore"
)

// One test for each sentence of docs/processes/card-application.md. The deeds are played by a
// small book that keeps the state as the store would; time is skipped.

var start = time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC) // 09:00 in Shanghai

// book plays the deeds of one case.
type book struct {
	env       *testsuite.TestWorkflowEnvironment
	terms     card.Terms
	state     card.State
	ready     time.Time
	until     time.Time
	closed    time.Time
	reminders []int
	issued    int
	issueTo   card.State
	regular   regular
	releaseTo func()
	// before, where set, runs ahead of the deed of that name and may fail it.
	before map[string]func() error
	// lost counts the decisions whose answer is lost after they moved the row; away the tries of a decision
	// that find no database.
	lost   map[card.Action]int
	away   map[card.Action]int
	looked int
}

func (b *book) fails(deed string) error {
	if f := b.before[deed]; f != nil {
		return f()
	}
	return nil
}

// branch names no hours: no last day moves.
var branch = place.Opening{Calendar: calendar.New()}

func newBook(t *testing.T) *book {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	b := &book{env: suite.NewTestWorkflowEnvironment(), terms: card.DefaultTerms(), state: card.Accepted, issueTo: card.Ready}
	b.releaseTo = b.arrive
	b.env.SetStartTime(start)
	b.env.SetWorkflowRunTimeout(400 * 24 * time.Hour)
	var c *activities.Card
	b.env.RegisterActivity(c)
	b.env.OnActivity(c.IssueCard, mock.Anything, mock.Anything).Return(func(_ context.Context, _ activities.CaseInput) (cardstore.Snapshot, error) {
		if err := b.fails("issue"); err != nil {
			return cardstore.Snapshot{}, err
		}
		b.issued++
		if b.state == card.Accepted {
			if b.state = b.issueTo; b.state == card.Ready {
				b.wait()
			}
		}
		return b.snapshot(), nil
	})
	b.env.OnActivity(c.RemindHolder, mock.Anything, mock.Anything).Return(func(_ context.Context, in activities.RemindInput) (cardstore.Snapshot, error) {
		b.reminders = append(b.reminders, in.Number)
		return b.snapshot(), nil
	}).Maybe()
	b.env.OnActivity(c.LapseCase, mock.Anything, mock.Anything).Return(func(_ context.Context, _ activities.CaseInput) (cardstore.Snapshot, error) {
		if err := b.fails("lapse"); err != nil {
			return b.snapshot(), nil // the store finds that the time has not come
		}
		if b.state == card.Ready && !b.env.Now().Before(b.until) {
			b.state = card.Lapsed
		}
		return b.snapshot(), nil
	}).Maybe()
	b.env.OnActivity(c.CloseCase, mock.Anything, mock.Anything).Return(func(_ context.Context, _ activities.CaseInput) (cardstore.Snapshot, error) {
		if b.state == card.Lapsed {
			b.state = card.Closed
		}
		return b.snapshot(), nil
	}).Maybe()
	b.env.OnActivity(c.ChooseBranch, mock.Anything, mock.Anything).Return(func(_ context.Context, _ activities.ChooseBranchInput) (cardstore.Snapshot, error) {
		return b.decided(card.ChooseBranch, func() {
			if b.state != card.Waiting { // a regular card that is not made yet only changes its way
				b.state = card.Ready
				b.wait()
			}
		})
	}).Maybe()
	b.env.OnActivity(c.WithdrawApplication, mock.Anything, mock.Anything).Return(func(_ context.Context, _ activities.WithdrawInput) (cardstore.Snapshot, error) {
		return b.decided(card.Withdraw, func() { b.state = card.Withdrawn })
	}).Maybe()
	b.env.OnActivity(c.HandOverCard, mock.Anything, mock.Anything).Return(func(_ context.Context, _ cardstore.HandOver) (cardstore.Snapshot, error) {
		return b.decided(card.HandOver, func() { b.state, b.closed = card.Collected, b.env.Now() })
	}).Maybe()
	b.env.OnActivity(c.TakeBackCard, mock.Anything, mock.Anything).Return(func(_ context.Context, _ cardstore.Undo) (cardstore.Snapshot, error) {
		return b.decided(card.UndoHandOver, func() {
			b.state = card.Ready
			b.wait()
		})
	}).Maybe()
	b.env.OnActivity(c.DecideHeldName, mock.Anything, mock.Anything).Return(func(_ context.Context, in activities.DecideHeldInput) (cardstore.Snapshot, error) {
		return b.decided(card.Refuse, func() {
			if b.state = card.Refused; in.Release {
				b.releaseTo()
			}
		})
	}).Maybe()
	b.env.OnActivity(c.LookAtCase, mock.Anything, mock.Anything).Return(func(context.Context, activities.CaseInput) (cardstore.Snapshot, error) {
		b.looked++
		b.settle()
		return b.snapshot(), nil
	}).Maybe()
	return b
}

// decided plays a decision's deed: refused by the state, as the row refuses it.
func (b *book) decided(a card.Action, move func()) (cardstore.Snapshot, error) {
	if b.away[a] > 0 {
		b.away[a]--
		return cardstore.Snapshot{}, temporal.NewApplicationError("away", string(fault.Unavailable))
	}
	if _, ok := card.Next(b.state, a); !ok {
		return cardstore.Snapshot{}, conflict()
	}
	move()
	if b.lost[a] > 0 { // committed, and nobody hears of it
		b.lost[a]--
		return cardstore.Snapshot{}, temporal.NewNonRetryableApplicationError("gone", string(fault.Unavailable), nil)
	}
	return b.snapshot(), nil
}

func (b *book) wait() {
	b.ready = b.env.Now()
	b.until = b.terms.PickupUntil(b.ready, branch)
}

func (b *book) snapshot() cardstore.Snapshot {
	s := cardstore.Snapshot{State: b.state}
	switch b.state {
	case card.Ready:
		s.Until, s.Reminders = b.until, b.terms.RemindersAfter(b.ready, b.until, branch)
	case card.Lapsed:
		s.Until = b.until.Add(b.terms.Lapsed)
	case card.Collected:
		s.Until = b.closed.Add(b.terms.Undo)
	case card.Held, card.Reviewing, card.Waiting, card.Producing:
		s.Due, s.Until = b.regular.due, b.regular.decidedUntil
	case card.Mending:
		s.Until, s.Reminders = b.regular.mendUntil, b.regular.reminders
	case card.Accepted, card.Closed, card.Withdrawn, card.Refused:
	}
	return s
}

// answer is what an update was told.
type answer struct {
	refused, failed error
	done            bool
}

func (b *book) after(d time.Duration, update string, in any) *answer {
	a := &answer{}
	b.env.RegisterDelayedCallback(func() {
		b.env.UpdateWorkflow(update, uuid.Must(uuid.NewV4()).String(), &testsuite.TestUpdateCallback{
			OnAccept: func() {},
			OnReject: func(err error) { a.refused = err },
			OnComplete: func(_ any, err error) {
				a.failed, a.done = err, err == nil
			},
		}, in)
	}, d)
	return a
}

func (b *book) run(t *testing.T) {
	t.Helper()
	b.env.ExecuteWorkflow(CardApplication, CardApplicationInput{ApplicationID: uuid.Must(uuid.NewV7())})
	require.True(t, b.env.IsWorkflowCompleted())
	require.NoError(t, b.env.GetWorkflowError())
}

const hours = time.Hour

func TestCollectedCaseEndsAfterTheUndoWindow(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	a := b.after(5*hours, updateHandOver, cardstore.HandOver{})
	b.run(t)
	require.True(t, a.done)
	require.Equal(t, card.Collected, b.state)
	require.Equal(t, 1, b.issued)
	require.Empty(t, b.reminders)
	require.WithinDuration(t, start.Add(5*hours+b.terms.Undo), b.env.Now(), time.Minute)
}

func TestHolderIsRemindedThenTheCaseLapsesThenCloses(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.run(t)
	require.Equal(t, []int{1, 2, 3}, b.reminders)
	require.Equal(t, card.Closed, b.state)
	require.WithinDuration(t, b.terms.PickupUntil(start, branch).Add(b.terms.Lapsed), b.env.Now(), time.Minute)
}

func TestTwentyDaysInsteadOfThirty(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.terms.Pickup = 20 * 24 * hours
	b.run(t)
	require.Equal(t, []int{1}, b.reminders)
	require.Equal(t, "2026-12-13", b.until.Add(8*hours).Format(time.DateOnly))
}

func TestLapsedCaseChoosesABranchAgain(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	choose := b.after(40*24*hours, updateChooseBranch, activities.ChooseBranchInput{})
	hand := b.after(41*24*hours, updateHandOver, cardstore.HandOver{})
	b.run(t)
	require.True(t, choose.done)
	require.True(t, hand.done)
	require.Equal(t, card.Collected, b.state)
	require.Equal(t, []int{1, 2, 3}, b.reminders)
}

func TestAnotherBranchBeginsTheWaitAnew(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.after(25*24*hours, updateChooseBranch, activities.ChooseBranchInput{})
	hand := b.after(45*24*hours, updateHandOver, cardstore.HandOver{})
	b.run(t)
	require.True(t, hand.done, "the case waits thirty days from the new choice")
	require.Equal(t, []int{1, 2, 1}, b.reminders)
}

func TestWithdrawalEndsTheCase(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	w := b.after(hours, updateWithdraw, activities.WithdrawInput{})
	b.run(t)
	require.True(t, w.done)
	require.Equal(t, card.Withdrawn, b.state)
}

func TestUndoneHandOverWaitsAgain(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.after(hours, updateHandOver, cardstore.HandOver{})
	undo := b.after(hours+5*time.Minute, updateUndoHandOver, cardstore.Undo{})
	hand := b.after(2*hours, updateHandOver, cardstore.HandOver{})
	late := b.after(2*hours+5*time.Minute, updateWithdraw, activities.WithdrawInput{})
	b.run(t)
	require.True(t, undo.done)
	require.True(t, hand.done)
	require.Equal(t, card.Collected, b.state)
	require.Equal(t, fault.Conflict, fault.KindOf(toFault(late.failed)), "a collected case cannot be withdrawn")
}

func TestDecisionThatArrivesWithTheEndIsAnswered(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.after(hours, updateWithdraw, activities.WithdrawInput{})
	late := b.after(hours, updateHandOver, cardstore.HandOver{})
	b.run(t)
	require.Equal(t, fault.Conflict, fault.KindOf(toFault(late.failed)))
}

// A decision moved the row, and its answer was lost: the process takes the row's state up all the same.
func TestProcessLooksWhereAnAnswerWasLost(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.issueTo = card.Held
	b.lost = map[card.Action]int{card.Refuse: 1}
	release := b.after(hours, updateDecideHeld, activities.DecideHeldInput{Release: true})
	hand := b.after(2*hours, updateHandOver, cardstore.HandOver{})
	b.run(t)
	require.Equal(t, fault.Unavailable, fault.KindOf(toFault(release.failed)))
	require.Equal(t, 1, b.looked)
	require.True(t, hand.done)
}

// The row is ahead of a process that never heard of a decision (everything was killed at once): the next
// decision is judged by the row.
func TestDecisionIsJudgedByTheRow(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.issueTo = card.Held
	b.env.RegisterDelayedCallback(b.releaseTo, hours)
	hand := b.after(2*hours, updateHandOver, cardstore.HandOver{})
	b.run(t)
	require.True(t, hand.done)
	require.Equal(t, card.Collected, b.state)
}

// An undo that is being taken while its window closes keeps the process alive.
func TestUndoAtTheLastMoment(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.away = map[card.Action]int{card.UndoHandOver: 4} // a second and a half
	b.after(hours, updateHandOver, cardstore.HandOver{})
	b.after(hours+b.terms.Undo-time.Second, updateUndoHandOver, cardstore.Undo{})
	hand := b.after(3*hours, updateHandOver, cardstore.HandOver{})
	b.run(t)
	require.True(t, hand.done, "the process waits for the holder again")
}

func TestSecondHandOverIsRefused(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	first := b.after(hours, updateHandOver, cardstore.HandOver{})
	second := b.after(hours+time.Minute, updateHandOver, cardstore.HandOver{})
	b.run(t)
	require.True(t, first.done)
	require.Error(t, second.failed)
	require.Equal(t, fault.Conflict, fault.KindOf(toFault(second.failed)))
}

func TestHeldNameWaitsForAPerson(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.issueTo = card.Held
	early := b.after(hours, updateHandOver, cardstore.HandOver{})
	b.after(100*24*hours, updateDecideHeld, activities.DecideHeldInput{Release: true})
	hand := b.after(101*24*hours, updateHandOver, cardstore.HandOver{})
	b.run(t)
	require.Equal(t, fault.Conflict, fault.KindOf(toFault(early.failed)))
	require.True(t, hand.done)

	b = newBook(t)
	b.issueTo = card.Held
	b.after(hours, updateDecideHeld, activities.DecideHeldInput{Reason: "字库没有这个字"})
	b.run(t)
	require.Equal(t, card.Refused, b.state)
}

// Another calendar closed the branch on the last day: the process waits for the later one, and reminds once more
// where a reminder is still to come.
func TestLaterLastDayIsTakenUp(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	var later time.Time
	b.env.RegisterDelayedCallback(func() {
		later = b.until.Add(5 * 24 * time.Hour)
		b.until = later
		b.env.SignalWorkflow(signalMoved, nil)
	}, 24*24*hours)
	b.env.RegisterDelayedCallback(func() { require.Equal(t, card.Ready, b.state) }, 32*24*hours)
	b.run(t)
	require.Equal(t, []int{1, 2, 2, 3}, b.reminders, "the second again under the same key, so that nobody gets it twice")
	require.Equal(t, card.Closed, b.state)
	require.WithinDuration(t, later.Add(b.terms.Lapsed), b.env.Now(), time.Minute)
}

// Where nobody woke the process, the row decides when the old last day has come.
func TestLaterLastDayIsFoundInTheRow(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.env.RegisterDelayedCallback(func() { b.until = b.until.Add(5 * 24 * time.Hour) }, 29*24*hours)
	b.run(t)
	require.Equal(t, card.Closed, b.state)
	require.WithinDuration(t, b.until.Add(b.terms.Lapsed), b.env.Now(), time.Minute)
}

func TestResumedProcessFindsItsState(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.state, b.ready = card.Ready, start.Add(-10*24*hours)
	b.until = b.terms.PickupUntil(b.ready, branch)
	b.run(t)
	require.Equal(t, []int{1, 2, 3}, b.reminders, "the first was due before: the store sends it unless it was sent")
}

func TestOfTwoMissedRemindersTheLaterIsSent(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.state, b.ready = card.Ready, start.Add(-25*24*hours)
	b.until = b.terms.PickupUntil(b.ready, branch)
	b.run(t)
	require.Equal(t, []int{2, 3}, b.reminders)
}

func TestLateClockOfTheDatabaseIsAskedAgain(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	asked := 0
	b.before = map[string]func() error{"lapse": func() error {
		if asked++; asked < 4 {
			return fault.New(fault.Conflict, "")
		}
		return nil
	}}
	b.run(t)
	require.Equal(t, 4, asked)
	require.Equal(t, card.Closed, b.state)
}

func TestFailingDeedIsTriedUntilDone(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	tries := 0
	b.before = map[string]func() error{"issue": func() error {
		if tries++; tries < 4 {
			return temporal.NewApplicationError("away", string(fault.Unavailable))
		}
		return nil
	}}
	w := b.after(hours, updateWithdraw, activities.WithdrawInput{})
	b.run(t)
	require.Equal(t, 4, tries)
	require.True(t, w.done)
}
