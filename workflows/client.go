package workflows

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"volcard/activities"
	"volcard/internal/fault"
	"volcard/internal/store/cardstore"
)

// The messages of the decisions, so that pages need not know the deeds behind them.
type (
	HandOverInput     = cardstore.HandOver
	UndoInput         = cardstore.Undo
	ChooseBranchInput = activities.ChooseBranchInput
	WithdrawInput     = activities.WithdrawInput
	DecideHeldInput   = activities.DecideHeldInput
	PhotoDecision     = cardstore.PhotoDecision
	PhotoRetraction   = cardstore.PhotoRetraction
	NewDesign         = cardstore.NewDesign
	ChangePhoneInput  = activities.ChangePhoneInput
)

// decisionTimeout bounds how long a page waits for a decision's deed.
const decisionTimeout = 10 * time.Second

// Client starts and messages the processes. Pages know nothing else of Temporal.
type Client struct {
	temporal client.Client
	queue    string
}

// NewClient makes a client for the processes on a task queue.
func NewClient(c client.Client, queue string) *Client { return &Client{temporal: c, queue: queue} }

// StartCardApplication starts the process of an accepted application. Starting it twice does no
// harm: a run that exists, or that ended well, stays the only one.
func (c *Client) StartCardApplication(ctx context.Context, application uuid.UUID) error {
	// A failed or terminated run may be followed by another.
	_, err := startCase(ctx, c, application, enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY)
	return err
}

// ResumeCardApplication gives a live case that has no running process one, even where an earlier one ended:
// the row says that there is something left to do. It tells whether one was started.
func (c *Client) ResumeCardApplication(ctx context.Context, application uuid.UUID) (started bool, err error) {
	return startCase(ctx, c, application, enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE)
}

func startCase(ctx context.Context, c *Client, application uuid.UUID, reuse enums.WorkflowIdReusePolicy) (started bool, err error) {
	_, err = c.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:        CardApplicationID(application),
		TaskQueue: c.queue,
		// Both policies are stated: by default the SDK answers with the running one and says nothing
		// (documentation PR 2023).
		WorkflowIDConflictPolicy:                 enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowIDReusePolicy:                    reuse,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		// The worker in this process takes the first task without a round trip.
		EnableEagerStart:      true,
		TypedSearchAttributes: begunBy,
	}, CardApplicationType, CardApplicationInput{ApplicationID: application})
	var exists *serviceerror.WorkflowExecutionAlreadyStarted
	if errors.As(err, &exists) {
		return false, nil
	}
	return err == nil, toFault(err)
}

// HandOver hands the plastic card over.
func (c *Client) HandOver(ctx context.Context, in HandOverInput) error {
	return c.decide(ctx, in.ApplicationID, updateHandOver, in)
}

// UndoHandOver takes a hand-over back.
func (c *Client) UndoHandOver(ctx context.Context, in UndoInput) error {
	return c.decide(ctx, in.ApplicationID, updateUndoHandOver, in)
}

// ChooseBranch moves the case to another branch.
func (c *Client) ChooseBranch(ctx context.Context, in ChooseBranchInput) error {
	return c.decide(ctx, in.ApplicationID, updateChooseBranch, in)
}

// Withdraw ends the case at the applicant's wish.
func (c *Client) Withdraw(ctx context.Context, in WithdrawInput) error {
	return c.decide(ctx, in.ApplicationID, updateWithdraw, in)
}

// DecideHeld decides about a held name.
func (c *Client) DecideHeld(ctx context.Context, in DecideHeldInput) error {
	return c.decide(ctx, in.ApplicationID, updateDecideHeld, in)
}

// ChangeDesign gives a case another photo or face.
func (c *Client) ChangeDesign(ctx context.Context, in NewDesign) error {
	return c.decide(ctx, in.ApplicationID, updateChangeDesign, in)
}

// ChangePhone gives a case another phone.
func (c *Client) ChangePhone(ctx context.Context, in ChangePhoneInput) error {
	return c.decide(ctx, in.ApplicationID, updateChangePhone, in)
}

// Wake tells the process of an application that its row was moved by a set. A process that has ended
// needs no word of it.
func (c *Client) Wake(ctx context.Context, application uuid.UUID) error {
	err := c.temporal.SignalWorkflow(ctx, CardApplicationID(application), "", signalMoved, nil)
	var gone *serviceerror.NotFound
	if errors.As(err, &gone) {
		return nil
	}
	return toFault(err)
}

// Orphans is the client with what the nightly check does about workflows without a row.
type Orphans struct{ *Client }

// End ends the running workflow of an application that has no live row. One that has ended meanwhile is left.
func (c Orphans) End(ctx context.Context, application uuid.UUID) error {
	err := c.temporal.TerminateWorkflow(ctx, CardApplicationID(application), "", "its application has ended or is missing")
	var gone *serviceerror.NotFound
	if errors.As(err, &gone) {
		return nil
	}
	return toFault(err)
}

// Review is the client with what reviewers decide.
type Review struct{ *Client }

// Review is the part of the client that reviewers' pages use.
func (c *Client) Review() Review { return Review{c} }

// DecidePhoto decides about a photo under review.
func (r Review) DecidePhoto(ctx context.Context, in PhotoDecision) error {
	return r.decide(ctx, in.ApplicationID, updateDecidePhoto, in)
}

// RetractPhoto takes the approval of a photo back that has not taken effect.
func (r Review) RetractPhoto(ctx context.Context, in PhotoRetraction) error {
	return r.decide(ctx, in.ApplicationID, updateRetractPhoto, in)
}

// ErrEnded: the process of this case is over, or was never started. The caller asks its own row
// which of the two: Temporal cannot tell them apart.
var ErrEnded = errors.New("workflows: no running process")

// decide sends a decision about a case.
func (c *Client) decide(ctx context.Context, application uuid.UUID, update string, in any) error {
	return c.update(ctx, CardApplicationID(application), update, in)
}

// update sends an update and waits until its deed is done.
func (c *Client) update(ctx context.Context, workflowID, update string, in any) error {
	ctx, cancel := context.WithTimeout(ctx, decisionTimeout)
	defer cancel()
	handle, err := c.temporal.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: workflowID, UpdateName: update, Args: []any{in},
		WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(ctx, nil)
	}
	var gone *serviceerror.NotFound
	if errors.As(err, &gone) {
		return &fault.Error{Kind: fault.Conflict, Msg: "这项办理已经结束。", Err: fmt.Errorf("%w: %w", ErrEnded, err)}
	}
	return toFault(err)
}

// Ping asks whether Temporal answers.
func (c *Client) Ping(ctx context.Context) error {
	_, err := c.temporal.CheckHealth(ctx, &client.CheckHealthRequest{})
	return toFault(err)
}

// toFault turns the SDK's errors back into the house's kinds.
func toFault(err error) error {
	if err == nil {
		return nil
	}
	var app *temporal.ApplicationError
	if errors.As(err, &app) {
		switch kind := fault.Kind(app.Type()); kind {
		case fault.Invalid, fault.Unauthenticated, fault.Forbidden, fault.NotFound, fault.Conflict, fault.TooMany, fault.Unavailable:
			return &fault.Error{Kind: kind, Msg: app.Message(), Err: err}
		case fault.Internal:
		}
		return &fault.Error{Kind: fault.Internal, Err: err}
	}
	return &fault.Error{Kind: fault.Unavailable, Msg: "办理系统暂时繁忙，请稍后再试。", Err: err}
}
