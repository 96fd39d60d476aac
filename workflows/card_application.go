package workflows

import (
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
		case card.Reviewing, card.Waiting, card.Producing:
			err = c.waitUntilDue(ctx)
		case card.Lapsed:
			err = c.waitForBranch(ctx)
		case card.Collected:
			err = c.waitForUndo(ctx)
		case card.Held:
			err = c.waitUntilDue(ctx)
		case card.Accepted, card.Closed, card.Withdrawn, card.Refused:
			c.ended = true
		}
		if err != nil {
			return err
		}
	}
	// A decision that arrived with the end is still answered.
	return workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
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
	return c.do(ctx, deed.TellOverdue, activities.CaseInput{ApplicationID: c.id})
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
	if err == nil && !moved {
		c.ended = true
	}
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

// decide runs the deed of a human decision: the person waits, so it gives up soon.
func (c *cardCase) decide(ctx workflow.Context, activity any, input any) error {
	return c.run(workflow.WithLocalActivityOptions(ctx, whileSomebodyWaits()), activity, input)
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

// listen registers the decisions that the process takes. The validators refuse what cannot be
// before it enters the history; the deeds decide, by the row.
func (c *cardCase) listen(ctx workflow.Context) error {
	workflow.Go(ctx, c.hear)
	return errors.Join(
		workflow.SetQueryHandler(ctx, queryProgress, func() (cardstore.Snapshot, error) { return c.at, nil }),
		workflow.SetUpdateHandlerWithOptions(ctx, updateHandOver,
			func(ctx workflow.Context, in cardstore.HandOver) error { return c.decide(ctx, deed.HandOverCard, in) },
			// A collected case is let through: the deed tells who handed it over, when and where. So is one
			// whose card may have arrived a moment ago, before its process heard of it.
			workflow.UpdateHandlerOptions{Validator: func(cardstore.HandOver) error {
				return c.must(card.Ready, card.Collected, card.Waiting, card.Producing)
			}}),
		workflow.SetUpdateHandlerWithOptions(ctx, updateUndoHandOver,
			func(ctx workflow.Context, in cardstore.Undo) error { return c.decide(ctx, deed.TakeBackCard, in) },
			workflow.UpdateHandlerOptions{Validator: func(cardstore.Undo) error { return c.must(card.Collected, card.Ready) }}),
		workflow.SetUpdateHandlerWithOptions(ctx, updateChooseBranch,
			func(ctx workflow.Context, in activities.ChooseBranchInput) error {
				return c.decide(ctx, deed.ChooseBranch, in)
			},
			workflow.UpdateHandlerOptions{Validator: func(activities.ChooseBranchInput) error { return c.must(card.From(card.ChooseBranch)...) }}),
		workflow.SetUpdateHandlerWithOptions(ctx, updateWithdraw,
			func(ctx workflow.Context, in activities.WithdrawInput) error {
				return c.decide(ctx, deed.WithdrawApplication, in)
			},
			workflow.UpdateHandlerOptions{Validator: func(activities.WithdrawInput) error { return c.must(card.From(card.Withdraw)...) }}),
		workflow.SetUpdateHandlerWithOptions(ctx, updateDecideHeld,
			func(ctx workflow.Context, in activities.DecideHeldInput) error {
				return c.decide(ctx, deed.DecideHeldName, in)
			},
			workflow.UpdateHandlerOptions{Validator: func(activities.DecideHeldInput) error { return c.must(card.Held) }}),
		workflow.SetUpdateHandlerWithOptions(ctx, updateDecidePhoto,
			func(ctx workflow.Context, in cardstore.PhotoDecision) error {
				return c.decide(ctx, deed.DecidePhoto, in)
			},
			// One that was decided is let through: the deed tells the same click from another one.
			workflow.UpdateHandlerOptions{Validator: func(cardstore.PhotoDecision) error {
				return c.must(card.Reviewing, card.Waiting, card.Mending, card.Producing)
			}}),
		workflow.SetUpdateHandlerWithOptions(ctx, updateChangeDesign,
			func(ctx workflow.Context, in cardstore.NewDesign) error { return c.decide(ctx, deed.ChangeDesign, in) },
			workflow.UpdateHandlerOptions{Validator: func(cardstore.NewDesign) error {
				return c.must(card.Mending, card.Reviewing, card.Waiting, card.Producing)
			}}),
		workflow.SetUpdateHandlerWithOptions(ctx, updateChangePhone,
			func(ctx workflow.Context, in activities.ChangePhoneInput) error {
				return c.decide(ctx, deed.ChangePhone, in)
			},
			workflow.UpdateHandlerOptions{Validator: func(activities.ChangePhoneInput) error { return c.must(card.From(card.ChangePhone)...) }}),
	)
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

// must refuses a decision that the case is not waiting for. Before the first snapshot nothing is
// known yet, so the deed decides.
func (c *cardCase) must(states ...card.State) error {
	if c.turn == 0 {
		return nil
	}
	for _, s := range states {
		if c.at.State == s {
			return nil
		}
	}
	return temporal.NewApplicationError("这份申请现在是“"+c.at.State.Text()+"”，不能进行此操作。", string(fault.Conflict))
}
