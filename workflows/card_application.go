package workflows

import (
	"context"
	"errors"
	"time"

	"github.com/gofrs/uuid/v5"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"volcard/activities"
	"volcard/internal/card"
	"volcard/internal/fault"
	"volcard/internal/store/cardstore"
)

// CardApplicationType is the workflow's type.
const CardApplicationType = "CardApplication"

// CardApplicationID is the workflow's id: one run for each accepted application.
func CardApplicationID(application uuid.UUID) string {
	return cardApplicationPrefix + application.String()
}

const cardApplicationPrefix = "card-application:"

// Updates are human decisions: each is answered when its deed is done, or refused with a sentence.
const (
	updateHandOver     = "hand-over"
	updateUndoHandOver = "undo-hand-over"
	updateChooseBranch = "choose-branch"
	updateWithdraw     = "withdraw"
	updateDecideHeld   = "decide-held"
	updateDecidePhoto  = "decide-photo"
	updateRetractPhoto = "retract-photo"
	updateChangeDesign = "change-design"
	updateChangePhone  = "change-phone"
)

// signalMoved tells that a set-based move (a batch, a parcel, a calendar) moved the application's row.
const signalMoved = "row-moved"

// queryProgress tells an operator where the process stands.
const queryProgress = "progress"

// CardApplicationInput names the application that was accepted.
type CardApplicationInput struct {
	ApplicationID uuid.UUID
}

// CardApplication carries one application from its acceptance to its end:
//
//	general: accepted → ready (or held for a person first) → collected
//	regular: accepted → waiting (a reviewer may look at the photo first) → producing → ready → collected
//	ready → lapsed, when nobody comes for it → ready again, or closed
//
// and withdrawn from anywhere before the collection, or before the freeze. Freeze and arrival are moves
// by sets: a batch makes them, the arrival is signalled. The row in PostgreSQL is the truth; the
// workflow waits, reminds and lapses. docs/processes/card-application.md tells the same in words.
func CardApplication(ctx workflow.Context, in CardApplicationInput) error {
	c := &cardCase{id: in.ApplicationID, deeds: workflow.NewMutex(ctx)}
	if err := c.listen(ctx); err != nil {
		return err
	}
	if err := c.do(ctx, deed.IssueCard, activities.CaseInput{ApplicationID: c.id}); err != nil {
		return err
	}
	for !c.ended {
		var err error
		switch c.at.State {
		case card.Ready:
			err = c.waitForHolder(ctx, deed.LapseCase)
		case card.Mending:
			err = c.waitForHolder(ctx, deed.GiveUpCase)
		case card.Reviewing:
			err = c.waitForReview(ctx)
		case card.Held, card.Waiting, card.Producing:
			err = c.waitUntilDue(ctx)
		case card.Lapsed:
			err = c.waitForBranch(ctx)
		case card.Collected:
			err = c.waitForUndo(ctx)
		case card.Accepted, card.Closed, card.Withdrawn, card.Refused:
			err = c.end(ctx)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// deed names the activities; a worker fills in the struct behind them.
var deed *activities.Card

// cardCase is what the process knows: where its case stands. Every deed answers with a new
// snapshot, so the workflow never guesses.
type cardCase struct {
	id    uuid.UUID
	at    cardstore.Snapshot
	turn  int // counts the snapshots; a wait ends when it moves
	ended bool
	deeds workflow.Mutex // one deed at a time: a decision does not overtake a lapse
}

// waitForHolder reminds the holder and ends the wait with a deed when its time is over.
func (c *cardCase) waitForHolder(ctx workflow.Context, end any) error {
	at := c.at
	for i, when := range at.Reminders {
		now := workflow.Now(ctx)
		if i+1 < len(at.Reminders) && !at.Reminders[i+1].After(now) {
			continue // a later one has passed as well and says the same
		}
		// A reminder that passed while no process ran is sent late; one that was sent is not sent
		// again, since its message has the same key.
		if when.After(now) {
			moved, err := c.waitUntil(ctx, when)
			if err != nil || moved {
				return err
			}
		}
		err := c.remind(ctx, activities.RemindInput{ApplicationID: c.id, Number: i + 1})
		if err != nil || c.at.State != at.State || !c.at.Until.Equal(at.Until) {
			return err
		}
	}
	moved, err := c.waitUntil(ctx, at.Until)
	if err != nil || moved {
		return err
	}
	return c.do(ctx, end, activities.CaseInput{ApplicationID: c.id})
}

// waitUntilDue waits for whoever acts next, and tells people when the promised day is over.
func (c *cardCase) waitUntilDue(ctx workflow.Context) error {
	if c.at.Due.IsZero() {
		return c.waitForChange(ctx)
	}
	moved, err := c.waitUntil(ctx, c.at.Due)
	if err != nil || moved {
		return err
	}
	state := c.at.State
	if err := c.do(ctx, deed.TellOverdue, activities.CaseInput{ApplicationID: c.id}); err != nil {
		return err
	}
	if c.at.State == state && c.at.Due.IsZero() {
		workflow.GetLogger(ctx).Warn("a card is overdue", "alarm", true, "application", c.id.String())
	}
	return nil
}

// waitForReview waits for a reviewer, and carries an approval out once it can no longer be taken back. Snapshots
// that were recorded before approvals waited have no such time, so their histories replay without a version.
func (c *cardCase) waitForReview(ctx workflow.Context) error {
	if c.at.Until.IsZero() {
		return c.waitUntilDue(ctx)
	}
	moved, err := c.waitUntil(ctx, c.at.Until)
	if err != nil || moved {
		return err
	}
	return c.do(ctx, deed.LookAtCase, activities.CaseInput{ApplicationID: c.id})
}

// waitForBranch keeps a lapsed case open for a new choice, for a long time.
func (c *cardCase) waitForBranch(ctx workflow.Context) error {
	moved, err := c.waitUntil(ctx, c.at.Until)
	if err != nil || moved {
		return err
	}
	return c.do(ctx, deed.CloseCase, activities.CaseInput{ApplicationID: c.id})
}

// waitForUndo stays with a collected case while its clerk can take the hand-over back.
func (c *cardCase) waitForUndo(ctx workflow.Context) error {
	moved, err := c.waitUntil(ctx, c.at.Until)
	if err != nil || moved {
		return err
	}
	return c.end(ctx)
}

// end ends the process, unless a decision that is being taken brings its case back to life.
func (c *cardCase) end(ctx workflow.Context) error {
	turn := c.turn
	err := workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
	c.ended = c.turn == turn
	return err
}

// waitForChange waits for a person's decision.
func (c *cardCase) waitForChange(ctx workflow.Context) error {
	turn := c.turn
	return workflow.Await(ctx, func() bool { return c.turn != turn })
}

// waitUntil waits for a point in time; true where a decision moved the case before.
func (c *cardCase) waitUntil(ctx workflow.Context, when time.Time) (moved bool, err error) {
	turn := c.turn
	// Never less than a second: where the database's clock is behind, a deed finds that its time
	// has not come, and is asked again.
	left := max(when.Sub(workflow.Now(ctx)), time.Second)
	return workflow.AwaitWithTimeout(ctx, left, func() bool { return c.turn != turn })
}

// do runs one deed and takes up its snapshot. Deeds that the process does by itself are retried
// until they succeed.
func (c *cardCase) do(ctx workflow.Context, activity any, input any) error {
	return c.run(workflow.WithLocalActivityOptions(ctx, untilDone()), activity, input)
}

// remind is do for a message: it must not end the wait that it belongs to.
func (c *cardCase) remind(ctx workflow.Context, input activities.RemindInput) error {
	return c.do(ctx, deed.RemindHolder, input)
}

// decide runs the deed of a human decision: the person waits, so it gives up soon. One that failed may
// have moved the row all the same (its answer was lost), so the process looks.
func (c *cardCase) decide(ctx workflow.Context, activity any, input any) error {
	refusal := c.run(workflow.WithLocalActivityOptions(ctx, whileSomebodyWaits()), activity, input)
	if refusal == nil || !looksAfterRefusals(ctx) {
		return refusal
	}
	if err := c.do(ctx, deed.LookAtCase, activities.CaseInput{ApplicationID: c.id}); err != nil {
		return err
	}
	return refusal
}

func (c *cardCase) run(ctx workflow.Context, activity any, input any) error {
	if err := c.deeds.Lock(ctx); err != nil {
		return err
	}
	defer c.deeds.Unlock()
	var at cardstore.Snapshot
	if err := workflow.ExecuteLocalActivity(ctx, activity, input).Get(ctx, &at); err != nil {
		return err
	}
	c.at = at
	c.turn++
	return nil
}

// listen registers the decisions that the process takes. The deeds decide, by the row: what the process
// knows may be older, where the answer of an earlier deed was lost. Only of a case that has ended a decision
// is refused before it enters the history, since nothing leads on from there.
func (c *cardCase) listen(ctx workflow.Context) error {
	workflow.Go(ctx, c.hear)
	return errors.Join(
		workflow.SetQueryHandler(ctx, queryProgress, func() (cardstore.Snapshot, error) { return c.at, nil }),
		decision(ctx, c, updateHandOver, deed.HandOverCard),
		decision(ctx, c, updateUndoHandOver, deed.TakeBackCard),
		decision(ctx, c, updateChooseBranch, deed.ChooseBranch),
		decision(ctx, c, updateWithdraw, deed.WithdrawApplication),
		decision(ctx, c, updateDecideHeld, deed.DecideHeldName),
		decision(ctx, c, updateDecidePhoto, deed.DecidePhoto),
		decision(ctx, c, updateRetractPhoto, deed.RetractPhoto),
		decision(ctx, c, updateChangeDesign, deed.ChangeDesign),
		decision(ctx, c, updateChangePhone, deed.ChangePhone),
	)
}

// decision registers an update whose deed takes the update's message.
func decision[In any](ctx workflow.Context, c *cardCase, update string, activity func(context.Context, In) (cardstore.Snapshot, error)) error {
	return workflow.SetUpdateHandlerWithOptions(ctx, update,
		func(ctx workflow.Context, in In) error { return c.decide(ctx, activity, in) },
		workflow.UpdateHandlerOptions{Validator: func(In) error { return c.open() }})
}

// hear looks at the row whenever a set-based move has touched it.
func (c *cardCase) hear(ctx workflow.Context) {
	moved := workflow.GetSignalChannel(ctx, signalMoved)
	for moved.Receive(ctx, nil) {
		if c.ended {
			return
		}
		// A deed that the process owes: it fails only with the process itself.
		if err := c.do(ctx, deed.LookAtCase, activities.CaseInput{ApplicationID: c.id}); err != nil {
			workflow.GetLogger(ctx).Error("row not read", "error", err)
		}
	}
}

// open refuses decisions about a case that is over for good.
func (c *cardCase) open() error {
	switch c.at.State {
	case card.Closed, card.Withdrawn, card.Refused:
		return temporal.NewApplicationError("这份申请现在是“"+c.at.State.Text()+"”，不能进行此操作。", string(fault.Conflict))
	default:
		return nil
	}
}
